// What the kernels of Winograd's algorithm F(4×4, 3×3) share (Lavin and Gray, arXiv 1509.09308, §4): where tiles lie in a thread's
// scratch memory, and the transforms of a line of a tile. The points are 0, ±5/8, ±3/2 and ∞, which round half as much as 0, ±1, ±2.
import type { Dtype } from "../lower/placement/layout.js";
import type { Assembler, Vector } from "./asm-x64.js";
import type { InstructionSet } from "./instruction-set.js";
import { REGISTERS } from "./instruction-set.js";

const [P, Q] = [5 / 8, 3 / 2];
const [P2, Q2, P3, Q3] = [P ** 2, Q ** 2, P ** 3, Q ** 3];

/** Values of a tile's polynomial that are multiplied, on a side and in all. */
export const POINTS = 6;
export const FREQUENCIES = POINTS * POINTS;
/** Pixels of the output on a side of a tile. */
export const TILE = 4;
/** Bytes between matrices whose sizes are powers of two, which would fall on the same sets of a cache. */
const GAP = 512;

/** A convolution of stride 1 and padding 1 over so many whole maps at a time. Channels are multiples of eight. */
export interface WinogradSizes {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  /** Channels before it, and behind it. */
  readonly depth: number;
  readonly columns: number;
  /** How the maps before it and behind it are stored: as float32 where nothing is said. */
  readonly stored?: readonly [from: Dtype, to: Dtype];
}

export interface Geometry extends WinogradSizes {
  /** Tiles of an image along its width and height, and of all images. */
  readonly across: number;
  readonly down: number;
  readonly tiles: number;
  /** Bytes from one line of pixels of a row of tiles to the next. */
  readonly strip: number;
  /** Bytes from the matrix of one frequency to the next: of tiles before and behind the products, and of a filter. */
  readonly inFrequency: number;
  readonly outFrequency: number;
  readonly filterFrequency: number;
  /** Where tiles begin in scratch memory, behind the strips; and its size. */
  readonly inTiles: number;
  readonly outTiles: number;
  readonly scratchBytes: number;
}

export function geometryOf(set: InstructionSet, sizes: WinogradSizes): Geometry {
  const { images, height, width, depth, columns } = sizes;
  const [across, down] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
  const tiles = images * across * down;
  const strip = (TILE * across + 2) * REGISTERS[set].lanes * 4 + 64;
  const [inFrequency, outFrequency] = [depth, columns].map((channels) => tiles * channels * 4 + GAP) as [
    number,
    number,
  ];
  const inTiles = Math.ceil((POINTS * strip) / 64) * 64;
  const outTiles = inTiles + FREQUENCIES * inFrequency;
  const scratchBytes = outTiles + FREQUENCIES * outFrequency;
  const filterFrequency = depth * columns * 4 + GAP;
  return {
    ...sizes,
    across,
    down,
    tiles,
    strip,
    inFrequency,
    outFrequency,
    filterFrequency,
    inTiles,
    outTiles,
    scratchBytes,
  };
}

/** Rows of tiles that are alike in which of their rows of pixels lie inside the map. */
export interface TileRows {
  readonly count: number;
  readonly inside: readonly boolean[];
}

/** `rows` rows of pixels a tile, of which the first is `before` rows above the tile's output. */
export function tileRows({ down, height }: Geometry, before: number, rows: number): TileRows[] {
  const kinds: { count: number; inside: boolean[] }[] = [];
  for (let tile = 0; tile < down; tile++) {
    const inside = Array.from({ length: rows }, (_, row) => {
      const y = TILE * tile - before + row;
      return y >= 0 && y < height;
    });
    const last = kinds.at(-1);
    if (last && String(last.inside) === String(inside)) last.count++;
    else kinds.push({ count: 1, inside });
  }
  return kinds;
}

export type Registers = (n: number) => Vector;
type Write = (point: number, from: Vector) => void;

/** What the lines below multiply by, in the order of their constants. */
export const TRANSFORM_CONSTANTS = [P, Q, P2, Q2, P3, Q3] as const;

/** Bᵀ d of d in registers 0 to 5; each value is written as soon as it is there. Uses registers 0 to 9. */
export function inputLine(a: Assembler, v: Registers, constants: readonly Vector[], write: Write): void {
  const [p, q, p2, q2] = constants as [Vector, Vector, Vector, Vector];
  const [d0, d1, d2, d3, d4, d5, evenP, evenQ, oddP, oddQ] = registers(v, 10);
  const minus = (to: Vector, from: Vector, factor: Vector, by: Vector): void => {
    a.load("vmovaps", to, from);
    a.op("vfnmadd231ps", to, factor, by);
  };
  minus(evenQ, d4, p2, d2);
  minus(evenP, d4, q2, d2);
  minus(oddQ, d3, p2, d1);
  minus(oddP, d3, q2, d1);
  a.op("vfnmadd231ps", d2, p2, d0);
  a.op("vfnmadd213ps", d2, q2, evenQ); // d4 − p² d2 − q² (d2 − p² d0)
  write(0, d2);
  a.op("vfnmadd231ps", d5, p2, d3);
  a.op("vfnmadd231ps", d5, q2, oddQ);
  write(5, d5);
  for (const [point, even, odd, factor, other] of [
    [1, evenP, oddP, p, d0],
    [3, evenQ, oddQ, q, d1],
  ] as const) {
    a.load("vmovaps", other, even);
    a.op("vfmadd231ps", other, factor, odd);
    write(point, other);
    a.op("vfnmadd231ps", even, factor, odd);
    write(point + 1, even);
  }
}

/** Aᵀ m of m in registers 0 to 5: where the four values are. Uses registers 0 to 7. */
export function outputLine(a: Assembler, v: Registers, constants: readonly Vector[]): Vector[] {
  const [p, q, p2, q2, p3, q3] = constants as [Vector, Vector, Vector, Vector, Vector, Vector];
  const [m0, m1, m2, m3, m4, m5, oddP, oddQ] = registers(v, 8);
  a.op("vsubps", oddP, m1, m2);
  a.op("vaddps", m1, m1, m2);
  a.op("vsubps", oddQ, m3, m4);
  a.op("vaddps", m3, m3, m4);
  a.op("vaddps", m0, m0, m1);
  a.op("vaddps", m0, m0, m3);
  a.op("vmulps", m4, p, oddP);
  a.op("vfmadd231ps", m4, q, oddQ);
  a.op("vmulps", m2, p2, m1);
  a.op("vfmadd231ps", m2, q2, m3);
  a.op("vfmadd231ps", m5, p3, oddP);
  a.op("vfmadd231ps", m5, q3, oddQ);
  return [m0, m4, m2, m5];
}

/** A y of y in registers 0 to 3, as a gradient of the output goes back. Uses registers 0 to 6. */
export function gradientLine(a: Assembler, v: Registers, constants: readonly Vector[], write: Write): void {
  const [p, q, p2, q2] = constants as [Vector, Vector, Vector, Vector];
  const [y0, y1, y2, y3, even, odd, value] = registers(v, 7);
  write(0, y0);
  for (const [point, factor, squared] of [
    [1, p, p2],
    [3, q, q2],
  ] as const) {
    a.load("vmovaps", even, y0);
    a.op("vfmadd231ps", even, squared, y2);
    a.load("vmovaps", odd, y1);
    a.op("vfmadd231ps", odd, squared, y3);
    a.load("vmovaps", value, even);
    a.op("vfmadd231ps", value, factor, odd);
    write(point, value);
    a.op("vfnmadd231ps", even, factor, odd);
    write(point + 1, even);
  }
  write(5, y3);
}

/** G, by which the three taps of a line of a filter become six values. */
export const FILTER_MATRIX: readonly (readonly [number, number, number])[] = filterMatrix();

function filterMatrix(): [number, number, number][] {
  const [atZero, atP, atQ] = [1 / (P2 * Q2), 1 / (2 * P2 * (P2 - Q2)), 1 / (2 * Q2 * (Q2 - P2))];
  return [
    [atZero, 0, 0],
    [atP, atP * P, atP * P2],
    [atP, -atP * P, atP * P2],
    [atQ, atQ * Q, atQ * Q2],
    [atQ, -atQ * Q, atQ * Q2],
    [0, 0, 1],
  ];
}

function registers(v: Registers, count: number) {
  return Array.from({ length: count }, (_, n) => v(n)) as unknown as Vector[] &
    Record<number, Vector> &
    [Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector];
}
