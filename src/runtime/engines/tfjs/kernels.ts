// The operations that a tfjs backend may have better than tfjs-core puts them together: each engine on tfjs brings its own.
import type { Tensor, Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Padding } from "../../../compiler/network/graph.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { BatchStatistics } from "./batch-norm.js";
import { batchNormTraining } from "./batch-norm.js";
import { convolution } from "./convolution.js";

export interface ConvolutionWindow {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
}

export interface TfjsKernels {
  /** The backend's name, which must be the current one while they run. */
  readonly backend: string;
  /** x: [n, h, w, in]; weight: [kh, kw, in, out]. The network's images need no gradient. */
  convolution(tf: Tfjs, x: Tensor4D, weight: Tensor4D, window: ConvolutionWindow, isOfImages: boolean): Tensor4D;
  /** `onStatistics` is handed the statistics of this batch, to keep or to let go. */
  batchNormTraining(
    tf: Tfjs,
    x: Tensor4D,
    scale: Tensor1D,
    shift: Tensor1D,
    eps: number,
    onStatistics: (statistics: BatchStatistics) => void,
  ): Tensor4D;
  relu(tf: Tfjs, x: Tensor): Tensor;
}

/** Kernels made of tfjs-core's own operations. */
export const plainKernels: TfjsKernels = {
  backend: "cpu",
  convolution: (tf, x, weight, { stride, padding }) => convolution(tf, x, weight, stride, padding),
  batchNormTraining,
  relu: ({ core }, x) => core.relu(x),
};
