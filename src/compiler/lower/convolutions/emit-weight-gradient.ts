// Gradients of a convolution's filter: in Winograd's domain where that fits, over the pixels of any window elsewhere.
import type { ConvolutionKernel } from "./convolution-task.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import {
  filterBytes,
  imageBytes,
  imagesAtOnce,
  multiplyAddsOf,
  partialsFor,
  suitsWinograd,
  threadScratch,
  tilesAtOnce,
  transformedFilterBytes,
  winogradTiles,
  windowOf,
} from "./convolution-plan.js";
import { F3, F4 } from "./winograd-algorithms.js";
import { FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";

type WeightGradient = ConvolutionKernel<"weight gradient">;

/** Partial sums in the transformed domain. */
export const weightGradientWinograd: WeightGradient = {
  name: F4.recorded.own,
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost: (sizes) => winogradCost(sizes) + winogradPartials(sizes) * transformedFilterBytes(sizes) * 0.15,
  emit(writer, sizes, operands) {
    const { inLanes, outLanes, height, width, images } = sizes;
    const { threads } = writer;
    const atOnce = tilesAtOnce(winogradTiles(sizes), 36 * (inLanes + outLanes) * 4);
    const partialCount = winogradPartials(sizes);
    const scratchStride = threadScratch(STRIP_BYTES + 36 * ((inLanes + outLanes) * atOnce * 4 + 2 * FREQUENCY_GAP));
    const scratch = writer.scratch("tiles", scratchStride * threads);
    const partials = writer.scratch("partial sums", transformedFilterBytes(sizes) * partialCount);
    const geometry = { images, height, width, inLanes, outLanes, tilesAtOnce: atOnce, partialCount };
    const memory = { partials, scratch, scratchStride };
    writer.call("weight_gradient_winograd", { ...operands, ...geometry, ...memory });
  },
};

/** All tiles first, then a product a frequency: there are no partial sums, which would be larger than small maps. */
export const weightGradientByFrequency: WeightGradient = {
  name: "winograd by frequency",
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost: (sizes) => {
    const tiles = 36 * winogradTiles(sizes) * (sizes.inLanes + sizes.outLanes) * 4;
    return winogradCost(sizes) + tiles * 0.1 + transformedFilterBytes(sizes) * 0.3;
  },
  emit(writer, sizes, operands) {
    const { inLanes, outLanes, height, width, images } = sizes;
    const tiles = Math.ceil(winogradTiles(sizes) / 4) * 4;
    const memory = {
      inputTiles: writer.scratch("input tiles", 36 * (tiles * inLanes * 4 + FREQUENCY_GAP)),
      gradientTiles: writer.scratch("gradient tiles", 36 * (tiles * outLanes * 4 + FREQUENCY_GAP)),
      sums: writer.scratch("sums", transformedFilterBytes(sizes)),
      scratch: writer.scratch("tile", STRIP_BYTES * writer.threads),
    };
    const geometry = { images, height, width, inLanes, outLanes };
    writer.call("weight_gradient_winograd_by_frequency", { ...operands, ...geometry, ...memory });
  },
};

/** Beyond it several partial sums of a filter would take more memory than everything else. */
const MOST_BYTES_OF_PARTIAL_SUM = 64 * 1024 * 1024;

/** The same by F(3×3, 3×3), chunk by chunk of tiles. */
export const winogradF3WeightGradient: WeightGradient = {
  name: F3.recorded.own,
  suits: (sizes) => suitsWinograd(sizes) && sizes.inLanes % 8 === 0,
  cost: (sizes) => {
    const { inLanes, outLanes } = sizes;
    const products = 25 * inLanes * outLanes * 0.036;
    const filter = transformedFilterBytes(sizes, 5) * 0.3;
    return winogradTiles(sizes, 3) * (products + (inLanes + outLanes) * 16) + filter;
  },
  emit(writer, sizes, operands) {
    const { images, height, width, inLanes, outLanes } = sizes;
    const fitting = Math.floor(CHUNK_BYTES / (25 * (inLanes + outLanes) * 4));
    const chunk = Math.ceil(Math.min(winogradTiles(sizes, 3), Math.max(64, fitting)) / 4) * 4;
    const memory = {
      inputTiles: writer.scratch("input tiles", 25 * (inLanes * chunk * 4 + FREQUENCY_GAP)),
      gradientTiles: writer.scratch("gradient tiles", 25 * (outLanes * chunk * 4 + FREQUENCY_GAP)),
      sums: writer.scratch("sums", transformedFilterBytes(sizes, 5)),
      scratch: writer.scratch("strip", STRIP_BYTES * writer.threads),
    };
    const geometry = { images, height, width, inLanes, outLanes, tilesAtOnce: chunk };
    writer.call("weight_gradient_winograd_f3", { ...operands, ...geometry, ...memory });
  },
};

/** Bytes of tiles that are transformed before their products are taken: out of the last-level cache. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/** Partial sums over shares of the images. */
export const weightGradientByImage: WeightGradient = {
  name: "by image",
  suits: (sizes) => filterBytes(sizes) <= MOST_BYTES_OF_PARTIAL_SUM || !weightGradientByChannel.suits(sizes),
  cost: (sizes) => directCost(sizes) + partialsFor(filterBytes(sizes), sizes.images) * filterBytes(sizes) * 0.3,
  emit(writer, sizes, operands) {
    const partialCount = partialsFor(filterBytes(sizes), sizes.images);
    const atOnce = imagesAtOnce(sizes, partialCount);
    const bytes = imageBytes(sizes);
    const scratchStride = threadScratch(atOnce * (bytes.input + bytes.output));
    const memory = {
      partials: writer.scratch("partial sums", partialCount * filterBytes(sizes)),
      scratch: writer.scratch("panels", scratchStride * writer.threads),
      scratchStride,
    };
    const shares = { imagesAtOnce: atOnce, partialCount };
    writer.call("weight_gradient_by_image", { ...operands, ...windowOf(sizes), ...shares, ...memory });
  },
};

/** By blocks of 16 input channels over all pixels: no partial sums of filters that are larger than their maps. */
export const weightGradientByChannel: WeightGradient = {
  name: "by channel",
  suits: ({ inLanes }) => inLanes % 16 === 0,
  // Its panels are of all images: out of the second-level cache where there are many.
  cost: (sizes) => directCost(sizes) * (sizes.images * sizes.height * sizes.width > 4096 ? 1.5 : 1),
  emit(writer, sizes, operands) {
    const scratchStride = threadScratch(sizes.images * sizes.height * sizes.width * 16 * 4);
    const memory = {
      packedGradient: writer.scratch("packed gradient", sizes.images * imageBytes(sizes).output),
      scratch: writer.scratch("panels", scratchStride * writer.threads),
      scratchStride,
    };
    writer.call("weight_gradient_by_channel", { ...operands, ...windowOf(sizes), ...memory });
  },
};

function winogradPartials(sizes: ConvolutionSizes): number {
  const tiles = winogradTiles(sizes);
  const units = Math.ceil(tiles / tilesAtOnce(tiles, 36 * (sizes.inLanes + sizes.outLanes) * 4));
  return partialsFor(transformedFilterBytes(sizes), units);
}

function winogradCost(sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const tiles = winogradTiles(sizes);
  return 36 * tiles * inLanes * outLanes * 0.036 + tiles * (inLanes + outLanes) * 14;
}

function directCost(sizes: ConvolutionSizes): number {
  return multiplyAddsOf(sizes) * 0.042;
}
