// TrainingGraph → KernelCalls: each node becomes the kernel calls that carry it out for one batch size. Operands are
// buffers without an address yet; scratch memory is a buffer that lives for one call.
import { invariant } from "../../diagnostics/diagnostic.js";
import { keptFactor, keptFrom } from "../../training/dropping.js";
import { settingOf } from "../../network/activations.js";
import type { Window } from "../../network/graph.js";
import type { KernelCalls } from "./kernel-calls.js";
import { GRADIENT_UNIT_BYTES, activationCode } from "./kernel-constants.js";
import type { KernelSelection } from "../convolutions/kernel-selector.js";
import { KernelSelector, mapSize } from "../convolutions/kernel-selector.js";
import { callConvolution, callInputGradient, callWeightGradient } from "../convolutions/select-convolution.js";
import { callUpdates } from "./select-update.js";
import { dtypesOf } from "../placement/dtypes.js";
import { afterPass, checkDtypes } from "../step/check-training-graph.js";
import type { FlatOp, KernelGraph, KernelOp, Pointwise, TensorId } from "../step/training-graph.js";
import { flatten } from "../step/training-graph.js";

export function selectKernels(graph: KernelGraph, selection: KernelSelection): KernelCalls {
  const dtypes = afterPass("dtypesOf", dtypesOf(graph, selection), (made) => checkDtypes(graph, made));
  const selector = new KernelSelector(graph, selection, dtypes);
  for (const node of graph.nodes) {
    selector.node = node;
    emitters[node.op.kind](selector, flatten(node.op) as never);
  }
  return { buffers: selector.buffers, calls: selector.calls };
}

/** Batch statistics and bias gradients are summed in this many partial sums, whatever the number of threads. */
const STATISTIC_PARTIALS = 16;

type Emitters = { readonly [K in KernelOp["kind"]]: (selector: KernelSelector, op: FlatOp<K>) => void };
const emitters: Emitters = {
  load_images(selector, { output }) {
    const { channels } = selector.shape(output);
    const pixels = selector.pixels(output);
    selector.call("load_images", {
      images: { ...selector.persistent("staged images"), imageBytes: (pixels / selector.images) * channels },
      values: selector.persistent("pixel values"),
      output: selector.operand(output),
      pixels,
      channels,
      lanes: selector.lanes(output),
    });
  },

  fold_batch_norm(selector, op) {
    const { blocks, storedRows, storedColumns } = selector.storedAs(op.weight);
    selector.call("fold_batch_norm", {
      weights: selector.operand(op.weight),
      bias: selector.optional(op.bias),
      scale: selector.optional(op.scale),
      shift: selector.operand(op.shift),
      runningMean: selector.operand(op.mean),
      runningVariance: selector.operand(op.variance),
      epsilon: op.eps,
      foldedWeights: selector.operand(op.foldedWeight),
      foldedBias: selector.operand(op.foldedBias),
      rows: blocks * storedRows,
      lanes: storedColumns,
    });
  },

  conv2d: callConvolution,
  conv2d_inference: callConvolution,
  conv2d_input_gradient: callInputGradient,
  conv2d_weight_gradient: callWeightGradient,

  bias_gradient(selector, { outputGradient, biasGradient }) {
    const lanes = selector.lanes(outputGradient);
    selector.mapCall("bias_gradient", outputGradient, {
      outputGradient: selector.operand(outputGradient),
      biasGradient: selector.operand(biasGradient),
      pixels: selector.pixels(outputGradient),
      lanes,
      partialCount: STATISTIC_PARTIALS,
      partials: selector.scratch("partial sums", STATISTIC_PARTIALS * lanes * 8),
    });
  },

  pointwise(selector, op) {
    const common = pointwiseOperands(selector, op);
    if (!op.operands || !op.saved || !op.running || !op.norm) {
      const inPlace = { output: common.output.buffer, input: common.input.buffer, required: false };
      selector.mapCall("pointwise", op.output, common, op.inner ? {} : { inPlace });
      return;
    }
    selector.mapCall("batch_norm", op.output, {
      ...common,
      scale: selector.optional(op.operands.scale),
      shift: selector.operand(op.operands.shift),
      mean: selector.operand(op.saved.mean),
      reciprocalDeviation: selector.operand(op.saved.reciprocalDeviation),
      factor: selector.operand(op.saved.factor),
      term: selector.operand(op.saved.term),
      runningMean: selector.operand(op.running.mean),
      runningVariance: selector.operand(op.running.variance),
      epsilon: op.norm.eps,
      momentum: op.norm.momentum,
      summed: 0,
      ...statisticScratch(selector, common.lanes),
    });
  },

  pointwise_frozen(selector, op) {
    const { operands, saved, norm } = op;
    invariant(norm !== null, `${selector.node.name} is frozen without a norm`);
    selector.mapCall("batch_norm_frozen", op.output, {
      ...pointwiseOperands(selector, op),
      scale: selector.optional(operands.scale),
      shift: selector.operand(operands.shift),
      runningMean: selector.operand(operands.mean),
      runningVariance: selector.operand(operands.variance),
      factor: selector.operand(saved.factor),
      term: selector.operand(saved.term),
      epsilon: norm.eps,
    });
  },

  pointwise_frozen_gradient(selector, op) {
    selector.mapCall("batch_norm_frozen_gradient", op.outputGradient, {
      outputGradient: selector.operand(op.outputGradient),
      input: selector.optional(op.input),
      output: selector.optional(op.output),
      inputGradient: selector.operand(op.inputGradient),
      residualGradient: selector.optional(op.residualGradient),
      pixels: selector.pixels(op.outputGradient),
      lanes: selector.lanes(op.outputGradient),
      factor: selector.operand(op.operands.factor),
      term: selector.operand(op.operands.term),
      ...activatedOperands(selector, op, op.outputGradient),
    });
  },

  pointwise_again(selector, op) {
    const common = pointwiseOperands(selector, op);
    if (!op.operands) {
      selector.mapCall("pointwise", op.output, common);
      return;
    }
    const { factor, term } = op.operands;
    selector.mapCall("batch_norm_again", op.output, {
      ...common,
      factor: selector.operand(factor),
      term: selector.operand(term),
    });
  },

  pointwise_inference(selector, op) {
    const common = pointwiseOperands(selector, op);
    const inPlace = { output: common.output.buffer, input: common.input.buffer, required: false };
    if (!op.operands || !op.norm) {
      selector.mapCall("pointwise", op.output, common, { inPlace });
      return;
    }
    selector.call(
      "batch_norm_inference",
      {
        ...common,
        scale: selector.optional(op.operands.scale),
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
      ...activatedOperands(selector, op, op.outputGradient),
    };
    // Each element is read before it is written, so one result may take the place of what comes in.
    const replaced = residualGradient ?? inputGradient;
    const extra = { inPlace: { output: replaced.buffer, input: outputGradient.buffer, required: false } };
    if (!op.operands) {
      selector.mapCall("pointwise_gradient", op.outputGradient, common, extra);
      return;
    }
    const { input, scaleGradient, shiftGradient } = op;
    invariant(input !== null, `${selector.node.name} lacks the input of its norm`);
    selector.mapCall(
      "batch_norm_gradient",
      op.outputGradient,
      {
        ...common,
        scale: selector.optional(op.operands.scale),
        mean: selector.operand(op.operands.mean),
        reciprocalDeviation: selector.operand(op.operands.reciprocalDeviation),
        factor: selector.operand(op.operands.factor),
        term: selector.operand(op.operands.term),
        scaleGradient: selector.optional(scaleGradient),
        shiftGradient: selector.optional(shiftGradient),
        summed: 0,
        ...statisticScratch(selector, lanes),
        coefficients: selector.scratch("coefficients", 3 * lanes * 4),
      },
      extra,
    );
  },

  add(selector, { left, right, output }) {
    const plain = { norm: null, inner: null, add: true, outerRelu: false };
    const operands = pointwiseOperands(selector, { ...plain, input: left, residual: right, output });
    const inPlace = { output: operands.output.buffer, input: operands.input.buffer, required: false };
    selector.mapCall("pointwise", output, operands, { inPlace });
  },

  multiply(selector, { left, right, output }) {
    const operands = {
      left: selector.operand(left),
      right: selector.operand(right),
      output: selector.operand(output),
      count: selector.pixels(output) * selector.lanes(output),
    };
    const inPlace = { output: operands.output.buffer, input: operands.left.buffer, required: false };
    selector.mapCall("multiply", output, operands, { inPlace });
  },

  gate(selector, { input, gate, output }) {
    selector.mapCall("gate", output, {
      input: selector.operand(input),
      gate: selector.operand(gate),
      output: selector.operand(output),
      ...imagesOf(selector, output),
    });
  },

  gate_gradient(selector, { input, gate, outputGradient, inputGradient, gateGradient }) {
    selector.mapCall("gate_gradient", input, {
      input: selector.operand(input),
      gate: selector.operand(gate),
      outputGradient: selector.operand(outputGradient),
      inputGradient: selector.operand(inputGradient),
      gateGradient: selector.operand(gateGradient),
      ...imagesOf(selector, input),
    });
  },

  concatenate(selector, { inputs, output }) {
    let outputFrom = 0;
    for (const input of inputs) {
      copyChannels(selector, input, output, { outputFrom });
      outputFrom += selector.shape(input).channels;
    }
  },

  slice(selector, { input, output, from }) {
    copyChannels(selector, input, output, { inputFrom: from });
  },

  slice_gradient(selector, { outputGradient, inputGradient, from }) {
    copyChannels(selector, outputGradient, inputGradient, { outputFrom: from, clears: 1 });
  },

  shuffle(selector, { input, output, groups }) {
    selector.mapCall("shuffle_channels", output, {
      input: selector.operand(input),
      output: selector.operand(output),
      pixels: selector.pixels(output),
      lanes: selector.lanes(output),
      channels: selector.shape(output).channels,
      groups,
    });
  },

  channel_norm(selector, { input, scale, shift, output, groups, eps }) {
    const operands = {
      input: selector.operand(input),
      scale: selector.operand(scale),
      shift: selector.operand(shift),
      output: selector.operand(output),
      channels: selector.shape(output).channels,
      epsilon: eps,
    };
    if (groups === null) {
      const extents = { pixels: selector.pixels(output), lanes: selector.lanes(output) };
      const inPlace = { output: operands.output.buffer, input: operands.input.buffer, required: false };
      selector.mapCall("layer_norm", output, { ...operands, ...extents }, { inPlace });
      return;
    }
    const extents = imagesOf(selector, output);
    const scratch = selector.scratch("statistics", 4 * 4 * extents.lanes * extents.images);
    selector.mapCall("group_norm", output, { ...operands, ...extents, groups, scratch });
  },

  channel_norm_gradient(selector, op) {
    const { groups } = op;
    const operands = {
      input: selector.operand(op.input),
      outputGradient: selector.operand(op.outputGradient),
      scale: selector.operand(op.scale),
      inputGradient: selector.operand(op.inputGradient),
      scaleGradient: selector.optional(op.scaleGradient),
      shiftGradient: selector.optional(op.shiftGradient),
      channels: selector.shape(op.input).channels,
      epsilon: op.eps,
    };
    const inPlace = { output: operands.inputGradient.buffer, input: operands.outputGradient.buffer, required: false };
    if (groups === null) {
      const extents = { pixels: selector.pixels(op.input), lanes: selector.lanes(op.input) };
      const partials = selector.scratch("partial sums", STATISTIC_PARTIALS * 6 * 4 * extents.lanes);
      const sums = { partialCount: STATISTIC_PARTIALS, partials };
      selector.mapCall("layer_norm_gradient", op.input, { ...operands, ...extents, ...sums }, { inPlace });
      return;
    }
    const extents = imagesOf(selector, op.input);
    const scratch = selector.scratch("statistics", 10 * 4 * extents.lanes * extents.images);
    selector.mapCall("group_norm_gradient", op.input, { ...operands, ...extents, groups, scratch }, { inPlace });
  },

  learned_scale(selector, { input, weight, output }) {
    const operands = { input: selector.operand(input), output: selector.operand(output) };
    const inPlace = { output: operands.output.buffer, input: operands.input.buffer, required: false };
    selector.mapCall("learned_scale", output, { ...operands, ...scaleOperands(selector, weight, output) }, { inPlace });
  },

  learned_scale_gradient(selector, { input, weight, outputGradient, inputGradient, weightGradient }) {
    const lanes = selector.lanes(input);
    const operands = {
      input: selector.operand(input),
      outputGradient: selector.operand(outputGradient),
      inputGradient: selector.operand(inputGradient),
      weightGradient: selector.optional(weightGradient),
      ...scaleOperands(selector, weight, input),
      partialCount: STATISTIC_PARTIALS,
      partials: selector.scratch("partial sums", STATISTIC_PARTIALS * lanes * 8),
    };
    const inPlace = { output: operands.inputGradient.buffer, input: operands.outputGradient.buffer, required: false };
    selector.mapCall("learned_scale_gradient", input, operands, { inPlace });
  },

  drop(selector, { input, output, rate, perImage, node }) {
    const { images, pixels, lanes } = imagesOf(selector, output);
    const operands = {
      input: selector.operand(input),
      output: selector.operand(output),
      node,
      threshold: keptFrom(rate),
      factor: keptFactor(rate),
    };
    const inPlace = { output: operands.output.buffer, input: operands.input.buffer, required: false };
    if (perImage) selector.mapCall("drop_images", output, { ...operands, images, count: pixels * lanes }, { inPlace });
    else selector.mapCall("drop_elements", output, { ...operands, count: images * pixels * lanes }, { inPlace });
  },

  subsample(selector, op) {
    const maps = { input: selector.operand(op.input), output: selector.operand(op.output) };
    selector.mapCall("subsample", op.input, { ...maps, ...subsampleGeometry(selector, op, op.input, op.output) });
  },

  subsample_gradient(selector, op) {
    selector.mapCall("subsample_gradient", op.inputGradient, {
      outputGradient: selector.operand(op.outputGradient),
      inputGradient: selector.operand(op.inputGradient),
      ...subsampleGeometry(selector, op, op.inputGradient, op.outputGradient),
    });
  },

  max_pool: callPool,
  average_pool: callPool,

  max_pool_gradient(selector, op) {
    selector.mapCall("max_pool_gradient", op.inputGradient, {
      input: selector.operand(op.input),
      output: selector.operand(op.output),
      outputGradient: selector.operand(op.outputGradient),
      inputGradient: selector.operand(op.inputGradient),
      ...poolGeometry(selector, op, op.inputGradient, op.outputGradient),
    });
  },

  average_pool_gradient(selector, op) {
    selector.mapCall("average_pool_gradient", op.inputGradient, {
      outputGradient: selector.operand(op.outputGradient),
      inputGradient: selector.operand(op.inputGradient),
      ...poolGeometry(selector, op, op.inputGradient, op.outputGradient),
    });
  },

  scale(selector, { input, factor, output }) {
    const operands = { input: selector.operand(input), output: selector.operand(output), factor };
    const count = selector.pixels(output) * selector.lanes(output);
    const inPlace = { output: operands.output.buffer, input: operands.input.buffer, required: false };
    selector.call("scale", { ...operands, count }, { inPlace });
  },

  softmax_cross_entropy(selector, { logits, labelSmoothing, mixedLabels, logitsGradient }) {
    const { batch } = selector.selection;
    selector.call("softmax_cross_entropy", {
      logits: selector.operand(logits),
      labels: selector.persistent("staged labels"),
      otherLabels: mixedLabels ? selector.persistent("staged other labels") : null,
      labelShares: mixedLabels ? selector.persistent("staged label shares") : null,
      logitsGradient: selector.optional(logitsGradient),
      losses: selector.scratch("losses", batch * 16),
      images: batch,
      classes: selector.shape(logits).channels,
      lanes: selector.lanes(logits),
      labelSmoothing,
    });
  },

  accumulate(selector) {
    selector.call("accumulate_gradients", {
      gradients: selector.persistent("micro-batch gradients"),
      sums: selector.persistent("gradients"),
      count: selector.selection.layout.parameterBytes / 4,
    });
  },

  gradient_norm(selector, { clip }) {
    const { parameterBytes } = selector.selection.layout;
    selector.call("gradient_norm", {
      gradients: selector.persistent("gradients"),
      count: parameterBytes / 4,
      partials: selector.scratch("partial sums", Math.ceil(parameterBytes / GRADIENT_UNIT_BYTES) * 8),
    });
    if (clip === null) return;
    const gradients = selector.persistent("gradients");
    selector.call("clip_gradients", { gradients, count: parameterBytes / 4, limit: clip });
  },

  update: callUpdates,

  average(selector, { writesBack }) {
    const { parameterBytes, statisticBytes } = selector.selection.layout;
    const regions = [
      ["parameters", "average parameters", parameterBytes],
      ["statistics", "average statistics", statisticBytes],
    ] as const;
    for (const [values, averages, bytes] of regions) {
      if (bytes === 0) continue;
      const operands = { values: selector.persistent(values), averages: selector.persistent(averages) };
      selector.call("update_average", { ...operands, count: bytes / 4, writesBack: Number(writesBack) });
    }
  },
};

function callPool(selector: KernelSelector, op: FlatOp<"max_pool" | "average_pool">): void {
  const maps = { input: selector.operand(op.input), output: selector.operand(op.output) };
  selector.mapCall(op.kind, op.input, { ...maps, ...poolGeometry(selector, op, op.input, op.output) });
}

function subsampleGeometry(
  selector: KernelSelector,
  { stride }: Pick<Window, "stride">,
  input: TensorId,
  output: TensorId,
) {
  const [{ height, width }, out] = [mapSize(selector.shape(input)), mapSize(selector.shape(output))];
  return {
    images: selector.images,
    height,
    width,
    lanes: selector.lanes(input),
    outHeight: out.height,
    outWidth: out.width,
    outLanes: selector.lanes(output),
    channels: selector.shape(input).channels,
    strideHeight: stride[0],
    strideWidth: stride[1],
  };
}

function poolGeometry(selector: KernelSelector, window: Window, input: TensorId, output: TensorId) {
  const [{ height, width }, out] = [mapSize(selector.shape(input)), mapSize(selector.shape(output))];
  return {
    images: selector.images,
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

function pointwiseOperands(
  selector: KernelSelector,
  op: Pointwise & { readonly input: TensorId; readonly residual: TensorId | null; readonly output: TensorId },
) {
  return {
    input: selector.operand(op.input),
    residual: selector.optional(op.residual),
    output: selector.operand(op.output),
    pixels: selector.pixels(op.output),
    lanes: selector.lanes(op.output),
    ...activatedOperands(selector, op, op.output),
  };
}

function scaleOperands(selector: KernelSelector, weight: TensorId, map: TensorId) {
  return {
    weight: selector.operand(weight),
    isOne: Number(selector.storedAs(weight).columns === 1),
    pixels: selector.pixels(map),
    lanes: selector.lanes(map),
  };
}

/** An image is a unit of work. */
function imagesOf(selector: KernelSelector, map: TensorId) {
  const { images } = selector;
  return { images, pixels: selector.pixels(map) / images, lanes: selector.lanes(map) };
}

function statisticScratch(selector: KernelSelector, lanes: number) {
  return {
    partialCount: STATISTIC_PARTIALS,
    partials: selector.scratch("partial sums", STATISTIC_PARTIALS * 2 * lanes * 8),
  };
}

function activatedOperands(selector: KernelSelector, { inner, outerRelu }: Pointwise, map: TensorId) {
  return {
    inner: inner ? activationCode(inner.kind) : 0,
    setting: inner ? settingOf(inner) : 0,
    outerRelu: Number(outerRelu),
    channels: selector.shape(map).channels,
  };
}

/** As many channels as the narrower map has, from those on that are given. */
function copyChannels(
  selector: KernelSelector,
  input: TensorId,
  output: TensorId,
  { inputFrom = 0, outputFrom = 0, clears = 0 },
): void {
  selector.mapCall("copy_channels", output, {
    input: selector.operand(input),
    output: selector.operand(output),
    pixels: selector.pixels(output),
    inputLanes: selector.lanes(input),
    outputLanes: selector.lanes(output),
    inputFrom,
    outputFrom,
    channels: Math.min(selector.shape(input).channels, selector.shape(output).channels),
    clears,
  });
}
