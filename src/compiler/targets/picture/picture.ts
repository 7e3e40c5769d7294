// ShapedGraph → Picture: what a drawing of the network shows, before anything is placed. A layer with the norm and the
// activation behind it is one box, stages and blocks are frames, and equal blocks in a row become one that says how many.
import type { Activation } from "../../network/activations.js";
import { forActivations } from "../../network/activations.js";
import type { Op, OpOf, ShapedGraph, ShapedNode, Window } from "../../network/graph.js";
import { filterOf } from "../../network/graph.js";
import { formatShape } from "../../network/infer-shapes.js";
import { printable } from "../../diagnostics/printable.js";

export interface Picture {
  readonly title: string;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
  readonly frames: readonly Frame[];
}

export interface Box {
  /** The name of its first node. */
  readonly id: string;
  readonly kind: BoxKind;
  /** What it does, a line each: "conv 3×3, 32", "batch norm, relu". */
  readonly lines: readonly string[];
  /** The innermost frame around it. */
  readonly frame: string | undefined;
}

export type BoxKind = "input" | "convolution" | "pooling" | "addition" | "linear" | "other";

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** Shape of one image's values along it: "32×32×16". */
  readonly shape: string;
  /** Whether it passes layers by, as the shortcut of a residual block does. */
  readonly isShortcut: boolean;
}

export interface Frame {
  readonly id: string;
  readonly title: string;
  readonly parent: string | undefined;
  /** Equal blocks in a row that this one stands for. */
  readonly repeats: number;
}

export interface PictureOptions {
  /** Draw every block, also equal ones in a row. */
  readonly unfold?: boolean;
}

export function drawPicture(title: string, graph: ShapedGraph, { unfold = false }: PictureOptions = {}): Picture {
  const { nodes, repeats } = unfold ? { nodes: graph.nodes, repeats: new Map<string, number>() } : folded(graph.nodes);
  const boxOf = boxesOf(nodes);
  const heads = [...new Set(boxOf)];
  const boxes = heads.map((head): Box => {
    const members = nodes.filter((_, index) => boxOf[index] === head);
    const [first, ...attached] = members.map(({ op }) => describeOp(op));
    return {
      id: nodes[head]!.name,
      kind: first!.kind,
      lines: [first!.text, ...(attached.length > 0 ? [attached.map(({ text }) => text).join(", ")] : [])],
      frame: framesOf(nodes[head]!.name).at(-1)?.id,
    };
  });
  return { title: printable(title), boxes, arrows: arrowsOf(nodes, boxOf), frames: allFrames(boxes, repeats) };
}

function arrowsOf(nodes: readonly ShapedNode[], boxOf: readonly number[]): Arrow[] {
  const shortcuts = shortcutsOf(nodes);
  return nodes.flatMap((node, index) =>
    node.inputs
      .filter((input) => boxOf[input] !== boxOf[index])
      .map((input): Arrow => ({
        from: nodes[boxOf[input]!]!.name,
        to: nodes[boxOf[index]!]!.name,
        shape: formatShape(nodes[input]!.shape),
        isShortcut: shortcuts.has(index) || (node.op.kind === "add" && input === node.inputs[1]),
      })),
  );
}

/** Nodes that lie on a shortcut, as a projection does: from an addition's second input back to where the branch leaves. */
function shortcutsOf(nodes: readonly ShapedNode[]): Set<number> {
  const found = new Set<number>();
  for (const { op, inputs } of nodes) {
    if (op.kind !== "add") continue;
    for (let index = inputs[1]!; readersOf(nodes, index) === 1; index = nodes[index]!.inputs[0]!) found.add(index);
  }
  return found;
}

function readersOf(nodes: readonly ShapedNode[], index: number): number {
  return nodes.filter(({ inputs }) => inputs.includes(index)).length;
}

/** For each node the one that its box begins with: norms and activations go with what they follow, if nobody else reads that. */
function boxesOf(nodes: readonly ShapedNode[]): number[] {
  const heads: number[] = [];
  nodes.forEach(({ op, inputs }, index) => {
    const [input] = inputs;
    const follows =
      input !== undefined && inputs.length === 1 && readersOf(nodes, input) === 1 && describeOp(op).isAttached;
    heads.push(follows ? heads[input]! : index);
  });
  return heads;
}

// ---------------------------------------------------------------- frames

interface FrameName {
  readonly id: string;
  readonly title: string;
  readonly parent: string | undefined;
}

/** From the outside in: a stage and the block in it, as the node's name tells. */
function framesOf(name: string): FrameName[] {
  const [, stage, stageNumber, block, blockNumber] = /^(stages\.(\d+))(?:\.(blocks\.(\d+)))?\./.exec(name) ?? [];
  if (stage === undefined) return [];
  const outer: FrameName = { id: stage, title: `stage ${stageNumber}`, parent: undefined };
  if (block === undefined) return [outer];
  return [outer, { id: `${stage}.${block}`, title: `block ${blockNumber}`, parent: stage }];
}

function allFrames(boxes: readonly Box[], repeats: ReadonlyMap<string, number>): Frame[] {
  const frames = new Map<string, Frame>();
  for (const { id } of boxes) {
    for (const { id: frame, title, parent } of framesOf(id)) {
      const count = repeats.get(frame) ?? 1;
      const numbered =
        count === 1 ? title : `${title} to ${Number(title.split(" ")[1]) + count - 1}: ${count} equal blocks`;
      frames.set(frame, {
        id: frame,
        title: numbered.replace(/^block (\d+) to/, "blocks $1 to"),
        parent,
        repeats: count,
      });
    }
  }
  return [...frames.values()];
}

// ---------------------------------------------------------------- equal blocks in a row

/** Leaves the first of each row of equal blocks; what read the last of them now reads that one. */
function folded(nodes: readonly ShapedNode[]): { nodes: ShapedNode[]; repeats: Map<string, number> } {
  const repeats = new Map<string, number>();
  const standIns = new Map<number, number>(); // node of a block that is left out → the same of the one that stands for it
  let leader: NodeRange | undefined;
  for (const block of blocksOf(nodes)) {
    if (leader && leader.end - leader.start === block.end - block.start && areEqual(nodes, leader, block)) {
      repeats.set(leader.frame, repeats.get(leader.frame)! + 1);
      for (let index = block.start; index < block.end; index++) standIns.set(index, index - block.start + leader.start);
    } else {
      leader = block;
      repeats.set(block.frame, 1);
    }
  }
  const kept = nodes.map((_, index) => index).filter((index) => !standIns.has(index));
  const placeOf = new Map(kept.map((index, place) => [index, place]));
  return {
    nodes: kept.map((index) => {
      const node = nodes[index]!;
      return { ...node, inputs: node.inputs.map((input) => placeOf.get(standIns.get(input) ?? input)!) };
    }),
    repeats,
  };
}

interface NodeRange {
  readonly frame: string;
  readonly start: number;
  readonly end: number;
}

function blocksOf(nodes: readonly ShapedNode[]): NodeRange[] {
  const ranges: NodeRange[] = [];
  nodes.forEach(({ name }, index) => {
    const frame = framesOf(name)[1]?.id;
    const last = ranges.at(-1);
    if (frame === undefined) return;
    if (last?.frame === frame) ranges[ranges.length - 1] = { ...last, end: index + 1 };
    else ranges.push({ frame, start: index, end: index + 1 });
  });
  return ranges;
}

/** Same operations and shapes, joined in the same way, in blocks of one stage; each reads what lies right before it. */
function areEqual(nodes: readonly ShapedNode[], one: NodeRange, other: NodeRange): boolean {
  const signature = ({ frame, start, end }: NodeRange): string =>
    JSON.stringify([
      frame.split(".").slice(0, 2),
      nodes
        .slice(start, end)
        .map(({ op, shape, inputs }) => [
          op,
          shape,
          inputs.map((input) => (input >= start ? input - start : ["before", nodes[input]!.shape])),
        ]),
    ]);
  return signature(one) === signature(other);
}

// ---------------------------------------------------------------- words

interface OpWords {
  readonly kind: BoxKind;
  readonly text: string;
  /** Whether it goes into the box of what it follows. */
  readonly isAttached: boolean;
}

type Describers = { readonly [K in Op["kind"]]: (op: OpOf<K>) => OpWords };

const alone = (kind: BoxKind, text: string): OpWords => ({ kind, text, isAttached: false });
const attached = (text: string): OpWords => ({ kind: "other", text, isAttached: true });

const describers: Describers = {
  input: () => alone("input", "images"),
  conv2d: (op) => alone("convolution", `conv ${windowText(op)}${filterText(op)}, ${op.channels} channels`),
  batch_norm: () => attached("batch norm"),
  ...forActivations(({ kind }: Activation) => attached(kind.replaceAll("_", " "))),
  add: () => alone("addition", "+"),
  multiply: () => alone("other", "×"),
  concatenate: () => alone("addition", "concatenate"),
  slice: ({ from, channels }) => alone("other", `channels ${from + 1} to ${from + channels}`),
  layer_norm: () => attached("layer norm"),
  group_norm: ({ groups }) => attached(`group norm, ${groups} groups`),
  learned_scale: () => attached("learned scale"),
  dropout: ({ rate }) => attached(`dropout ${rate}`),
  drop_path: ({ rate }) => attached(`drop path ${rate}`),
  shuffle: ({ groups }) => attached(`shuffle in ${groups} groups`),
  subsample: (op) => alone("other", `each ${op.stride.join("×")} pixels to 1, ${op.channels} channels`),
  max_pool: (op) => alone("pooling", `max-pool ${windowText(op)}`),
  average_pool: (op) => alone("pooling", `average-pool ${windowText(op)}`),
  global_average_pool: () => alone("pooling", "global average pool"),
  linear: (op) => alone("linear", `linear, ${op.features} classes`),
  scale: ({ factor }) => attached(`× ${Number(factor.toPrecision(3))}`),
};

function describeOp(op: Op): OpWords {
  return describers[op.kind](op as never);
}

/** " dilation 2 in 32 groups", as far as that is so */
function filterText(op: OpOf<"conv2d">): string {
  const { dilation, groups } = filterOf(op);
  const steps = dilation ? ` dilation ${dilation[0] === dilation[1] ? dilation[0] : dilation.join("×")}` : "";
  return steps + (groups === undefined ? "" : ` in ${groups} groups`);
}

/** "3×3" or "3×3 stride 2" */
function windowText({ kernel, stride }: Window): string {
  const steps = stride[0] === stride[1] ? String(stride[0]) : stride.join("×");
  return kernel.join("×") + (steps === "1" ? "" : ` stride ${steps}`);
}
