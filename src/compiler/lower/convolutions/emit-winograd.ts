// 3×3 convolutions of stride 1 and padding 1 by Winograd's algorithm.
import type { ConvolutionKernel, ConvolvedOperands } from "./convolution-task.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import {
  multiplyAddsOf,
  suitsWinograd,
  threadScratch,
  tilesAtOnce,
  transformedFilterBytes,
  unitsFor,
  winogradTiles,
} from "./convolution-plan.js";
import { FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";
import type { CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";

export const winogradConvolution: ConvolutionKernel<"forward"> = {
  name: "winograd",
  suits: suitsWinograd,
  cost: winogradCost,
  emit(writer, sizes, operands) {
    callWinograd(writer, sizes, { ...operands, transposed: 0, accumulated: null, columns: sizes.outLanes });
  },
};

export const winogradInputGradient: ConvolutionKernel<"input gradient"> = {
  name: "winograd",
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost: winogradCost,
  emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    const maps = { input: outputGradient, weights, output: inputGradient, accumulated };
    const operands = { ...maps, bias: null, residual: null, relu: false };
    callWinograd(writer, sizes, { ...operands, transposed: 1, columns: sizes.inLanes });
  },
};

/** Products of 36 frequencies, the transforms of tiles there and back, and of the filter, which is read once a chunk. */
function winogradCost(sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const tiles = winogradTiles(sizes);
  const products = 36 * tiles * inLanes * outLanes;
  return products * 0.036 + tiles * (inLanes + outLanes) * 14 + transformedFilterBytes(sizes) * 0.3;
}

interface WinogradOperands extends ConvolvedOperands {
  readonly transposed: number;
  readonly columns: number;
}

function callWinograd(writer: CallWriter, sizes: ConvolutionSizes, operands: WinogradOperands): void {
  const { inLanes, outLanes, images, height, width } = sizes;
  const { input, weights, bias, residual, output, accumulated, transposed, columns } = operands;
  const depth = transposed ? outLanes : inLanes;
  const transformed = writer.scratch("transformed filter", transformedFilterBytes(sizes));
  const { threads } = writer;
  const filterScratch = writer.scratch("filter tile", 4096 * threads);
  const filter = { weights, transformed, inLanes, outLanes, transposed };
  writer.call("transform_weights", { ...filter, scratch: filterScratch, scratchStride: 4096 });
  const atOnce = tilesAtOnce(winogradTiles(sizes), 36 * (inLanes + outLanes) * 4, unitsFor(threads));
  const scratchStride = threadScratch(STRIP_BYTES + 36 * ((inLanes + outLanes) * atOnce * 4 + 2 * FREQUENCY_GAP));
  const scratch = writer.scratch("tiles", scratchStride * threads);
  const geometry = {
    images,
    height,
    width,
    depth,
    columns,
    tilesAtOnce: atOnce,
    relu: Number(operands.relu),
    accumulate: Number(accumulated !== null),
  };
  writer.call(
    "convolve_winograd",
    { input, transformed, bias, residual, output, ...geometry, scratch, scratchStride },
    { multiplyAdds: multiplyAddsOf(sizes), ...replacing(accumulated, output, { input, residual }) },
  );
}
