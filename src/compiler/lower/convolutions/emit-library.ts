// The passes of a convolution as calls of a native library that works on the same heap. The library says what memory it
// needs; how the images are cut does not depend on the threads, so that bits do not either.
import type { ConvolutionKernel, ConvolutionKernels, ConvolutionPass } from "./convolution-kernels.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { filterBytes, imageBytes, multiplyAddsOf, threadScratch } from "./convolution-plan.js";
import { OUTER_RELU } from "../kernels/kernel-constants.js";
import type { KernelSelector } from "./kernel-selector.js";
import { replacing } from "./kernel-selector.js";
import { elementBytes } from "../placement/layout.js";
import { multiplyAddsWithoutPadding } from "./valid-places.js";

/** Memory of a pass over `imagesAtOnce` images. */
export interface LibraryPlan {
  /** Shares of the products that can go to different threads. */
  readonly units: number;
  /** A filter, or its gradient, in the library's layout. */
  readonly packedBytes: number;
  /** In how many parts it is brought there or back; none where a gradient is computed as the heap has it. */
  readonly pieces: number;
  /** What a thread needs while it computes. */
  readonly scratchBytes: number;
}

export interface LibraryMethod {
  /** "oneDNN 2.6.3 winograd" */
  readonly name: string;
  /** By which a call names it. */
  readonly number: number;
  /**
   * Nanoseconds for a thousand multiply-adds on one core, of a weight gradient where that is slower, and for a byte of
   * activations that is brought in or out.
   */
  readonly cost: { readonly products: number; readonly weightGradient?: number; readonly bytes: number };
  /** Whether it multiplies no padding. */
  readonly skipsPadding?: boolean;
  /** Undefined where the library cannot, or only slowly. */
  readonly plan: (pass: ConvolutionPass, sizes: ConvolutionSizes, imagesAtOnce: number) => LibraryPlan | undefined;
}

export function libraryConvolutions(methods: readonly LibraryMethod[]): ConvolutionKernels {
  return {
    forward: methods.map(forward),
    "input gradient": methods.map(inputGradient),
    "weight gradient": methods.map(weightGradient),
  };
}

function forward(method: LibraryMethod): ConvolutionKernel<"forward"> {
  return {
    ...common(method, "forward"),
    emit(selector, sizes, { input, weights, bias, residual, relu, output }) {
      const { call, plan } = prepare(selector, method, "forward", sizes);
      const packed = selector.scratch("packed filter", plan.packedBytes);
      const operands = { input, weights, bias, output, ...call, packed };
      selector.call("library_convolution", operands, { multiplyAdds: multiplyAddsOf(sizes) });
      if (!residual && !relu) return;
      const pixels = sizes.images * sizes.outHeight * sizes.outWidth;
      const extents = { pixels, lanes: sizes.outLanes, flags: relu ? OUTER_RELU : 0 };
      selector.call("pointwise", { input: output, residual, output, ...extents });
    },
  };
}

function inputGradient(method: LibraryMethod): ConvolutionKernel<"input gradient"> {
  return {
    ...common(method, "input gradient"),
    emit(selector, sizes, { outputGradient, weights, inputGradient, accumulated }) {
      const { call, plan } = prepare(selector, method, "input gradient", sizes);
      const packed = selector.scratch("packed filter", plan.packedBytes);
      const accumulate = Number(accumulated !== null);
      const operands = { outputGradient, weights, inputGradient, accumulate, ...call, packed };
      const extra = { multiplyAdds: multiplyAddsOf(sizes), ...replacing(accumulated, inputGradient) };
      selector.call("library_input_gradient", operands, extra);
    },
  };
}

function weightGradient(method: LibraryMethod): ConvolutionKernel<"weight gradient"> {
  return {
    ...common(method, "weight gradient"),
    emit(selector, sizes, { input, outputGradient, weightGradient }) {
      const { call, plan } = prepare(selector, method, "weight gradient", sizes);
      const partials = selector.scratch("partial sums", plan.pieces === 0 ? 0 : plan.packedBytes * plan.units);
      const operands = { input, outputGradient, weightGradient, ...call, partials };
      selector.call("library_weight_gradient", operands, { multiplyAdds: multiplyAddsOf(sizes) });
    },
  };
}

function common(method: LibraryMethod, pass: ConvolutionPass) {
  return {
    name: method.name,
    suits: (sizes: ConvolutionSizes) => method.plan(pass, sizes, imagesAtOnce(pass, sizes)) !== undefined,
    cost(sizes: ConvolutionSizes) {
      const { input, output } = imageBytes(sizes);
      const { products: usual, weightGradient = usual, bytes } = method.cost;
      const products = pass === "weight gradient" ? weightGradient : usual;
      const multiplyAdds = method.skipsPadding ? multiplyAddsWithoutPadding(sizes) : multiplyAddsOf(sizes);
      return (multiplyAdds / 1000) * products + sizes.images * (input + output) * bytes;
    },
  };
}

function prepare(selector: KernelSelector, method: LibraryMethod, pass: ConvolutionPass, sizes: ConvolutionSizes) {
  const atOnce = imagesAtOnce(pass, sizes);
  const plan = method.plan(pass, sizes, atOnce)!;
  const scratchStride = threadScratch(plan.scratchBytes);
  const { images, height, width, inLanes, outHeight, outWidth, outLanes, kernel, stride, padding, storage } = sizes;
  const call = {
    method: method.number,
    imagesAtOnce: atOnce,
    images,
    height,
    width,
    inLanes,
    outHeight,
    outWidth,
    outLanes,
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: stride[0],
    strideWidth: stride[1],
    paddingTop: padding.top,
    paddingLeft: padding.left,
    inputElementBytes: elementBytes[storage?.input ?? "float32"],
    outputElementBytes: elementBytes[storage?.output ?? "float32"],
    units: plan.units,
    pieces: plan.pieces,
    scratch: selector.scratch("library", scratchStride * selector.selection.threads),
    scratchStride,
  };
  return { call, plan };
}

/** Activations of that many bytes stay in a core's second-level cache while they are converted, multiplied and put back. */
const CHUNK_BYTES = 1024 * 1024;
/** Chunks come in fours, so that two or four threads end together. */
const CHUNKS = 4;
/** Partial filters together stay about that, and come in twos. */
const PARTIAL_BYTES = 8 * 1024 * 1024;

function imagesAtOnce(pass: ConvolutionPass, sizes: ConvolutionSizes): number {
  const { images } = sizes;
  const { input, output } = imageBytes(sizes);
  // Each chunk reads the whole filter, and Winograd's transforms it
  const chunkBytes = Math.max(CHUNK_BYTES, filterBytes(sizes));
  const wanted = Math.ceil(Math.ceil((images * (input + output)) / chunkBytes) / CHUNKS) * CHUNKS;
  const few = Math.ceil(PARTIAL_BYTES / filterBytes(sizes) / 2) * 2;
  const chunks = Math.min(images, pass === "weight gradient" ? Math.min(wanted, few) : wanted);
  return Math.ceil(images / chunks);
}
