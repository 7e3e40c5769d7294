// The rows of the table of kernels (kernels.ts) that convolutions take.
import type { Operands, Sizes } from "./descriptor.js";
import { FLOAT, kernel } from "./descriptor.js";

const maps = { images: "integer", height: "integer", width: "integer", inLanes: "integer" } as const;
const outputs = { outHeight: "integer", outWidth: "integer", outLanes: "integer" } as const;
const threadScratch = { scratch: "scratch", scratchStride: "integer" } as const;
const gradientMaps = { input: "read", outputGradient: "read", weightGradient: "write" } as const;

/** How a window of any kernel, stride and padding moves over its maps. */
export const windowOperands = {
  ...maps,
  ...outputs,
  kernelHeight: "integer",
  kernelWidth: "integer",
  strideHeight: "integer",
  strideWidth: "integer",
  paddingTop: "integer",
  paddingLeft: "integer",
} as const satisfies Operands;

const filterTransform = {
  weights: "read",
  transformed: "write",
  inLanes: "integer",
  outLanes: "integer",
  transposed: "integer",
  ...threadScratch,
} as const;

/** Ends with the bias and the residual added, and with ReLU where `relu` is 1. */
const winograd = {
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
  tilesAtOnce: "integer",
  accumulate: "integer",
  ...threadScratch,
} as const;

/** All tiles, or a chunk of them, before their products. */
export const tilesAndSums = {
  inputTiles: "scratch",
  gradientTiles: "scratch",
  sums: "scratch",
  scratch: "scratch",
} as const;

export const convolutionKernels = {
  /** A filter of `rows` rows of `lanes` columns with the running statistics of the norm behind it in it, and its bias. */
  fold_batch_norm: kernel({
    run: ["maps/fold-batch-norm", "foldBatchNorm(call)"],
    operands: {
      weights: "read",
      bias: "read",
      scale: "read",
      shift: "read",
      runningMean: "read",
      runningVariance: "read",
      epsilon: "float",
      foldedWeights: "write",
      foldedBias: "write",
      rows: "integer",
      lanes: "integer",
    },
    moves: ({ rows, lanes }) => ({ weights: rows * lanes * FLOAT, foldedWeights: rows * lanes * FLOAT }),
  }),
  /** Weights → panels [column / 8][tap][depth][8] for convolve_direct. */
  pack_weights: kernel({
    run: ["convolutions/convolve-direct", "packWeights(call)"],
    operands: {
      weights: "read",
      packed: "write",
      tapOffsets: "read",
      taps: "integer",
      depth: "integer",
      depthStride: "integer",
      columns: "integer",
      columnStride: "integer",
    },
    moves: ({ taps, depth, columns }) => {
      const bytes = taps * depth * columns * FLOAT;
      return { weights: bytes, packed: bytes };
    },
  }),
  /**
   * Convolution as matrix products over a table of input offsets: 4 pixels × 8 channels a tile. It ends with the bias and the
   * residual added, and with ReLU where `relu` is 1. Its multiply-adds are the emitter's to say: operands tell neither the
   * pixels that fill up the last tile nor the channels that are not read.
   */
  convolve_direct: kernel({
    run: ["convolutions/convolve-direct", "convolveDirect(call)"],
    operands: {
      input: "read",
      packed: "read",
      bias: "read",
      residual: "read",
      output: "update",
      relu: "integer",
      offsets: "read",
      tiles: "integer",
      taps: "integer",
      depth: "integer",
      columnTiles: "integer",
      groups: "integer",
      inputGroupBytes: "integer",
      outputGroupBytes: "integer",
      groupsAtOnce: "integer",
      accumulate: "integer",
    },
    moves: ({ groups, inputGroupBytes, tiles, taps, depth, columnTiles }) => {
      const pixels = groups * tiles * 4;
      // A strided window of one pixel passes over most of its input
      const input = Math.min(groups * inputGroupBytes, pixels * taps * depth * FLOAT);
      const columns = columnTiles * 8;
      const output = pixels * columns * FLOAT;
      return { input, packed: taps * depth * columns * FLOAT, residual: output, output };
    },
  }),
  /** 3×3 filters → 36 matrices of Winograd's F(4×4, 3×3), [36][column / 8][depth][8]; transposed for the input gradient. */
  transform_weights: kernel({
    run: ["convolutions/winograd", "transformWeights(call, thread)"],
    operands: filterTransform,
    moves: transformMoves(36),
  }),
  /** 3×3, stride 1, padding 1 by Winograd's F(4×4, 3×3). */
  convolve_winograd: kernel({
    run: ["convolutions/winograd", "convolveWinograd(call, thread)"],
    operands: winograd,
    moves: (sizes) => winogradMoves(sizes, 36),
    multiplyAdds: winogradMultiplyAdds,
  }),
  /** Filter gradient in Winograd's domain; `partialCount` partial sums of fixed extent, added in order. */
  weight_gradient_winograd: kernel({
    run: ["convolutions/winograd", "weightGradientWinograd(call, thread, threads)"],
    operands: {
      ...gradientMaps,
      ...maps,
      outLanes: "integer",
      tilesAtOnce: "integer",
      partialCount: "integer",
      partials: "scratch",
      ...threadScratch,
    },
    ...winogradGradientRules(FLOAT),
  }),
  /** The same for many channels on small maps: all tiles first, then a product a frequency, without partial sums. */
  weight_gradient_winograd_by_frequency: kernel({
    run: ["convolutions/winograd", "weightGradientWinogradByFrequency(call, thread, threads)"],
    operands: { ...gradientMaps, ...maps, outLanes: "integer", ...tilesAndSums },
    ...winogradGradientRules(FLOAT),
  }),
  /** 3×3 filters → 25 matrices of Winograd's F(3×3, 3×3), [25][column / 8][depth][8]; transposed for the input gradient. */
  transform_weights_f3: kernel({
    run: ["convolutions/winograd-f3", "transformWeightsF3(call, thread)"],
    operands: filterTransform,
    moves: transformMoves(25),
  }),
  /** 3×3, stride 1, padding 1 by Winograd's F(3×3, 3×3). */
  convolve_winograd_f3: kernel({
    run: ["convolutions/winograd-f3", "convolveWinogradF3(call, thread)"],
    operands: winograd,
    moves: (sizes) => winogradMoves(sizes, 25),
    multiplyAdds: winogradMultiplyAdds,
  }),
  weight_gradient_winograd_f3: kernel({
    run: ["convolutions/winograd-f3", "weightGradientWinogradF3(call, thread, threads)"],
    operands: { ...gradientMaps, ...maps, outLanes: "integer", tilesAtOnce: "integer", ...tilesAndSums },
    ...winogradGradientRules(FLOAT),
  }),
  /** 3×3 filters of stride 2 → 25 matrices of F(4×4, 2×2), whose residues lie along the depth, or transposed the columns. */
  transform_weights_strided: kernel({
    run: ["convolutions/winograd-strided", "transformWeightsStrided(call, thread)"],
    operands: filterTransform,
    moves: transformMoves(81),
  }),
  /** 3×3, stride 2, padding 1 above and to the left, by Winograd's F(4×4, 2×2) over the odd and even pixels. */
  convolve_winograd_strided: kernel({
    run: ["convolutions/winograd-strided", "convolveWinogradStrided(call, thread)"],
    operands: {
      input: "read",
      transformed: "read",
      bias: "read",
      residual: "read",
      output: "write",
      relu: "integer",
      ...maps,
      ...outputs,
      tilesAtOnce: "integer",
      ...threadScratch,
    },
    moves: (sizes) => {
      const { input, output, filter } = stridedExtents(sizes);
      return { input, transformed: 81 * filter, residual: output, output };
    },
    multiplyAdds: stridedMultiplyAdds,
  }),
  input_gradient_winograd_strided: kernel({
    run: ["convolutions/winograd-strided", "inputGradientWinogradStrided(call, thread)"],
    operands: {
      outputGradient: "read",
      transformed: "read",
      inputGradient: "update",
      ...maps,
      ...outputs,
      tilesAtOnce: "integer",
      accumulate: "integer",
      ...threadScratch,
    },
    moves: (sizes) => {
      const { input, output, filter } = stridedExtents(sizes);
      return { outputGradient: output, transformed: 81 * filter, inputGradient: input };
    },
    multiplyAdds: stridedMultiplyAdds,
  }),
  weight_gradient_winograd_strided: kernel({
    run: ["convolutions/winograd-strided", "weightGradientWinogradStrided(call, thread, threads)"],
    operands: { ...gradientMaps, ...maps, ...outputs, tilesAtOnce: "integer", ...tilesAndSums },
    moves: (sizes) => {
      const { input, output, filter } = stridedExtents(sizes);
      return { input, outputGradient: output, weightGradient: 9 * filter };
    },
    multiplyAdds: stridedMultiplyAdds,
  }),
  /** Filter gradient by images: `partialCount` partial sums of fixed extent, added in order. */
  weight_gradient_by_image: kernel({
    run: ["convolutions/weight-gradient", "weightGradientByImage(call, thread, threads)"],
    operands: {
      ...gradientMaps,
      ...windowOperands,
      imagesAtOnce: "integer",
      partialCount: "integer",
      partials: "scratch",
      ...threadScratch,
    },
    moves: weightGradientMoves,
    multiplyAdds: windowMultiplyAdds,
  }),
  /** Filter gradient by blocks of input channels, for filters larger than their maps: no partial sums. */
  weight_gradient_by_channel: kernel({
    run: ["convolutions/weight-gradient", "weightGradientByChannel(call, thread, threads)"],
    operands: { ...gradientMaps, ...windowOperands, packedGradient: "scratch", ...threadScratch },
    moves: weightGradientMoves,
    multiplyAdds: windowMultiplyAdds,
  }),
};

type MapSizes = Sizes<"images" | "height" | "width" | "inLanes">;
type OutputSizes = Sizes<"outHeight" | "outWidth" | "outLanes">;
type WindowSizes = MapSizes & OutputSizes & Sizes<"kernelHeight" | "kernelWidth">;
type WinogradSizes = Sizes<"images" | "height" | "width" | "depth" | "columns">;

function transformMoves(frequencies: number) {
  return ({ inLanes, outLanes }: Sizes<"inLanes" | "outLanes">) => {
    const pairs = inLanes * outLanes * FLOAT;
    return { weights: 9 * pairs, transformed: frequencies * pairs };
  };
}

export function winogradMoves({ images, height, width, depth, columns }: WinogradSizes, frequencies: number) {
  const pixels = images * height * width * FLOAT;
  const output = pixels * columns;
  return { input: pixels * depth, transformed: frequencies * depth * columns * FLOAT, residual: output, output };
}

export function winogradMultiplyAdds({ images, height, width, depth, columns }: WinogradSizes): number {
  return images * height * width * 9 * depth * columns;
}

/** Of the filter's gradient by Winograd's algorithm, of maps whose elements have so many bytes. */
export function winogradGradientRules(elementBytes: number) {
  return {
    moves({ images, height, width, inLanes, outLanes }: MapSizes & Sizes<"outLanes">) {
      const pixels = images * height * width * elementBytes;
      const weightGradient = 9 * inLanes * outLanes * FLOAT;
      return { input: pixels * inLanes, outputGradient: pixels * outLanes, weightGradient };
    },
    multiplyAdds: ({ images, height, width, inLanes, outLanes }: MapSizes & Sizes<"outLanes">) =>
      images * height * width * 9 * inLanes * outLanes,
  };
}

function stridedExtents({ images, height, width, inLanes, outHeight, outWidth, outLanes }: MapSizes & OutputSizes) {
  return {
    input: images * height * width * inLanes * FLOAT,
    output: images * outHeight * outWidth * outLanes * FLOAT,
    filter: inLanes * outLanes * FLOAT,
  };
}

function stridedMultiplyAdds({ images, inLanes, outHeight, outWidth, outLanes }: MapSizes & OutputSizes): number {
  return images * outHeight * outWidth * 9 * inLanes * outLanes;
}

export function weightGradientMoves(sizes: WindowSizes) {
  const { input, output, filter } = stridedExtents(sizes);
  return { input, outputGradient: output, weightGradient: sizes.kernelHeight * sizes.kernelWidth * filter };
}

export function windowMultiplyAdds(sizes: WindowSizes): number {
  const { images, inLanes, outHeight, outWidth, outLanes, kernelHeight, kernelWidth } = sizes;
  return images * outHeight * outWidth * kernelHeight * kernelWidth * inLanes * outLanes;
}
