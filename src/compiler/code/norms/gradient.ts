// The gradient of batch norm with what follows it, in three kernels. With d the gradient behind both activations' masks: shift' = Σ d,
// scale' = Σ d·x̂, x' = scale/deviation · (d − shift'/n − x̂·scale'/n) as d·factor + x·slope + term; the residual's is d before the
// inner mask. Operands are named by their words (see map-pass.ts).
import type { Dtype } from "../../lower/placement/layout.js";
import type { Vector } from "../asm-x64.js";
import { Assembler } from "../asm-x64.js";
import type { InstructionSet } from "../instruction-set.js";
import type { Partials } from "./doubles.js";
import { DOUBLES, perFourChannels } from "./doubles.js";
import type { PassTools, Place } from "./map-pass.js";
import { mapPass } from "./map-pass.js";

/** Maps that are read: the gradient of the output, the norm's input, and the output where a ReLU's mask is to be seen there. */
interface Read {
  readonly lanes: number;
  readonly dtype: Dtype;
  readonly outputGradient: number;
  readonly input: number;
  readonly output: number | null;
}

/** The inner ReLU let through where input · factor + term is above zero. */
interface Mask {
  readonly factor: number;
  readonly term: number;
}

export interface GradientSums extends Read {
  readonly mean: number;
  readonly mask: Mask | null;
}

/** Kernel (operands, bytes to the first pixel, pixels, sums): Σ d and Σ d · (x − mean). */
export function normGradientSums(set: InstructionSet, words: GradientSums, a = new Assembler()): Uint8Array {
  const { lanes, dtype, outputGradient, input, output, mean, mask } = words;
  return mapPass(
    set,
    {
      lanes,
      dtype,
      maps: [outputGradient, input, ...(output === null ? [] : [output])],
      coefficients: [mean, ...(mask ? [mask.factor, mask.term] : [])],
      sums: 2,
      body(tools) {
        const { load, coefficient, sum, free } = tools;
        const [x, d] = [free(0), free(1)];
        load(x, 1);
        behindOuter(tools, d, output === null ? null : 2);
        if (mask) behindInner(tools, d, x, coefficient(1), coefficient(2));
        a.op("vsubps", x, x, coefficient(0));
        a.op("vaddps", sum(0), sum(0), d);
        a.op("vfmadd231ps", sum(1), d, x);
      },
    },
    a,
  );
}

/** The gradient where the outer ReLU let through; `output` is the number of its map. */
function behindOuter({ load, free, whereAbove }: PassTools, d: Vector, output: number | null): void {
  load(d, 0);
  if (output === null) return;
  load(free(2), output);
  whereAbove(d, free(2), d);
}

function behindInner({ a, free, whereAbove }: PassTools, d: Vector, x: Vector, factor: Vector, term: Vector): void {
  a.load("vmovaps", free(2), x);
  a.op("vfmadd213ps", free(2), factor, term);
  whereAbove(d, free(2), d);
}

/** Words of a call of batch_norm_gradient; what is null is not asked for, and a scale that is is 1. */
export interface GradientCoefficients extends Partials {
  readonly scale: number | null;
  readonly mean: number;
  readonly reciprocalDeviation: number;
  readonly pixels: number;
  readonly scaleGradient: number | null;
  readonly shiftGradient: number | null;
  readonly coefficients: number;
}

/** Kernel (operands): partial sums → gradients of scale and shift, and rows of factor, slope and term. */
export function normGradientCoefficients(words: GradientCoefficients, a = new Assembler()): Uint8Array {
  return perFourChannels(
    words,
    ({ total, load, store, number }) => {
      const [count, sum, product, reciprocal, mean, factor, slope, term, zero] = DOUBLES;
      number(count, words.pixels);
      total(sum, 0);
      total(product, 1);
      load(reciprocal, words.reciprocalDeviation);
      a.op("vmulpd", product, product, reciprocal); // Σ d·x̂
      if (words.scale === null) a.load("vmovaps", factor, reciprocal);
      else {
        load(factor, words.scale);
        a.op("vmulpd", factor, factor, reciprocal);
      }
      a.op("vxorps", zero, zero, zero);
      a.op("vmulpd", slope, factor, reciprocal);
      a.op("vmulpd", slope, slope, product);
      a.op("vdivpd", slope, slope, count);
      a.op("vsubpd", slope, zero, slope);
      load(mean, words.mean);
      a.op("vmulpd", mean, mean, slope);
      a.op("vmulpd", term, factor, sum);
      a.op("vdivpd", term, term, count);
      a.op("vaddpd", term, term, mean);
      a.op("vsubpd", term, zero, term);
      [factor, slope, term].forEach((value, row) => store([words.coefficients, row], value));
      if (words.scaleGradient !== null) store(words.scaleGradient, product);
      if (words.shiftGradient !== null) store(words.shiftGradient, sum);
    },
    a,
  );
}

export interface GradientApplied extends Read {
  readonly inputGradient: number;
  readonly residualGradient: number | null;
  /** As `GradientCoefficients` leaves them. */
  readonly coefficients: number;
  readonly mask: Mask | null;
}

/** Kernel (operands, bytes to the first pixel, pixels): x' and the residual's gradient. */
export function normGradientApplied(set: InstructionSet, words: GradientApplied, a = new Assembler()): Uint8Array {
  const { lanes, dtype, outputGradient, input, output, inputGradient, residualGradient, coefficients, mask } = words;
  const maps = [outputGradient, input, inputGradient, output, residualGradient].filter((word) => word !== null);
  // The mask's factor is that of the gradient: one register serves both
  const factor: Place = mask ? mask.factor : [coefficients, 0];
  return mapPass(
    set,
    {
      lanes,
      dtype,
      maps,
      coefficients: [factor, [coefficients, 1], [coefficients, 2], ...(mask ? [mask.term] : [])],
      body(tools) {
        const { load, store, coefficient, free } = tools;
        const [x, d] = [free(0), free(1)];
        load(x, 1);
        behindOuter(tools, d, output === null ? null : 3);
        if (residualGradient !== null) {
          a.load("vmovaps", free(2), d);
          store(maps.length - 1, free(2));
        }
        if (mask) behindInner(tools, d, x, coefficient(0), coefficient(3));
        a.op("vfmadd213ps", x, coefficient(1), coefficient(2));
        a.op("vfmadd231ps", x, d, coefficient(0));
        store(2, x);
      },
    },
    a,
  );
}
