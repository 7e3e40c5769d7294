// 3×3 convolutions of stride 2 by Winograd's algorithm over the odd and the even pixels (see assembly/winograd-strided.ts).
import type { ConvolutionKernel } from "./convolution-kernels.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { MAXIMUM_WINOGRAD_LANES, multiplyAddsOf, threadScratch, tilesAtOnce, unitsFor } from "./convolution-plan.js";
import type { BufferOperand } from "../kernels/kernel-calls.js";
import { FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";
import type { KernelSelector } from "./kernel-selector.js";
import { replacing } from "./kernel-selector.js";

export const stridedWinogradConvolution: ConvolutionKernel<"forward"> = {
  name: "winograd strided",
  suits,
  cost,
  emit(selector, sizes, { input, weights, bias, residual, relu, output }) {
    const transformed = transformWeights(selector, sizes, weights, 0);
    const maps = { input, transformed, bias, residual, output, relu: Number(relu) };
    const operands = { ...maps, ...extentsOf(sizes), ...tilesOf(selector, sizes) };
    const extra = { multiplyAdds: multiplyAddsOf(sizes), ...replacing(null, output, { input, residual }) };
    selector.call("convolve_winograd_strided", operands, extra);
  },
};

export const stridedWinogradInputGradient: ConvolutionKernel<"input gradient"> = {
  name: "winograd strided",
  suits,
  cost,
  emit(selector, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    const transformed = transformWeights(selector, sizes, weights, 1);
    const maps = { outputGradient, transformed, inputGradient, accumulate: Number(accumulated !== null) };
    const operands = { ...maps, ...extentsOf(sizes), ...tilesOf(selector, sizes) };
    const extra = { multiplyAdds: multiplyAddsOf(sizes), ...replacing(accumulated, inputGradient) };
    selector.call("input_gradient_winograd_strided", operands, extra);
  },
};

export const stridedWinogradWeightGradient: ConvolutionKernel<"weight gradient"> = {
  name: "winograd strided",
  suits,
  cost,
  emit(selector, sizes, operands) {
    const { inLanes, outLanes } = sizes;
    const fitting = Math.floor(CHUNK_BYTES / (25 * (4 * inLanes + outLanes) * 4));
    const chunk = Math.ceil(Math.min(tilesIn(sizes), Math.max(64, fitting)) / 4) * 4;
    const memory = {
      inputTiles: selector.scratch("input tiles", 25 * (4 * inLanes * chunk * 4 + FREQUENCY_GAP)),
      gradientTiles: selector.scratch("gradient tiles", 25 * (outLanes * chunk * 4 + FREQUENCY_GAP)),
      sums: selector.scratch("sums", 100 * (inLanes * outLanes * 4 + FREQUENCY_GAP)),
      scratch: selector.scratch("strip", STRIP_BYTES * selector.selection.threads),
    };
    const all = { ...operands, ...extentsOf(sizes), tilesAtOnce: chunk, ...memory };
    selector.call("weight_gradient_winograd_strided", all, { multiplyAdds: multiplyAddsOf(sizes) });
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
  selector: KernelSelector,
  { inLanes, outLanes }: ConvolutionSizes,
  weights: BufferOperand,
  transposed: number,
) {
  const transformed = selector.scratch("transformed filter", 25 * (4 * inLanes * outLanes * 4 + FREQUENCY_GAP));
  const scratchStride = 1024;
  const scratch = selector.scratch("filter tile", scratchStride * selector.selection.threads);
  const operands = { weights, transformed, inLanes, outLanes, transposed, scratch, scratchStride };
  selector.call("transform_weights_strided", operands);
  return transformed;
}

function tilesOf(selector: KernelSelector, sizes: ConvolutionSizes) {
  const lanes = 4 * sizes.inLanes + sizes.outLanes;
  const atOnce = tilesAtOnce(tilesIn(sizes), 25 * lanes * 4, unitsFor(selector.selection.threads));
  const scratchStride = threadScratch(STRIP_BYTES + 25 * (lanes * atOnce * 4 + 2 * FREQUENCY_GAP));
  const scratch = selector.scratch("tiles", scratchStride * selector.selection.threads);
  return { tilesAtOnce: atOnce, scratch, scratchStride };
}

function extentsOf({ images, height, width, inLanes, outHeight, outWidth, outLanes }: ConvolutionSizes) {
  return { images, height, width, inLanes, outHeight, outWidth, outLanes };
}
