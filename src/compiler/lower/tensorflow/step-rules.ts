// One rule an operation of the training graph: the TensorFlow nodes that compute it. Maps are [n, height, width, channels].
import type { ActivationKind, Window } from "../../network/graph.js";
import type { FlatOp, Pointwise, TensorId, TrainingOp } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT, mapOf } from "./emission.js";
import type { Attributes, Output } from "./tensorflow-graph.js";
import { gateRules } from "./gate-rules.js";
import { emitGradientNorm, emitSums } from "./gradient-rules.js";
import { emitSubsample, emitSubsampleGradient } from "./subsample-rules.js";
import { emitAverages, emitUpdate } from "./update-rules.js";
import { convolutionAttributes, isUnpadded, padded, poolAttributes, unpadded, writtenPadding } from "./windows.js";

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

  conv2d(emission, op) {
    const { graph } = emission;
    const [x, weight, shape] = [emission.get(op.input), emission.get(op.weight), emission.dims(op.output)];
    const product = isWhole(emission, op.input, op)
      ? emission.reshape(multiplyMatrices(emission, flat(emission, x), flatWeight(emission, weight)), shape)
      : graph.one("Conv2D", [x, weight], attributesOf(emission, op.input, op), shape);
    const biased = op.bias === null ? product : graph.one("BiasAdd", [product, emission.get(op.bias)], FLOAT, shape);
    emission.set(op.output, biased);
  },

  conv2d_input_gradient(emission, op) {
    const { graph } = emission;
    const [above, weight, shape] = [
      emission.get(op.outputGradient),
      emission.get(op.weight),
      emission.dims(op.inputGradient),
    ];
    const [n, height, width, channels] = shape;
    const padding = writtenPadding(op, height, width);
    const { top, bottom, left, right } = padding;
    const whole: readonly number[] = [n, height + top + bottom, width + left + right, channels];
    const inputs = [graph.integers(whole), weight, above];
    const gradient = isWhole(emission, op.inputGradient, op)
      ? multiplyMatrices(emission, flat(emission, above), flatWeight(emission, weight), { b: true })
      : graph.one("Conv2DBackpropInput", inputs, gradientAttributes(op, height, width), whole);
    const shaped = emission.reshape(unpadded(emission, gradient, padding, shape), shape);
    emission.set(op.inputGradient, op.accumulate === null ? shaped : emission.add(emission.get(op.accumulate), shaped));
  },

  conv2d_weight_gradient(emission, op) {
    const above = emission.get(op.outputGradient);
    const shape = weightShape(emission, op.weightGradient);
    const gradient = isWhole(emission, op.input, op)
      ? multiplyMatrices(emission, flat(emission, emission.get(op.input)), flat(emission, above), { a: true })
      : filterGradient(emission, op, above, shape);
    emission.set(op.weightGradient, emission.reshape(gradient, shape));
  },

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
    const throughInner = op.inner ? activationGradients[op.inner](emission, throughOuter, before!) : throughOuter;
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
    const throughInner = op.inner ? activationGradients[op.inner](emission, throughOuter, before!) : throughOuter;
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

/** Whether the window is the whole map: then a convolution is a product of matrices, and a pooling one mean. */
function isWhole(emission: Emission, input: TensorId, { kernel, padding }: Window): boolean {
  const { height, width } = mapOf(emission.shape(input));
  return kernel[0] === height && kernel[1] === width && isUnpadded(padding);
}

function attributesOf(emission: Emission, input: TensorId, window: Window): Attributes {
  const { height, width } = mapOf(emission.shape(input));
  return convolutionAttributes(window, height, width);
}

/** Attributes of a convolution's gradients, once the padding is written out where it has to be. */
function gradientAttributes(window: Window, height: number, width: number): Attributes {
  const isWritten = !isUnpadded(writtenPadding(window, height, width));
  return convolutionAttributes(isWritten ? { ...window, padding: NONE } : window, height, width);
}

const NONE = { top: 0, bottom: 0, left: 0, right: 0 };

function filterGradient(
  emission: Emission,
  { input: id, kernel, stride, padding }: FlatOp<"conv2d_weight_gradient">,
  above: Output,
  shape: readonly number[],
): Output {
  const { graph } = emission;
  const input = emission.get(id);
  const [height, width] = [input.shape[1]!, input.shape[2]!];
  const window = { kernel, stride, padding };
  // A 1×1 convolution with a stride is one without over every stride-th pixel. TensorFlow's oneDNN writes past its memory in
  // the former's gradient where threads do not divide the batch (AVX-512, TensorFlow 2.21, found in its Python too). Pooling
  // by 1×1 takes a third of the time that a strided slice takes.
  if (kernel[0] * kernel[1] === 1 && stride[0] * stride[1] > 1 && isUnpadded(padding)) {
    const [n, outHeight, outWidth] = above.shape as [number, number, number];
    const pixels = graph.one("AvgPool", [input], poolAttributes(window), [n, outHeight, outWidth, input.shape[3]!]);
    const attributes = convolutionAttributes({ ...window, stride: [1, 1] }, outHeight, outWidth);
    return graph.one("Conv2DBackpropFilter", [pixels, graph.integers(shape), above], attributes, shape);
  }
  const whole = padded(emission, input, writtenPadding(window, height, width), 0);
  const inputs = [whole, graph.integers(shape), above];
  return graph.one("Conv2DBackpropFilter", inputs, gradientAttributes(window, height, width), shape);
}

function weightShape(emission: Emission, gradient: TensorId): readonly number[] {
  const tensor = emission.tensor(gradient);
  const parameter = emission.tensor(tensor.kind === "gradient" ? tensor.parameter : gradient);
  return parameter.kind === "parameter" ? parameter.dims : [];
}

function flat(emission: Emission, x: Output): Output {
  const [n, ...rest] = x.shape;
  return emission.reshape(x, [n!, rest.reduce((product, size) => product * size, 1)]);
}

function flatWeight(emission: Emission, weight: Output): Output {
  const outputs = weight.shape.at(-1)!;
  const inputs = weight.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return emission.reshape(weight, [inputs, outputs]);
}

function multiplyMatrices(emission: Emission, a: Output, b: Output, transpose: { a?: true; b?: true } = {}): Output {
  const shape = [a.shape[transpose.a ? 1 : 0]!, b.shape[transpose.b ? 0 : 1]!];
  const attributes: Attributes = {
    ...FLOAT,
    transpose_a: { bool: transpose.a ?? false },
    transpose_b: { bool: transpose.b ?? false },
  };
  return emission.graph.one("MatMul", [a, b], attributes, shape);
}

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
  const activated = inner ? activations[inner](emission, value) : value;
  const sum = residual === null ? activated : emission.add(activated, emission.get(residual));
  return outerRelu ? relu(emission, sum) : sum;
}

const activations: Readonly<Record<ActivationKind, (emission: Emission, x: Output) => Output>> = {
  relu,
  gelu: (emission, x) => emission.multiply(x, normalShare(emission, x)),
};

/** By the activation's input. */
const activationGradients: Readonly<Record<ActivationKind, (emission: Emission, above: Output, x: Output) => Output>> =
  {
    relu: reluGradient,
    gelu(emission, above, x) {
      const { graph } = emission;
      const exponent = emission.scaled(graph.one("Square", [x], FLOAT, x.shape), -0.5);
      const density = emission.scaled(graph.one("Exp", [exponent], FLOAT, x.shape), 1 / Math.sqrt(2 * Math.PI));
      return emission.multiply(above, emission.add(normalShare(emission, x), emission.multiply(x, density)));
    },
  };

/** Φ(x), the normal distribution's share below x. */
function normalShare(emission: Emission, x: Output): Output {
  const error = emission.graph.one("Erf", [emission.scaled(x, Math.SQRT1_2)], FLOAT, x.shape);
  return emission.scaled(emission.add(error, emission.graph.float(1)), 0.5);
}

function relu({ graph }: Emission, x: Output): Output {
  return graph.one("Relu", [x], FLOAT, x.shape);
}

/** By input or output of the relu: both are positive in the same places. */
function reluGradient({ graph }: Emission, above: Output, x: Output): Output {
  return graph.one("ReluGrad", [above, x], FLOAT, above.shape);
}
