// ShapedGraph → what it costs: parameters, multiply-adds and activation bytes of every node, and their totals.
import { forActivations } from "./activations.js";
import type { Op, OpOf, Shape, ShapedGraph, ShapedNode } from "./graph.js";
import { elements } from "./graph.js";
import { parametersOf } from "./parameters.js";

export interface NodeCost {
  readonly name: string;
  readonly operation: Op["kind"];
  readonly shape: Shape;
  /** Values of weights, frozen ones too; running statistics are not among them. */
  readonly parameters: number;
  /** For one image, forward; see `cost`. */
  readonly multiplyAdds: number;
  /** Bytes of the node's float32 output for one image. */
  readonly activationBytes: number;
}

export interface Cost {
  readonly nodes: readonly NodeCost[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly activationBytes: number;
}

/**
 * Cost of one image going forward. Multiply-adds are those of convolutions and linear layers, the convention by which
 * papers give them (He et al. 2015, table 1); a bias, a norm, an activation, a factor or a pooling window counts none.
 */
export function cost(graph: ShapedGraph): Cost {
  const parametersOfNode = new Map<number, number>();
  for (const { node, shape } of parametersOf(graph)) {
    const count = shape.reduce((product, size) => product * size, 1);
    parametersOfNode.set(node, (parametersOfNode.get(node) ?? 0) + count);
  }
  const nodes = graph.nodes.map((node, index): NodeCost => {
    return {
      name: node.name,
      operation: node.op.kind,
      shape: node.shape,
      parameters: parametersOfNode.get(index) ?? 0,
      multiplyAdds: multiplyAdds(graph, node),
      activationBytes: elements(node.shape) * Float32Array.BYTES_PER_ELEMENT,
    };
  });
  const sum = (key: "parameters" | "multiplyAdds" | "activationBytes"): number =>
    nodes.reduce((total, node) => total + node[key], 0);
  return {
    nodes,
    parameters: sum("parameters"),
    multiplyAdds: sum("multiplyAdds"),
    activationBytes: sum("activationBytes"),
  };
}

type MultiplyAddRules = {
  readonly [K in Op["kind"]]: (op: OpOf<K>, input: Shape, output: Shape) => number;
};

const none = (): number => 0;

const rules: MultiplyAddRules = {
  input: none,
  conv2d: ({ kernel, groups = 1 }, input, output) =>
    (elements(output) * kernel[0] * kernel[1] * input.channels) / groups,
  batch_norm: none,
  ...forActivations(none),
  add: none,
  multiply: none,
  concatenate: none,
  slice: none,
  shuffle: none,
  layer_norm: none,
  group_norm: none,
  learned_scale: none,
  dropout: none,
  drop_path: none,
  subsample: none,
  max_pool: none,
  average_pool: none,
  global_average_pool: none,
  linear: ({ features }, input) => elements(input) * features,
  scale: none,
};

function multiplyAdds(graph: ShapedGraph, node: ShapedNode): number {
  const input = graph.nodes[node.inputs[0] ?? 0]!.shape;
  const rule = rules[node.op.kind] as (op: Op, input: Shape, output: Shape) => number;
  return rule(node.op, input, node.shape);
}
