// TrainingGraph → KernelCalls: each node becomes the kernel calls that carry it out for one batch size. Operands are
// buffers without an address yet; scratch memory is a buffer that lives for one call.
import type { OptimizerConfig } from "../config.js";
import { invariant } from "../diagnostic.js";
import type { Shape, Window } from "../graph.js";
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
import type { Buffer, BufferId, KernelCall, KernelCalls, Operand, OperandsOf } from "./kernel-calls.js";
import type { KernelName } from "./kernels.js";
import type { ParameterLayout } from "./layout.js";
import { imageLanesOf, lanesOf } from "./layout.js";
import { slotNames } from "./optimizer-slots.js";
import type { Tensor, TensorId, TrainingGraph, TrainingNode, TrainingOp, TrainingOpOf } from "./training-graph.js";

export interface KernelSelection {
  readonly batch: number;
  readonly threads: number;
  readonly layout: ParameterLayout;
  readonly optimizer: OptimizerConfig;
}

/** The regions that lie at the same address in every step of a program. */
export const persistentBuffers = [
  "staged images",
  "staged labels",
  "pixel values",
  "parameters",
  "gradients",
  "statistics",
  "first slots",
  "second slots",
] as const;
export type PersistentName = (typeof persistentBuffers)[number];

export function selectKernels(graph: TrainingGraph, selection: KernelSelection): KernelCalls {
  const selector = new Selector(graph, selection);
  for (const node of graph.nodes) {
    selector.node = node;
    emitters[node.op.kind](selector, node.op as never);
  }
  return { buffers: selector.buffers, calls: selector.calls };
}

/** Batch statistics and bias gradients are summed in this many parts, whatever the number of threads. */
const STATISTIC_SLOTS = 16;
const INNER_RELU = 1;
const OUTER_RELU = 2;

class Selector {
  readonly buffers: Buffer[] = persistentBuffers.map((name) => ({ kind: "persistent", name }));
  readonly calls: KernelCall[] = [];
  node!: TrainingNode;
  private readonly ofTensor = new Map<TensorId, BufferId>();
  private readonly offsets: ReadonlyMap<string, number>;
  private readonly tables = new Map<string, BufferId>();

  constructor(
    readonly graph: TrainingGraph,
    readonly selection: KernelSelection,
  ) {
    const { parameters, statistics } = selection.layout;
    this.offsets = new Map([...parameters, ...statistics].map(({ name, offset }) => [name, offset]));
  }

  call<K extends KernelName>(
    kernel: K,
    operands: OperandsOf<K>,
    extra: { multiplyAdds?: number; inPlace?: KernelCall["inPlace"] } = {},
  ): void {
    const { multiplyAdds = 0, inPlace } = extra;
    const call = { kernel, node: this.node.name, operands: operands as Record<string, Operand>, multiplyAdds };
    this.calls.push(inPlace ? { ...call, inPlace } : call);
  }

  persistent(name: PersistentName, offset = 0): { buffer: BufferId; offset: number } {
    return { buffer: persistentBuffers.indexOf(name), offset };
  }

  scratch(name: string, bytes: number): { buffer: BufferId } {
    return { buffer: this.add({ kind: "transient", name: `${this.node.name} ${name}`, bytes }) };
  }

  /** Equal tables are kept once. */
  table(name: string, values: readonly number[]): { buffer: BufferId } {
    const key = values.join();
    let buffer = this.tables.get(key);
    if (buffer === undefined) {
      buffer = this.add({ kind: "table", name: `${this.node.name} ${name}`, values });
      this.tables.set(key, buffer);
    }
    return { buffer };
  }

  operand(id: TensorId): { buffer: BufferId; offset?: number } {
    const tensor = this.graph.tensors[id]!;
    if (tensor.kind === "parameter") return this.persistent("parameters", this.offsets.get(tensor.name)!);
    if (tensor.kind === "statistic") return this.persistent("statistics", this.offsets.get(tensor.name)!);
    if (tensor.kind === "gradient") {
      return this.persistent("gradients", this.offsets.get(this.graph.tensors[tensor.parameter]!.name)!);
    }
    let buffer = this.ofTensor.get(id);
    if (buffer === undefined) {
      buffer = this.add({ kind: "transient", name: tensor.name, bytes: this.bytesOf(tensor) });
      this.ofTensor.set(id, buffer);
    }
    return { buffer };
  }

  optional(id: TensorId | null): { buffer: BufferId; offset?: number } | null {
    return id === null ? null : this.operand(id);
  }

  shape(id: TensorId): Shape {
    const tensor = this.graph.tensors[id]!;
    invariant(tensor.kind === "activation", `${tensor.name} is no activation`);
    return tensor.shape;
  }

  lanes(id: TensorId): number {
    const { channels } = this.shape(id);
    return this.isImages(id) ? imageLanesOf(channels) : lanesOf(channels);
  }

  pixels(id: TensorId): number {
    const shape = this.shape(id);
    return this.selection.batch * (shape.kind === "map" ? shape.height * shape.width : 1);
  }

  private isImages(id: TensorId): boolean {
    const first = this.graph.nodes[0]!.op;
    return first.kind === "load_images" && first.output === id;
  }

  private bytesOf(tensor: Tensor): number {
    if (tensor.kind === "channels") return lanesOf(tensor.channels) * 4;
    const id = this.graph.tensors.indexOf(tensor);
    return this.pixels(id) * this.lanes(id) * 4;
  }

  private add(buffer: Buffer): BufferId {
    this.buffers.push(buffer);
    return this.buffers.length - 1;
  }
}

type Emitters = { readonly [K in TrainingOp["kind"]]: (selector: Selector, op: TrainingOpOf<K>) => void };

const emitters: Emitters = {
  load_images(selector, { output }) {
    const { channels } = selector.shape(output);
    selector.call("load_images", {
      images: selector.persistent("staged images"),
      values: selector.persistent("pixel values"),
      output: selector.operand(output),
      pixels: selector.pixels(output),
      channels,
      lanes: selector.lanes(output),
    });
  },

  conv2d(selector, op) {
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
  },

  conv2d_input_gradient(selector, op) {
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
  },

  conv2d_weight_gradient(selector, op) {
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
  },

  bias_gradient(selector, { outputGradient, biasGradient }) {
    const lanes = selector.lanes(outputGradient);
    selector.call("bias_gradient", {
      outputGradient: selector.operand(outputGradient),
      biasGradient: selector.operand(biasGradient),
      pixels: selector.pixels(outputGradient),
      lanes,
      slots: STATISTIC_SLOTS,
      partials: selector.scratch("partial sums", STATISTIC_SLOTS * lanes * 8),
    });
  },

  pointwise(selector, op) {
    const common = pointwiseOperands(selector, op);
    if (!op.operands || !op.running || !op.norm) {
      const inPlace = { output: common.output.buffer, input: common.input.buffer, required: false };
      selector.call("pointwise", common, op.innerRelu ? {} : { inPlace });
      return;
    }
    selector.call("batch_norm", {
      ...common,
      scale: selector.operand(op.operands.scale),
      shift: selector.operand(op.operands.shift),
      mean: selector.operand(op.operands.mean),
      reciprocalDeviation: selector.operand(op.operands.reciprocalDeviation),
      runningMean: selector.operand(op.running.mean),
      runningVariance: selector.operand(op.running.variance),
      epsilon: op.norm.eps,
      momentum: op.norm.momentum,
      ...statisticScratch(selector, common.lanes),
    });
  },

  pointwise_inference(selector, op) {
    const common = pointwiseOperands(selector, op);
    const inPlace = { output: common.output.buffer, input: common.input.buffer, required: false };
    if (!op.operands || !op.norm) {
      selector.call("pointwise", common, { inPlace });
      return;
    }
    selector.call(
      "batch_norm_inference",
      {
        ...common,
        scale: selector.operand(op.operands.scale),
        shift: selector.operand(op.operands.shift),
        runningMean: selector.operand(op.operands.mean),
        runningVariance: selector.operand(op.operands.variance),
        epsilon: op.norm.eps,
        coefficients: selector.scratch("coefficients", 2 * common.lanes * 4),
      },
      { inPlace },
    );
  },

  pointwise_gradient(selector, op) {
    const outputGradient = selector.operand(op.outputGradient);
    const inputGradient = selector.operand(op.inputGradient);
    const residualGradient = selector.optional(op.residualGradient);
    const lanes = selector.lanes(op.outputGradient);
    const common = {
      outputGradient,
      input: selector.optional(op.input),
      output: selector.optional(op.output),
      inputGradient,
      residualGradient,
      pixels: selector.pixels(op.outputGradient),
      lanes,
      flags: flagsOf(op),
    };
    // Each element is read before it is written, so one result may take the place of what comes in.
    const replaced = residualGradient ?? inputGradient;
    const extra = { inPlace: { output: replaced.buffer, input: outputGradient.buffer, required: false } };
    if (!op.operands) {
      selector.call("pointwise_gradient", common, extra);
      return;
    }
    const { input, scaleGradient, shiftGradient } = op;
    invariant(input !== null && scaleGradient !== null && shiftGradient !== null, "batch norm lacks an operand");
    selector.call(
      "batch_norm_gradient",
      {
        ...common,
        scale: selector.operand(op.operands.scale),
        shift: selector.operand(op.operands.shift),
        mean: selector.operand(op.operands.mean),
        reciprocalDeviation: selector.operand(op.operands.reciprocalDeviation),
        scaleGradient: selector.operand(scaleGradient),
        shiftGradient: selector.operand(shiftGradient),
        ...statisticScratch(selector, lanes),
      },
      extra,
    );
  },

  max_pool: callPool,
  average_pool: callPool,

  max_pool_gradient(selector, op) {
    selector.call("max_pool_gradient", {
      input: selector.operand(op.input),
      output: selector.operand(op.output),
      outputGradient: selector.operand(op.outputGradient),
      inputGradient: selector.operand(op.inputGradient),
      ...poolGeometry(selector, op, op.inputGradient, op.outputGradient),
    });
  },

  average_pool_gradient(selector, op) {
    selector.call("average_pool_gradient", {
      outputGradient: selector.operand(op.outputGradient),
      inputGradient: selector.operand(op.inputGradient),
      ...poolGeometry(selector, op, op.inputGradient, op.outputGradient),
    });
  },

  softmax_cross_entropy(selector, { logits, labelSmoothing, logitsGradient }) {
    const { batch } = selector.selection;
    selector.call("softmax_cross_entropy", {
      logits: selector.operand(logits),
      labels: selector.persistent("staged labels"),
      logitsGradient: selector.optional(logitsGradient),
      losses: selector.scratch("losses", batch * 16),
      images: batch,
      classes: selector.shape(logits).channels,
      lanes: selector.lanes(logits),
      labelSmoothing,
    });
  },

  update(selector) {
    const { layout, optimizer } = selector.selection;
    const groups = [
      { start: 0, end: layout.decayedBytes, decays: true },
      { start: layout.decayedBytes, end: layout.parameterBytes, decays: false },
    ];
    for (const { start, end, decays } of groups) {
      if (end > start) callUpdate(selector, optimizer, start, (end - start) / 4, decays);
    }
  },
};

function callUpdate(selector: Selector, optimizer: OptimizerConfig, start: number, count: number, decays: boolean): void {
  const [, settings] = Object.entries(optimizer)[0]! as [string, { weight_decay: number; decay_norm_and_bias: boolean }];
  const decay = decays || settings.decay_norm_and_bias ? settings.weight_decay : 0;
  const slots = slotNames(optimizer);
  const common = {
    parameters: selector.persistent("parameters", start),
    gradients: selector.persistent("gradients", start),
    count,
    decay,
  };
  if ("sgd" in optimizer) {
    const { momentum, nesterov } = optimizer.sgd;
    const momenta = slots.length > 0 ? selector.persistent("first slots", start) : null;
    selector.call("update_sgd", { ...common, momenta, momentum, nesterov: Number(nesterov) });
    return;
  }
  const { beta1, beta2, eps } = "adam" in optimizer ? optimizer.adam : optimizer.adamw;
  selector.call("update_adam", {
    ...common,
    firstMoments: selector.persistent("first slots", start),
    secondMoments: selector.persistent("second slots", start),
    beta1,
    beta2,
    epsilon: eps,
    decoupled: Number("adamw" in optimizer),
  });
}

interface ProductOperands {
  readonly input: { buffer: BufferId; offset?: number };
  readonly weights: { buffer: BufferId; offset?: number };
  readonly bias: { buffer: BufferId; offset?: number } | null;
  readonly output: { buffer: BufferId; offset?: number };
  readonly accumulate: number;
  /** The buffer that `output` takes over, where the product is added to what is there. */
  readonly accumulated?: BufferId | null;
}

function callWinograd(
  selector: Selector,
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
  selector: Selector,
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
  const packed = selector.scratch("packed filter", Math.max(1, taps) * depth * columns * 4);
  if (taps > 0) {
    const table = selector.table("taps", tapOffsets);
    const extents = { taps, depth, depthStride, columns, columnStride };
    selector.call("pack_weights", { weights, packed, tapOffsets: table, ...extents });
  }
  const share = multiplyAddsOf(sizes) * (taps / (sizes.kernel[0] * sizes.kernel[1])) * classShare(sizes, map);
  planDirect(map, sizes.images).forEach((plan, index) => {
    const first = index === 0 ? replacing(operands) : {};
    selector.call(
      "convolve_direct",
      {
        input: shifted(input, plan.firstImage * map.inputImageBytes),
        packed,
        bias,
        output: shifted(output, plan.firstImage * map.outputImageBytes),
        offsets: selector.table("offsets", plan.offsets),
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

/** Share of a strided input gradient's pixels that fall in one residue class. */
function classShare({ height, width, outHeight, outWidth }: ConvolutionSizes, map: PixelMap): number {
  const all = map.outputImageBytes / (map.outputLanes * 4);
  return all === height * width && all !== outHeight * outWidth ? map.pixels / (outHeight * outWidth) : 1;
}

function imageShare(plan: DirectPlan, images: number): number {
  return (plan.groups * plan.imagesInGroup) / images;
}

function shifted(operand: { buffer: BufferId; offset?: number }, bytes: number) {
  return { buffer: operand.buffer, offset: (operand.offset ?? 0) + bytes };
}

function callPool(selector: Selector, op: TrainingOpOf<"max_pool" | "average_pool">): void {
  const maps = { input: selector.operand(op.input), output: selector.operand(op.output) };
  selector.call(op.kind, { ...maps, ...poolGeometry(selector, op, op.input, op.output) });
}

function poolGeometry(selector: Selector, window: Window, input: TensorId, output: TensorId) {
  const [{ height, width }, out] = [mapSize(selector.shape(input)), mapSize(selector.shape(output))];
  return {
    images: selector.selection.batch,
    height,
    width,
    outHeight: out.height,
    outWidth: out.width,
    lanes: selector.lanes(output),
    kernelHeight: window.kernel[0],
    kernelWidth: window.kernel[1],
    strideHeight: window.stride[0],
    strideWidth: window.stride[1],
    paddingTop: window.padding.top,
    paddingLeft: window.padding.left,
  };
}

function pointwiseOperands(selector: Selector, op: TrainingOpOf<"pointwise" | "pointwise_inference">) {
  return {
    input: selector.operand(op.input),
    residual: selector.optional(op.residual),
    output: selector.operand(op.output),
    pixels: selector.pixels(op.output),
    lanes: selector.lanes(op.output),
    flags: flagsOf(op),
  };
}

function statisticScratch(selector: Selector, lanes: number) {
  return {
    slots: STATISTIC_SLOTS,
    partials: selector.scratch("partial sums", STATISTIC_SLOTS * 2 * lanes * 8),
    coefficients: selector.scratch("coefficients", 5 * lanes * 4),
  };
}

function flagsOf(op: { innerRelu: boolean; outerRelu: boolean }): number {
  return (op.innerRelu ? INNER_RELU : 0) | (op.outerRelu ? OUTER_RELU : 0);
}

function sizesOf(selector: Selector, window: Window, input: TensorId, output: TensorId): ConvolutionSizes {
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

/** A vector is a map of one pixel. */
function mapSize(shape: Shape): { height: number; width: number } {
  return shape.kind === "map" ? shape : { height: 1, width: 1 };
}

function multiplyAddsOf({ images, outHeight, outWidth, kernel, inLanes, outLanes }: ConvolutionSizes): number {
  return images * outHeight * outWidth * kernel[0] * kernel[1] * inLanes * outLanes;
}

/** Whole pages plus one line, so that equal strides do not fall on the same cache sets. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096 + 256;
}
