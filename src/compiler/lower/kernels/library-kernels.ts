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

/**
 * The norm whose output a convolution reads: where there is a factor, the input is the norm's, and a thread normalises what it works
 * on in memory of its own.
 */
const normOfInput = {
  factor: "read",
  term: "read",
  /** Its activation, as `activationCode` has it, and whether ReLU comes last. */
  inner: "integer",
  outerRelu: "integer",
  normalised: "scratch",
  normalisedStride: "integer",
} as const satisfies Operands;
export const WITHOUT_NORM = {
  factor: null,
  term: null,
  inner: 0,
  outerRelu: 0,
  normalised: null,
  normalisedStride: 0,
} as const;

/** Each unit's sums [2][lanes] of doubles over what it wrote: Σ (y − pivot) and Σ (y − pivot)², for the norm behind. */
const sumsOfOutput = { pivots: "read", sums: "scratch" } as const satisfies Operands;
export const WITHOUT_SUMS = { pivots: null, sums: null } as const;

/** The same of an input's gradient, as that of a norm's output: the sums of batch_norm_gradient. */
const sumsOfGradient = {
  normInput: "read",
  normOutput: "read",
  mean: "read",
  factor: "read",
  term: "read",
  inner: "integer",
  sums: "scratch",
} as const satisfies Operands;
export const WITHOUT_GRADIENT_SUMS = {
  ...{ normInput: null, normOutput: null, mean: null, factor: null, term: null, inner: 0, sums: null },
} as const;

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
      ...normOfInput,
      ...sumsOfOutput,
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
      ...sumsOfGradient,
    },
    moves: (sizes) => {
      const { input: inputGradient, outputGradient, weightGradient: weights } = libraryMoves(sizes);
      return { outputGradient, weights, inputGradient, normInput: inputGradient, normOutput: inputGradient };
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
      ...normOfInput,
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
