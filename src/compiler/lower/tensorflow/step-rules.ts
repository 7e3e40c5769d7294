// One rule an operation of the training graph: the TensorFlow nodes that compute it. Maps are [n, height, width, channels].
import type { FlatOp, Pointwise, TensorId, TrainingOp } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT, mapOf } from "./emission.js";
import type { Attributes, Output } from "./tensorflow-graph.js";
import { convolutionRules } from "./convolution-rules.js";
import { activate, activationGradient, reluGradient } from "./activation-rules.js";
import { gateRules } from "./gate-rules.js";
import { emitGradientNorm, emitSums } from "./gradient-rules.js";
import { normRules } from "./norm-rules.js";
import { emitSubsample, emitSubsampleGradient } from "./subsample-rules.js";
import { emitAverages, emitUpdate } from "./update-rules.js";
import { isWhole, padded, poolAttributes, unpadded } from "./windows.js";

type StepRules = {
  readonly [K in TrainingOp["kind"]]: (emission: Emission, op: FlatOp<K>) => void;
};

export const stepRules: StepRules = {
  /** ((x / 255) − mean) / std, each operation rounded as PyTorch's ToTensor and Normalize do. */
  load_images(emission, { output }) {
    const { graph, data } = emission;
    const images = emission.batchInput("images");
    const { mean, std } = data.normalize;
    const channel = (values: readonly number[]): Output => graph.constant(Float32Array.from(values), [values.length]);
    const cast = { SrcT: { type: "uint8" }, DstT: { type: "float" } } as const;
    const pixels = graph.one("Cast", [images], cast, images.shape);
    const shares = emission.divide(pixels, graph.float(255));
    const centred = emission.subtract(shares, channel(mean));
    emission.set(output, emission.divide(centred, channel(std)));
  },

  ...convolutionRules,

  bias_gradient(emission, { outputGradient, biasGradient }) {
    const above = emission.get(outputGradient);
    emission.set(biasGradient, emission.graph.one("BiasAddGrad", [above], FLOAT, [above.shape.at(-1)!]));
  },

  pointwise(emission, op) {
    let value = emission.get(op.input);
    if (op.norm && op.operands && op.saved && op.running) {
      const { operands, saved, running, norm } = op;
      const [output, mean, variance, ...reserved] = batchNorm(
        emission,
        value,
        operands,
        running,
        {
          epsilon: { float: norm.eps },
          is_training: { bool: true },
          exponential_avg_factor: { float: norm.momentum },
        },
        norm.momentum === 1,
      );
      emission.savedNorms.set(saved.mean, { output: output!, reserved });
      moveStatistic(emission, running.mean, mean!);
      moveStatistic(emission, running.variance, variance!);
      value = output!;
    }
    emission.set(op.output, activatedSum(emission, value, op));
  },

  pointwise_frozen(emission, op) {
    const { operands, saved, norm } = op;
    const x = emission.get(op.input);
    const channels = [x.shape.at(-1)!];
    const variance = emission.add(emission.get(operands.variance), emission.graph.float(norm!.eps));
    const reciprocal = emission.graph.one("Rsqrt", [variance], FLOAT, channels);
    const factor = emission.multiply(scaleOf(emission, operands.scale, channels), reciprocal);
    const mean = emission.multiply(emission.get(operands.mean), factor);
    emission.set(saved.factor, factor);
    emission.set(saved.term, emission.subtract(emission.get(operands.shift), mean));
    emission.set(op.output, activatedSum(emission, scaledBy(emission, x, saved), op));
  },

  pointwise_frozen_gradient(emission, op) {
    const above = emission.get(op.outputGradient);
    const throughOuter = op.outerRelu ? reluGradient(emission, above, emission.get(op.output!)) : above;
    if (op.residualGradient !== null) emission.set(op.residualGradient, throughOuter);
    const before = op.inner && scaledBy(emission, emission.get(op.input!), op.operands);
    const throughInner = op.inner ? activationGradient(emission, op.inner, throughOuter, before!) : throughOuter;
    emission.set(op.inputGradient, emission.multiply(throughInner, emission.get(op.operands.factor)));
  },

  pointwise_inference(emission, op) {
    let value = emission.get(op.input);
    if (op.norm && op.operands) {
      const attributes = { epsilon: { float: op.norm.eps }, is_training: { bool: false } } as const;
      value = batchNorm(emission, value, op.operands, op.operands, attributes)[0]!;
    }
    emission.set(op.output, activatedSum(emission, value, op));
  },

  pointwise_gradient(emission, op) {
    const { graph } = emission;
    const above = emission.get(op.outputGradient);
    const throughOuter = op.outerRelu ? reluGradient(emission, above, emission.get(op.output!)) : above;
    if (op.residualGradient !== null) emission.set(op.residualGradient, throughOuter);
    const saved = op.operands && emission.savedNorms.get(op.operands.mean);
    const before = saved ? saved.output : op.input === null ? null : emission.get(op.input);
    const throughInner = op.inner ? activationGradient(emission, op.inner, throughOuter, before!) : throughOuter;
    if (!saved) {
      emission.set(op.inputGradient, throughInner);
      return;
    }
    const x = emission.get(op.input!);
    const channels = [x.shape.at(-1)!];
    const inputs = [throughInner, x, scaleOf(emission, op.operands.scale, channels), ...saved.reserved];
    const attributes: Attributes = {
      ...FLOAT,
      U: { type: "float" },
      epsilon: { float: op.norm!.eps },
      is_training: { bool: true },
    };
    const shapes = [x.shape, channels, channels, [0], [0]];
    const [inputGradient, scaleGradient, shiftGradient] = graph.add("FusedBatchNormGradV3", inputs, attributes, shapes);
    emission.set(op.inputGradient, inputGradient!);
    if (op.scaleGradient !== null) emission.set(op.scaleGradient, scaleGradient!);
    if (op.shiftGradient !== null) emission.set(op.shiftGradient, shiftGradient!);
  },

  add(emission, { left, right, output }) {
    emission.set(output, emission.add(emission.get(left), emission.get(right)));
  },

  ...gateRules,
  ...normRules,

  subsample: emitSubsample,
  subsample_gradient: emitSubsampleGradient,

  max_pool(emission, op) {
    const x = padded(emission, emission.get(op.input), op.padding, LOWEST);
    emission.set(op.output, emission.graph.one("MaxPool", [x], poolAttributes(op), emission.dims(op.output)));
  },

  max_pool_gradient(emission, op) {
    const x = padded(emission, emission.get(op.input), op.padding, LOWEST);
    const inputs = [x, emission.get(op.output), emission.get(op.outputGradient)];
    const gradient = emission.graph.one("MaxPoolGrad", inputs, poolAttributes(op), x.shape);
    emission.set(op.inputGradient, unpadded(emission, gradient, op.padding, emission.dims(op.inputGradient)));
  },

  /** Padding counts in the divisor. */
  average_pool(emission, op) {
    const { graph } = emission;
    const shape = emission.dims(op.output);
    const x = emission.get(op.input);
    if (isWhole(emission, op.input, op)) {
      const attributes = { ...FLOAT, Tidx: { type: "int32" }, keep_dims: { bool: true } } as const;
      emission.set(op.output, graph.one("Mean", [x, graph.integers([1, 2])], attributes, shape));
      return;
    }
    const pooled = graph.one("AvgPool", [padded(emission, x, op.padding, 0)], poolAttributes(op), shape);
    emission.set(op.output, pooled);
  },

  average_pool_gradient(emission, op) {
    const { graph } = emission;
    const above = emission.get(op.outputGradient);
    const shape = emission.dims(op.inputGradient);
    const [n, height, width, channels] = shape;
    if (isWhole(emission, op.inputGradient, op)) {
      const shares = emission.scaled(above, 1 / (height * width));
      const attributes = { ...FLOAT, Tidx: { type: "int32" } } as const;
      emission.set(op.inputGradient, graph.one("BroadcastTo", [shares, graph.integers(shape)], attributes, shape));
      return;
    }
    const { top, bottom, left, right } = op.padding;
    const whole = [n, height + top + bottom, width + left + right, channels];
    const gradient = graph.one("AvgPoolGrad", [graph.integers(whole), above], poolAttributes(op), whole);
    emission.set(op.inputGradient, unpadded(emission, gradient, op.padding, shape));
  },

  scale(emission, { input, factor, output }) {
    emission.set(output, emission.scaled(emission.get(input), factor));
  },

  softmax_cross_entropy(emission, { logits: id, labelSmoothing, mixedLabels, logitsGradient }) {
    const { graph, batch } = emission;
    const classes = mapOf(emission.shape(id)).channels;
    const logits = emission.reshape(emission.get(id), [batch, classes]);
    emission.logits = logits;
    if (!emission.hasLabels) return;
    const targets = mixedLabels
      ? mixedTargets(emission, classes, labelSmoothing)
      : smoothTargets(emission, "labels", classes, labelSmoothing);
    const shapes = [[batch], [batch, classes]];
    const [losses, gradient] = graph.add("SoftmaxCrossEntropyWithLogits", [logits, targets], FLOAT, shapes);
    emission.losses = losses;
    if (logitsGradient === null) return;
    const mean = emission.scaled(gradient!, 1 / batch);
    emission.set(logitsGradient, emission.reshape(mean, emission.dims(logitsGradient)));
  },

  accumulate: emitSums,
  gradient_norm: emitGradientNorm,
  update: emitUpdate,
  average: emitAverages,
};

/** (1 − smoothing) · one-hot + smoothing / classes (Szegedy et al. 2015, §7): [batch, classes]. */
function smoothTargets(
  emission: Emission,
  labels: "labels" | "other_labels",
  classes: number,
  smoothing: number,
): Output {
  const { graph, batch } = emission;
  const other = smoothing / classes;
  const values = [graph.float(1 - smoothing + other), graph.float(other)];
  const inputs = [emission.batchInput(labels), graph.constant(Int32Array.of(classes), []), ...values];
  return graph.one("OneHot", inputs, { ...FLOAT, TI: { type: "int32" }, axis: { int: -1 } }, [batch, classes]);
}

/** The targets of both labels by their shares (Zhang et al. 2017, §2). */
function mixedTargets(emission: Emission, classes: number, smoothing: number): Output {
  const share = emission.reshape(emission.batchInput("label_shares"), [emission.batch, 1]);
  const rest = emission.subtract(emission.graph.float(1), share);
  return emission.add(
    emission.multiply(smoothTargets(emission, "labels", classes, smoothing), share),
    emission.multiply(smoothTargets(emission, "other_labels", classes, smoothing), rest),
  );
}

/** The lowest float32: padding that never wins a maximum. */
const LOWEST = -3.4028234663852886e38;

/** y, running mean, running variance (Bessel-corrected), and three values that the gradient needs. */
function batchNorm(
  emission: Emission,
  x: Output,
  { scale, shift }: { readonly scale: TensorId | null; readonly shift: TensorId },
  running: { readonly mean: TensorId; readonly variance: TensorId },
  attributes: Attributes,
  forgets = false,
): Output[] {
  const channels = [x.shape.at(-1)!];
  // Where nothing of the old statistics stays, TensorFlow wants none
  const old = forgets
    ? [emission.graph.constant(new Float32Array(0), [0]), emission.graph.constant(new Float32Array(0), [0])]
    : [emission.get(running.mean), emission.get(running.variance)];
  const inputs = [x, scaleOf(emission, scale, channels), emission.get(shift), ...old];
  const shapes = [x.shape, channels, channels, channels, channels, channels];
  return emission.graph.add("FusedBatchNormV3", inputs, { ...FLOAT, U: { type: "float" }, ...attributes }, shapes);
}

/** Ones where the norm has no scale. */
function scaleOf(emission: Emission, scale: TensorId | null, channels: readonly number[]): Output {
  if (scale !== null) return emission.get(scale);
  return emission.graph.constant(new Float32Array(channels[0]!).fill(1), channels);
}

/** x·factor + term, channel by channel. */
function scaledBy(
  emission: Emission,
  x: Output,
  { factor, term }: { readonly factor: TensorId; readonly term: TensorId },
): Output {
  return emission.add(emission.multiply(x, emission.get(factor)), emission.get(term));
}

function moveStatistic(emission: Emission, id: TensorId, value: Output): void {
  const tensor = emission.tensor(id);
  if (tensor.kind !== "statistic") return;
  emission.moveStatistic(emission.variable(tensor.name, tensor.dims), value);
}

function activatedSum(
  emission: Emission,
  value: Output,
  { inner, outerRelu, residual }: Pointwise & { readonly residual: TensorId | null },
): Output {
  const activated = inner ? activate(emission, inner, value) : value;
  const sum = residual === null ? activated : emission.add(activated, emission.get(residual));
  return outerRelu ? activate(emission, { kind: "relu" }, sum) : sum;
}
