// The rows of the table of kernels (kernels.ts) for convolutions in groups, depthwise ones among them, and for dilated ones.
import type { Sizes } from "./descriptor.js";
import { FLOAT, kernel } from "./descriptor.js";

/** A filter [kernel height][kernel width][inputs of a group][outLanes], beside the dense one [.., inLanes, outLanes] that it equals. */
const filter = {
  kernelHeight: "integer",
  kernelWidth: "integer",
  dilationHeight: "integer",
  dilationWidth: "integer",
  groups: "integer",
  inputs: "integer",
  outputs: "integer",
  inLanes: "integer",
  outLanes: "integer",
} as const;

/** How a window moves over its maps; `depth` channels of a group are read for each of the `columns` that are written. */
const window = {
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
  dilationHeight: "integer",
  dilationWidth: "integer",
  groups: "integer",
  depth: "integer",
  columns: "integer",
  /** Lanes of the output that are worked on together, so that their weights stay in the first-level cache. */
  lanesAtOnce: "integer",
  scratch: "scratch",
  scratchStride: "integer",
} as const;

export const groupKernels = {
  /**
   * Depthwise (depth and columns 1) or in groups whose columns are whole vectors; weights are [tap][depth][outLanes]. It ends with
   * bias and residual added, and with ReLU where `relu` is 1. `transposed`: the gradient by the input, which is the output here.
   */
  convolve_groups: kernel({
    run: ["convolutions/groups", "convolveGroups(call, thread)"],
    operands: {
      input: "read",
      weights: "read",
      bias: "read",
      residual: "read",
      output: "update",
      relu: "integer",
      accumulate: "integer",
      transposed: "integer",
      ...window,
    },
    moves: (sizes) => ({ ...mapBytes(sizes), residual: mapBytes(sizes).output, weights: weightBytes(sizes) }),
    multiplyAdds: groupMultiplyAdds,
  }),
  /** A filter in groups for the gradient by its input: [tap][output of a group][inLanes]. */
  transpose_groups: kernel({
    run: ["convolutions/groups", "transposeGroups(call)"],
    operands: {
      weights: "read",
      transposed: "write",
      taps: "integer",
      groups: "integer",
      inputs: "integer",
      outputs: "integer",
      inLanes: "integer",
      outLanes: "integer",
    },
    moves: ({ taps, inputs, outputs, inLanes, outLanes }) => ({
      weights: taps * inputs * outLanes * FLOAT,
      transposed: taps * outputs * inLanes * FLOAT,
    }),
  }),
  /** Filter gradient in `partialCount` partial sums of fixed extent, added in order. */
  weight_gradient_groups: kernel({
    run: ["convolutions/groups", "weightGradientGroups(call, thread, threads)"],
    operands: {
      input: "read",
      outputGradient: "read",
      weightGradient: "write",
      partials: "scratch",
      partialCount: "integer",
      ...window,
    },
    moves: (sizes) => ({
      input: mapBytes(sizes).input,
      outputGradient: mapBytes(sizes).output,
      weightGradient: weightBytes(sizes),
    }),
    multiplyAdds: groupMultiplyAdds,
  }),
  /** The dense filter: zeros between groups, and between the elements of a dilated kernel. */
  spread_filter: kernel({
    run: ["convolutions/dense-filter", "spreadFilter(call)"],
    operands: { weights: "read", dense: "write", ...filter },
    moves: (sizes) => ({ weights: groupedBytes(sizes), dense: denseBytes(sizes) }),
  }),
  /** Of a dense filter's gradient what the filter has. */
  gather_filter: kernel({
    run: ["convolutions/dense-filter", "gatherFilter(call)"],
    operands: { dense: "read", weightGradient: "write", ...filter },
    moves: (sizes) => ({ dense: groupedBytes(sizes), weightGradient: groupedBytes(sizes) }),
  }),
};

type FilterSizes = Sizes<keyof typeof filter>;

function groupedBytes({ kernelHeight, kernelWidth, inputs, outLanes }: FilterSizes): number {
  return kernelHeight * kernelWidth * inputs * outLanes * FLOAT;
}

function denseBytes({
  kernelHeight,
  kernelWidth,
  dilationHeight,
  dilationWidth,
  inLanes,
  outLanes,
}: FilterSizes): number {
  const [height, width] = [(kernelHeight - 1) * dilationHeight + 1, (kernelWidth - 1) * dilationWidth + 1];
  return height * width * inLanes * outLanes * FLOAT;
}

type WindowSizes = Sizes<Exclude<keyof typeof window, "scratch">>;

function mapBytes({ images, height, width, inLanes, outHeight, outWidth, outLanes }: WindowSizes) {
  return {
    input: images * height * width * inLanes * FLOAT,
    output: images * outHeight * outWidth * outLanes * FLOAT,
  };
}

function weightBytes({ kernelHeight, kernelWidth, depth, outLanes }: WindowSizes): number {
  return kernelHeight * kernelWidth * depth * outLanes * FLOAT;
}

function groupMultiplyAdds(sizes: WindowSizes): number {
  const { images, outHeight, outWidth, kernelHeight, kernelWidth, depth, outLanes } = sizes;
  return images * outHeight * outWidth * kernelHeight * kernelWidth * depth * outLanes;
}
