// The passes of a convolution as calls of a native library that works on the same heap. The library says what memory it
// needs; how the images are cut does not depend on the threads, so that bits do not either.
import type { ConvolutionKernel, ConvolutionKernels, ConvolutionPass } from "./convolution-task.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { transposedGroups } from "./groups/emit-groups.js";
import { filterBytes, imageBytes, multiplyAddsOf, threadScratch, windowOf } from "./convolution-plan.js";
import { WITHOUT_GRADIENT_SUMS, WITHOUT_NORM, WITHOUT_SUMS } from "../kernels/library-kernels.js";
import { elementBytes } from "../placement/layout.js";
import { multiplyAddsWithoutPadding } from "./valid-places.js";
import type { CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";

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
  /** As run folders record it: "LIBRARY 2.6.3 winograd". */
  readonly name: string;
  /** By which a call names it. */
  readonly number: number;
  /**
   * Nanoseconds for a thousand multiply-adds on one core, of a weight gradient where that is slower, and for a byte of
   * activations that is brought in or out.
   */
  readonly cost: { readonly products: number; readonly weightGradient?: number; readonly bytes: number };
  /** Whether its input gradient in groups takes the filter as [tap][output of a group][inLanes]. */
  readonly transposesGroups?: true;
  /** Whether `plan` knows of groups and dilation (`ConvolutionKernel`). */
  readonly isGeneral?: true;
  /** Whether it multiplies no padding. */
  readonly skipsPadding?: boolean;
  /** Undefined where the library cannot, or only slowly. */
  readonly plan: (pass: ConvolutionPass, sizes: ConvolutionSizes, imagesAtOnce: number) => LibraryPlan | undefined;
}

/** Of the provider `id`. */
export function libraryConvolutions(id: string, methods: readonly LibraryMethod[]): ConvolutionKernels {
  return {
    forward: methods.map((method) => forward(id, method)),
    "input gradient": methods.map((method) => inputGradient(id, method)),
    "weight gradient": methods.map((method) => weightGradient(id, method)),
  };
}

function forward(id: string, method: LibraryMethod): ConvolutionKernel<"forward"> {
  return {
    ...common(method, "forward"),
    emit(writer, sizes, { input, weights, bias, residual, relu, output }) {
      const { call, plan, extra } = prepare(writer, id, method, "forward", sizes);
      const packed = writer.scratch("packed filter", plan.packedBytes);
      const operands = { input, weights, bias, output, ...call, packed, ...WITHOUT_NORM, ...WITHOUT_SUMS };
      writer.call("library_convolution", operands, extra);
      if (!residual && !relu) return;
      const pixels = sizes.images * sizes.outHeight * sizes.outWidth;
      const extents = { pixels, lanes: sizes.outLanes, channels: sizes.outLanes };
      const activated = { inner: 0, setting: 0, outerRelu: Number(relu) };
      writer.call("pointwise", { input: output, residual, output, ...extents, ...activated });
    },
  };
}

function inputGradient(id: string, method: LibraryMethod): ConvolutionKernel<"input gradient"> {
  return {
    ...common(method, "input gradient"),
    emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
      const { call, plan, extra } = prepare(writer, id, method, "input gradient", sizes);
      const packed = writer.scratch("packed filter", plan.packedBytes);
      const accumulate = Number(accumulated !== null);
      const filter = method.transposesGroups ? transposedGroups(writer, sizes, weights) : weights;
      const common = { outputGradient, weights: filter, inputGradient, accumulate, ...call, packed };
      const operands = { ...common, ...WITHOUT_GRADIENT_SUMS };
      writer.call("library_input_gradient", operands, { ...extra, ...replacing(accumulated, inputGradient) });
    },
  };
}

function weightGradient(id: string, method: LibraryMethod): ConvolutionKernel<"weight gradient"> {
  return {
    ...common(method, "weight gradient"),
    emit(writer, sizes, { input, outputGradient, weightGradient }) {
      const { call, plan, extra } = prepare(writer, id, method, "weight gradient", sizes);
      const partials = writer.scratch("partial sums", plan.pieces === 0 ? 0 : plan.packedBytes * plan.units);
      const operands = { input, outputGradient, weightGradient, ...call, partials, ...WITHOUT_NORM };
      writer.call("library_weight_gradient", operands, extra);
    },
  };
}

function common(method: LibraryMethod, pass: ConvolutionPass) {
  return {
    name: method.name,
    ...(method.isGeneral ? { isGeneral: method.isGeneral } : {}),
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

function prepare(
  writer: CallWriter,
  id: string,
  method: LibraryMethod,
  pass: ConvolutionPass,
  sizes: ConvolutionSizes,
) {
  const atOnce = imagesAtOnce(pass, sizes);
  const plan = method.plan(pass, sizes, atOnce)!;
  const scratchStride = threadScratch(plan.scratchBytes);
  const call = {
    method: method.number,
    imagesAtOnce: atOnce,
    ...windowOf(sizes),
    dilationHeight: sizes.dilation?.[0] ?? 1,
    dilationWidth: sizes.dilation?.[1] ?? 1,
    groups: sizes.groups?.count ?? 0,
    groupInputs: sizes.groups?.inputs ?? 0,
    groupOutputs: sizes.groups?.outputs ?? 0,
    inputElementBytes: elementBytes[sizes.dtypes?.input ?? "float32"],
    outputElementBytes: elementBytes[sizes.dtypes?.output ?? "float32"],
    scratch: writer.scratch("library", scratchStride * writer.threads),
    scratchStride,
  };
  const { units, pieces } = plan;
  const provided = {
    provider: writer.provider(id),
    units: pass === "weight gradient" ? [units, pieces] : [pieces, units],
  };
  return { call, plan, extra: { provided } };
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
