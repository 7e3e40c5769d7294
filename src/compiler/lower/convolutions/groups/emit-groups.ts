// Convolutions in groups by kernels that know of them: a filter for each channel alone, or groups of whole vectors.
import type { ConvolutionSizes } from "../convolution-plan.js";
import { filterBytes, imageBytes, multiplyAddsOf, partialsFor, threadScratch, windowOf } from "../convolution-plan.js";
import type { ConvolutionKernel, ConvolutionKernels } from "../convolution-task.js";
import type { BufferOperand, CallWriter } from "../../kernels/kernel-calls.js";
import { replacing } from "../../kernels/kernel-calls.js";

type Groups = NonNullable<ConvolutionSizes["groups"]>;

const forward: ConvolutionKernel<"forward"> = {
  name: "groups",
  isGeneral: true,
  suits: (sizes) => suits(sizes, sizes.groups?.outputs),
  cost: costOf,
  emit(writer, sizes, { input, weights, bias, residual, relu, output }) {
    const extents = { ...windowOfGroups(writer, sizes), accumulate: 0, transposed: 0, relu: Number(relu) };
    writer.call(
      "convolve_groups",
      { input, weights, bias, residual, output, ...extents },
      replacing(null, output, { input, residual }),
    );
  },
};

/** The same kernel over a transposed filter: what it reads is the output's gradient. */
const inputGradient: ConvolutionKernel<"input gradient"> = {
  name: "groups",
  isGeneral: true,
  suits: (sizes) => suits(sizes, sizes.groups?.inputs),
  cost: costOf,
  emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    const transposed = transposedGroups(writer, sizes, weights);
    const swapped = swappedSizes(sizes);
    const extents = { ...windowOfGroups(writer, swapped), accumulate: Number(accumulated !== null), transposed: 1 };
    writer.call(
      "convolve_groups",
      {
        input: outputGradient,
        weights: transposed,
        bias: null,
        residual: null,
        output: inputGradient,
        relu: 0,
        ...extents,
      },
      { multiplyAdds: multiplyAddsOf(sizes), ...replacing(accumulated, inputGradient) },
    );
  },
};

/** Of a filter in groups [tap][output of a group][inLanes], for the gradient by its input; a depthwise one is that already. */
export function transposedGroups(
  writer: CallWriter,
  { inLanes, outLanes, kernel, groups }: ConvolutionSizes,
  weights: BufferOperand,
): BufferOperand {
  const { count, inputs, outputs } = groups!;
  if (isDepthwise({ count, inputs, outputs })) return weights;
  const taps = kernel[0] * kernel[1];
  const transposed = writer.scratch("transposed filter", taps * outputs * inLanes * 4);
  const extents = { taps, groups: count, inputs, outputs, inLanes, outLanes };
  writer.call("transpose_groups", { weights, transposed, ...extents });
  return transposed;
}

const weightGradient: ConvolutionKernel<"weight gradient"> = {
  name: "groups",
  isGeneral: true,
  suits: (sizes) => suits(sizes, sizes.groups?.outputs),
  cost: costOf,
  emit(writer, sizes, operands) {
    const partialCount = partialsFor(filterBytes(sizes), sizes.images);
    const partials = writer.scratch("partial sums", partialCount * filterBytes(sizes));
    const window = windowOfGroups(writer, sizes, filterBytes(sizes));
    writer.call("weight_gradient_groups", { ...operands, partials, partialCount, ...window });
  },
};

export const groupKernels: ConvolutionKernels = {
  forward: [forward],
  "input gradient": [inputGradient],
  "weight gradient": [weightGradient],
};

/** `columns` are those of a group that a pass has in its vectors. */
function suits({ groups, inLanes, outLanes }: ConvolutionSizes, columns: number | undefined): boolean {
  if (!groups || columns === undefined) return false;
  return isDepthwise(groups) ? inLanes === outLanes : columns % 4 === 0;
}

function isDepthwise({ inputs, outputs }: Groups): boolean {
  return inputs === 1 && outputs === 1;
}

/** Loads bind it: about one for each multiply-add of a vector; and the maps pass through memory. */
function costOf(sizes: ConvolutionSizes): number {
  const { input, output } = imageBytes(sizes);
  return multiplyAddsOf(sizes) * 0.06 + sizes.images * (input + output) * 0.05;
}

/** The sizes of the pass that writes the input. */
function swappedSizes(sizes: ConvolutionSizes): ConvolutionSizes {
  const { height, width, inLanes, outHeight, outWidth, outLanes, groups } = sizes;
  const { count, inputs, outputs } = groups!;
  return {
    ...sizes,
    height: outHeight,
    width: outWidth,
    inLanes: outLanes,
    outHeight: height,
    outWidth: width,
    outLanes: inLanes,
    groups: { count, inputs: outputs, outputs: inputs },
  };
}

/** Weights of the lanes that are worked on together stay in the first-level cache, and there is work for several threads. */
const CACHED_BYTES = 16 * 1024;
const LEAST_UNITS = 8;
const TAP_BYTES = 20;

function windowOfGroups(writer: CallWriter, sizes: ConvolutionSizes, ownBytes = 0) {
  const { images, kernel, dilation = [1, 1], groups, outLanes } = sizes;
  const { count, inputs, outputs } = groups!;
  const taps = kernel[0] * kernel[1];
  const shared = Math.ceil((outLanes * images) / LEAST_UNITS / 8);
  const cached = Math.floor(CACHED_BYTES / (taps * inputs * 4 * 8));
  const scratchStride = threadScratch(taps * TAP_BYTES + ownBytes);
  return {
    ...windowOf(sizes),
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    groups: count,
    depth: inputs,
    columns: outputs,
    lanesAtOnce: Math.max(1, Math.min(isDepthwise(groups!) ? outLanes / 8 : cached, shared, outLanes / 8)) * 8,
    scratch: writer.scratch("taps", scratchStride * writer.threads),
    scratchStride,
  };
}
