// The table of kernels: a row has all that is known of one (see descriptor.ts). The accessors through which the WebAssembly
// kernels read a call's operands, and the dispatch of calls to their functions, are generated from it.

import { FLOAT, kernel } from "./descriptor.js";
import type { Kernel } from "./descriptor.js";
import { convolutionKernels } from "./kernels-of-convolutions.js";
import { groupKernels } from "./kernels-of-groups.js";
import { libraryKernels } from "./library-kernels.js";
import { activated, bfloat16Kernels, mapKernels, pointwise } from "./map-kernels.js";

export const kernels = {
  /** 8-bit images [pixels, channels] → floats [pixels, lanes] through a table of 256 values a channel. */
  load_images: kernel({
    run: ["maps/images", "loadImages(call)"],
    operands: {
      images: "read",
      values: "read",
      output: "write",
      pixels: "integer",
      channels: "integer",
      lanes: "integer",
    },
    moves: ({ pixels, channels, lanes }) => ({ images: pixels * channels, output: pixels * lanes * FLOAT }),
  }),
  ...convolutionKernels,
  ...groupKernels,
  ...libraryKernels,
  ...mapKernels,
  ...bfloat16Kernels,
  /** batch_norm with running statistics, as in evaluation. */
  batch_norm_inference: kernel({
    run: ["maps/batch-norm", "batchNormInference(call, thread, threads)"],
    operands: {
      input: "read",
      residual: "read",
      output: "write",
      pixels: "integer",
      lanes: "integer",
      scale: "read",
      shift: "read",
      runningMean: "read",
      runningVariance: "read",
      epsilon: "float",
      ...activated,
      coefficients: "scratch",
    },
    moves: pointwise(FLOAT),
  }),
  /** output = factor · input, over whole tensors. */
  scale: kernel({
    run: ["maps/pointwise", "scale(call)"],
    operands: { input: "read", output: "write", factor: "float", count: "integer" },
    moves: ({ count }) => ({ input: count * FLOAT, output: count * FLOAT }),
  }),
  /** Sum of the losses (f64) and count of correct answers go to the control block. */
  softmax_cross_entropy: kernel({
    run: ["maps/loss", "softmaxCrossEntropy(call, thread, threads)"],
    operands: {
      logits: "read",
      labels: "read",
      otherLabels: "read",
      labelShares: "read",
      logitsGradient: "write",
      losses: "scratch",
      images: "integer",
      classes: "integer",
      lanes: "integer",
      labelSmoothing: "float",
    },
    moves: ({ images, lanes }) => {
      const bytes = images * lanes * FLOAT;
      return { logits: bytes, logitsGradient: bytes };
    },
  }),
  /** sums += share·gradients, or sums = share·gradients for the first micro-batch, as the control block says. */
  accumulate_gradients: kernel({
    run: ["updates/gradients", "accumulateGradients(call)"],
    operands: { gradients: "read", sums: "update", count: "integer" },
    moves: ({ count }) => ({ gradients: count * FLOAT, sums: count * FLOAT }),
  }),
  /**
   * The L2 norm of all gradients, summed in double precision as partial sums of fixed extent, goes to the control block. Where
   * it or the loss is not finite, the rest of the step is left out.
   */
  gradient_norm: kernel({
    run: ["updates/gradients", "gradientNorm(call, thread, threads)"],
    operands: { gradients: "read", count: "integer", partials: "scratch" },
    moves: ({ count }) => ({ gradients: count * FLOAT }),
  }),
  /** gradients *= limit / (norm + 1e-6) where the norm is larger than the limit (PyTorch's clip_grad_norm_). */
  clip_gradients: kernel({
    run: ["updates/gradients", "clipGradients(call)"],
    operands: { gradients: "update", count: "integer", limit: "float" },
    moves: ({ count }) => ({ gradients: count * FLOAT }),
  }),
  /**
   * PyTorch's SGD: d = g + decay·w; m = momentum·m + d; w -= rate·(nesterov ? d + momentum·m : m); decoupled: decay acts on
   * the weight itself. Here and below `group` says which rate of the control block is meant.
   */
  update_sgd: kernel({
    run: ["updates/update", "updateSgd(call)"],
    operands: {
      parameters: "update",
      gradients: "read",
      momenta: "update",
      count: "integer",
      group: "integer",
      decay: "float",
      momentum: "float",
      nesterov: "integer",
      decoupled: "integer",
    },
    moves: ({ count }) => ({ parameters: count * FLOAT, gradients: count * FLOAT, momenta: count * FLOAT }),
  }),
  /** Adam (arXiv 1412.6980, algorithm 1), rest = 1 − beta; decoupled: decay acts on the weight itself (AdamW, arXiv 1711.05101). */
  update_adam: kernel({
    run: ["updates/update", "updateAdam(call)"],
    operands: {
      parameters: "update",
      gradients: "read",
      firstMoments: "update",
      secondMoments: "update",
      count: "integer",
      group: "integer",
      decay: "float",
      beta1: "float",
      rest1: "float",
      beta2: "float",
      rest2: "float",
      epsilon: "float",
      decoupled: "integer",
    },
    moves: ({ count }) => {
      const bytes = count * FLOAT;
      return { parameters: bytes, gradients: bytes, firstMoments: bytes, secondMoments: bytes };
    },
  }),
  /**
   * One tensor by Muon: momentum, then Newton-Schulz iterations of its direction as a matrix of `rows` rows of `columns`
   * floats (all padding zero), then w -= rate·step·direction. `matrices` holds two such matrices, `products` three square
   * ones of the smaller side.
   */
  update_muon: kernel({
    run: ["updates/muon", "updateMuon(call, thread, threads)"],
    operands: {
      parameters: "update",
      gradients: "read",
      momenta: "update",
      rows: "integer",
      columns: "integer",
      group: "integer",
      decay: "float",
      momentum: "float",
      nesterov: "integer",
      iterations: "integer",
      /** The norm that the weights are brought to first; 0 leaves them. */
      weightNorm: "float",
      step: "float",
      matrices: "scratch",
      products: "scratch",
      partials: "scratch",
    },
    moves: ({ rows, columns }) => {
      const bytes = rows * columns * FLOAT;
      return { parameters: bytes, gradients: bytes, momenta: bytes };
    },
  }),
  /** average += share·(value − average), with the share in the control block; where it writes back, value = average then. */
  update_average: kernel({
    run: ["updates/update", "updateAverage(call)"],
    operands: { values: "update", averages: "update", count: "integer", writesBack: "integer" },
    moves: ({ count }) => ({ values: count * FLOAT, averages: count * FLOAT }),
  }),
};

export type KernelName = keyof typeof kernels;
export type OperandName<K extends KernelName> = keyof (typeof kernels)[K]["operands"] & string;
export const kernelNames = Object.keys(kernels) as KernelName[];
/** In a kernel's place in a step: a call that another provider than WebAssembly carries out (see encodeStep). */
export const PROVIDED = kernelNames.length;

/** The row of a kernel that is not known by its name. */
export function rowOf(name: KernelName): Kernel {
  return kernels[name] as Kernel;
}

/** A call's operands, which are in the order of its kernel's row, by their names. */
export function namedOperands<K extends KernelName>(
  name: K,
  operands: readonly number[],
): Readonly<Record<OperandName<K>, number>> {
  const names = Object.keys(rowOf(name).operands);
  return Object.fromEntries(names.map((operand, index) => [operand, operands[index]!])) as never;
}
