// The part of the table of kernels (kernels.ts) that a native library carries out on the same heap.
import type { Access } from "./kernels.js";

const libraryOperands = {
  method: "integer",
  imagesAtOnce: "integer",
  images: "integer",
  height: "integer",
  width: "integer",
  inLanes: "integer",
  outHeight: "integer",
  outWidth: "integer",
  outLanes: "integer",
  kernelHeight: "integer",
  kernelWidth: "integer",
  strideHeight: "integer",
  strideWidth: "integer",
  paddingTop: "integer",
  paddingLeft: "integer",
  /** Of an element of the maps: 4 for float32, 2 for bfloat16. */
  inputElementBytes: "integer",
  outputElementBytes: "integer",
  /** Shares of the products, and parts in which a filter is packed or a gradient unpacked. */
  units: "integer",
  pieces: "integer",
} as const satisfies Readonly<Record<string, Access>>;

export const libraryKernels = {
  /** Forward pass by a native library, a few images at a time on one thread; `method` is the library's own number. */
  library_convolution: {
    input: "read",
    weights: "read",
    bias: "read",
    output: "write",
    ...libraryOperands,
    packed: "scratch",
    scratch: "scratch",
    scratchStride: "integer",
  },
  library_input_gradient: {
    outputGradient: "read",
    weights: "read",
    inputGradient: "update",
    accumulate: "integer",
    ...libraryOperands,
    packed: "scratch",
    scratch: "scratch",
    scratchStride: "integer",
  },
  /** Each unit gives one partial filter, and they are added in order; where there are no pieces, a part of the gradient itself. */
  library_weight_gradient: {
    input: "read",
    outputGradient: "read",
    weightGradient: "write",
    ...libraryOperands,
    partials: "scratch",
    scratch: "scratch",
    scratchStride: "integer",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Access>>>>;
