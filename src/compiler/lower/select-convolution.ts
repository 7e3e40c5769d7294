// The kernel calls of a convolution's three passes: Winograd where it fits, products over offset tables elsewhere.
import type { Window } from "../graph.js";
import type { ConvolutionSizes, DirectPlan, PixelMap } from "./convolution-plan.js";
import {
  filterBytes,
  forwardPixels,
  goesByFrequency,
  imageBytes,
  imagesAtOnce,
  inputGradientClasses,
  planDirect,
  slotsFor,
  suitsWinograd,
  sumsByChannel,
  transformedFilterBytes,
  winogradTiles,
  winogradTilesAtOnce,
} from "./convolution-plan.js";
import type { BufferId, KernelCall } from "./kernel-calls.js";
import type { BufferOperand, KernelSelector } from "./kernel-selector.js";
import { mapSize } from "./kernel-selector.js";
import type { TensorId, TrainingOpOf } from "./training-graph.js";

export function callConvolution(selector: KernelSelector, op: TrainingOpOf<"conv2d">): void {
  const sizes = sizesOf(selector, op, op.input, op.output);
  const operands = {
    input: selector.operand(op.input),
    weights: selector.operand(op.weight),
    bias: selector.optional(op.bias),
    output: selector.operand(op.output),
  };
  if (suitsWinograd(sizes, "forward")) {
    callWinograd(selector, sizes, { ...operands, transposed: 0, accumulate: 0, columns: sizes.outLanes });
    return;
  }
  const taps = sizes.kernel[0] * sizes.kernel[1];
  callDirect(selector, sizes, forwardPixels(sizes), {
    ...operands,
    accumulate: 0,
    tapOffsets: Array.from({ length: taps }, (_, tap) => tap * sizes.inLanes * sizes.outLanes),
    depthStride: sizes.outLanes,
    columnStride: 1,
  });
}

export function callInputGradient(selector: KernelSelector, op: TrainingOpOf<"conv2d_input_gradient">): void {
  const sizes = sizesOf(selector, op, op.inputGradient, op.outputGradient);
  const output = selector.operand(op.inputGradient);
  const operands = {
    input: selector.operand(op.outputGradient),
    weights: selector.operand(op.weight),
    bias: null,
    output,
    accumulate: op.accumulate === null ? 0 : 1,
    accumulated: op.accumulate === null ? null : selector.operand(op.accumulate).buffer,
  };
  if (suitsWinograd(sizes, "forward")) {
    callWinograd(selector, sizes, { ...operands, transposed: 1, columns: sizes.inLanes });
    return;
  }
  // A class that meets no tap adds nothing, but where nothing is added to it must still become zero.
  const classes = inputGradientClasses(sizes).filter(({ map }) => op.accumulate === null || map.taps > 0);
  classes.forEach(({ map, filterTaps }, index) => {
    callDirect(selector, sizes, map, {
      ...operands,
      accumulated: index === 0 ? operands.accumulated : null,
      tapOffsets: filterTaps.map((tap) => tap * sizes.inLanes * sizes.outLanes),
      depthStride: 1,
      columnStride: sizes.outLanes,
    });
  });
}

export function callWeightGradient(selector: KernelSelector, op: TrainingOpOf<"conv2d_weight_gradient">): void {
  const sizes = sizesOf(selector, op, op.input, op.outputGradient);
  const operands = {
    input: selector.operand(op.input),
    outputGradient: selector.operand(op.outputGradient),
    weightGradient: selector.operand(op.weightGradient),
  };
  const extra = { multiplyAdds: multiplyAddsOf(sizes) };
  const { threads } = selector.selection;
  if (suitsWinograd(sizes, "weightGradient")) {
    const { inLanes, outLanes, height, width, images } = sizes;
    const sumBytes = transformedFilterBytes(sizes);
    if (goesByFrequency(sizes)) {
      const tiles = Math.ceil(winogradTiles(sizes) / 4) * 4;
      const memory = {
        inputTiles: selector.scratch("input tiles", 36 * (tiles * inLanes * 4 + 64)),
        gradientTiles: selector.scratch("gradient tiles", 36 * (tiles * outLanes * 4 + 64)),
        sums: selector.scratch("sums", sumBytes),
        scratch: selector.scratch("tile", 2048 * threads),
      };
      const geometry = { images, height, width, inLanes, outLanes };
      selector.call("weight_gradient_winograd_by_frequency", { ...operands, ...geometry, ...memory }, extra);
      return;
    }
    const tilesAtOnce = winogradTilesAtOnce(inLanes, outLanes, 32);
    const slots = slotsFor(sumBytes, Math.ceil(winogradTiles(sizes) / tilesAtOnce));
    const scratchStride = aligned(2048 + 36 * ((inLanes + outLanes) * tilesAtOnce * 4 + 128));
    const scratch = selector.scratch("tiles", scratchStride * threads);
    const partials = selector.scratch("partial sums", sumBytes * slots);
    const geometry = { images, height, width, inLanes, outLanes, tilesAtOnce, slots };
    const memory = { partials, scratch, scratchStride };
    selector.call("weight_gradient_winograd", { ...operands, ...geometry, ...memory }, extra);
    return;
  }
  const window = {
    images: sizes.images,
    height: sizes.height,
    width: sizes.width,
    inLanes: sizes.inLanes,
    outHeight: sizes.outHeight,
    outWidth: sizes.outWidth,
    outLanes: sizes.outLanes,
    kernelHeight: sizes.kernel[0],
    kernelWidth: sizes.kernel[1],
    strideHeight: sizes.stride[0],
    strideWidth: sizes.stride[1],
    paddingTop: sizes.padding.top,
    paddingLeft: sizes.padding.left,
  };
  const bytes = imageBytes(sizes);
  if (sumsByChannel(sizes)) {
    const scratchStride = aligned(sizes.images * sizes.height * sizes.width * 16 * 4);
    const packedGradient = selector.scratch("packed gradient", sizes.images * bytes.output);
    const memory = { packedGradient, scratch: selector.scratch("panels", scratchStride * threads), scratchStride };
    selector.call("weight_gradient_by_channel", { ...operands, ...window, ...memory }, extra);
    return;
  }
  const slots = slotsFor(filterBytes(sizes), sizes.images);
  const atOnce = imagesAtOnce(sizes, slots);
  const scratchStride = aligned(atOnce * (bytes.input + bytes.output));
  selector.call(
    "weight_gradient_by_image",
    {
      ...operands,
      ...window,
      imagesAtOnce: atOnce,
      slots,
      partials: selector.scratch("partial sums", slots * filterBytes(sizes)),
      scratch: selector.scratch("panels", scratchStride * threads),
      scratchStride,
    },
    extra,
  );
}

interface ProductOperands {
  readonly input: BufferOperand;
  readonly weights: BufferOperand;
  readonly bias: BufferOperand | null;
  readonly output: BufferOperand;
  readonly accumulate: number;
  /** The buffer that `output` takes over, where the product is added to what is there. */
  readonly accumulated?: BufferId | null;
}

function callWinograd(
  selector: KernelSelector,
  sizes: ConvolutionSizes,
  operands: ProductOperands & { readonly transposed: number; readonly columns: number },
): void {
  const { inLanes, outLanes, images, height, width } = sizes;
  const { input, weights, bias, output, accumulate, transposed, columns } = operands;
  const depth = transposed ? outLanes : inLanes;
  const transformed = selector.scratch("transformed filter", transformedFilterBytes(sizes));
  const { threads } = selector.selection;
  const filterScratch = selector.scratch("filter tile", 4096 * threads);
  const filter = { weights, transformed, inLanes, outLanes, transposed };
  selector.call("transform_weights", { ...filter, scratch: filterScratch, scratchStride: 4096 });
  const tilesAtOnce = winogradTilesAtOnce(inLanes, outLanes, 16);
  const scratchStride = aligned(2048 + 36 * ((inLanes + outLanes) * tilesAtOnce * 4 + 128));
  const scratch = selector.scratch("tiles", scratchStride * threads);
  const geometry = { images, height, width, depth, columns, tilesAtOnce, accumulate };
  selector.call(
    "convolve_winograd",
    { input, transformed, bias, output, ...geometry, scratch, scratchStride },
    { multiplyAdds: multiplyAddsOf(sizes), ...replacing(operands) },
  );
}

function callDirect(
  selector: KernelSelector,
  sizes: ConvolutionSizes,
  map: PixelMap,
  operands: ProductOperands & {
    readonly tapOffsets: readonly number[];
    readonly depthStride: number;
    readonly columnStride: number;
  },
): void {
  const { input, weights, bias, output, accumulate, tapOffsets, depthStride, columnStride } = operands;
  const [depth, columns, taps] = [map.inputLanes, map.outputLanes, tapOffsets.length];
  // A residue class without a tap reads no filter.
  const packed = taps > 0 ? selector.scratch("packed filter", taps * depth * columns * 4) : null;
  if (packed) {
    const table = selector.table(`taps at ${tapOffsets.join(" ")}`, taps, () => tapOffsets);
    const extents = { taps, depth, depthStride, columns, columnStride };
    selector.call("pack_weights", { weights, packed, tapOffsets: table, ...extents });
  }
  // Each tap belongs to one residue class, and meets every output pixel once.
  const share = multiplyAddsOf(sizes) * (taps / (sizes.kernel[0] * sizes.kernel[1]));
  planDirect(map, sizes.images).forEach((plan, index) => {
    const first = index === 0 ? replacing(operands) : {};
    selector.call(
      "convolve_direct",
      {
        input: shifted(input, plan.firstImage * map.inputImageBytes),
        packed,
        bias,
        output: shifted(output, plan.firstImage * map.outputImageBytes),
        offsets: selector.table(plan.key, plan.offsetCount, plan.offsets),
        tiles: plan.tiles,
        taps,
        depth,
        columnTiles: columns / 8,
        groups: plan.groups,
        inputGroupBytes: plan.imagesInGroup * map.inputImageBytes,
        outputGroupBytes: plan.imagesInGroup * map.outputImageBytes,
        groupsAtOnce: plan.groupsAtOnce,
        accumulate,
      },
      { multiplyAdds: share * imageShare(plan, sizes.images), ...first },
    );
  });
}

function replacing({ accumulated, output }: ProductOperands): { inPlace?: KernelCall["inPlace"] } {
  if (accumulated === undefined || accumulated === null) return {};
  return { inPlace: { output: output.buffer, input: accumulated, required: true } };
}

function imageShare(plan: DirectPlan, images: number): number {
  return (plan.groups * plan.imagesInGroup) / images;
}

function shifted(operand: BufferOperand, bytes: number) {
  return { buffer: operand.buffer, offset: (operand.offset ?? 0) + bytes };
}

function sizesOf(selector: KernelSelector, window: Window, input: TensorId, output: TensorId): ConvolutionSizes {
  const [{ height, width }, out] = [mapSize(selector.shape(input)), mapSize(selector.shape(output))];
  return {
    kernel: window.kernel,
    stride: window.stride,
    padding: window.padding,
    images: selector.selection.batch,
    height,
    width,
    inLanes: selector.lanes(input),
    outHeight: out.height,
    outWidth: out.width,
    outLanes: selector.lanes(output),
  };
}

function multiplyAddsOf({ images, outHeight, outWidth, kernel, inLanes, outLanes }: ConvolutionSizes): number {
  return images * outHeight * outWidth * kernel[0] * kernel[1] * inLanes * outLanes;
}

/** Whole pages plus one line, so that equal strides do not fall on the same cache sets. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096 + 256;
}
