// The gradient of a filter in groups: what some images add to it. Rows of the filter × a panel of its columns stay in registers over
// all pixels of an image.
import { Assembler as Code, at, r10, r11, r12, r13, r8, r9, rax, rbx, rdi, rdx, rsi } from "../asm-x64.js";
import type { InstructionSet, Panels } from "../instruction-set.js";
import { panelsOf, registersOf } from "../instruction-set.js";
import { kernel, move, repeat } from "../loops.js";
import type { GroupSizes } from "./lanes.js";
import { depthOf, movesAlong, multiplyAdd } from "./lanes.js";

/** Kernel (input, gradient of the output, sums [tap][inputs of a group][columns]): adds to the sums. */
export function groupFilterGradient(set: InstructionSet, sizes: GroupSizes, a = new Code()): Uint8Array {
  const { join, columns } = sizes;
  return kernel(a, () => {
    for (const panels of panelsOf(set, join.kind === "one" ? join.outputs : columns)) {
      const width = panels.columns * 4;
      const steps = [
        [rdi, movesAlong(join) ? width : 0],
        [rsi, width],
        [rdx, width],
      ] as const;
      repeat(a, { count: panels.count, counter: r13, steps }, () => emitPanel(a, set, sizes, panels));
    }
  });
}

/** A row of the filter. */
interface FilterRow {
  readonly ky: number;
  readonly kx: number;
  readonly k: number;
}

/** rdi: input, rsi: the panel's first column of the gradient, rdx: of the sums. */
function emitPanel(a: Code, set: InstructionSet, sizes: GroupSizes, panel: Panels): void {
  const { images, height, width, lanes, outHeight, outWidth, columns, window, stride, dilation, padding, join } = sizes;
  const depth = depthOf(join, "inputs");
  const { vectors, bytes } = panel;
  const register = registersOf(panel);
  const [inputRow, outputRow] = [width * lanes * 4, outWidth * columns * 4];
  const [inputStep, outputStep] = [stride[1] * lanes * 4, columns * 4];
  const columnOf = (x: number, kx: number): number => x * stride[1] + kx * dilation[1] - padding.left;
  const isWhole = (x: number): boolean => columnOf(x, 0) >= 0 && columnOf(x, window[1] - 1) < width;
  const xs = Array.from({ length: outWidth }, (_, x) => x);
  const [wholes, firstWhole] = [xs.filter(isWhole).length, Math.max(0, xs.findIndex(isWhole))];
  const each = Array.from({ length: vectors }, (_, v) => v);

  for (const rows of blocksOf(window, depth, panel.rows)) {
    const sum = (row: number, v: number) => register(row * vectors + v);
    const factor = (v: number) => register(rows.length * vectors + v);
    const spread = register(rows.length * vectors + vectors);
    const everySum = (visit: (row: number, v: number, displacement: number) => void): void =>
      rows.forEach(({ ky, kx, k }, row) => {
        for (const v of each) visit(row, v, ((ky * window[1] + kx) * depth + k) * columns * 4 + v * bytes);
      });
    /** What a pixel adds, `offset` pixels from rax and rbx; without its place all taps of its row see the map. */
    const pixel = (offset: number, inside: readonly boolean[], x?: number): void => {
      const sees = ({ ky, kx }: FilterRow): boolean =>
        inside[ky]! && (x === undefined || (columnOf(x, kx) >= 0 && columnOf(x, kx) < width));
      if (!rows.some(sees)) return;
      for (const v of each) a.load("vmovups", factor(v), at(rbx, offset * outputStep + v * bytes));
      rows.forEach((one, row) => {
        if (!sees(one)) return;
        const place =
          (one.ky * dilation[0] - padding.top) * inputRow + (one.kx * dilation[1] - padding.left) * lanes * 4;
        for (const v of each) {
          const registers = { sum: sum(row, v), factor: factor(v), spread };
          multiplyAdd(a, set, panel, join, registers, {
            base: rax,
            displacement: offset * inputStep + place,
            k: one.k,
            v,
          });
        }
      });
    };
    a.mov(r8, rdi);
    a.mov(r9, rsi);
    repeat(a, { count: images, counter: r12, steps: [[r8, (height - outHeight * stride[0]) * inputRow]] }, () => {
      everySum((row, v) => a.op("vxorps", sum(row, v), sum(row, v), sum(row, v)));
      for (const { count, inside } of rowsOf(sizes)) {
        const steps = [
          [r8, stride[0] * inputRow],
          [r9, outputRow],
        ] as const;
        repeat(a, { count, counter: r11, steps }, () => {
          a.mov(rax, r8);
          a.mov(rbx, r9);
          const before = wholes === 0 ? outWidth : firstWhole;
          for (let x = 0; x < before; x++) pixel(x, inside, x);
          move(a, rax, before * inputStep);
          move(a, rbx, before * outputStep);
          const along = [
            [rax, inputStep],
            [rbx, outputStep],
          ] as const;
          repeat(a, { count: wholes, unroll: Math.max(1, Math.min(wholes, 2)), counter: r10, steps: along }, (turn) =>
            pixel(turn, inside),
          );
          for (let x = before + wholes; x < outWidth; x++) pixel(x - before - wholes, inside, x);
        });
      }
      everySum((row, v, displacement) => {
        a.op("vaddps", sum(row, v), sum(row, v), at(rdx, displacement));
        a.store("vmovups", at(rdx, displacement), sum(row, v));
      });
    });
  }
}

/** Rows of the filter in parts of at most `most`, none of which ends within a tap whose rows all fit. */
function blocksOf(window: readonly [number, number], depth: number, most: number): FilterRow[][] {
  const taps = Array.from({ length: window[0] * window[1] }, (_, tap) =>
    Array.from({ length: depth }, (_, k) => ({ ky: Math.floor(tap / window[1]), kx: tap % window[1], k })),
  );
  if (depth > most) {
    const parts = Math.ceil(depth / most);
    return taps.flatMap((rows) =>
      Array.from({ length: parts }, (_, part) =>
        rows.slice(Math.floor((depth * part) / parts), Math.floor((depth * (part + 1)) / parts)),
      ),
    );
  }
  const parts = Math.ceil(taps.length / Math.floor(most / depth));
  return Array.from({ length: parts }, (_, part) =>
    taps.slice(Math.floor((taps.length * part) / parts), Math.floor((taps.length * (part + 1)) / parts)).flat(),
  );
}

/** Rows of the output by which rows of taps see the map. */
function rowsOf({ height, outHeight, window, stride, dilation, padding }: GroupSizes) {
  const kinds: { count: number; inside: boolean[] }[] = [];
  for (let y = 0; y < outHeight; y++) {
    const inside = Array.from({ length: window[0] }, (_, ky) => {
      const row = y * stride[0] + ky * dilation[0] - padding.top;
      return row >= 0 && row < height;
    });
    const last = kinds.at(-1);
    if (last && String(last.inside) === String(inside)) last.count++;
    else kinds.push({ count: 1, inside });
  }
  return kinds;
}
