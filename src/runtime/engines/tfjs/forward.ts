// The network as tfjs-core operations, for training and evaluation: one rule an operation of the graph.
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Op, OpOf, Padding, ShapedGraph, ShapedNode } from "../../../compiler/network/graph.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { BatchStatistics } from "./batch-norm.js";
import type { TfjsKernels } from "./kernels.js";

export interface ForwardContext {
  readonly tf: Tfjs;
  readonly kernels: TfjsKernels;
  /** Parameters and running statistics by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** In training mode, called with the name of each batch-norm node; null means evaluation with the running statistics. */
  readonly onStatistics: ((node: string, statistics: BatchStatistics) => void) | null;
  /** In training mode, the batch-norm nodes that keep their running statistics. */
  readonly frozenNorms?: ReadonlySet<string>;
  /** Sees every node's output. */
  readonly onValue?: (node: string, value: Tensor) => void;
}

/** images: normalised [n, h, w, c]; returns logits [n, classes]. */
export function forward(context: ForwardContext, graph: ShapedGraph, images: Tensor4D): Tensor2D {
  const values: Tensor[] = [];
  for (const node of graph.nodes) {
    const rule = forwardRules[node.op.kind] as ForwardRule<Op["kind"]>;
    const inputs = node.op.kind === "input" ? [images] : node.inputs.map((at) => values[at]!);
    const value = rule(context, node.op, inputs as readonly Tensor4D[], node);
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
) => Tensor;

type ForwardRules = { readonly [K in Op["kind"]]: ForwardRule<K> };

const forwardRules: ForwardRules = {
  input: (_context, _op, [images]) => images!,

  conv2d: ({ tf, kernels, tensors }, op, [x], node) => {
    const weight = tensors.get(`${node.name}.weight`) as Tensor4D;
    const result = kernels.convolution(tf, x!, weight, op, node.inputs[0] === 0);
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

  relu: ({ tf, kernels }, _op, [x]) => kernels.relu(tf, x!),

  // x·Φ(x); the gradient follows from erf's own
  gelu: ({ tf }, _op, [x]) =>
    tf.core.mul(tf.core.mul(x!, 0.5), tf.core.add(1, tf.core.erf(tf.core.mul(x!, Math.SQRT1_2)))),

  scale: ({ tf }, { factor }, [x]) => tf.core.mul(x!, factor),

  sigmoid: ({ tf }, _op, [x]) => tf.core.sigmoid(x!),

  multiply: ({ tf }, _op, [map, gate]) => {
    const [images, channels] = [gate!.shape[0]!, gate!.shape.at(-1)!];
    return tf.core.mul(map!, tf.core.reshape(gate!, [images, 1, 1, channels]));
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
