// Convolutions as matrix products over tables of offsets: any kernel, stride and padding.
import type { ConvolutionKernel } from "./convolution-task.js";
import type { ConvolutionSizes, DirectPlan, PixelMap } from "./convolution-plan.js";
import { filterBytes, forwardPixels, inputGradientClasses, multiplyAddsOf, planDirect } from "./convolution-plan.js";
import { multiplyAddsWithoutPadding } from "./valid-places.js";
import type { BufferId, BufferOperand, CallWriter } from "../kernels/kernel-calls.js";
import { replacing } from "../kernels/kernel-calls.js";

export const directConvolution: ConvolutionKernel<"forward"> = {
  name: "direct",
  suits: () => true,
  cost: directCost,
  emit(writer, sizes, operands) {
    const taps = sizes.kernel[0] * sizes.kernel[1];
    callDirect(writer, sizes, forwardPixels(sizes), {
      ...operands,
      depth: operands.channels,
      accumulated: null,
      accumulate: 0,
      tapOffsets: Array.from({ length: taps }, (_, tap) => tap * sizes.inLanes * sizes.outLanes),
      depthStride: sizes.outLanes,
      columnStride: 1,
    });
  },
};

export const directInputGradient: ConvolutionKernel<"input gradient"> = {
  name: "direct",
  suits: () => true,
  cost: directCost,
  emit(writer, sizes, { outputGradient, weights, inputGradient, accumulated }) {
    // A class that meets no tap adds nothing, but where nothing is added to it must still become zero.
    const classes = inputGradientClasses(sizes).filter(({ map }) => accumulated === null || map.taps > 0);
    classes.forEach(({ map, filterTaps }, index) => {
      callDirect(writer, sizes, map, {
        input: outputGradient,
        depth: sizes.outLanes,
        weights,
        bias: null,
        residual: null,
        relu: false,
        output: inputGradient,
        accumulate: accumulated === null ? 0 : 1,
        accumulated: index === 0 ? accumulated : null,
        tapOffsets: filterTaps.map((tap) => tap * sizes.inLanes * sizes.outLanes),
        depthStride: 1,
        columnStride: sizes.outLanes,
      });
    });
  },
};

/** A vector's multiply-add in half a cycle, a few cycles a tap and tile, and the filter once; taps on the padding are skipped. */
function directCost(sizes: ConvolutionSizes): number {
  const products = multiplyAddsWithoutPadding(sizes);
  return products * 0.036 + (products / (32 * sizes.inLanes)) * 5 + filterBytes(sizes) * 0.3;
}

interface DirectOperands {
  readonly input: BufferOperand;
  /** Lanes of the input that are read. */
  readonly depth: number;
  readonly weights: BufferOperand;
  readonly bias: BufferOperand | null;
  readonly residual: BufferOperand | null;
  readonly relu: boolean;
  readonly output: BufferOperand;
  readonly accumulate: number;
  readonly accumulated: BufferId | null;
  readonly tapOffsets: readonly number[];
  readonly depthStride: number;
  readonly columnStride: number;
}

function callDirect(writer: CallWriter, sizes: ConvolutionSizes, map: PixelMap, operands: DirectOperands): void {
  const { input, depth, weights, bias, residual, relu, output, accumulate, tapOffsets, depthStride, columnStride } =
    operands;
  const [columns, taps] = [map.outputLanes, tapOffsets.length];
  // A residue class without a tap reads no filter.
  const packed = taps > 0 ? writer.scratch("packed filter", taps * depth * columns * 4) : null;
  if (packed) {
    const table = writer.table(`taps at ${tapOffsets.join(" ")}`, taps, () => tapOffsets);
    const extents = { taps, depth, depthStride, columns, columnStride };
    writer.call("pack_weights", { weights, packed, tapOffsets: table, ...extents });
  }
  // Each tap belongs to one residue class, and meets every output pixel once.
  const share = multiplyAddsOf(sizes) * (taps / (sizes.kernel[0] * sizes.kernel[1]));
  planDirect(map, sizes.images).forEach((plan, index) => {
    const first = index === 0 ? replacing(operands.accumulated, output, { input, residual }) : {};
    const outputImages = plan.firstImage * map.outputImageBytes;
    writer.call(
      "convolve_direct",
      {
        input: shifted(input, plan.firstImage * map.inputImageBytes),
        packed,
        bias,
        residual: residual && shifted(residual, outputImages),
        output: shifted(output, outputImages),
        relu: Number(relu),
        offsets: writer.table(plan.key, plan.offsetCount, plan.offsets),
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

function imageShare(plan: DirectPlan, images: number): number {
  return (plan.groups * plan.imagesInGroup) / images;
}

function shifted(operand: BufferOperand, bytes: number) {
  return { ...operand, offset: (operand.offset ?? 0) + bytes };
}
