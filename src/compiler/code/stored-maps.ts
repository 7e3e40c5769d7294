// Vectors of maps as they are stored: float32, or bfloat16, its upper half. A bfloat16 is widened as it is loaded, and rounded to
// the nearest, of two to the even one, as it is stored: the same bits with every set of instructions. What is between is float32.
import type { Dtype } from "../lower/placement/layout.js";
import { elementBytes } from "../lower/placement/layout.js";
import type { Assembler, General, Memory, Vector } from "./asm-x64.js";
import { Assembler as Code, at, r10, rdi, rdx, rsi, xmm } from "./asm-x64.js";
import type { InstructionSet, PanelShape } from "./instruction-set.js";
import { REGISTERS, registersOf } from "./instruction-set.js";
import { kernel, repeat } from "./loops.js";

export function loadMap(a: Assembler, dtype: Dtype, to: Vector, from: Memory): void {
  if (dtype === "float32") {
    a.load("vmovups", to, from);
    return;
  }
  a.unary("vpmovzxwd", to, from);
  a.shiftLeft(to, to, 16);
}

/** Adds a vector of a map; `spare` is where it is widened. */
export function addMap(a: Assembler, dtype: Dtype, to: Vector, from: Memory, spare: Vector): void {
  if (dtype === "bfloat16") loadMap(a, dtype, spare, from);
  a.op("vaddps", to, to, dtype === "bfloat16" ? spare : from);
}

/** Registers that rounding needs beside what it rounds. */
export type Rounding = readonly [constant: Vector, spare: Vector];

/** Before `storeMap`, which leaves the constant as it is. */
export function prepareRounding(a: Assembler, dtype: Dtype, [constant]: Rounding): void {
  if (dtype === "float32") return;
  a.ones(constant);
  a.shiftRight(constant, constant, 17); // 0x7fff: a half of the last bit, less one
}

/** Its upper half is the nearest bfloat16 afterwards. */
function round(a: Assembler, value: Vector, [constant, spare]: Rounding): void {
  // The bit that will be the last one: added, too, it takes a tie to the even neighbour
  a.shiftLeft(spare, value, 15);
  a.shiftRight(spare, spare, 31);
  a.op("vpaddd", value, value, constant);
  a.op("vpaddd", value, value, spare);
}

/** Stores a vector, which holds something else afterwards. No NaN of arithmetic has low bits that would carry into its sign. */
export function storeMap(
  a: Assembler,
  set: InstructionSet,
  dtype: Dtype,
  to: Memory,
  from: Vector,
  [constant, spare]: Rounding,
): void {
  if (dtype === "float32") {
    a.store("vmovups", to, from);
    return;
  }
  round(a, from, [constant, spare]);
  a.shiftRight(from, from, 16);
  if (set === "avx512") {
    a.storeLowerHalves(to, from);
    return;
  }
  a.extractHalf(xmm(spare.n), from, 1);
  a.op("vpackusdw", xmm(spare.n), xmm(from.n), xmm(spare.n));
  a.store("vmovups", to, xmm(spare.n));
}

/** Kernel (map, result): so many numbers of bfloat16, a multiple of four, as float32. */
export function widen(set: InstructionSet, count: number, a = new Code()): Uint8Array {
  return kernel(a, () =>
    overMaps(a, set, count, [rdi, "bfloat16"], [rsi, "float32"], (register, from, to) => {
      loadMap(a, "bfloat16", register(0), from);
      a.store("vmovups", to, register(0));
    }),
  );
}

/** Kernel (map, result): so many numbers of float32, a multiple of four, as bfloat16. */
export function narrow(set: InstructionSet, count: number, a = new Code()): Uint8Array {
  return kernel(a, () =>
    overMaps(a, set, count, [rdi, "float32"], [rsi, "bfloat16"], (register, from, to) => {
      const rounding = [register(1), register(2)] as const;
      prepareRounding(a, "bfloat16", rounding);
      a.load("vmovups", register(0), from);
      storeMap(a, set, "bfloat16", to, register(0), rounding);
    }),
  );
}

/**
 * Kernel (image, result, other image): numbers of two images, a multiple of four, side by side as bfloat16, the first one's below;
 * zeros for the other where there is none.
 */
export function imagesToPairs(
  set: InstructionSet,
  { count, dtype, isAlone }: { readonly count: number; readonly dtype: Dtype; readonly isAlone: boolean },
  a = new Code(),
): Uint8Array {
  return kernel(a, () => {
    // They lie at the same place of either
    a.arithmetic("sub", rdx, rdi);
    overMaps(a, set, count, [rdi, dtype], [rsi, "float32"], (register, from, to) => {
      const [first, second] = [register(0), register(1)];
      const rounding = [register(2), register(3)] as const;
      if (dtype === "float32") prepareRounding(a, "bfloat16", rounding);
      const load = (one: Vector, place: Memory): void => {
        if (dtype === "bfloat16") {
          a.unary("vpmovzxwd", one, place);
          return;
        }
        a.load("vmovups", one, place);
        round(a, one, rounding);
        a.shiftRight(one, one, 16);
      };
      load(first, from);
      if (!isAlone) {
        load(second, at(from.base, from.displacement, rdx));
        a.shiftLeft(second, second, 16);
        a.op("vxorps", first, first, second);
      }
      a.store("vmovups", to, first);
    });
  });
}

type StoredAt = readonly [pointer: General, dtype: Dtype];

/** Code for so many numbers, a multiple of four, of a map and what is made of it: whole vectors, then smaller ones. */
function overMaps(
  a: Assembler,
  set: InstructionSet,
  count: number,
  [from, fromDtype]: StoredAt,
  [to, toDtype]: StoredAt,
  body: (register: (n: number) => Vector, from: Memory, to: Memory) => void,
): void {
  let rest = count;
  for (const lanes of new Set([REGISTERS[set].lanes, 8, 4])) {
    const bytes = (lanes * elementBytes.float32) as Vector["bytes"];
    const steps = [
      [from, lanes * elementBytes[fromDtype]],
      [to, lanes * elementBytes[toDtype]],
    ] as const;
    repeat(a, { count: Math.floor(rest / lanes), unroll: 4, counter: r10, steps }, (turn) =>
      body((n) => ({ n, bytes }), at(from, turn * steps[0][1]), at(to, turn * steps[1][1])),
    );
    rest %= lanes;
  }
}

/**
 * Kernel (from, to): rows of a filter [row][columns], from a panel's first column on → one panel [two rows][in panel] of bfloat16,
 * the first row's below the second's.
 */
export function rowsToPairs(rows: number, columns: number, panel: PanelShape, a = new Code()): Uint8Array {
  const register = registersOf(panel);
  const [first, second] = [register(0), register(1)];
  const rounding = [register(2), register(3)] as const;
  const steps = [
    [rdi, 2 * columns * 4],
    [rsi, panel.columns * 4],
  ] as const;
  return kernel(a, () => {
    prepareRounding(a, "bfloat16", rounding);
    repeat(a, { count: rows / 2, counter: r10, steps }, () => {
      for (let v = 0; v < panel.vectors; v++) {
        a.load("vmovups", first, at(rdi, v * panel.bytes));
        a.load("vmovups", second, at(rdi, columns * 4 + v * panel.bytes));
        round(a, first, rounding);
        round(a, second, rounding);
        a.shiftRight(first, first, 16);
        a.shiftRight(second, second, 16);
        a.shiftLeft(second, second, 16);
        a.op("vxorps", first, first, second);
        a.store("vmovups", at(rsi, v * panel.bytes), first);
      }
    });
  });
}
