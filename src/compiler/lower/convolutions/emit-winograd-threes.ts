// 3×3 convolutions of stride 1 and padding 1 by Winograd's algorithm on tiles of 3×3: for maps of 3, 6 or 9 pixels a side,
// where tiles of 4×4 are not filled.
import type { ConvolutionKernel, ConvolvedOperands } from "./convolution-task.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { multiplyAddsOf, suitsWinograd, threadScratch, tilesAtOnce, unitsFor } from "./convolution-plan.js";
import { FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";
import type { CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";

export const winogradThreesConvolution: ConvolutionKernel<"forward"> = {
  name: "winograd threes",
  suits: suitsWinograd,
  cost,
  emit(writer, sizes, operands) {
    convolve(writer, sizes, { ...operands, transposed: 0, accumulated: null });
  },
};

export const winogradThreesInputGradient: ConvolutionKernel<"input gradient"> = {
  name: "winograd threes",
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost,
  emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    const maps = { input: outputGradient, weights, output: inputGradient, accumulated };
    const operands = { ...maps, bias: null, residual: null, relu: false };
    convolve(writer, sizes, { ...operands, transposed: 1 });
  },
};

export const winogradThreesWeightGradient: ConvolutionKernel<"weight gradient"> = {
  name: "winograd threes",
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost,
  emit(writer, sizes, operands) {
    const { images, height, width, inLanes, outLanes } = sizes;
    const fitting = Math.floor(CHUNK_BYTES / (25 * (inLanes + outLanes) * 4));
    const chunk = Math.ceil(Math.min(tilesIn(sizes), Math.max(64, fitting)) / 4) * 4;
    const memory = {
      inputTiles: writer.scratch("input tiles", 25 * (inLanes * chunk * 4 + FREQUENCY_GAP)),
      gradientTiles: writer.scratch("gradient tiles", 25 * (outLanes * chunk * 4 + FREQUENCY_GAP)),
      sums: writer.scratch("sums", filterBytes(sizes)),
      scratch: writer.scratch("strip", STRIP_BYTES * writer.threads),
    };
    const geometry = { images, height, width, inLanes, outLanes, tilesAtOnce: chunk };
    const all = { ...operands, ...geometry, ...memory };
    writer.call("weight_gradient_winograd_threes", all, { multiplyAdds: multiplyAddsOf(sizes) });
  },
};

/** Bytes of tiles that are transformed before their products are taken: out of the last-level cache. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/** 25 products a pair of channels and tile, the transforms of tiles, and of the filter. */
function cost(sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const transforms = (inLanes + outLanes) * 16;
  return tilesIn(sizes) * (25 * inLanes * outLanes * 0.036 + transforms) + filterBytes(sizes) * 0.3;
}

function tilesIn({ images, height, width }: ConvolutionSizes): number {
  return images * Math.ceil(height / 3) * Math.ceil(width / 3);
}

function filterBytes({ inLanes, outLanes }: ConvolutionSizes): number {
  return 25 * (inLanes * outLanes * 4 + FREQUENCY_GAP);
}

interface Operands extends ConvolvedOperands {
  readonly transposed: number;
}

function convolve(writer: CallWriter, sizes: ConvolutionSizes, operands: Operands): void {
  const { inLanes, outLanes, images, height, width } = sizes;
  const { input, weights, bias, residual, relu, output, accumulated, transposed } = operands;
  const [depth, columns] = transposed ? [outLanes, inLanes] : [inLanes, outLanes];
  const { threads } = writer;
  const transformed = writer.scratch("transformed filter", filterBytes(sizes));
  const filterScratch = writer.scratch("filter tile", 1024 * threads);
  const filter = { weights, transformed, inLanes, outLanes, transposed };
  writer.call("transform_weights_threes", { ...filter, scratch: filterScratch, scratchStride: 1024 });
  const atOnce = tilesAtOnce(tilesIn(sizes), 25 * (depth + columns) * 4, unitsFor(threads));
  const scratchStride = threadScratch(STRIP_BYTES + 25 * ((depth + columns) * atOnce * 4 + 2 * FREQUENCY_GAP));
  const scratch = writer.scratch("tiles", scratchStride * threads);
  const geometry = { images, height, width, depth, columns, tilesAtOnce: atOnce };
  const accumulate = Number(accumulated !== null);
  const maps = { input, transformed, bias, residual, output, relu: Number(relu), accumulate };
  writer.call(
    "convolve_winograd_threes",
    { ...maps, ...geometry, scratch, scratchStride },
    { multiplyAdds: multiplyAddsOf(sizes), ...replacing(accumulated, output, { input, residual }) },
  );
}
