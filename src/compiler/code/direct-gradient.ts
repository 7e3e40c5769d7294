// The gradient of a filter of any window, stride and padding: what some images add to it. Rows of the filter × vectors of its columns
// stay in registers over all pixels.
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
import type { DirectOptions, DirectSizes } from "./direct.js";
import type { InstructionSet, Panels } from "./instruction-set.js";
import { panelsOf, registersOf, spreads } from "./instruction-set.js";
import { kernel, move, repeat } from "./loops.js";

/** With `pairs`, an element of either map is that of two images, as `imagesToPairs` brings them together. */
type GradientSizes = DirectSizes & Pick<DirectOptions, "pairs">;

/** Kernel (input, gradient of the output, sums [tap][depth][columns]): adds to the sums. */
export function filterGradient(set: InstructionSet, sizes: GradientSizes, a = new Code()): Uint8Array {
  return kernel(a, () => {
    for (const panels of panelsOf(set, sizes.columns)) {
      const width = panels.columns * 4;
      repeat(
        a,
        {
          count: panels.count,
          counter: r15,
          steps: [
            [rsi, width],
            [rdx, width],
          ],
        },
        () => emitPanel(a, set, sizes, panels),
      );
    }
  });
}

/** A row of the filter: its tap, and a channel counted from where r14 points. */
interface FilterRow {
  readonly ky: number;
  readonly kx: number;
  readonly k: number;
}

/** rdi: input, rsi: the panel's first column of the gradient, rdx: of the sums. */
function emitPanel(a: Code, set: InstructionSet, sizes: GradientSizes, panel: Panels): void {
  const {
    images,
    height,
    width,
    depth,
    channels = depth,
    outHeight,
    outWidth,
    columns,
    window,
    stride,
    padding,
  } = sizes;
  const multiplyAdd = sizes.pairs ? "vdpbf16ps" : "vfmadd231ps";
  const { vectors, bytes } = panel;
  const register = registersOf(panel);
  const inputRow = width * depth * 4;
  const [outputRow, outputPixel] = [outWidth * columns * 4, columns * 4];
  const step = stride[1] * depth * 4;
  const columnOf = (x: number, kx: number): number => x * stride[1] + kx - padding.left;
  const isWhole = (x: number): boolean => columnOf(x, 0) >= 0 && columnOf(x, window[1]) <= width;
  const xs = Array.from({ length: outWidth }, (_, x) => x);
  const [wholes, firstWhole] = [xs.filter(isWhole).length, xs.findIndex(isWhole)];

  for (const { rows, turns } of blocksOf(window, channels, panel.rows)) {
    const sum = (row: number, v: number) => register(row * vectors + v);
    const right = (v: number) => register(rows.length * vectors + v);
    const spread = register(rows.length * vectors + vectors);
    const channelsAtOnce = Math.max(...rows.map(({ k }) => k)) + 1;
    const everySum = (visit: (row: number, v: number, displacement: number) => void): void =>
      rows.forEach(({ ky, kx, k }, row) => {
        for (let v = 0; v < vectors; v++) visit(row, v, ((ky * window[1] + kx) * depth + k) * columns * 4 + v * bytes);
      });
    /** What a pixel adds, `offset` pixels from rax and rbx; without its place all taps of its row see the map. */
    const pixel = (offset: number, inside: readonly boolean[], x?: number): void => {
      const sees = ({ ky, kx }: FilterRow): boolean =>
        inside[ky]! && (x === undefined || (columnOf(x, kx) >= 0 && columnOf(x, kx) < width));
      if (!rows.some(sees)) return;
      for (let v = 0; v < vectors; v++) a.load("vmovups", right(v), at(rbx, offset * outputPixel + v * bytes));
      rows.forEach((one, row) => {
        if (!sees(one)) return;
        const place = (one.ky - padding.top) * inputRow + ((one.kx - padding.left) * depth + one.k) * 4;
        const element = at(rax, offset * step + place);
        if (spreads(set, panel)) {
          a.op(multiplyAdd, sum(row, 0), right(0), element, { broadcast: true });
          return;
        }
        a.unary("vbroadcastss", spread, element);
        for (let v = 0; v < vectors; v++) a.op(multiplyAdd, sum(row, v), right(v), spread);
      });
    };
    a.note(
      () =>
        `${rows.length} rows of the filter by ${panel.columns} channels: sums in registers 0 to ${rows.length * vectors - 1}`,
    );
    a.mov(r14, rdi);
    a.mov(rcx, rdx);
    const steps = [
      [r14, channelsAtOnce * 4],
      [rcx, channelsAtOnce * columns * 4],
    ] as const;
    repeat(a, { count: turns, counter: r13, steps }, () => {
      everySum((row, v, displacement) => a.load("vmovups", sum(row, v), at(rcx, displacement)));
      a.mov(r8, r14);
      a.mov(r9, rsi);
      repeat(a, { count: images, counter: r12, steps: [[r8, (height - outHeight * stride[0]) * inputRow]] }, () => {
        for (const { count, inside } of rowsOf(sizes)) {
          repeat(
            a,
            {
              count,
              counter: r11,
              steps: [
                [r8, stride[0] * inputRow],
                [r9, outputRow],
              ],
            },
            () => {
              a.mov(rax, r8);
              a.mov(rbx, r9);
              if (wholes === 0) {
                for (const x of xs) pixel(x, inside, x);
                return;
              }
              for (let x = 0; x < firstWhole; x++) pixel(x, inside, x);
              move(a, rax, firstWhole * step);
              move(a, rbx, firstWhole * outputPixel);
              const along = [
                [rax, step],
                [rbx, outputPixel],
              ] as const;
              repeat(a, { count: wholes, unroll: Math.min(wholes, 2), counter: r10, steps: along }, (turn) =>
                pixel(turn, inside),
              );
              for (let x = firstWhole + wholes; x < outWidth; x++) pixel(x - firstWhole - wholes, inside, x);
            },
          );
        }
      });
      everySum((row, v, displacement) => a.store("vmovups", at(rcx, displacement), sum(row, v)));
    });
  }
}

interface Block {
  readonly rows: readonly FilterRow[];
  /** How many groups of as many channels come one after the other. */
  readonly turns: number;
}

/** Of few channels some taps at once; else a tap and some channels, then the next ones by the same code. */
function blocksOf(window: readonly [number, number], channels: number, most: number): Block[] {
  const taps = Array.from({ length: window[0] * window[1] }, (_, tap) => ({
    ky: Math.floor(tap / window[1]),
    kx: tap % window[1],
  }));
  const rowsOfTap = (tap: (typeof taps)[number], from: number, count: number): FilterRow[] =>
    Array.from({ length: count }, (_, k) => ({ ...tap, k: from + k }));
  if (channels < 8) {
    const rows = taps.flatMap((tap) => rowsOfTap(tap, 0, channels));
    const parts = Math.ceil(rows.length / most);
    return Array.from({ length: parts }, (_, part) => ({
      rows: rows.slice(Math.round((rows.length * part) / parts), Math.round((rows.length * (part + 1)) / parts)),
      turns: 1,
    }));
  }
  const atOnce = [24, 16, 12, 8, 6, 4].find((count) => count <= most && channels % count === 0) ?? 1;
  return taps.map((tap) => ({ rows: rowsOfTap(tap, 0, atOnce), turns: channels / atOnce }));
}

/** Rows of the output by which rows of taps see the map. */
function rowsOf({ height, outHeight, window, stride, padding }: DirectSizes): { count: number; inside: boolean[] }[] {
  const kinds: { count: number; inside: boolean[] }[] = [];
  for (let y = 0; y < outHeight; y++) {
    const inside = Array.from({ length: window[0] }, (_, ky) => {
      const row = y * stride[0] + ky - padding.top;
      return row >= 0 && row < height;
    });
    const last = kinds.at(-1);
    if (last && String(last.inside) === String(inside)) last.count++;
    else kinds.push({ count: 1, inside });
  }
  return kinds;
}
