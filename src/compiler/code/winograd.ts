// A 3×3 convolution of stride 1 and padding 1 by Winograd's algorithm F(4×4, 3×3): the transform of tiles, the products of the 36
// frequencies, the way back, some whole maps at a time. Sizes are constants of the code, and so is the border of a map: what lies
// outside is neither looked up nor multiplied.
import type { Dtype } from "../lower/placement/layout.js";
import { elementBytes } from "../lower/placement/layout.js";
import type { Assembler, General, Vector } from "./asm-x64.js";
import {
  Assembler as Code,
  at,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  r8,
  r9,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
} from "./asm-x64.js";
import type { InstructionSet } from "./instruction-set.js";
import { REGISTERS } from "./instruction-set.js";
import type { Step } from "./loops.js";
import { kernel, move, perVector, repeat } from "./loops.js";
import { emitProduct } from "./product.js";
import { addMap, loadMap, prepareRounding, storeMap } from "./stored-maps.js";
import type { Geometry, WinogradSizes } from "./winograd-tiles.js";
import {
  FREQUENCIES,
  geometryOf,
  inputLine,
  outputLine,
  POINTS,
  TILE,
  tileRows,
  TRANSFORM_CONSTANTS,
} from "./winograd-tiles.js";

export interface WinogradOptions extends WinogradSizes {
  /** What is done to the output before it is written: a number per channel added, then a map of its size, then ReLU. */
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly relu?: boolean;
}

/** Kernel (input, transformed filter, output, scratch, bias, residual), the last two where there are such. */
export function winograd(set: InstructionSet, options: WinogradOptions, a = new Code()): Uint8Array {
  const geometry = geometryOf(set, options);
  return kernel(a, () => {
    a.mov(r12, rdx); // the output
    a.mov(r14, rcx); // scratch
    a.mov(rbp, r8); // the bias
    a.mov(r15, r9); // the residual
    emitInput(a, set, geometry);
    emitProducts(a, set, geometry);
    emitOutput(a, set, geometry, options);
  });
}

/** rdi: maps → transformed tiles [36][tile][channel] in the scratch memory at r14. */
export function emitInput(a: Assembler, set: InstructionSet, geometry: Geometry): void {
  const { depth: lanes, inTiles: to, inFrequency: frequency, stored } = geometry;
  const source = { from: rdi, dtype: stored?.[0], lanes };
  emitTiles(a, set, geometry, { ...source, before: 1, side: POINTS, to, frequency, line: inputLine });
}

/** Maps as tiles, and the transform of each of their lines. */
export interface TileTransform {
  /** Where the maps are, how they are stored, and their channels. */
  readonly from: General;
  readonly dtype: Dtype | undefined;
  readonly lanes: number;
  /** How many pixels a tile begins before its output, and how many there are on its side. */
  readonly before: 0 | 1;
  readonly side: number;
  /** Where in scratch memory the transformed tiles go, and bytes from one frequency to the next. */
  readonly to: number;
  readonly frequency: number;
  readonly line: typeof inputLine;
}

/** Transforms maps into the scratch memory at r14. Uses all registers but rsi, rdx, rdi and r12 and up, vectors too. */
export function emitTiles(a: Assembler, set: InstructionSet, geometry: Geometry, transform: TileTransform): void {
  const { images, height, width, across, down, strip } = geometry;
  const { from, dtype = "float32", before, side, to, frequency, line: transformLine } = transform;
  const { whole, lanes, count } = REGISTERS[set];
  const [slot, tileBytes] = [lanes * 4, transform.lanes * 4];
  const pixel = transform.lanes * elementBytes[dtype];
  const row = pixel * width;
  const first = count === 32 ? 16 : 10;
  const zero = whole(first + 4);
  TRANSFORM_CONSTANTS.slice(0, 4).forEach((value, n) => a.spread(whole(first + n), value));
  a.op("vxorps", zero, zero, zero);
  for (let line = 0; line < POINTS; line++) {
    for (let column = 0; column < TILE * across + 2 * before; column++) {
      const isInside = column >= before && column < before + width;
      if (!isInside) a.store("vmovups", at(r14, line * strip + column * slot), zero);
    }
  }
  a.mov(r8, from);
  a.lea(r9, at(r14, to));
  const alongTiles: readonly Step[] = [
    [r8, TILE * row],
    [r9, across * tileBytes],
  ];
  const alongPixels: readonly Step[] = [
    [rax, pixel],
    [rbx, slot],
  ];
  const alongStrip: readonly Step[] = [
    [rax, TILE * slot],
    [rbx, tileBytes],
  ];
  const alongChannels: readonly (General | Step)[] = [[r8, elementBytes[dtype]], r9];
  a.note(() => "maps → tiles: down their columns into a strip, then along its lines; image by image");
  repeat(a, { count: images, counter: r13 }, () => {
    for (const { count: rows, inside } of tileRows(geometry, before, side)) {
      repeat(a, { count: rows, counter: r11, steps: alongTiles }, () => {
        perVector(a, set, transform.lanes, alongChannels, (v) => {
          const constants = [0, 1, 2, 3].map((n) => v(first + n));
          // Down the columns of the strip, then along its lines
          a.mov(rax, r8);
          if (before === 0) a.mov(rbx, r14);
          else a.lea(rbx, at(r14, before * slot));
          repeat(a, { count: width, unroll: Math.min(width, 4), counter: r10, steps: alongPixels }, (x) => {
            inside.forEach((isInside, line) => {
              if (isInside) loadMap(a, dtype, v(line), at(rax, (line - before) * row + x * pixel));
              else a.op("vxorps", v(line), v(line), v(line));
            });
            transformLine(a, v, constants, (point, value) =>
              a.store("vmovups", at(rbx, point * strip + x * slot), value),
            );
          });
          for (let line = 0; line < POINTS; line++) {
            a.lea(rax, at(r14, line * strip));
            a.lea(rbx, at(r9, line * POINTS * frequency));
            repeat(a, { count: across, unroll: Math.min(across, 4), counter: r10, steps: alongStrip }, (tile) => {
              for (let x = 0; x < side; x++) a.load("vmovups", v(x), at(rax, (TILE * tile + x) * slot));
              transformLine(a, v, constants, (point, value) =>
                a.store("vmovups", at(rbx, point * frequency + tile * tileBytes), value),
              );
            });
          }
        });
      });
    }
    move(a, r8, (height - TILE * down) * row);
  });
}

/** rsi: the filter [36][panels] · transformed tiles → sums [36][tile][column] behind them. */
function emitProducts(a: Assembler, set: InstructionSet, geometry: Geometry): void {
  const { tiles, depth, columns, inTiles, outTiles, inFrequency, outFrequency, filterFrequency } = geometry;
  a.lea(rdi, at(r14, inTiles));
  a.lea(rdx, at(r14, outTiles));
  // A product leaves B and C behind their columns
  const steps = [
    [rdi, inFrequency],
    [rsi, filterFrequency - depth * columns * 4],
    [rdx, outFrequency - columns * 4],
  ] as const;
  a.note(() => `products of ${FREQUENCIES} frequencies`);
  repeat(a, { count: FREQUENCIES, counter: r13, steps }, () =>
    emitProduct(a, set, { rows: tiles, columns, depth }, { a: rdi, b: rsi, c: rdx }),
  );
}

/** Sums [36][tile][column] → maps at r12. */
function emitOutput(
  a: Assembler,
  set: InstructionSet,
  geometry: Geometry,
  { bias, residual, relu }: WinogradOptions,
): void {
  const { images, height, width, columns, across, down, strip, outFrequency, outTiles, stored } = geometry;
  const { whole, lanes, count } = REGISTERS[set];
  const dtype = stored?.[1] ?? "float32";
  const ofChannel = elementBytes[dtype];
  const [slot, tileBytes, pixel] = [lanes * 4, columns * 4, columns * ofChannel];
  const row = pixel * width;
  const first = count === 32 ? 16 : 8;
  TRANSFORM_CONSTANTS.forEach((value, n) => a.spread(whole(first + n), value));
  a.mov(r9, r12);
  a.lea(r8, at(r14, outTiles));
  const along = (map: General): Step => [map, ofChannel];
  const alongPixels = [r8, along(r9), ...(bias ? [rbp] : []), ...(residual ? [along(r15)] : [])];
  const alongRows = [
    [r8, across * tileBytes],
    [r9, TILE * row],
    ...(residual ? [[r15, TILE * row] as const] : []),
  ] as const;
  a.note(() => "sums → maps: along their lines into a strip, then down its columns; image by image");
  repeat(a, { count: images, counter: r13 }, () => {
    for (const { count: rows, inside } of tileRows(geometry, 0, TILE)) {
      repeat(a, { count: rows, counter: r11, steps: alongRows }, () => {
        perVector(a, set, columns, alongPixels, (v) => {
          const constants = TRANSFORM_CONSTANTS.map((_, n) => v(first + n));
          const [offset, zero] = [v(first + 6), v(first + 7)] as [Vector, Vector];
          if (bias) a.load("vmovups", offset, at(rbp));
          if (relu) a.op("vxorps", zero, zero, zero);
          for (let line = 0; line < POINTS; line++) {
            a.lea(rax, at(r8, line * POINTS * outFrequency));
            a.lea(rbx, at(r14, line * strip));
            repeat(
              a,
              {
                count: across,
                unroll: Math.min(across, 4),
                counter: r10,
                steps: [
                  [rax, tileBytes],
                  [rbx, TILE * slot],
                ],
              },
              (tile) => {
                for (let point = 0; point < POINTS; point++)
                  a.load("vmovups", v(point), at(rax, point * outFrequency + tile * tileBytes));
                outputLine(a, v, constants).forEach((from, x) =>
                  a.store("vmovups", at(rbx, (TILE * tile + x) * slot), from),
                );
              },
            );
          }
          a.mov(rax, r14);
          a.mov(rbx, r9);
          // rdx goes along the residual: what it held is no longer needed behind the products
          if (residual) a.mov(rdx, r15);
          const steps = [[rax, slot], [rbx, pixel], ...(residual ? [[rdx, pixel] as const] : [])] as const;
          repeat(a, { count: width, unroll: Math.min(width, 4), counter: r10, steps }, (x) => {
            for (let point = 0; point < POINTS; point++) a.load("vmovups", v(point), at(rax, point * strip + x * slot));
            const results = outputLine(a, v, constants);
            // What the line no longer needs
            const [rounding, other] = [[v(1), v(3)] as const, v(6)];
            prepareRounding(a, dtype, rounding);
            results.forEach((result, line) => {
              if (!inside[line]) return;
              const displacement = line * row + x * pixel;
              if (bias) a.op("vaddps", result, result, offset);
              if (residual) addMap(a, dtype, result, at(rdx, displacement), other);
              if (relu) a.op("vmaxps", result, result, zero);
              storeMap(a, set, dtype, at(rbx, displacement), result, rounding);
            });
          });
        });
      });
    }
    move(a, r9, (height - TILE * down) * row);
    if (residual) move(a, r15, (height - TILE * down) * row);
  });
}
