// Convolutions of any window, stride and padding, and their gradients with respect to the input, as products without a copy of the
// map: a block of pixels × a panel of channels stays in registers over all taps. Which pixels a tap sees is known while the code is
// made, so that padding costs nothing.
import type { Dtype } from "../lower/placement/layout.js";
import { elementBytes } from "../lower/placement/layout.js";
import type { Assembler, Vector } from "./asm-x64.js";
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
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
} from "./asm-x64.js";
import type { InstructionSet, Panel } from "./instruction-set.js";
import { panelsOf, registersOf, spreads } from "./instruction-set.js";
import { kernel, move, repeat } from "./loops.js";
import { addMap, prepareRounding, storeMap } from "./stored-maps.js";

/** A convolution over so many whole maps; lanes behind it are a multiple of eight, those before it of four. */
export interface DirectSizes {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly columns: number;
  readonly window: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: { readonly top: number; readonly left: number };
  /** Of the depth, how many are no padding. */
  readonly channels?: number;
}

export interface DirectOptions {
  readonly bias?: boolean;
  /** A map of the output's size, which may be the output, that is added. */
  readonly residual?: boolean;
  readonly relu?: boolean;
  /** How the output and the residual are stored, float32 where nothing is said; what is read is float32 always. */
  readonly stored?: Dtype;
  /** Whether an element of what is read is two of bfloat16, and so are those of the filter (`rowsToPairs`). AVX-512 BF16 alone. */
  readonly pairs?: boolean;
}

/** Kernel (input, filter, output, bias, residual); the filter lies in panels [tap][depth][in panel]. */
export function convolution(set: InstructionSet, sizes: DirectSizes & DirectOptions, a = new Code()): Uint8Array {
  const { height, width, depth, channels = depth, outHeight, outWidth, columns, window, stride, padding } = sizes;
  const rowsAtOnce = (pixels: number): number => Math.max(1, Math.min(outHeight, Math.floor(pixels / outWidth)));
  return gather(set, sizes, a, {
    images: sizes.images,
    source: { height, width, lanes: depth, channels },
    target: { height: outHeight, width: outWidth, lanes: columns },
    taps: window[0] * window[1],
    period: rowsAtOnce,
    advance: (rows) => rows * stride[0],
    apart: 1,
    seen(y, x, tap) {
      const row = y * stride[0] + Math.floor(tap / window[1]) - padding.top;
      const column = x * stride[1] + (tap % window[1]) - padding.left;
      return row >= 0 && row < height && column >= 0 && column < width ? [row, column] : undefined;
    },
  });
}

/**
 * Kernel (gradient of the output, flipped filter, gradient of the input, –, residual); the filter is the forward one, flipped and
 * transposed, in panels [tap][columns][in panel of the depth].
 */
export function inputGradient(set: InstructionSet, sizes: DirectSizes & DirectOptions, a = new Code()): Uint8Array {
  const { height, width, depth, outHeight, outWidth, columns, window, stride, padding } = sizes;
  return gather(set, sizes, a, {
    images: sizes.images,
    source: { height: outHeight, width: outWidth, lanes: columns, channels: columns },
    target: { height, width, lanes: depth },
    taps: window[0] * window[1],
    // Rows of as many kinds as the stride has: with each that many, the output's gradient moves on by one
    period: () => stride[0],
    advance: () => 1,
    apart: stride[1],
    seen(y, x, tap) {
      const flipped = window[0] * window[1] - 1 - tap;
      const row = (y + padding.top - Math.floor(flipped / window[1])) / stride[0];
      const column = (x + padding.left - (flipped % window[1])) / stride[1];
      const isInside = row >= 0 && row < outHeight && column >= 0 && column < outWidth;
      return isInside && Number.isInteger(row) && Number.isInteger(column) ? [row, column] : undefined;
    },
  });
}

/** How a map is gathered from another: each of its pixels from those that its taps see. */
interface Gathering {
  readonly images: number;
  readonly source: {
    readonly height: number;
    readonly width: number;
    readonly lanes: number;
    readonly channels: number;
  };
  readonly target: { readonly height: number; readonly width: number; readonly lanes: number };
  readonly taps: number;
  /** How many rows are worked on at once, with registers for so many pixels; and how many rows further the source then is. */
  readonly period: (pixels: number) => number;
  readonly advance: (rows: number) => number;
  /** Pixels of a row that see the same taps lie so far apart. */
  readonly apart: number;
  /** Row and column of the source that a tap of a pixel sees. */
  readonly seen: (y: number, x: number, tap: number) => readonly [row: number, column: number] | undefined;
}

/** Where in the source a tap of a pixel looks, with the row counted from where the rows that are worked on begin. */
interface Pixel {
  readonly y: number;
  readonly x: number;
  readonly seen: readonly (readonly [row: number, column: number] | undefined)[];
}

/** rdi: source, rsi: filter, rdx: target, rcx: bias, r8: residual. */
function gather(set: InstructionSet, options: DirectOptions, a: Assembler, gathering: Gathering): Uint8Array {
  const { images, source, target, taps } = gathering;
  const ofTarget = elementBytes[options.stored ?? "float32"];
  const [sourceRow, targetRow] = [source.width * source.lanes * 4, target.width * target.lanes * ofTarget];
  return kernel(a, () => {
    a.mov(r14, rcx);
    a.mov(r15, r8);
    for (const panels of panelsOf(set, target.lanes)) {
      const width = panels.columns * 4;
      const steps = [
        [rsi, taps * source.lanes * width],
        [rdx, panels.columns * ofTarget],
        [r14, width],
        [r15, panels.columns * ofTarget],
      ] as const;
      repeat(a, { count: panels.count, counter: r13, steps }, () => {
        a.mov(r8, rdi);
        a.mov(r9, rdx);
        // r15 is as far from the residual's pixel as rdx from the target's: their distance stays
        if (options.residual) a.arithmetic("sub", r15, rdx);
        repeat(a, { count: images, counter: r12 }, () => {
          let moved = 0;
          for (const { count, rows, pixels } of rowsOf(gathering, panels.rows)) {
            const advance = gathering.advance(rows);
            repeat(
              a,
              {
                count,
                counter: r11,
                steps: [
                  [r8, advance * sourceRow],
                  [r9, rows * targetRow],
                ],
              },
              () => {
                for (const block of blocksOf(pixels, gathering.apart, panels.rows)) {
                  emitBlock(a, set, panels, gathering, options, block);
                }
              },
            );
            moved += count * advance;
          }
          move(a, r8, (source.height - moved) * sourceRow);
        });
        if (options.residual) a.arithmetic("add", r15, rdx);
      });
    }
  });
}

interface Rows {
  /** So many times one after the other. */
  readonly count: number;
  readonly rows: number;
  readonly pixels: readonly Pixel[];
}

/** The target's rows in groups that are alike in what they see. */
function rowsOf({ target, taps, period, advance, seen }: Gathering, registers: number): Rows[] {
  const atOnce = period(registers);
  const groups: { count: number; rows: number; pixels: Pixel[]; key: string }[] = [];
  for (let first = 0; first < target.height; first += atOnce) {
    const rows = Math.min(atOnce, target.height - first);
    const start = (first / atOnce) * advance(atOnce);
    const pixels: Pixel[] = [];
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < target.width; x++) {
        const places = Array.from({ length: taps }, (_, tap) => {
          const place = seen(first + y, x, tap);
          return place && ([place[0] - start, place[1]] as const);
        });
        pixels.push({ y, x, seen: places });
      }
    }
    const key = JSON.stringify(pixels);
    const last = groups.at(-1);
    if (last?.key === key) last.count++;
    else groups.push({ count: 1, rows, pixels, key });
  }
  return groups;
}

/** Pixels that see the same taps, in equal parts of at most `most`. */
function blocksOf(pixels: readonly Pixel[], apart: number, most: number): Pixel[][] {
  const kinds = new Map<string, Pixel[]>();
  for (const pixel of pixels) {
    // With stride 1 a row's pixels all see every tap but at its ends, and stay together
    const key = apart === 1 ? "" : `${pixel.y} ${pixel.x % apart}`;
    kinds.set(key, [...(kinds.get(key) ?? []), pixel]);
  }
  return [...kinds.values()].flatMap((all) => {
    const parts = Math.ceil(all.length / most);
    return Array.from({ length: parts }, (_, part) =>
      all.slice(Math.floor((all.length * part) / parts), Math.floor((all.length * (part + 1)) / parts)),
    );
  });
}

/** r8: source; r9: target; rsi: the panel's filter; r14: its bias; r15: what lies between target and residual. Uses rax, rbx, rcx, r10. */
function emitBlock(
  a: Assembler,
  set: InstructionSet,
  panel: Panel,
  { source, target, taps }: Gathering,
  { bias, residual, relu, stored = "float32", pairs }: DirectOptions,
  block: readonly Pixel[],
): void {
  const { vectors, bytes } = panel;
  const register = registersOf(panel);
  const sum = (pixel: number, v: number) => register(pixel * vectors + v);
  const right = (v: number) => register(block.length * vectors + v);
  const spread = register(block.length * vectors + vectors);
  block.forEach((_, pixel) => {
    for (let v = 0; v < vectors; v++) {
      if (bias) a.load("vmovups", sum(pixel, v), at(r14, v * bytes));
      else a.op("vxorps", sum(pixel, v), sum(pixel, v), sum(pixel, v));
    }
  });
  const multiplyAdd = pairs ? "vdpbf16ps" : "vfmadd231ps";
  const unroll = block.length * vectors > 16 ? 4 : 8;
  a.note(
    () => `${block.length} pixels by ${panel.columns} channels: sums in registers 0 to ${block.length * vectors - 1}`,
  );
  for (let tap = 0; tap < taps; tap++) {
    const seeing = block.flatMap(({ seen }, pixel) => {
      const place = seen[tap];
      return place ? [{ pixel, place }] : [];
    });
    if (seeing.length === 0) continue;
    a.note(() => `tap ${tap}, which ${seeing.length} of the pixels see inside the map`);
    a.mov(rax, r8);
    a.lea(rcx, at(rsi, tap * source.lanes * vectors * bytes));
    const steps = [
      [rax, 4],
      [rcx, vectors * bytes],
    ] as const;
    repeat(a, { count: source.channels, unroll, counter: rbx, steps }, (k) => {
      for (let v = 0; v < vectors; v++) a.load("vmovups", right(v), at(rcx, (k * vectors + v) * bytes));
      for (const { pixel, place } of seeing) {
        const element = at(rax, ((place[0] * source.width + place[1]) * source.lanes + k) * 4);
        if (spreads(set, panel)) {
          a.op(multiplyAdd, sum(pixel, 0), right(0), element, { broadcast: true });
          continue;
        }
        a.unary("vbroadcastss", spread, element);
        for (let v = 0; v < vectors; v++) a.op(multiplyAdd, sum(pixel, v), right(v), spread);
      }
    });
  }
  if (residual) a.lea(r10, at(r9, 0, r15));
  if (relu) a.op("vxorps", spread, spread, spread);
  const everySum = (visit: (one: Vector, displacement: number) => void): void =>
    block.forEach(({ y, x }, pixel) => {
      for (let v = 0; v < vectors; v++) {
        const channel = (y * target.width + x) * target.lanes + (v * bytes) / 4;
        visit(sum(pixel, v), channel * elementBytes[stored]);
      }
    });
  everySum((one, displacement) => {
    if (residual) addMap(a, stored, one, at(r10, displacement), right(0));
    if (relu) a.op("vmaxps", one, one, spread);
  });
  const rounding = [right(0), spread] as const;
  prepareRounding(a, stored, rounding);
  everySum((one, displacement) => storeMap(a, set, stored, at(r9, displacement), one, rounding));
}
