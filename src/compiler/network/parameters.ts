// The tensors that a network owns, in graph order: weights, trained or frozen, and the running statistics of batch norm.
import type { ShapedGraph, ShapedNode } from "./graph.js";

const parameterRoles = ["conv_weight", "linear_weight", "bias", "norm_scale", "norm_shift"] as const;
export type ParameterRole = (typeof parameterRoles)[number];

export interface Parameter {
  /** `<node name>.weight` or `<node name>.bias`, as in a PyTorch state_dict. */
  readonly name: string;
  /** Index of the node in the graph. */
  readonly node: number;
  readonly role: ParameterRole;
  /** conv: [kernel height, kernel width, in channels of a group, out channels]; linear: [in features, out features]. */
  readonly shape: readonly number[];
  /** Inputs that feed one output: kernel area × input channels of a group. */
  readonly fanIn: number;
  /** Kernel area × output channels, of all groups as PyTorch counts them. */
  readonly fanOut: number;
}

export interface Statistic {
  /** `<node name>.running_mean` or `<node name>.running_var`. */
  readonly name: string;
  readonly node: number;
  readonly role: "running_mean" | "running_var";
  readonly shape: readonly [channels: number];
}

/** Weights in graph order, weight before bias. */
export function parametersOf(graph: ShapedGraph): Parameter[] {
  return graph.nodes.flatMap((node, index) => nodeParameters(graph, node, index));
}

/** Running statistics in graph order, mean before variance (biased var at use; stored Bessel-corrected as in PyTorch). */
export function statisticsOf(graph: ShapedGraph): Statistic[] {
  return graph.nodes.flatMap((node, index): Statistic[] => {
    if (node.op.kind !== "batch_norm") return [];
    const shape = [node.shape.channels] as const;
    return [
      { name: `${node.name}.running_mean`, node: index, role: "running_mean", shape },
      { name: `${node.name}.running_var`, node: index, role: "running_var", shape },
    ];
  });
}

function nodeParameters(graph: ShapedGraph, node: ShapedNode, index: number): Parameter[] {
  const { op, name } = node;
  const input = graph.nodes[node.inputs[0] ?? 0]!.shape;
  if (op.kind === "conv2d") {
    const area = op.kernel[0] * op.kernel[1];
    const inputs = input.channels / (op.groups ?? 1);
    const fans = { fanIn: area * inputs, fanOut: area * op.channels };
    const weight = [op.kernel[0], op.kernel[1], inputs, op.channels];
    return [
      { name: `${name}.weight`, node: index, role: "conv_weight", shape: weight, ...fans },
      ...(op.bias ? [{ name: `${name}.bias`, node: index, role: "bias" as const, shape: [op.channels], ...fans }] : []),
    ];
  }
  if (op.kind === "learned_scale") {
    const shape = [op.per === "channel" ? node.shape.channels : 1];
    return [{ name: `${name}.weight`, node: index, role: "norm_scale", shape, fanIn: 1, fanOut: 1 }];
  }
  if (op.kind === "batch_norm" || op.kind === "layer_norm" || op.kind === "group_norm") {
    const one = { node: index, shape: [node.shape.channels], fanIn: 1, fanOut: 1 };
    return [
      ...(op.kind !== "batch_norm" || op.scale
        ? [{ name: `${name}.weight`, role: "norm_scale" as const, ...one }]
        : []),
      { name: `${name}.bias`, role: "norm_shift", ...one },
    ];
  }
  if (op.kind === "linear") {
    const inFeatures = input.kind === "map" ? input.height * input.width * input.channels : input.channels;
    const fans = { fanIn: inFeatures, fanOut: op.features };
    return [
      { name: `${name}.weight`, node: index, role: "linear_weight", shape: [inFeatures, op.features], ...fans },
      ...(op.bias ? [{ name: `${name}.bias`, node: index, role: "bias" as const, shape: [op.features], ...fans }] : []),
    ];
  }
  return [];
}
