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

/** Tiles of `side`² pixels from `points`² products a pair of channels. */
interface Algorithm {
  /** As runs record it. */
  readonly name: string;
  readonly points: number;
  readonly side: number;
  /** Bytes of a thread that transforms a filter. */
  readonly filterScratch: number;
  /** Nanoseconds of a tile's transforms, for each channel. */
  readonly transforms: number;
  readonly kernels:
    | readonly ["transform_weights", "convolve_winograd"]
    | readonly ["transform_weights_threes", "convolve_winograd_threes"];
}

/** F(4×4, 3×3). */
const F4: Algorithm = {
  name: "winograd",
  points: 6,
  side: 4,
  filterScratch: 4096,
  transforms: 14,
  kernels: ["transform_weights", "convolve_winograd"],
};

/** F(3×3, 3×3): for maps of 3, 6 or 9 pixels a side, where tiles of 4×4 are not filled. */
const F3: Algorithm = {
  name: "winograd threes",
  points: 5,
  side: 3,
  filterScratch: 1024,
  transforms: 16,
  kernels: ["transform_weights_threes", "convolve_winograd_threes"],
};

export const winogradForward: readonly ConvolutionKernel<"forward">[] = [F4, F3].map((algorithm) => ({
  name: algorithm.name,
  suits: suitsWinograd,
  cost: (sizes) => costOf(algorithm, sizes),
  emit(writer, sizes, operands) {
    convolve(writer, sizes, algorithm, { ...operands, transposed: 0, accumulated: null });
  },
}));

export const winogradInputGradients: readonly ConvolutionKernel<"input gradient">[] = [F4, F3].map((algorithm) => ({
  name: algorithm.name,
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
