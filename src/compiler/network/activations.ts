// The activations, a row each: what it computes and how steep it is, in arithmetic that every engine and export has its own of,
// and what else is to be known of it. The WebAssembly kernels' code for them is generated from here.
import type { Op, OpOf } from "./graph.js";

/** What takes one value to another, element by element. */
export type ActivationKind =
  | "relu"
  | "relu6"
  | "leaky_relu"
  | "gelu"
  | "silu"
  | "hard_swish"
  | "sigmoid"
  | "hard_sigmoid";

export type Activation = OpOf<ActivationKind>;

/** What values are computed with: numbers, tensors of a library, or lines of code. `P` is what a setting is. */
export interface Arithmetic<V, P> {
  relu(x: V): V;
  /** min(max(x, 0), 6). */
  relu6(x: V): V;
  /** x above zero, x · slope elsewhere. */
  leakyRelu(x: V, slope: P): V;
  /** 1 / (1 + exp(−x)). */
  sigmoid(x: V): V;
  /** relu6(x + 3) / 6. */
  hardSigmoid(x: V): V;
  /** Φ(x), the normal distribution's share below x. */
  normalShare(x: V): V;
  multiply(a: V, b: V): V;
}

/** What slopes are computed with besides. */
export interface SlopeArithmetic<V, P> extends Arithmetic<V, P> {
  /** 1 between the two, 0 elsewhere and at them. */
  within(x: V, low: number, high: number): V;
  /** 1 above zero, the slope elsewhere. */
  leakySlope(x: V, slope: P): V;
  /** φ(x), the normal distribution's density. */
  normalDensity(x: V): V;
  /** a · b + c. */
  multiplyAdd(a: V, b: V, c: V): V;
  /** x · factor + term. */
  line(x: V, factor: number, term: number): V;
}

interface ActivationRow {
  value<V, P>(arithmetic: Arithmetic<V, P>, x: V, setting: P): V;
  slope<V, P>(arithmetic: SlopeArithmetic<V, P>, x: V, setting: P): V;
  /** Whether zero stays zero: where it does not, the lanes beyond the channels have to be masked. */
  readonly keepsZero: boolean;
  /** Whether no value is below zero. */
  readonly isNonNegative: boolean;
  /** Whether to compute it, and its slope, takes less than to write a map and read it again. */
  readonly isCheap: boolean;
}

/** Slopes at the joints are PyTorch's: those of what is left of them for relu, zero for the bounded ones. */
export const activations: Readonly<Record<ActivationKind, ActivationRow>> = {
  relu: {
    value: (a, x) => a.relu(x),
    slope: (a, x) => a.within(x, 0, Infinity),
    ...{ keepsZero: true, isNonNegative: true, isCheap: true },
  },
  /** Howard et al. 2017, arXiv 1704.04861. */
  relu6: {
    value: (a, x) => a.relu6(x),
    slope: (a, x) => a.within(x, 0, 6),
    ...{ keepsZero: true, isNonNegative: true, isCheap: true },
  },
  /** Maas et al. 2013. */
  leaky_relu: {
    value: (a, x, slope) => a.leakyRelu(x, slope),
    slope: (a, x, slope) => a.leakySlope(x, slope),
    ...{ keepsZero: true, isNonNegative: false, isCheap: true },
  },
  /** By the normal distribution's own Φ (arXiv 1606.08415), which no tanh stands in for. */
  gelu: {
    value: (a, x) => a.multiply(x, a.normalShare(x)),
    slope: (a, x) => a.multiplyAdd(x, a.normalDensity(x), a.normalShare(x)),
    ...{ keepsZero: true, isNonNegative: false, isCheap: false },
  },
  /** Elfwing et al. 2017, arXiv 1702.03118; Ramachandran et al.'s swish. */
  silu: {
    value: (a, x) => a.multiply(x, a.sigmoid(x)),
    slope: (a, x) => {
      const share = a.sigmoid(x);
      return a.multiplyAdd(a.multiply(x, share), a.line(share, -1, 1), share);
    },
    ...{ keepsZero: true, isNonNegative: false, isCheap: false },
  },
  /** Howard et al. 2019, arXiv 1905.02244, §5.2. */
  hard_swish: {
    value: (a, x) => a.multiply(x, a.hardSigmoid(x)),
    slope: (a, x) => a.multiplyAdd(x, a.line(a.within(x, -3, 3), 1 / 6, 0), a.hardSigmoid(x)),
    ...{ keepsZero: true, isNonNegative: false, isCheap: true },
  },
  sigmoid: {
    value: (a, x) => a.sigmoid(x),
    slope: (a, x) => {
      const share = a.sigmoid(x);
      return a.multiply(share, a.line(share, -1, 1));
    },
    ...{ keepsZero: false, isNonNegative: true, isCheap: false },
  },
  hard_sigmoid: {
    value: (a, x) => a.hardSigmoid(x),
    slope: (a, x) => a.line(a.within(x, -3, 3), 1 / 6, 0),
    ...{ keepsZero: false, isNonNegative: true, isCheap: true },
  },
};

export const activationKinds = Object.keys(activations) as ActivationKind[];

export function isActivation(op: Op): op is Activation {
  return op.kind in activations;
}

/** The setting of those that have one: leaky_relu's slope. */
export function settingOf(activation: Activation): number {
  return activation.kind === "leaky_relu" ? activation.slope : 0;
}

/** A rule for each activation, for the tables of rules by operation. */
export function forActivations<R>(rule: R): Readonly<Record<ActivationKind, R>> {
  return Object.fromEntries(activationKinds.map((kind) => [kind, rule])) as Record<ActivationKind, R>;
}
