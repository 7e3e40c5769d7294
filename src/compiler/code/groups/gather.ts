// Convolutions in groups, and their gradients with respect to the input: a block of a row's pixels × a panel of channels stays in
// registers over all taps. Pixels that see every tap share one loop; which taps the others see is known while the code is made.
import type { Assembler } from "../asm-x64.js";
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
} from "../asm-x64.js";
import type { InstructionSet, Panel } from "../instruction-set.js";
import { panelsOf, registersOf } from "../instruction-set.js";
import { kernel, move, repeat } from "../loops.js";
import type { GroupSizes, Join } from "./lanes.js";
import { depthOf, movesAlong, multiplyAdd } from "./lanes.js";

export interface GroupOptions {
  readonly bias?: boolean;
  /** A map of the output's size, which may be the output, that is added. */
  readonly residual?: boolean;
}

/** Kernel (input, filter, output, bias, residual); the filter lies in panels [tap][inputs of a group][in panel]. */
export function groupConvolution(set: InstructionSet, sizes: GroupSizes & GroupOptions, a = new Code()): Uint8Array {
  const { height, width, lanes, outHeight, outWidth, columns, window, stride, dilation, padding, join } = sizes;
  return gather(set, sizes, a, {
    images: sizes.images,
    source: { height, width, lanes },
    target: { height: outHeight, width: outWidth, lanes: columns },
    join,
    depth: depthOf(join, "inputs"),
    columns: join.kind === "one" ? join.outputs : columns,
    taps: window[0] * window[1],
    period: [1, 1],
    advance: stride,
    seen: (y, x, tap) => [
      y * stride[0] + Math.floor(tap / window[1]) * dilation[0] - padding.top,
      x * stride[1] + (tap % window[1]) * dilation[1] - padding.left,
    ],
  });
}

/** Kernel (gradient of the output, filter, gradient of the input, –, residual); the filter in panels [tap][outputs of a group][in panel]. */
export function groupInputGradient(set: InstructionSet, sizes: GroupSizes & GroupOptions, a = new Code()): Uint8Array {
  const { height, width, lanes, outHeight, outWidth, columns, window, stride, dilation, padding, join } = sizes;
  return gather(set, sizes, a, {
    images: sizes.images,
    source: { height: outHeight, width: outWidth, lanes: columns },
    target: { height, width, lanes },
    join,
    depth: depthOf(join, "outputs"),
    columns: join.kind === "one" ? join.inputs : lanes,
    taps: window[0] * window[1],
    // Rows and columns of as many kinds as the stride has: with each that many, the output's gradient moves on by one
    period: stride,
    advance: [1, 1],
    seen: (y, x, tap) => [
      (y + padding.top - Math.floor(tap / window[1]) * dilation[0]) / stride[0],
      (x + padding.left - (tap % window[1]) * dilation[1]) / stride[1],
    ],
  });
}

type Pair = readonly [rows: number, columns: number];

interface Gathering {
  readonly images: number;
  readonly source: { readonly height: number; readonly width: number; readonly lanes: number };
  readonly target: { readonly height: number; readonly width: number; readonly lanes: number };
  readonly join: Join;
  /** Channels that each lane meets. */
  readonly depth: number;
  /** Lanes that are written. */
  readonly columns: number;
  readonly taps: number;
  /** So many pixels of the target further the same taps are seen, so many pixels of the source further on. */
  readonly period: Pair;
  readonly advance: Pair;
  /** Row and column of the source, which may lie outside or between its pixels. */
  readonly seen: (y: number, x: number, tap: number) => Pair;
}

/** rdi: source, rsi: filter, rdx: target, rcx: bias, r8: residual. */
function gather(set: InstructionSet, options: GroupOptions, a: Assembler, gathering: Gathering): Uint8Array {
  const { images, source, target, taps, depth } = gathering;
  const [sourceRow, targetRow] = [source.width * source.lanes * 4, target.width * target.lanes * 4];
  const [period, advance] = [gathering.period[0], gathering.advance[0]];
  return kernel(a, () => {
    a.mov(r14, rcx);
    a.mov(r15, r8);
    // From here on the distance of the residual from the target
    if (options.residual) a.arithmetic("sub", r15, rdx);
    for (const panels of panelsOf(set, gathering.columns)) {
      const width = panels.columns * 4;
      const steps = [
        [rdi, movesAlong(gathering.join) ? width : 0],
        [rsi, taps * depth * width],
        [rdx, width],
        [r14, width],
      ] as const;
      repeat(a, { count: panels.count, counter: r13, steps }, () => {
        a.push(rdi);
        a.push(rdx);
        a.mov(r8, rdi);
        a.mov(r9, rdx);
        repeat(a, { count: images, counter: r12 }, () => {
          let moved = 0;
          for (const { count, rows } of rowsOf(gathering)) {
            const steps = [
              [r8, advance * sourceRow],
              [r9, period * targetRow],
            ] as const;
            repeat(a, { count, counter: r11, steps }, () => {
              for (const row of rows) emitRow(a, set, panels, gathering, options, row);
            });
            moved += count;
          }
          move(a, r8, source.height * sourceRow - moved * advance * sourceRow);
          move(a, r9, target.height * targetRow - moved * period * targetRow);
        });
        a.pop(rdx);
        a.pop(rdi);
      });
    }
  });
}

/** Pixels of a target's row, `period` apart, that would see the same taps if the source had no end. */
interface Row {
  /** Of its first pixel, counted from where the rows that are worked on begin. */
  readonly y: number;
  readonly x: number;
  readonly pixels: number;
  /** Each tap that sees a row of the source, and where the first pixel finds it, in pixels of the source. */
  readonly taps: readonly { readonly tap: number; readonly row: number; readonly column: number }[];
}

/** The target's rows, `period` at a time, with how many times the same come one after the other. */
function rowsOf({ source, target, taps, period, advance, seen }: Gathering): { count: number; rows: Row[] }[] {
  const kinds: { count: number; rows: Row[]; key: string }[] = [];
  for (let first = 0; first < target.height; first += period[0]) {
    const start = (first / period[0]) * advance[0];
    const rows: Row[] = [];
    for (let y = 0; y < Math.min(period[0], target.height - first); y++) {
      for (let x = 0; x < Math.min(period[1], target.width); x++) {
        const meeting = Array.from({ length: taps }, (_, tap) => {
          const [row, column] = seen(first + y, x, tap);
          return { tap, row, column };
        }).filter(
          ({ row, column }) => Number.isInteger(row) && Number.isInteger(column) && row >= 0 && row < source.height,
        );
        const counted = meeting.map((one) => ({ ...one, row: one.row - start }));
        rows.push({ y, x, pixels: Math.ceil((target.width - x) / period[1]), taps: counted });
      }
    }
    const key = JSON.stringify(rows);
    const last = kinds.at(-1);
    if (last?.key === key) last.count++;
    else kinds.push({ count: 1, rows, key });
  }
  return kinds;
}

/** r8: source, r9: target, both where the rows begin; rsi: the panel's filter; r14: its bias; r15: from target to residual. */
function emitRow(
  a: Assembler,
  set: InstructionSet,
  panel: Panel,
  gathering: Gathering,
  options: GroupOptions,
  { y, x, pixels, taps }: Row,
): void {
  const { source, target } = gathering;
  const [period, advance] = [gathering.period[1], gathering.advance[1]];
  const [sourceStep, targetStep] = [advance * source.lanes * 4, period * target.lanes * 4];
  const columns = taps.map(({ column }) => column);
  // From here on, and up to here, pixels see all taps
  const low = Math.max(0, ...columns.map((column) => Math.ceil(-column / advance)));
  const high = Math.min(pixels, ...columns.map((column) => Math.floor((source.width - 1 - column) / advance) + 1));
  const parts = Math.ceil(pixels / panel.rows);
  const starts = Array.from({ length: parts + 1 }, (_, part) => Math.floor((pixels * part) / parts));
  const isWhole = (part: number): boolean => starts[part]! >= low && starts[part + 1]! <= high;
  const sizeOf = (part: number): number => starts[part + 1]! - starts[part]!;
  const steps = (size: number) =>
    [
      [rax, size * sourceStep],
      [rbx, size * targetStep],
    ] as const;
  a.mov(rax, r8);
  a.lea(rbx, at(r9, (y * target.width + x) * target.lanes * 4));
  for (let part = 0; part < parts;) {
    const isAlike = (other: number): boolean => isWhole(other) && sizeOf(other) === sizeOf(part);
    let end = part + 1;
    while (isWhole(part) && end < parts && isAlike(end)) end++;
    const [first, size] = [starts[part]!, sizeOf(part)];
    const block = Array.from({ length: size }, (_, pixel) => first + pixel);
    repeat(a, { count: end - part, counter: rbp, steps: steps(size) }, () =>
      emitBlock(a, set, panel, gathering, options, block, isWhole(part), taps),
    );
    part = end;
  }
}

/** Pixels `block` of a row, at the first of which rax and rbx point; inside, all see all taps. Uses rcx, rdx, r10. */
function emitBlock(
  a: Assembler,
  set: InstructionSet,
  panel: Panel,
  gathering: Gathering,
  { bias, residual }: GroupOptions,
  block: readonly number[],
  isInside: boolean,
  taps: Row["taps"],
): void {
  const { source, target, join, depth } = gathering;
  const [period, advance] = [gathering.period[1], gathering.advance[1]];
  const { vectors, bytes } = panel;
  const register = registersOf(panel);
  const sum = (place: number, v: number) => register(place * vectors + v);
  const factor = (v: number) => register(block.length * vectors + v);
  const spread = register(block.length * vectors + vectors);
  const each = Array.from({ length: vectors }, (_, v) => v);
  for (let place = 0; place < block.length; place++) {
    for (const v of each) {
      if (bias) a.load("vmovups", sum(place, v), at(r14, v * bytes));
      else a.op("vxorps", sum(place, v), sum(place, v), sum(place, v));
    }
  }
  for (const { tap, row, column } of taps) {
    const sees = (pixel: number): boolean => {
      const at = column + pixel * advance;
      return isInside || (at >= 0 && at < source.width);
    };
    if (!block.some(sees)) continue;
    /** Channel `k` of those from where `from` and `filter` point. */
    const multiply = (k: number, from: number, filter: number): void => {
      const row0 = filter === rsi ? tap * depth * vectors * bytes : 0;
      for (const v of each) a.load("vmovups", factor(v), at(filter, row0 + (k * vectors + v) * bytes));
      block.forEach((pixel, place) => {
        if (!sees(pixel)) return;
        const displacement = (row * source.width + column + place * advance) * source.lanes * 4;
        for (const v of each) {
          const registers = { sum: sum(place, v), factor: factor(v), spread };
          multiplyAdd(a, set, panel, join, registers, { base: from, displacement, k, v });
        }
      });
    };
    if (depth <= 4) {
      for (let k = 0; k < depth; k++) multiply(k, rax, rsi);
      continue;
    }
    a.mov(r10, rax);
    a.lea(rcx, at(rsi, tap * depth * vectors * bytes));
    const steps = [
      [r10, 4],
      [rcx, vectors * bytes],
    ] as const;
    repeat(a, { count: depth, unroll: 4, counter: rdx, steps }, (k) => multiply(k, r10, rcx));
  }
  block.forEach((_, place) => {
    for (const v of each) {
      const displacement = place * period * target.lanes * 4 + v * bytes;
      if (residual) a.op("vaddps", sum(place, v), sum(place, v), at(rbx, displacement, r15));
      a.store("vmovups", at(rbx, displacement), sum(place, v));
    }
  });
}
