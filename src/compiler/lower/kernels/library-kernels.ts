// The rows of the table of kernels (kernels.ts) that a provider carries out on the same heap, or whose products it takes.
import type { Element, Operands, Sizes } from "./descriptor.js";
import { BFLOAT16, FLOAT, FLOAT32, kernel } from "./descriptor.js";
import {
  tilesAndSums,
  weightGradientMoves,
  windowMultiplyAdds,
  windowOperands,
  winogradGradientRules,
  winogradMoves,
  winogradMultiplyAdds,
} from "./kernels-of-convolutions.js";

const libraryOperands = {
  /** The provider's own number. */
  method: "integer",
  imagesAtOnce: "integer",
  ...windowOperands,
  dilationHeight: "integer",
  dilationWidth: "integer",
  /** How many, and the channels that each reads and writes; 0 where there is one of all lanes. */
  groups: "integer",
  groupInputs: "integer",
  groupOutputs: "integer",
  /** Bytes of an element of the maps: 4 for float32, 2 for bfloat16. */
  inputElementBytes: "integer",
  outputElementBytes: "integer",
} as const satisfies Operands;

export const libraryKernels = {
  /** Forward pass by a provider, a few images at a time on one thread. */
  library_convolution: kernel({
    operands: {
      input: "read",
      weights: "read",
      bias: "read",
      output: "write",
      ...libraryOperands,
      packed: "scratch",
      scratch: "scratch",
      scratchStride: "integer",
    },
    moves: (sizes) => {
      const { input, outputGradient: output, weightGradient: weights } = libraryMoves(sizes);
      return { input, weights, output };
    },
    multiplyAdds: windowMultiplyAdds,
  }),
  library_input_gradient: kernel({
    operands: {
      outputGradient: "read",
      weights: "read",
      inputGradient: "update",
      accumulate: "integer",
      ...libraryOperands,
      packed: "scratch",
      scratch: "scratch",
      scratchStride: "integer",
    },
    moves: (sizes) => {
      const { input: inputGradient, outputGradient, weightGradient: weights } = libraryMoves(sizes);
      return { outputGradient, weights, inputGradient };
    },
    multiplyAdds: windowMultiplyAdds,
  }),
  /** Each unit gives one partial filter, and they are added in order; where there are no pieces, a part of the gradient itself. */
  library_weight_gradient: kernel({
    operands: {
      input: "read",
      outputGradient: "read",
      weightGradient: "write",
      ...libraryOperands,
      partials: "scratch",
      scratch: "scratch",
      scratchStride: "integer",
    },
    moves: libraryMoves,
    multiplyAdds: windowMultiplyAdds,
  }),
  /** 3×3 filters → `points`² matrices [in][out] of Winograd's algorithm; flipped for the input gradient. */
  transform_weights_by_rows: kernel({
    run: ["convolutions/winograd-library", "transformWeightsByRows(call, thread)"],
    operands: {
      weights: "read",
      transformed: "write",
      inLanes: "integer",
      outLanes: "integer",
      flipped: "integer",
      points: "integer",
      scratch: "scratch",
    },
    moves: ({ inLanes, outLanes, points }) => {
      const pairs = inLanes * outLanes * FLOAT;
      return { weights: 9 * pairs, transformed: points ** 2 * pairs };
    },
  }),
  /** 3×3, stride 1, padding 1 by Winograd's algorithm, whose products a provider carries out; the filter may lie by columns. */
  convolve_winograd_library: kernel({
    run: ["convolutions/winograd-library", "convolveWinogradLibrary(call, thread, threads)"],
    operands: {
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
    moves: (sizes) => winogradMoves(sizes, sizes.points ** 2),
    multiplyAdds: winogradMultiplyAdds,
  }),
  weight_gradient_winograd_library: winogradGradient(FLOAT32),
  weight_gradient_winograd_library_bfloat16: winogradGradient(BFLOAT16),
};

function winogradGradient({ type, bytes }: Element) {
  return kernel({
    run: ["convolutions/winograd-library", `weightGradientWinogradLibrary<${type}>(call, thread, threads)`],
    operands: {
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
      ...tilesAndSums,
    },
    ...winogradGradientRules(bytes),
  });
}

function libraryMoves({
  inputElementBytes,
  outputElementBytes,
  ...sizes
}: Parameters<typeof weightGradientMoves>[0] & Sizes<"inputElementBytes" | "outputElementBytes">) {
  const { input, outputGradient, weightGradient } = weightGradientMoves(sizes);
  return {
    input: (input * inputElementBytes) / FLOAT,
    outputGradient: (outputGradient * outputElementBytes) / FLOAT,
    weightGradient,
  };
}
