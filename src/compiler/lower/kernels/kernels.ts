// The WebAssembly kernels as the compiler sees them: their operands in the order of the call, each with what the
// kernel does to it. The accessors that the kernels themselves use are generated from this table, so that the two
// sides cannot part.

import type { Access } from "./access.js";
import { convolutionKernels } from "./kernels-of-convolutions.js";
import { libraryKernels } from "./library-kernels.js";
import { inBfloat16, mapKernels } from "./map-kernels.js";

export const kernels = {
  /** 8-bit images [pixels, channels] → floats [pixels, lanes] through a table of 256 values a channel. */
  load_images: {
    images: "read",
    values: "read",
    output: "write",
    pixels: "integer",
    channels: "integer",
    lanes: "integer",
  },
  ...convolutionKernels,
  ...libraryKernels,
  ...mapKernels,
  ...inBfloat16(mapKernels),
  /** batch_norm with running statistics, as in evaluation. */
  batch_norm_inference: {
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
    flags: "integer",
    coefficients: "scratch",
  },
  /** output = factor · input, over whole tensors. */
  scale: { input: "read", output: "write", factor: "float", count: "integer" },
  /** Zero in the lanes beyond the channels. */
  sigmoid: { input: "read", output: "write", pixels: "integer", channels: "integer", lanes: "integer" },
  sigmoid_gradient: { output: "read", outputGradient: "read", inputGradient: "write", count: "integer" },
  /** Sum of the losses (f64) and count of correct answers go to the control block. */
  softmax_cross_entropy: {
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
  /** sums += share·gradients, or sums = share·gradients for the first part, as the control block says. */
  accumulate_gradients: { gradients: "read", sums: "update", count: "integer" },
  /**
   * The L2 norm of all gradients, summed in double precision in parts of fixed extent, goes to the control block. Where
   * it or the loss is not finite, the rest of the step is left out.
   */
  gradient_norm: { gradients: "read", count: "integer", partials: "scratch" },
  /** gradients *= limit / (norm + 1e-6) where the norm is larger than the limit (PyTorch's clip_grad_norm_). */
  clip_gradients: { gradients: "update", count: "integer", limit: "float" },
  /**
   * PyTorch's SGD: d = g + decay·w; m = momentum·m + d; w -= rate·(nesterov ? d + momentum·m : m); decoupled: decay acts on
   * the weight itself. Here and below `group` says which rate of the control block is meant.
   */
  update_sgd: {
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
  /** Adam (arXiv 1412.6980, algorithm 1), rest = 1 − beta; decoupled: decay acts on the weight itself (AdamW, arXiv 1711.05101). */
  update_adam: {
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
  /**
   * One tensor by Muon: momentum, then Newton-Schulz iterations of its direction as a matrix of `rows` rows of `columns`
   * floats (all padding zero), then w -= rate·step·direction. `matrices` holds two such matrices, `products` three square
   * ones of the smaller side.
   */
  update_muon: {
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
  /** average += share·(value − average), with the share in the control block; where it writes back, value = average then. */
  update_average: { values: "update", averages: "update", count: "integer", writesBack: "integer" },
} as const satisfies Record<string, Readonly<Record<string, Access>>>;

export type KernelName = keyof typeof kernels;
export const kernelNames = Object.keys(kernels) as KernelName[];
/** In a kernel's place in a step: a call that another provider than WebAssembly carries out (see encodeStep). */
export const PROVIDED = kernelNames.length;
