// The part of the table of kernels (kernels.ts) that a provider carries out on the same heap, or whose products it takes.
import type { Access } from "./access.js";

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
  /** Bytes of an element of the maps: 4 for float32, 2 for bfloat16. */
  inputElementBytes: "integer",
  outputElementBytes: "integer",
} as const satisfies Readonly<Record<string, Access>>;

const winogradGradient = {
  input: "read",
  outputGradient: "read",
  weightGradient: "write",
  images: "integer",
  height: "integer",
  width: "integer",
  inLanes: "integer",
  outLanes: "integer",
  /** Whose products they are. */
  provider: "integer",
  points: "integer",
  tilesAtOnce: "integer",
  inputTiles: "scratch",
  gradientTiles: "scratch",
  sums: "scratch",
  scratch: "scratch",
} as const satisfies Readonly<Record<string, Access>>;

export const libraryKernels = {
  /** Forward pass by a provider, a few images at a time on one thread; `method` is the provider's own number. */
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
  /** 3×3 filters → `points`² matrices [in][out] of Winograd's algorithm; flipped for the input gradient. */
  transform_weights_by_rows: {
    weights: "read",
    transformed: "write",
    inLanes: "integer",
    outLanes: "integer",
    flipped: "integer",
    points: "integer",
    scratch: "scratch",
  },
  /** 3×3, stride 1, padding 1 by Winograd's algorithm, whose products a provider carries out; the filter may lie by columns. */
  convolve_winograd_library: {
    input: "read",
    transformed: "read",
    bias: "read",
    residual: "read",
    output: "update",
    relu: "integer",
    images: "integer",
    height: "integer",
    width: "integer",
    depth: "integer",
    columns: "integer",
    transposed: "integer",
    provider: "integer",
    points: "integer",
    tilesAtOnce: "integer",
    accumulate: "integer",
    inputTiles: "scratch",
    outputTiles: "scratch",
    scratch: "scratch",
  },
  weight_gradient_winograd_library: winogradGradient,
  /** The same of maps stored as bfloat16. */
  weight_gradient_winograd_library_bfloat16: winogradGradient,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Access>>>>;
