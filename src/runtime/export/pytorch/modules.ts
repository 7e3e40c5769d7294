// ShapedGraph → the tree of PyTorch modules that its node names spell out: "stages.1.blocks.0.conv1" is the module `conv1`
// of the first block of the second stage. Every module takes one tensor and gives one.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { ShapedGraph, ShapedNode } from "../../../compiler/network/graph.js";

/** A node of the graph. */
export interface Leaf {
  readonly kind: "leaf";
  /** Last part of its name: "conv1". */
  readonly name: string;
  readonly index: number;
  readonly node: ShapedNode;
  /** Indices of the nodes that it takes. */
  readonly inputs: readonly number[];
}

/** Modules under one name: a block, a stage, the list of stages, the network. */
export interface Group {
  readonly kind: "group";
  readonly name: string;
  /** In the order of the graph. */
  readonly children: readonly Module[];
  /** The node whose output is the group's. */
  readonly index: number;
  /** The one node outside the group that it takes. */
  readonly inputs: readonly [number];
}

export type Module = Leaf | Group;

/** The whole network; the input node is not part of it. */
export function moduleTree(graph: ShapedGraph): Group {
  const leaves = graph.nodes.flatMap((node, index): Leaf[] => {
    if (node.op.kind === "input") return [];
    return [{ kind: "leaf", name: node.name.split(".").at(-1)!, index, node, inputs: node.inputs }];
  });
  const names = new Set(leaves.map(({ node }) => node.name));
  const path = ({ node }: Leaf): string[] => modulePath(node.name, names);
  return groupOf("", leaves, 0, path);
}

/** Parts of a name; what a node has below its own, as the pieces that a concatenation is of, stands beside it: "concatenate_part1". */
function modulePath(name: string, names: ReadonlySet<string>): string[] {
  const parts = name.split(".");
  const taken = parts.findIndex(
    (_, place) => place < parts.length - 1 && names.has(parts.slice(0, place + 1).join(".")),
  );
  return taken === -1 ? parts : [...parts.slice(0, taken), parts.slice(taken).join("_")];
}

function groupOf(name: string, leaves: readonly Leaf[], depth: number, path: (leaf: Leaf) => string[]): Group {
  const children: Module[] = [];
  const byName = new Map<string, Leaf[]>();
  for (const leaf of leaves) {
    const part = path(leaf)[depth]!;
    byName.set(part, [...(byName.get(part) ?? []), leaf]);
  }
  for (const [part, members] of byName) {
    const isLeaf = members.length === 1 && path(members[0]!).length === depth + 1;
    children.push(isLeaf ? members[0]! : groupOf(part, members, depth + 1, path));
  }
  const inside = new Set(leaves.map(({ index }) => index));
  const outside = [...new Set(leaves.flatMap(({ inputs }) => inputs))].filter((index) => !inside.has(index));
  invariant(outside.length === 1, `${name || "the network"} takes one tensor`);
  return { kind: "group", name, children, index: leaves.at(-1)!.index, inputs: [outside[0]!] };
}

/** Whether each child takes the output of the one before it, and the first what the group takes. */
export function isChain({ children, inputs }: Group): boolean {
  return children.every((child, place) => {
    const before = place === 0 ? inputs[0] : children[place - 1]!.index;
    return child.inputs.length === 1 && child.inputs[0] === before;
  });
}

/** A list: "0", "1", "2", … */
export function isList({ children }: Group): boolean {
  return children.every(({ name }, place) => name === String(place));
}
