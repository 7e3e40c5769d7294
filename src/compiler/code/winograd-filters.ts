// Filters on their way into Winograd's products, and gradients on their way out of them: G g Gᵀ of every pair of channels, and Gᵀ m G.
import type { Assembler, Vector } from "./asm-x64.js";
import { Assembler as Code, at, r10, r11, rdi, rdx, rsi, xmm } from "./asm-x64.js";
import type { InstructionSet, PanelShape } from "./instruction-set.js";
import { REGISTERS, registersOf } from "./instruction-set.js";
import { kernel, repeat } from "./loops.js";
import type { Registers, WinogradSizes } from "./winograd-tiles.js";
import { FILTER_MATRIX, geometryOf, POINTS } from "./winograd-tiles.js";

/** Taps on a side of a filter. */
const TAPS = 3;

/** What lines multiply by: of tap 0 at the point 0, and of the taps 0 to 2 at each of the two pairs of points. */
const CONSTANTS = [FILTER_MATRIX[0]![0], ...FILTER_MATRIX[1]!, ...FILTER_MATRIX[3]!];
const FIRST_CONSTANT = 9;

/** Scratch memory of the kernels below. */
export const FILTER_SCRATCH_BYTES = POINTS * TAPS * 64;

/**
 * Kernel (filter, panel, scratch): one panel of columns of a filter [tap][depth][columns], from its first column on, into
 * matrices [depth][in panel] that lie `filterFrequency` apart. `row` and `tap`: bytes from one of those to the next.
 */
export function filterToPanel(
  set: InstructionSet,
  sizes: WinogradSizes,
  panel: PanelShape,
  { row, tap }: { readonly row: number; readonly tap: number },
  a = new Code(),
): Uint8Array {
  const { depth, filterFrequency } = geometryOf(set, sizes);
  const { vectors, bytes, columns } = panel;
  const register = registersOf(panel);
  return kernel(a, () => {
    spreadConstants(a, set);
    repeat(
      a,
      {
        count: depth,
        counter: r10,
        steps: [
          [rdi, row],
          [rsi, columns * 4],
        ],
      },
      () => {
        for (let v = 0; v < vectors; v++) {
          const kept = (point: number, x: number) => at(rdx, (point * TAPS + x) * 64);
          for (let x = 0; x < TAPS; x++) {
            for (let y = 0; y < TAPS; y++) a.load("vmovups", register(y), at(rdi, (y * TAPS + x) * tap + v * bytes));
            filterLine(a, register, (point, from) => a.store("vmovups", kept(point, x), from));
          }
          for (let line = 0; line < POINTS; line++) {
            for (let x = 0; x < TAPS; x++) a.load("vmovups", register(x), kept(line, x));
            filterLine(a, register, (point, from) =>
              a.store("vmovups", at(rsi, (line * POINTS + point) * filterFrequency + v * bytes), from),
            );
          }
        }
      },
    );
  });
}

/** G g of g in registers 0 to 2. Uses registers 0 to 5. */
function filterLine(a: Assembler, v: Registers, write: (point: number, from: Vector) => void): void {
  const [even, odd, value] = [v(3), v(4), v(5)];
  const constant = (n: number): Vector => v(FIRST_CONSTANT + n);
  a.op("vmulps", value, constant(0), v(0));
  write(0, value);
  for (const [point, first] of [
    [1, 1],
    [3, 4],
  ] as const) {
    a.op("vmulps", even, constant(first), v(0));
    a.op("vfmadd231ps", even, constant(first + 2), v(2));
    a.op("vmulps", odd, constant(first + 1), v(1));
    a.op("vaddps", value, even, odd);
    write(point, value);
    a.op("vsubps", value, even, odd);
    write(point + 1, value);
  }
  write(5, v(2));
}

/**
 * Kernel (sums, gradient, scratch): `values` numbers, a multiple of sixteen, of sums [slot][36][depth][columns] into gradients
 * [9][depth][columns]. Slots are added in their order.
 */
export function sumsToFilter(
  set: InstructionSet,
  sizes: WinogradSizes,
  { slots, values }: { readonly slots: number; readonly values: number },
  a = new Code(),
): Uint8Array {
  const { depth, columns, filterFrequency } = geometryOf(set, sizes);
  const { whole, lanes } = REGISTERS[set];
  const bytes = lanes * 4;
  return kernel(a, () => {
    spreadConstants(a, set);
    repeat(
      a,
      {
        count: values / lanes,
        counter: r10,
        steps: [
          [rdi, bytes],
          [rsi, bytes],
        ],
      },
      () => {
        const kept = (y: number, point: number) => at(rdx, (y * POINTS + point) * 64);
        for (let x = 0; x < POINTS; x++) {
          for (let y = 0; y < POINTS; y++) {
            const place = (slot: number) => at(rdi, (slot * POINTS * POINTS + y * POINTS + x) * filterFrequency);
            a.load("vmovups", whole(y), place(0));
            for (let slot = 1; slot < slots; slot++) a.op("vaddps", whole(y), whole(y), place(slot));
          }
          gradientLine(a, whole, (y, from) => a.store("vmovups", kept(y, x), from));
        }
        for (let y = 0; y < TAPS; y++) {
          for (let x = 0; x < POINTS; x++) a.load("vmovups", whole(x), kept(y, x));
          gradientLine(a, whole, (x, from) => a.store("vmovups", at(rsi, (y * TAPS + x) * depth * columns * 4), from));
        }
      },
    );
  });
}

/** Gᵀ m of m in registers 0 to 5. Uses registers 0 to 6. */
function gradientLine(a: Assembler, v: Registers, write: (tap: number, from: Vector) => void): void {
  const [m0, m1, m2, m3, m4, m5, odd] = [v(0), v(1), v(2), v(3), v(4), v(5), v(6)];
  const constant = (n: number): Vector => v(FIRST_CONSTANT + n);
  a.op("vsubps", odd, m1, m2);
  a.op("vaddps", m1, m1, m2);
  a.op("vsubps", m2, m3, m4);
  a.op("vaddps", m3, m3, m4);
  a.op("vmulps", m0, constant(0), m0);
  a.op("vfmadd231ps", m0, constant(1), m1);
  a.op("vfmadd231ps", m0, constant(4), m3);
  write(0, m0);
  a.op("vmulps", odd, constant(2), odd);
  a.op("vfmadd231ps", odd, constant(5), m2);
  write(1, odd);
  a.op("vfmadd231ps", m5, constant(3), m1);
  a.op("vfmadd231ps", m5, constant(6), m3);
  write(2, m5);
}

function spreadConstants(a: Assembler, set: InstructionSet): void {
  CONSTANTS.forEach((value, n) => a.spread(REGISTERS[set].whole(FIRST_CONSTANT + n), value));
}

/**
 * Kernel (filter, panel): a filter [tap][in][out], from one of its input channels on, flipped by 180° and transposed into
 * [tap][out][in panel], as the input gradient convolves with it. One number at a time: there is one filter a step.
 */
export function flippedPanel(
  {
    taps,
    inLanes,
    outLanes,
    columns,
  }: { readonly taps: number; readonly inLanes: number; readonly outLanes: number; readonly columns: number },
  a = new Code(),
): Uint8Array {
  const panelBytes = outLanes * columns * 4;
  return kernel(a, () => {
    a.lea(rsi, at(rsi, (taps - 1) * panelBytes));
    // A row of the filter is done by then; a panel has moved on by all of its rows
    const steps = [
      [rdi, (inLanes - 1) * outLanes * 4],
      [rsi, -2 * panelBytes],
    ] as const;
    repeat(a, { count: taps, counter: r11, steps }, () => {
      repeat(
        a,
        {
          count: outLanes,
          counter: r10,
          steps: [
            [rdi, 4],
            [rsi, columns * 4],
          ],
        },
        () => {
          for (let channel = 0; channel < columns; channel += 4) {
            for (let n = 0; n < 4; n++) a.load("vmovss", xmm(n), at(rdi, (channel + n) * outLanes * 4));
            for (let n = 0; n < 4; n++) a.store("vmovss", at(rsi, (channel + n) * 4), xmm(n));
          }
        },
      );
    });
  });
}
