// Passes over maps [pixel][channel]: some maps are read, some written, with a number or more per channel beside them, and sums are
// taken over the pixels, all in float32, however the maps are stored. What a sum is added up of, and in which order, depends on the channels alone, not on vectors: sums
// are float32 over short runs of pixels, in two chains, and double beyond.
import type { Dtype } from "../../lower/placement/layout.js";
import { elementBytes } from "../../lower/placement/layout.js";
import type { General, Memory, Vector } from "../asm-x64.js";
import {
  Assembler,
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
  ymm,
} from "../asm-x64.js";
import type { InstructionSet } from "../instruction-set.js";
import { REGISTERS } from "../instruction-set.js";
import { kernel, move, repeat } from "../loops.js";
import { addMap, loadMap, prepareRounding, storeMap } from "../stored-maps.js";

/** Where a kernel finds an address: in which word of the call's operands (see `wordsOf`), and how many rows of channels behind it. */
export type Place = number | readonly [word: number, row: number];

export interface MapPass {
  readonly lanes: number;
  /** How every map is stored. */
  readonly dtype: Dtype;
  /** At most five; null stands for the one whose first pixel the kernel's last operand has, in the place of sums. */
  readonly maps: readonly (number | null)[];
  /** A number per channel each. */
  readonly coefficients: readonly Place[];
  readonly sums?: number;
  /** Emits what comes first; the kernel's operands have to be left. */
  readonly before?: (a: Assembler) => void;
  /** Emits what is done to one vector of a pixel. */
  readonly body: (tools: PassTools) => void;
}

export interface PassTools {
  readonly a: Assembler;
  /** What the map of that number has here; and that added to a vector, with a spare one. */
  readonly load: (to: Vector, n: number) => void;
  readonly add: (to: Vector, n: number, spare: Vector) => void;
  /** The vector holds something else afterwards. */
  readonly store: (n: number, from: Vector) => void;
  readonly coefficient: (n: number) => Vector;
  /** What is added up. */
  readonly sum: (n: number) => Vector;
  /** One of three that the body may use. */
  readonly free: (n: number) => Vector;
  readonly zero: Vector;
  /** `from` where `test` is above zero, else zero; `to` may be one of the others, and `test` is lost. */
  readonly whereAbove: (to: Vector, test: Vector, from: Vector) => void;
}

const FREE = 3;
/** Chains of a sum: pixels with an even place in a run, and with an odd one. */
const CHAINS = 2;
const MAPS: readonly General[] = [r8, r9, r10, r11, rbp];
/** Bytes of the sums of a channel. */
const DOUBLE = 8;

/** Pixels of a run: short enough for the first-level cache and for float32's sums. */
export function runOf(lanes: number): number {
  return Math.max(16, Math.min(64, Math.floor(4096 / lanes)));
}

/**
 * Kernel (operands, bytes to the first pixel, pixels, sums): the sums [sum][lanes] are doubles, and begin at zero. No pixel is
 * allowed.
 */
export function mapPass(set: InstructionSet, pass: MapPass, a = new Assembler()): Uint8Array {
  const { lanes, dtype, maps, coefficients, sums = 0 } = pass;
  const { whole, lanes: inWhole, count: registers } = REGISTERS[set];
  const pixel = lanes * elementBytes[dtype];
  // Zero, the free registers and those for rounding stand behind coefficients and sums
  const room = Math.floor((registers - takenOf(dtype)) / (coefficients.length + CHAINS * sums));
  const vectors = [4, 2, 1].find((n) => n <= room && n * inWhole <= Math.max(lanes, inWhole))!;
  return kernel(a, () => {
    pass.before?.(a);
    maps.forEach((word, n) => {
      if (word === null) a.mov(MAPS[n]!, rcx);
      else {
        a.mov(MAPS[n]!, at(rdi, word * 8));
        a.arithmetic("add", MAPS[n]!, rsi);
      }
    });
    a.mov(r13, rdx); // pixels that are left
    const zero = whole(registers - 1);
    a.op("vxorps", zero, zero, zero);
    prepareRounding(a, dtype, roundingOf(set, whole));
    const half: Vector = { n: zero.n, bytes: 32 };
    // Rows of doubles are multiples of 64 bytes
    if (sums > 0) {
      a.mov(rax, rcx);
      const steps = [[rax, 32]] as const;
      repeat(a, { count: (sums * lanes * DOUBLE) / 32, counter: rbx, steps }, () => a.store("vmovups", at(rax), half));
    }
    const [runs, end] = [a.labelAhead(), a.labelAhead()];
    a.arithmeticWith("cmp", r13, 0);
    a.j("e", end);
    a.place(runs);
    const isShort = a.labelAhead();
    a.mov(r15, r13); // pixels of this run
    a.arithmeticWith("cmp", r13, runOf(lanes));
    a.j("be", isShort);
    a.set(r15, runOf(lanes));
    a.place(isShort);
    a.set(r12, 0); // bytes to the channels
    let channel = 0;
    for (const [size, register] of [
      [vectors, whole],
      [1, whole],
      [1, ymm],
    ] as const) {
      const inGroup = (size * register(0).bytes) / 4;
      const count = Math.floor((lanes - channel) / inGroup);
      if (count === 0) continue;
      const ofMaps = inGroup * elementBytes[dtype];
      // rsi has done its part, and counts
      const steps = [[r12, inGroup * 4] as const, ...maps.map((_, n) => [MAPS[n]!, ofMaps] as const)];
      repeat(a, { count, counter: rsi, steps }, () => emitGroup(a, set, pass, size, register));
      channel += count * inGroup;
    }
    for (const [n] of maps.entries()) move(a, MAPS[n]!, runOf(lanes) * pixel - pixel);
    a.arithmetic("sub", r13, r15);
    a.j("ne", runs);
    a.place(end);
  });
}

/** Registers that are no coefficients or sums. */
function takenOf(dtype: Dtype): number {
  return 1 + FREE + (dtype === "bfloat16" ? 2 : 0);
}

/** Behind the free ones. The constant is as wide as the widest vector, and is read by narrower ones, too. */
function roundingOf(set: InstructionSet, register: (n: number) => Vector): readonly [constant: Vector, spare: Vector] {
  const last = REGISTERS[set].count - 1;
  return [register(last - FREE - 1), register(last - FREE - 2)];
}

/** Some vectors of channels over all pixels of a run. */
function emitGroup(
  a: Assembler,
  set: InstructionSet,
  { lanes, dtype, coefficients, sums = 0, body }: MapPass,
  vectors: number,
  register: (n: number) => Vector,
): void {
  const [bytes, registers] = [register(0).bytes, REGISTERS[set].count];
  const [pixel, ofMaps] = [lanes * elementBytes[dtype], (bytes / 4) * elementBytes[dtype]];
  const rounding = roundingOf(set, register);
  const coefficient = (n: number, v: number): Vector => register(n * vectors + v);
  const sum = (n: number, v: number, chain: number): Vector =>
    register((coefficients.length + n * CHAINS + chain) * vectors + v);
  const each = (emit: (v: number) => void): void => {
    for (let v = 0; v < vectors; v++) emit(v);
  };
  coefficients.forEach((place, n) => {
    const [word, row] = typeof place === "number" ? [place, 0] : place;
    a.mov(r14, at(rdi, word * 8));
    each((v) => a.load("vmovups", coefficient(n, v), at(r14, row * lanes * 4 + v * bytes, r12)));
  });
  const ofSums = (emit: (n: number, v: number) => void): void => {
    for (let n = 0; n < sums; n++) each((v) => emit(n, v));
  };
  ofSums((n, v) => {
    for (let chain = 0; chain < CHAINS; chain++) a.op("vxorps", sum(n, v, chain), sum(n, v, chain), sum(n, v, chain));
  });
  const zero = register(registers - 1);
  const onePixel = (chain: number): void =>
    each((v) => {
      const map = (n: number): Memory => at(MAPS[n]!, chain * pixel + v * ofMaps, rax);
      body({
        a,
        load: (to, n) => loadMap(a, dtype, to, map(n)),
        add: (to, n, spare) => addMap(a, dtype, to, map(n), spare),
        store: (n, from) => storeMap(a, set, dtype, map(n), from, rounding),
        coefficient: (n) => coefficient(n, v),
        sum: (n) => sum(n, v, chain),
        free: (n) => register(registers - 2 - n),
        zero,
        whereAbove(to, test, from) {
          if (set === "avx512") {
            const mask = 1 + v;
            a.whereLess(mask, zero, test);
            a.load("vmovups", to, from, { mask, zero: true });
          } else {
            a.whereLess(test, zero, test);
            a.op("vandps", to, test, from);
          }
        },
      });
    });
  a.set(rax, 0);
  a.mov(rbx, r15);
  const [pairs, rest, done] = [a.labelAhead(), a.labelAhead(), a.labelAhead()];
  a.arithmeticWith("sub", rbx, CHAINS);
  a.j("b", rest);
  a.place(pairs);
  for (let chain = 0; chain < CHAINS; chain++) onePixel(chain);
  move(a, rax, CHAINS * pixel);
  a.arithmeticWith("sub", rbx, CHAINS);
  a.j("ae", pairs);
  a.place(rest);
  a.arithmeticWith("add", rbx, CHAINS);
  a.j("e", done);
  onePixel(0);
  a.place(done);
  ofSums((n, v) => {
    a.op("vaddps", sum(n, v, 0), sum(n, v, 0), sum(n, v, 1));
    const doubles = register(registers - 2);
    for (const part of [0, 1]) {
      const place = at(rcx, n * lanes * DOUBLE + (v * 2 + part) * bytes, r12, 2);
      const half = (of: Vector): Vector => ({ n: of.n, bytes: bytes === 64 ? 32 : 16 });
      if (part === 1) a.extractHalf(half(doubles), sum(n, v, 0), 1);
      a.unary("vcvtps2pd", doubles, half(part === 0 ? sum(n, v, 0) : doubles));
      a.op("vaddpd", doubles, doubles, place);
      a.store("vmovups", place, doubles);
    }
  });
}
