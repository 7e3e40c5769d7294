// ShapedGraph → FusedGraph: what follows a convolution (norm, activation, addition, activation) becomes one
// pointwise node, since each would otherwise read and write its whole map; the linear layer and global pooling
// become the convolution and the pooling they equal, so that the passes below know fewer operations.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Filter, Node, OpOf, Shape, ShapedGraph, ShapedNode, Window } from "../../network/graph.js";
import { filterOf } from "../../network/graph.js";
import type { Activation } from "../../network/activations.js";
import { isActivation } from "../../network/activations.js";
import type { Pointwise } from "./training-graph.js";

export type FusedOp =
  | OpOf<"input">
  | ({ readonly kind: "conv2d"; readonly channels: number; readonly bias: boolean } & Filter)
  | FusedPointwise
  | OpOf<"subsample">
  | OpOf<"max_pool">
  | OpOf<"average_pool">
  | OpOf<"scale">
  | OpOf<"multiply">
  | OpOf<"concatenate">
  | OpOf<"slice">
  | OpOf<"shuffle">
  | { readonly kind: "channel_norm"; readonly groups: number | null; readonly eps: number }
  | OpOf<"learned_scale">
  | FusedDrop;

/** `node`: of the network, by which the draws of one layer differ from those of another. */
export interface FusedDrop {
  readonly kind: "drop";
  readonly rate: number;
  readonly perImage: boolean;
  readonly node: number;
}

export interface FusedPointwise extends Pointwise {
  readonly kind: "pointwise";
  /** Whose norm it is. */
  readonly normName: string | null;
  /** Whether the norm has a scale. */
  readonly scale: boolean;
}

export interface FusedNode extends Omit<Node, "op" | "origin"> {
  readonly op: FusedOp;
  readonly shape: Shape;
}

export interface FusedGraph {
  readonly nodes: readonly FusedNode[];
}

export function fuse(graph: ShapedGraph): FusedGraph {
  const uses = usesOf(graph);
  const chains = new Map<number, Chain>(); // by their last member, where every input is known
  const inChain = new Set<number>();
  graph.nodes.forEach((node, index) => {
    if (!isPointwise(node) || inChain.has(index)) return;
    const chain = collectChain(graph, index, uses);
    for (const member of chain.members) inChain.add(member);
    chains.set(chain.members.at(-1)!, chain);
  });

  const nodes: FusedNode[] = [];
  const place = new Map<number, number>(); // original node → index in `nodes`
  graph.nodes.forEach((node, index) => {
    const chain = chains.get(index);
    if (inChain.has(index) && !chain) return;
    const inputs = (chain?.inputs ?? node.inputs).map((input) => place.get(input)!);
    const name = chain ? graph.nodes[chain.members[0]!]!.name : node.name;
    nodes.push({ name, op: chain?.op ?? simplify(graph, node, index), inputs, shape: node.shape });
    place.set(index, nodes.length - 1);
  });
  return { nodes };
}

function usesOf(graph: ShapedGraph): number[][] {
  const uses: number[][] = graph.nodes.map(() => []);
  graph.nodes.forEach((node, index) => {
    for (const input of node.inputs) uses[input]!.push(index);
  });
  return uses;
}

function isPointwise({ op }: ShapedNode): boolean {
  return op.kind === "batch_norm" || isActivation(op) || op.kind === "add";
}

interface Chain {
  readonly members: readonly number[];
  readonly inputs: readonly number[];
  readonly op: FusedPointwise;
}

/** Follows norm → activation → add → relu from `start` for as long as each value has one use and the order holds. */
function collectChain(graph: ShapedGraph, start: number, uses: readonly (readonly number[])[]): Chain {
  const members = [start];
  const first = graph.nodes[start]!;
  const norm = first.op.kind === "batch_norm" ? { eps: first.op.eps, momentum: first.op.momentum } : null;
  const inputs = [first.inputs[0]!];
  let inner: Activation | null = isActivation(first.op) ? first.op : null;
  let [add, outerRelu] = [false, false];
  if (first.op.kind === "add") {
    add = true;
    inputs.push(first.inputs[1]!);
  }
  for (;;) {
    const last = members.at(-1)!;
    const [next, ...others] = uses[last]!;
    const node = next === undefined ? undefined : graph.nodes[next];
    if (!node || others.length > 0 || node.inputs[0] !== last) break;
    if (isActivation(node.op) && !add && !inner) inner = node.op;
    else if (node.op.kind === "relu" && add && !outerRelu) outerRelu = true;
    else if (node.op.kind === "add" && !add) {
      add = true;
      inputs.push(node.inputs[1]!);
    } else break;
    members.push(next!);
  }
  // Without an addition there is one activation. Behind a norm it stays the inner one, whose slope the backward pass
  // computes from the norm's input, which it reads anyway; without a norm relu is the outer one, masked by the output.
  if (!add && inner?.kind === "relu" && !norm) [inner, outerRelu] = [null, true];
  const normName = norm ? first.name : null;
  const scale = first.op.kind === "batch_norm" && first.op.scale;
  return { members, inputs, op: { kind: "pointwise", normName, scale, norm, inner, add, outerRelu } };
}

function simplify(graph: ShapedGraph, node: ShapedNode, index: number): FusedOp {
  const { op } = node;
  const noPadding = { top: 0, bottom: 0, left: 0, right: 0 };
  const input = graph.nodes[node.inputs[0] ?? 0]!.shape;
  const whole = input.kind === "map" ? ([input.height, input.width] as const) : ([1, 1] as const);
  if (op.kind === "linear") {
    const window: Window = { kernel: whole, stride: [1, 1], padding: noPadding };
    return { kind: "conv2d", channels: op.features, bias: op.bias, ...window };
  }
  if (op.kind === "conv2d") return { kind: op.kind, channels: op.channels, bias: op.bias, ...filterOf(op) };
  if (op.kind === "global_average_pool") {
    return { kind: "average_pool", kernel: whole, stride: [1, 1], padding: noPadding };
  }
  if (op.kind === "layer_norm") return { kind: "channel_norm", groups: null, eps: op.eps };
  if (op.kind === "group_norm") return { kind: "channel_norm", groups: op.groups, eps: op.eps };
  if (op.kind === "dropout" || op.kind === "drop_path") {
    return { kind: "drop", rate: op.rate, perImage: op.kind === "drop_path", node: index };
  }
  invariant(op.kind !== "batch_norm" && !isActivation(op) && op.kind !== "add", `${node.name} was left unfused`);
  return op;
}
