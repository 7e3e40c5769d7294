// 3×3 convolutions of stride 2 by Winograd's algorithm over the odd and the even pixels (see assembly/winograd-strided.ts).
import type { ConvolutionKernel } from "./convolution-task.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { MAXIMUM_WINOGRAD_LANES, threadScratch, tilesAtOnce, unitsFor } from "./convolution-plan.js";
import { FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";
import type { BufferOperand, CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";

export const stridedWinogradConvolution: ConvolutionKernel<"forward"> = {
  name: "winograd strided",
  suits,
  cost,
  emit(writer, sizes, { input, weights, bias, residual, relu, output }) {
    const transformed = transformWeights(writer, sizes, weights, 0);
    const maps = { input, transformed, bias, residual, output, relu: Number(relu) };
    const operands = { ...maps, ...extentsOf(sizes), ...tilesOf(writer, sizes) };
    writer.call("convolve_winograd_strided", operands, replacing(null, output, { input, residual }));
  },
};

export const stridedWinogradInputGradient: ConvolutionKernel<"input gradient"> = {
  name: "winograd strided",
  suits,
  cost,
  emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    const transformed = transformWeights(writer, sizes, weights, 1);
    const maps = { outputGradient, transformed, inputGradient, accumulate: Number(accumulated !== null) };
    const operands = { ...maps, ...extentsOf(sizes), ...tilesOf(writer, sizes) };
    writer.call("input_gradient_winograd_strided", operands, replacing(accumulated, inputGradient));
  },
};

export const stridedWinogradWeightGradient: ConvolutionKernel<"weight gradient"> = {
  name: "winograd strided",
  suits,
  cost,
  emit(writer, sizes, operands) {
    const { inLanes, outLanes } = sizes;
    const fitting = Math.floor(CHUNK_BYTES / (25 * (4 * inLanes + outLanes) * 4));
    const chunk = Math.ceil(Math.min(tilesIn(sizes), Math.max(64, fitting)) / 4) * 4;
    const memory = {
      inputTiles: writer.scratch("input tiles", 25 * (4 * inLanes * chunk * 4 + FREQUENCY_GAP)),
      gradientTiles: writer.scratch("gradient tiles", 25 * (outLanes * chunk * 4 + FREQUENCY_GAP)),
      sums: writer.scratch("sums", 100 * (inLanes * outLanes * 4 + FREQUENCY_GAP)),
      scratch: writer.scratch("strip", STRIP_BYTES * writer.threads),
    };
    const all = { ...operands, ...extentsOf(sizes), tilesAtOnce: chunk, ...memory };
    writer.call("weight_gradient_winograd_strided", all);
  },
};

/** Bytes of tiles that are transformed before their products are taken: out of the last-level cache. */
const CHUNK_BYTES = 16 * 1024 * 1024;

function suits({ kernel, stride, padding, height, width, outHeight, outWidth, inLanes, outLanes }: ConvolutionSizes) {
  const is3x3 = kernel[0] === 3 && kernel[1] === 3 && stride[0] === 2 && stride[1] === 2;
  const isHalf = outHeight === Math.ceil(height / 2) && outWidth === Math.ceil(width / 2);
  const isPadded = padding.top === 1 && padding.left === 1;
  return is3x3 && isHalf && isPadded && inLanes % 8 === 0 && Math.max(inLanes, outLanes) <= MAXIMUM_WINOGRAD_LANES;
}

/** 81 products a pair of channels and tile, the transforms of tiles, and of the filter. */
function cost(sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const tiles = tilesIn(sizes);
  const filter = 81 * inLanes * outLanes * 4;
  return tiles * (81 * inLanes * outLanes * 0.036 + (3 * inLanes + outLanes) * 24) + filter * 0.3;
}

function tilesIn({ images, outHeight, outWidth }: ConvolutionSizes): number {
  return images * Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
}

function transformWeights(
  writer: CallWriter,
  { inLanes, outLanes }: ConvolutionSizes,
  weights: BufferOperand,
  transposed: number,
) {
  const transformed = writer.scratch("transformed filter", 25 * (4 * inLanes * outLanes * 4 + FREQUENCY_GAP));
  const scratchStride = 1024;
  const scratch = writer.scratch("filter tile", scratchStride * writer.threads);
  const operands = { weights, transformed, inLanes, outLanes, transposed, scratch, scratchStride };
  writer.call("transform_weights_strided", operands);
  return transformed;
}

function tilesOf(writer: CallWriter, sizes: ConvolutionSizes) {
  const lanes = 4 * sizes.inLanes + sizes.outLanes;
  const atOnce = tilesAtOnce(tilesIn(sizes), 25 * lanes * 4, unitsFor(writer.threads));
  const scratchStride = threadScratch(STRIP_BYTES + 25 * (lanes * atOnce * 4 + 2 * FREQUENCY_GAP));
  const scratch = writer.scratch("tiles", scratchStride * writer.threads);
  return { tilesAtOnce: atOnce, scratch, scratchStride };
}

function extentsOf({ images, height, width, inLanes, outHeight, outWidth, outLanes }: ConvolutionSizes) {
  return { images, height, width, inLanes, outHeight, outWidth, outLanes };
}
