// The network as tfjs-core operations, for training and evaluation: one rule an operation of the graph.
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Activation, Arithmetic } from "../../../compiler/network/activations.js";
import { activations, forActivations, settingOf } from "../../../compiler/network/activations.js";
import type { Op, OpOf, Padding, ShapedGraph, ShapedNode } from "../../../compiler/network/graph.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import { spanOf } from "../../../compiler/network/graph.js";
import { lanesOf } from "../../../compiler/lower/placement/layout.js";
import { keptFactor, keptFrom } from "../../../compiler/training/dropping.js";
import type { DropDraws } from "../../random/drop-words.js";
import { dropWords } from "../../random/drop-words.js";
import type { BatchStatistics } from "./batch-norm.js";
import { depthwise, isDepthwise, spreadFilter, ungroupedFilter } from "./group-filters.js";
import type { TfjsKernels } from "./kernels.js";

export interface ForwardContext {
  readonly tf: Tfjs;
  readonly kernels: TfjsKernels;
  /** Parameters and running statistics by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** In training mode, called with the name of each batch-norm node; null means evaluation with the running statistics. */
  readonly onStatistics: ((node: string, statistics: BatchStatistics) => void) | null;
  /** In training mode, what dropout draws by; null leaves every element. */
  readonly draws: DropDraws | null;
  /** In training mode, the batch-norm nodes that keep their running statistics. */
  readonly frozenNorms?: ReadonlySet<string>;
  /** Sees every node's output. */
  readonly onValue?: (node: string, value: Tensor) => void;
}

/** images: normalised [n, h, w, c]; returns logits [n, classes]. */
export function forward(context: ForwardContext, graph: ShapedGraph, images: Tensor4D): Tensor2D {
  const values: Tensor[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    const rule = forwardRules[node.op.kind] as ForwardRule<Op["kind"]>;
    const inputs = node.op.kind === "input" ? [images] : node.inputs.map((at) => values[at]!);
    const value = rule(context, node.op, inputs as readonly Tensor4D[], node, index);
    context.onValue?.(node.name, value);
    values.push(value);
  }
  return values.at(-1) as Tensor2D;
}

type ForwardRule<K extends Op["kind"]> = (
  context: ForwardContext,
  op: OpOf<K>,
  inputs: readonly Tensor4D[],
  node: ShapedNode,
  index: number,
) => Tensor;

type ForwardRules = { readonly [K in Op["kind"]]: ForwardRule<K> };

const forwardRules: ForwardRules = {
  input: (_context, _op, [images]) => images!,

  conv2d: ({ tf, kernels, tensors }, op, [x], node) => {
    const weight = spreadFilter(tf, tensors.get(`${node.name}.weight`) as Tensor4D, op);
    const window = { kernel: spanOf(op), stride: op.stride, padding: op.padding };
    const isOfImages = node.inputs[0] === 0;
    const result = isDepthwise(op, x!.shape[3])
      ? depthwise(tf, x!, weight, window)
      : kernels.convolution(tf, x!, ungroupedFilter(tf, weight, op), window, isOfImages);
    return op.bias ? tf.core.add(result, tensors.get(`${node.name}.bias`)!) : result;
  },

  batch_norm: ({ tf, kernels, tensors, onStatistics, frozenNorms }, op, [x], node) => {
    const { eps } = op;
    const tensor = (suffix: string): Tensor1D => tensors.get(`${node.name}.${suffix}`) as Tensor1D;
    // Without a learned scale, factors of 1 whose gradient no one asks for
    const scale: Tensor1D = op.scale ? tensor("weight") : tf.core.ones([node.shape.channels]);
    const shift = tensor("bias");
    if (onStatistics && !frozenNorms?.has(node.name)) {
      return kernels.batchNormTraining(tf, x!, scale, shift, eps, (statistics) => onStatistics(node.name, statistics));
    }
    return tf.core.batchNorm(x!, tensor("running_mean"), tensor("running_var"), shift, scale, eps);
  },

  ...forActivations((context: ForwardContext, op: Activation, [x]: readonly Tensor4D[]) =>
    activations[op.kind].value(arithmeticOf(context), x as Tensor, settingOf(op)),
  ),

  scale: ({ tf }, { factor }, [x]) => tf.core.mul(x!, factor),

  multiply: ({ tf }, _op, [map, factor]) => {
    if (map!.rank === factor!.rank) return tf.core.mul(map!, factor!);
    const [images, channels] = [factor!.shape[0]!, factor!.shape.at(-1)!];
    return tf.core.mul(map!, tf.core.reshape(factor!, [images, 1, 1, channels]));
  },

  concatenate: ({ tf }, _op, inputs) => tf.core.concat([...inputs], -1),

  slice: ({ tf }, { from, channels }, [x]) => {
    const others = x!.shape.slice(0, -1);
    return tf.core.slice(x!, [...others.map(() => 0), from], [...others, channels]);
  },

  shuffle: ({ tf }, { groups }, [x]) => {
    const channels = x!.shape.at(-1)!;
    const pixels = x!.size / channels;
    const apart = tf.core.reshape(x!, [pixels, groups, channels / groups]);
    return tf.core.reshape(tf.core.transpose(apart, [0, 2, 1]), x!.shape);
  },

  layer_norm: (context, { eps }, [x], node) => normalized(context, x!, x!.shape, -1, eps, node),

  group_norm: (context, { groups, eps }, [x], node) => {
    const [images, channels] = [x!.shape[0], x!.shape.at(-1)!];
    const apart = [images, x!.size / images / channels, groups, channels / groups];
    return normalized(context, x!, apart, [1, 3], eps, node);
  },

  learned_scale: ({ tf, tensors }, _op, [x], node) => tf.core.mul(x!, tensors.get(`${node.name}.weight`)!),

  dropout: (context, { rate }, [x], _node, index) => {
    const { channels, pixels } = { channels: x!.shape.at(-1)!, pixels: x!.size / x!.shape.at(-1)! };
    const lanes = lanesOf(channels);
    const own = (words: Int32Array): Int32Array =>
      Int32Array.from({ length: x!.size }, (_, at) => words[Math.floor(at / channels) * lanes + (at % channels)]!);
    return dropped(context, x!, rate, (draws) => own(dropWords(draws, index, pixels * lanes)), x!.shape);
  },

  drop_path: (context, { rate }, [x], _node, index) => {
    const [images, ...others] = x!.shape;
    return dropped(context, x!, rate, (draws) => dropWords(draws, index, images), [images, ...others.map(() => 1)]);
  },

  add: ({ tf }, _op, inputs) => inputs.slice(1).reduce((sum, x) => tf.core.add(sum, x), inputs[0]!),

  subsample: ({ tf }, { stride, channels }, [x]) => {
    const pixels = tf.core.maxPool(x!, [1, 1], [...stride], "valid"); // a strided slice has no gradient in tfjs
    const further: [number, number] = [0, channels - x!.shape[3]];
    const none: [number, number] = [0, 0];
    return tf.core.pad(pixels, [none, none, none, further]);
  },

  max_pool: ({ tf }, op, [x]) =>
    tf.core.maxPool(pad(tf, x!, op.padding, -Infinity), [...op.kernel], [...op.stride], "valid"),

  average_pool: ({ tf }, op, [x]) =>
    tf.core.avgPool(pad(tf, x!, op.padding, 0), [...op.kernel], [...op.stride], "valid"),

  global_average_pool: ({ tf }, _op, [x]) => tf.core.mean(x!, [1, 2]),

  linear: ({ tf, tensors }, op, [x], node) => {
    const flat = tf.core.reshape(x!, [x!.shape[0], -1]) as Tensor2D;
    const weight = tensors.get(`${node.name}.weight`) as Tensor2D;
    const result = tf.core.matMul(flat, weight);
    return op.bias ? tf.core.add(result, tensors.get(`${node.name}.bias`)!) : result;
  },
};

/** `apart`: the shape in which the axes hold what is normalised together. */
function normalized(
  { tf: { core }, tensors }: ForwardContext,
  x: Tensor4D,
  apart: readonly number[],
  axes: number | number[],
  eps: number,
  { name }: ShapedNode,
): Tensor {
  const parts = core.reshape(x, [...apart]);
  const centred = core.sub(parts, core.mean(parts, axes, true));
  const variance = core.mean(core.square(centred), axes, true);
  const hat = core.reshape(core.mul(centred, core.rsqrt(core.add(variance, eps))), x.shape);
  return core.add(core.mul(hat, tensors.get(`${name}.weight`)!), tensors.get(`${name}.bias`)!);
}

function dropped(
  { tf: { core }, draws }: ForwardContext,
  x: Tensor,
  rate: number,
  words: (draws: DropDraws) => Int32Array,
  shape: number[],
): Tensor {
  if (draws === null || rate === 0) return x;
  const [threshold, factor] = [keptFrom(rate), keptFactor(rate)];
  const factors = Float32Array.from(words(draws), (word) => (word >= threshold ? factor : 0));
  return core.mul(x, core.tensor(factors, shape));
}

/** Gradients follow from those of tfjs-core's own operations. */
function arithmeticOf({ tf: { core }, tf, kernels }: ForwardContext): Arithmetic<Tensor, number> {
  return {
    relu: (x) => kernels.relu(tf, x),
    relu6: (x) => core.relu6(x),
    leakyRelu: (x, slope) => core.leakyRelu(x, slope),
    sigmoid: (x) => core.sigmoid(x),
    hardSigmoid: (x) => core.mul(core.relu6(core.add(x, 3)), 1 / 6),
    normalShare: (x) => core.mul(core.add(1, core.erf(core.mul(x, Math.SQRT1_2))), 0.5),
    multiply: (a, b) => core.mul(a, b),
  };
}

function pad(tf: Tfjs, x: Tensor4D, padding: Padding, value: number): Tensor4D {
  const { top, bottom, left, right } = padding;
  if (top + bottom + left + right === 0) return x;
  const sides: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return tf.core.pad(x, sides, value);
}
