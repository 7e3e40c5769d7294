// 3×3 convolutions of stride 1 and padding 1 by Winograd's algorithm, with the transforms in WebAssembly and the products of
// the frequencies by a provider.
import type { ConvolutionKernel, ConvolutionKernels, ConvolvedOperands } from "./convolution-task.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { suitsWinograd, transformedFilterBytes, winogradTiles } from "./convolution-plan.js";
import { FILTER_SCRATCH_BYTES, FREQUENCY_GAP, STRIP_BYTES } from "../kernels/kernel-constants.js";
import type { WinogradAlgorithm } from "./winograd-algorithms.js";
import { F3, F4, WHOLE_MAP } from "./winograd-algorithms.js";
import type { CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";

interface Algorithm extends WinogradAlgorithm {
  readonly suits: (sizes: ConvolutionSizes) => boolean;
}

const ALGORITHMS: readonly Algorithm[] = [
  { ...F4, suits: suitsWinograd },
  { ...F3, suits: suitsWinograd },
  { ...WHOLE_MAP, suits: (sizes) => suitsWinograd(sizes) && sizes.height === 3 && sizes.width === 3 },
];

/** Winograd's kernels for a provider that multiplies float32 matrices; `library` is its name with its version. */
export function libraryWinograd(id: string, library: string): ConvolutionKernels {
  const named = <T extends { readonly name: string }>(kernel: T): T => ({
    ...kernel,
    name: `${library} ${kernel.name}`,
  });
  return {
    forward: ALGORITHMS.map((algorithm) => named(forward(id, algorithm))),
    "input gradient": ALGORITHMS.map((algorithm) => named(inputGradient(id, algorithm))),
    "weight gradient": ALGORITHMS.map((algorithm) => named(weightGradient(id, algorithm))),
  };
}

function forward(id: string, algorithm: Algorithm): ConvolutionKernel<"forward"> {
  return {
    ...common(algorithm),
    emit(writer, sizes, operands) {
      convolve(writer, id, sizes, algorithm, { ...operands, isFlipped: false, accumulated: null });
    },
  };
}

function inputGradient(id: string, algorithm: Algorithm): ConvolutionKernel<"input gradient"> {
  return {
    ...common(algorithm),
    emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
      const maps = { input: outputGradient, weights, output: inputGradient, accumulated };
      convolve(writer, id, sizes, algorithm, { ...maps, bias: null, residual: null, relu: false, isFlipped: true });
    },
  };
}

/** Both maps may be stored as bfloat16, which is widened as it is read: products and sums are float32 all the same. */
function weightGradient(id: string, algorithm: Algorithm): ConvolutionKernel<"weight gradient"> {
  const { suits, ...rest } = common(algorithm);
  return {
    ...rest,
    suits: ({ dtypes, ...sizes }) => suits(sizes) && (!dtypes || (algorithm.side === 4 && isBfloat16(dtypes))),
    emit(writer, sizes, operands) {
      const { images, height, width, inLanes, outLanes } = sizes;
      const { points } = algorithm;
      const tilesAtOnce = chunkOf(algorithm, sizes);
      const frequencies = points ** 2;
      const memory = {
        inputTiles: writer.scratch("input tiles", frequencies * (inLanes * tilesAtOnce * 4 + FREQUENCY_GAP)),
        gradientTiles: writer.scratch("gradient tiles", frequencies * (outLanes * tilesAtOnce * 4 + FREQUENCY_GAP)),
        sums: writer.scratch("sums", transformedFilterBytes(sizes, algorithm.points)),
        scratch: writer.scratch("strip", STRIP_BYTES * writer.threads),
      };
      const provider = writer.provider(id);
      const geometry = { images, height, width, inLanes, outLanes, provider, points, tilesAtOnce };
      const all = { ...operands, ...geometry, ...memory };
      const kernel = `weight_gradient_winograd_library${sizes.dtypes ? "_bfloat16" : ""}` as const;
      writer.call(kernel, all);
    },
  };
}

function isBfloat16({ input, output }: NonNullable<ConvolutionSizes["dtypes"]>): boolean {
  return input === "bfloat16" && output === "bfloat16";
}

function common(algorithm: Algorithm) {
  return {
    name: algorithm.recorded.library,
    suits: (sizes: ConvolutionSizes) => !sizes.dtypes && sizes.inLanes % 8 === 0 && algorithm.suits(sizes),
    cost: (sizes: ConvolutionSizes) => costOf(algorithm, sizes),
  };
}

/** Bytes of tiles that are transformed before their products are taken: they stay in the last-level cache. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** A chunk is cut by so many tiles for the threads to share. */
const BLOCK_TILES = 128;

function chunkOf(algorithm: Algorithm, sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const fitting = Math.floor(CHUNK_BYTES / (algorithm.points ** 2 * (inLanes + outLanes) * 4));
  return Math.min(winogradTiles(sizes, algorithm.side), Math.max(1, Math.floor(fitting / BLOCK_TILES)) * BLOCK_TILES);
}

/** On a Zen 4 core: products at 100 GFLOP/s, and the transforms of tiles and filters. */
function costOf(algorithm: Algorithm, sizes: ConvolutionSizes): number {
  const { inLanes, outLanes } = sizes;
  const frequencies = algorithm.points ** 2;
  const transforms = frequencies * (inLanes + outLanes) * 0.6;
  const products = frequencies * inLanes * outLanes * 0.02;
  return (
    winogradTiles(sizes, algorithm.side) * (products + transforms) +
    transformedFilterBytes(sizes, algorithm.points) * 0.2
  );
}

interface Operands extends ConvolvedOperands {
  readonly isFlipped: boolean;
}

function convolve(
  writer: CallWriter,
  id: string,
  sizes: ConvolutionSizes,
  algorithm: Algorithm,
  operands: Operands,
): void {
  const { inLanes, outLanes, images, height, width } = sizes;
  const { input, weights, bias, residual, relu, output, accumulated, isFlipped } = operands;
  const [depth, columns] = isFlipped ? [outLanes, inLanes] : [inLanes, outLanes];
  const { points } = algorithm;
  const { threads } = writer;
  const transformed = writer.scratch("transformed filter", transformedFilterBytes(sizes, algorithm.points));
  const filter = { weights, transformed, inLanes, outLanes, flipped: Number(isFlipped), points };
  const filterScratch = writer.scratch("filter line", FILTER_SCRATCH_BYTES * threads);
  writer.call("transform_weights_by_rows", { ...filter, scratch: filterScratch });
  const tilesAtOnce = chunkOf(algorithm, sizes);
  const tilesOf = (lanes: number) => points ** 2 * (lanes * tilesAtOnce * 4 + FREQUENCY_GAP);
  const memory = {
    inputTiles: writer.scratch("input tiles", tilesOf(depth)),
    outputTiles: writer.scratch("output tiles", tilesOf(columns)),
    scratch: writer.scratch("strip", STRIP_BYTES * threads),
  };
  const extents = { images, height, width, depth, columns };
  const products = { transposed: Number(isFlipped), provider: writer.provider(id), points, tilesAtOnce };
  const accumulate = Number(accumulated !== null);
  const maps = { input, transformed, bias, residual, output, relu: Number(relu), accumulate };
  const replaced = replacing(accumulated, output, { input, residual });
  writer.call("convolve_winograd_library", { ...maps, ...extents, ...products, ...memory }, replaced);
}
