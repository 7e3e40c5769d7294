// The part of the table of kernels (kernels.ts) that works on whole maps. Each comes in two forms: maps stored as float32, and
// maps stored as bfloat16, its upper half. Parameters, statistics and sums are float32 in both.
import type { Access } from "./access.js";

type Operands = Readonly<Record<string, Access>>;

export const mapKernels = {
  bias_gradient: {
    outputGradient: "read",
    biasGradient: "write",
    pixels: "integer",
    lanes: "integer",
    slots: "integer",
    partials: "scratch",
  },
  /** outer(inner(norm(x)) + residual) with batch statistics; flags: 1 inner ReLU, 2 outer ReLU, 4 inner GELU. A scale that is absent is 1. */
  batch_norm: {
    input: "read",
    residual: "read",
    output: "write",
    pixels: "integer",
    lanes: "integer",
    scale: "read",
    shift: "read",
    mean: "write",
    reciprocalDeviation: "write",
    factor: "write",
    term: "write",
    runningMean: "update",
    runningVariance: "update",
    epsilon: "float",
    momentum: "float",
    flags: "integer",
    slots: "integer",
    partials: "scratch",
  },
  /** The last part of batch_norm alone, with the factor and term that it left: the same bits once more. */
  batch_norm_again: {
    input: "read",
    residual: "read",
    output: "write",
    pixels: "integer",
    lanes: "integer",
    factor: "read",
    term: "read",
    flags: "integer",
  },
  batch_norm_gradient: {
    outputGradient: "read",
    input: "read",
    output: "read",
    pixels: "integer",
    lanes: "integer",
    scale: "read",
    mean: "read",
    reciprocalDeviation: "read",
    factor: "read",
    term: "read",
    scaleGradient: "write",
    shiftGradient: "write",
    inputGradient: "write",
    residualGradient: "write",
    flags: "integer",
    slots: "integer",
    partials: "scratch",
    coefficients: "scratch",
  },
  /** outer(inner(x) + residual) without a norm. */
  pointwise: {
    input: "read",
    residual: "read",
    output: "write",
    pixels: "integer",
    lanes: "integer",
    flags: "integer",
  },
  pointwise_gradient: {
    outputGradient: "read",
    input: "read",
    output: "read",
    inputGradient: "write",
    residualGradient: "write",
    pixels: "integer",
    lanes: "integer",
    flags: "integer",
  },
  /** input · gate, a factor a channel and image; the gate and its gradient are float32 in both forms. */
  multiply: { input: "read", gate: "read", output: "write", images: "integer", pixels: "integer", lanes: "integer" },
  multiply_gradient: {
    input: "read",
    gate: "read",
    outputGradient: "read",
    inputGradient: "write",
    gateGradient: "write",
    images: "integer",
    pixels: "integer",
    lanes: "integer",
  },
  /** Every stride-th pixel's first `channels` values, zeros behind them. */
  subsample: subsampleOperands({ input: "read", output: "write" }),
  subsample_gradient: subsampleOperands({ outputGradient: "read", inputGradient: "write" }),
  max_pool: poolOperands({ input: "read", output: "write" }),
  max_pool_gradient: poolOperands({
    input: "read",
    output: "read",
    outputGradient: "read",
    inputGradient: "write",
  }),
  /** The average, and its gradient, is float32 in both forms. */
  average_pool: poolOperands({ input: "read", output: "write" }),
  average_pool_gradient: poolOperands({ outputGradient: "read", inputGradient: "write" }),
} as const satisfies Readonly<Record<string, Operands>>;

export type MapKernel = keyof typeof mapKernels;

/** The same kernels under the names by which they take maps of bfloat16. */
export function inBfloat16<T extends Readonly<Record<string, Operands>>>(
  table: T,
): { readonly [K in keyof T & string as `${K}_bfloat16`]: T[K] } {
  const entries = Object.entries(table).map(([name, operands]) => [`${name}_bfloat16`, operands] as const);
  return Object.fromEntries(entries) as never;
}

function subsampleOperands<T extends Readonly<Record<string, Access>>>(maps: T) {
  return {
    ...maps,
    images: "integer",
    height: "integer",
    width: "integer",
    lanes: "integer",
    outHeight: "integer",
    outWidth: "integer",
    outLanes: "integer",
    channels: "integer",
    strideHeight: "integer",
    strideWidth: "integer",
  } as const;
}

function poolOperands<T extends Readonly<Record<string, Access>>>(maps: T) {
  return {
    ...maps,
    images: "integer",
    height: "integer",
    width: "integer",
    outHeight: "integer",
    outWidth: "integer",
    lanes: "integer",
    kernelHeight: "integer",
    kernelWidth: "integer",
    strideHeight: "integer",
    strideWidth: "integer",
    paddingTop: "integer",
    paddingLeft: "integer",
  } as const;
}
