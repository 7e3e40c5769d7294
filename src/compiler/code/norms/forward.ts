// Batch norm over all pixels (Ioffe and Szegedy, arXiv 1502.03167) with what follows it in a residual network, in three kernels: sums,
// statistics, and y = outer(inner(x · factor + term) + residual). Operands are named by their words (see map-pass.ts).
import type { Dtype } from "../../lower/placement/layout.js";
import { elementBytes } from "../../lower/placement/layout.js";
import { Assembler, at, r8, r9, rbx, rdi, ymm } from "../asm-x64.js";
import type { InstructionSet } from "../instruction-set.js";
import { repeat } from "../loops.js";
import type { Partials } from "./doubles.js";
import { DOUBLES, perFourChannels } from "./doubles.js";
import { addMap, loadMap } from "../stored-maps.js";
import { mapPass } from "./map-pass.js";

export interface NormSums {
  readonly lanes: number;
  readonly dtype: Dtype;
  readonly input: number;
  /** Numbers near the means: sums are of what is left over them, so that the means' squares do not cancel in the variances. */
  readonly pivots: number;
  /** Where it is not 0, the pivots are made: averages over so many of the first pixels of the map. */
  readonly sample: number;
}

/** Kernel (operands, bytes to the first pixel, pixels, sums): Σ (x − pivot) and Σ (x − pivot)². */
export function normSums(
  set: InstructionSet,
  { lanes, dtype, input, pivots, sample }: NormSums,
  a = new Assembler(),
): Uint8Array {
  return mapPass(
    set,
    {
      lanes,
      dtype,
      maps: [input],
      coefficients: [pivots],
      sums: 2,
      // Each unit of the work writes the same numbers there, so that none waits for another
      before() {
        if (sample === 0) return;
        const [sum, share, spare] = [ymm(0), ymm(1), ymm(2)];
        a.spread(share, 1 / sample);
        a.mov(r8, at(rdi, input * 8));
        a.mov(r9, at(rdi, pivots * 8));
        const steps = [
          [r8, 8 * elementBytes[dtype]],
          [r9, 32],
        ] as const;
        repeat(a, { count: lanes / 8, counter: rbx, steps }, () => {
          const pixel = (n: number) => at(r8, n * lanes * elementBytes[dtype]);
          loadMap(a, dtype, sum, pixel(0));
          for (let n = 1; n < sample; n++) addMap(a, dtype, sum, pixel(n), spare);
          a.op("vmulps", sum, sum, share);
          a.store("vmovups", at(r9), sum);
        });
      },
      body({ load, coefficient, sum, free }) {
        const x = free(0);
        load(x, 0);
        a.op("vsubps", x, x, coefficient(0));
        a.op("vaddps", sum(0), sum(0), x);
        a.op("vfmadd231ps", sum(1), x, x);
      },
    },
    a,
  );
}
/** Words of a call of batch_norm; a scale that is absent is 1. */
export interface NormStatistics extends Partials {
  readonly pivots: number;
  readonly scale: number | null;
  readonly shift: number;
  readonly mean: number;
  readonly reciprocalDeviation: number;
  readonly factor: number;
  readonly term: number;
  readonly runningMean: number;
  readonly runningVariance: number;
  readonly pixels: number;
  readonly epsilon: number;
  readonly momentum: number;
  /** Of one pixel there is no unbiased variance. */
  readonly isOnePixel: boolean;
}

/** Kernel (operands): partial sums → mean, 1 / deviation, factor, term, and the running statistics. */
export function normStatistics(words: NormStatistics, a = new Assembler()): Uint8Array {
  return perFourChannels(
    words,
    ({ total, load, store, number, constant }) => {
      const [count, rest, variance, mean, reciprocal, factor, term, running, momentum, kept, one] = DOUBLES;
      number(count, words.pixels);
      constant(one, 1);
      total(rest, 0);
      total(variance, 1);
      a.op("vdivpd", rest, rest, count);
      a.op("vdivpd", variance, variance, count);
      a.op("vmulpd", factor, rest, rest);
      a.op("vsubpd", variance, variance, factor);
      a.op("vxorps", factor, factor, factor);
      a.op("vmaxpd", variance, factor, variance); // no number stays none
      load(mean, words.pivots);
      a.op("vaddpd", mean, mean, rest);
      number(reciprocal, words.epsilon);
      a.op("vaddpd", reciprocal, reciprocal, variance);
      a.unary("vsqrtpd", reciprocal, reciprocal);
      a.op("vdivpd", reciprocal, one, reciprocal);
      if (words.scale === null) a.load("vmovaps", factor, reciprocal);
      else {
        load(factor, words.scale);
        a.op("vmulpd", factor, factor, reciprocal);
      }
      load(term, words.shift);
      a.op("vmulpd", running, mean, factor);
      a.op("vsubpd", term, term, running);
      // PyTorch's convention: momentum weighs the new value, and the running variance is Bessel-corrected
      number(momentum, words.momentum);
      a.op("vsubpd", kept, one, momentum);
      if (!words.isOnePixel) {
        a.op("vmulpd", variance, variance, count);
        a.op("vsubpd", count, count, one);
        a.op("vdivpd", variance, variance, count);
      }
      store(words.factor, factor);
      store(words.term, term);
      store(words.mean, mean);
      store(words.reciprocalDeviation, reciprocal);
      for (const [place, value] of [
        [words.runningMean, mean],
        [words.runningVariance, variance],
      ] as const) {
        load(running, place);
        a.op("vmulpd", running, running, kept);
        a.op("vmulpd", value, value, momentum);
        a.op("vaddpd", running, running, value);
        store(place, running);
      }
    },
    a,
  );
}
export interface NormApplied {
  readonly lanes: number;
  readonly dtype: Dtype;
  readonly input: number;
  /** Null where it goes to the kernel's fourth operand, from its beginning on. */
  readonly output: number | null;
  readonly residual: number | null;
  readonly factor: number;
  readonly term: number;
  /** ReLU before the residual is added, and behind. */
  readonly inner: boolean;
  readonly outer: boolean;
}

/** Kernel (operands, bytes to the first pixel, pixels, output's place): outer(inner(x · factor + term) + residual). */
export function normApplied(set: InstructionSet, words: NormApplied, a = new Assembler()): Uint8Array {
  const { lanes, dtype, input, output, residual, factor, term, inner, outer } = words;
  return mapPass(
    set,
    {
      lanes,
      dtype,
      maps: [input, output, ...(residual === null ? [] : [residual])],
      coefficients: [factor, term],
      body({ load, add, store, coefficient, free, zero }) {
        const x = free(0);
        load(x, 0);
        a.op("vfmadd213ps", x, coefficient(0), coefficient(1));
        // Of two operands of which one is no number, the second is the result
        if (inner) a.op("vmaxps", x, zero, x);
        if (residual !== null) add(x, 2, free(1));
        if (outer) a.op("vmaxps", x, zero, x);
        store(1, x);
      },
    },
    a,
  );
}
