// 3×3 convolutions of stride 1 and padding 1 by Winograd's algorithm.
import type { CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";
import { FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import {
  suitsWinograd,
  threadScratch,
  tilesAtOnce,
  transformedFilterBytes,
  unitsFor,
  winogradTiles,
} from "./convolution-plan.js";
import type { ConvolutionKernel, ConvolvedOperands } from "./convolution-task.js";
import type { WinogradAlgorithm } from "./winograd-algorithms.js";
import { F3, F4 } from "./winograd-algorithms.js";

interface Algorithm extends WinogradAlgorithm {
  readonly recorded: { readonly own: string; readonly library: string };
  /** Bytes of a thread that transforms a filter. */
  readonly filterScratch: number;
  /** Nanoseconds of a tile's transforms, for each channel. */
  readonly transforms: number;
  readonly kernels:
    | readonly ["transform_weights", "convolve_winograd"]
    | readonly ["transform_weights_f3", "convolve_winograd_f3"];
}

const ALGORITHMS: readonly Algorithm[] = [
  { ...F4, filterScratch: 4096, transforms: 14, kernels: ["transform_weights", "convolve_winograd"] },
  { ...F3, filterScratch: 1024, transforms: 16, kernels: ["transform_weights_f3", "convolve_winograd_f3"] },
];

export const winogradForward: readonly ConvolutionKernel<"forward">[] = ALGORITHMS.map((algorithm) => ({
  name: algorithm.recorded.own,
  suits: suitsWinograd,
  cost: (sizes) => costOf(algorithm, sizes),
  emit(writer, sizes, operands) {
    convolve(writer, sizes, algorithm, { ...operands, transposed: 0, accumulated: null });
  },
}));

export const winogradInputGradients: readonly ConvolutionKernel<"input gradient">[] = ALGORITHMS.map((algorithm) => ({
  name: algorithm.recorded.own,
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost: (sizes) => costOf(algorithm, sizes),
  emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    const maps = { input: outputGradient, weights, output: inputGradient, accumulated };
    convolve(writer, sizes, algorithm, { ...maps, bias: null, residual: null, relu: false, transposed: 1 });
  },
}));

/** The products, the transforms of tiles there and back, and of the filter, which is read once a chunk. */
function costOf({ points, side, transforms }: Algorithm, sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const products = points ** 2 * inLanes * outLanes * 0.036;
  const filter = transformedFilterBytes(sizes, points) * 0.3;
  return winogradTiles(sizes, side) * (products + (inLanes + outLanes) * transforms) + filter;
}

interface Operands extends ConvolvedOperands {
  readonly transposed: number;
}

function convolve(writer: CallWriter, sizes: ConvolutionSizes, algorithm: Algorithm, operands: Operands): void {
  const { inLanes, outLanes, images, height, width } = sizes;
  const { input, weights, bias, residual, relu, output, accumulated, transposed } = operands;
  const { points, side, filterScratch } = algorithm;
  const [transform, kernel] = algorithm.kernels;
  const [depth, columns] = transposed ? [outLanes, inLanes] : [inLanes, outLanes];
  const { threads } = writer;
  const frequencies = points ** 2;
  const transformed = writer.scratch("transformed filter", transformedFilterBytes(sizes, points));
  const filter = { weights, transformed, inLanes, outLanes, transposed };
  const tile = writer.scratch("filter tile", filterScratch * threads);
  writer.call(transform, { ...filter, scratch: tile, scratchStride: filterScratch });
  const atOnce = tilesAtOnce(winogradTiles(sizes, side), frequencies * (depth + columns) * 4, unitsFor(threads));
  const tiles = frequencies * ((depth + columns) * atOnce * 4 + 2 * FREQUENCY_GAP);
  const scratchStride = threadScratch(STRIP_BYTES + tiles);
  const scratch = writer.scratch("tiles", scratchStride * threads);
  const geometry = { images, height, width, depth, columns, tilesAtOnce: atOnce };
  const accumulate = Number(accumulated !== null);
  const maps = { input, transformed, bias, residual, output, relu: Number(relu), accumulate };
  const replaced = replacing(accumulated, output, { input, residual });
  writer.call(kernel, { ...maps, ...geometry, scratch, scratchStride }, replaced);
}
