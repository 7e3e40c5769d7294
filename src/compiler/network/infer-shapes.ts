// Graph → ShapedGraph: the shape of every node's output, by one rule an operation.
// A node whose input has no shape is passed over in silence: its cause is already reported.
import type { Diagnostic, Result } from "../diagnostics/diagnostic.js";
import { forActivations } from "./activations.js";
import { failed, hasErrors, invariant, ok } from "../diagnostics/diagnostic.js";
import type { Filter, Graph, Node, Op, OpOf, Shape, ShapedGraph } from "./graph.js";
import { elements, spanOf } from "./graph.js";

type MapShape = Extract<Shape, { kind: "map" }>;
type Rule<K extends Op["kind"]> = (op: OpOf<K>, inputs: readonly Shape[], node: Node) => Shape | Diagnostic;
type ShapeRules = { readonly [K in Op["kind"]]: Rule<K> };

const shapeRules: ShapeRules = {
  input: ({ height, width, channels }) => ({ kind: "map", height, width, channels }),
  conv2d: (op, [input], node) => slide(convolvedInGroups(asMap(input), op, node), op, op.channels, node),
  batch_norm: (_, [input]) => input!,
  ...forActivations((_: Op, [input]: readonly Shape[]) => input!),
  multiply: (_, [map, gate], { name }) => multiplied(map!, gate!, name),
  concatenate: (_, inputs, { name }) => concatenated(inputs, name),
  slice: (op, [input], { name }) => sliced(input!, op, name),
  shuffle: (op, [input], { name }) => inGroups(input!, op, name),
  layer_norm: (_, [input]) => input!,
  group_norm: (op, [input], { name }) => inGroups(input!, op, name),
  learned_scale: (_, [input]) => input!,
  dropout: (op, [input], { name }) => dropped(input!, op, name),
  drop_path: (op, [input], { name }) => dropped(input!, op, name),
  add: (_, [branch, shortcut], node) => meet(branch!, shortcut!, node),
  subsample: (op, [input], node) => subsample(asMap(input), op, node),
  max_pool: (op, [input], node) => slide(asMap(input), op, asMap(input).channels, node),
  average_pool: (op, [input], node) => slide(asMap(input), op, asMap(input).channels, node),
  global_average_pool: (_, [input]) => ({ kind: "vector", channels: input!.channels }),
  linear: ({ features }) => ({ kind: "vector", channels: features }),
  scale: (_, [input]) => input!,
};

export function inferShapes(graph: Graph): Result<ShapedGraph> {
  const shapes: (Shape | undefined)[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => shapes[input]);
    if (inputs.some((shape) => shape === undefined)) {
      shapes.push(undefined);
      continue;
    }
    const { shape, fault } = shapeAfter(graph.nodes, node, inputs as Shape[]);
    if (fault) diagnostics.push(fault);
    shapes.push(shape);
  }
  if (hasErrors(diagnostics)) return failed(diagnostics);
  return ok({ nodes: graph.nodes.map((node, index) => ({ ...node, shape: shapes[index]! })) }, diagnostics);
}

/** The shape of one node's output, or why it has none; `nodes` are those before it. */
export function shapeAfter(
  nodes: readonly Node[],
  node: Node,
  inputs: readonly Shape[],
): { readonly shape: Shape | undefined; readonly fault?: Diagnostic } {
  const rule = shapeRules[node.op.kind] as Rule<Op["kind"]>;
  const result = rule(node.op, inputs, node);
  if (!("code" in result)) return { shape: result };
  const fault = result.related ? result : { ...result, related: cameFrom(nodes, node, inputs[0]!) };
  // The block goes on with its residual branch, so that a later stage's own fault is still found.
  return { shape: node.op.kind === "add" ? inputs[0] : undefined, fault: atItsLayer(node, fault) };
}

/** A fault of a layer that the file describes is shown there, with the stage that uses it beside it. */
function atItsLayer({ described, origin }: Node, fault: Diagnostic): Diagnostic {
  if (!described || fault.path !== origin) return fault;
  return {
    ...fault,
    path: described,
    related: [...(fault.related ?? []), { message: "it is used here", path: origin }],
  };
}

/** The part of the file that made the map which a window does not fit. */
function cameFrom(nodes: readonly Node[], node: Node, input: Shape): NonNullable<Diagnostic["related"]> {
  const { op, origin } = nodes[node.inputs[0]!]!;
  if (op.kind === "input") return [{ message: `images of ${formatShape(input)} come from here`, path: ["data"] }];
  const path = origin.slice(0, origin[1] === "stages" ? 3 : 2);
  return [{ message: `a map of ${formatShape(input)} comes from here`, path }];
}

/** "32×32×16" or "64". */
export function formatShape(shape: Shape): string {
  return shape.kind === "map" ? `${shape.height}×${shape.width}×${shape.channels}` : `${shape.channels}`;
}

function asMap(shape: Shape | undefined): MapShape {
  invariant(shape?.kind === "map", "a vector reached an operation on maps");
  return shape;
}

/** Output of a window moved over a map; the last, incomplete position is dropped (floor). */
function slide(input: MapShape, window: Filter, channels: number, node: Node): Shape | Diagnostic {
  const { stride, padding } = window;
  const kernel = spanOf(window);
  const paddedHeight = input.height + padding.top + padding.bottom;
  const paddedWidth = input.width + padding.left + padding.right;
  if (kernel[0] > paddedHeight || kernel[1] > paddedWidth) return windowTooLarge(input, window, node);
  return {
    kind: "map",
    height: Math.floor((paddedHeight - kernel[0]) / stride[0]) + 1,
    width: Math.floor((paddedWidth - kernel[1]) / stride[1]) + 1,
    channels,
  };
}

// No file describes these yet, so that what does not fit is our own fault.

function multiplied(map: Shape, factor: Shape, name: string): Shape {
  const fits = isGate(map, factor) || formatShape(map) === formatShape(factor);
  invariant(fits, `${name} multiplies ${formatShape(map)} by ${formatShape(factor)}`);
  return map;
}

/** Networks have no groups that a file asks for yet, so that channels which they do not divide are our own fault. */
function convolvedInGroups(input: MapShape, { channels, groups = 1 }: OpOf<"conv2d">, { name }: Node): MapShape {
  const divides = input.channels % groups === 0 && channels % groups === 0;
  invariant(divides, `${groups} groups of ${name} do not divide its channels, ${input.channels} and ${channels}`);
  return input;
}

/** Whether what multiplies a map is one factor a channel and image. */
export function isGate(map: Shape, factor: Shape): boolean {
  return map.kind === "map" && elements(factor) === map.channels && factor.channels === map.channels;
}

function concatenated(inputs: readonly Shape[], name: string): Shape {
  const [first] = inputs as [Shape];
  const channels = inputs.reduce((sum, input) => sum + input.channels, 0);
  for (const input of inputs) {
    const fits = formatShape({ ...input, channels }) === formatShape({ ...first, channels });
    invariant(fits, `${name} concatenates ${formatShape(first)} and ${formatShape(input)}`);
  }
  return { ...first, channels };
}

function sliced(input: Shape, { from, channels }: OpOf<"slice">, name: string): Shape {
  const fits = from >= 0 && channels > 0 && from + channels <= input.channels;
  invariant(fits, `${name} takes channels ${from} to ${from + channels - 1} of ${input.channels}`);
  return { ...input, channels };
}

function inGroups(input: Shape, { groups }: OpOf<"shuffle" | "group_norm">, name: string): Shape {
  invariant(input.channels % groups === 0, `${name} takes ${input.channels} channels in ${groups} groups`);
  return input;
}

function dropped(input: Shape, { rate }: OpOf<"dropout" | "drop_path">, name: string): Shape {
  invariant(rate >= 0 && rate < 1, `${name} drops at a rate of ${rate}`);
  return input;
}

function subsample(input: MapShape, { channels, stride }: OpOf<"subsample">, node: Node): Shape | Diagnostic {
  if (channels >= input.channels) {
    const [height, width] = [Math.ceil(input.height / stride[0]), Math.ceil(input.width / stride[1])];
    return { kind: "map", height, width, channels };
  }
  return {
    code: "shape/subsample-narrows",
    severity: "error",
    message: `the shortcut keeps every channel of the ${formatShape(input)} map before it, but the stage has ${channels}`,
    path: node.origin,
    hint: `write \`projection: true\`, or at least \`channels: ${input.channels}\``,
  };
}

function windowTooLarge(input: MapShape, window: Filter, node: Node): Diagnostic {
  const { kernel, padding } = window;
  const padded = padding.top > 0 ? ` padded by ${padding.top}` : "";
  const map = `the map before it is ${formatShape(input)}${padded}`;
  if (node.op.kind !== "conv2d") {
    const fit = Math.min(input.height, input.width);
    const inFront = node.name !== "pooling"; // of the stem or of a stage
    return {
      code: "shape/pooling-window",
      severity: "error",
      message: `the pooling window is ${kernel[0]}×${kernel[1]}, but ${map}`,
      path: node.origin,
      hint: inFront ? `use \`kernel: ${fit}\` or leave this pool out` : "use `pooling: global_average`",
    };
  }
  const span = spanOf(window);
  const spread = span.join() === kernel.join() ? "" : ` that its dilation spreads over ${span.join("×")} pixels`;
  return {
    code: "shape/vanished-map",
    severity: "error",
    message: `nothing is left of the map: ${node.name} has a ${kernel[0]}×${kernel[1]} kernel${spread}, but ${map}`,
    path: node.origin,
    hint: "use a smaller stride or fewer strided stages before this one, a smaller kernel, or larger images",
  };
}

function meet(branch: Shape, shortcut: Shape, node: Node): Shape | Diagnostic {
  if (formatShape(branch) === formatShape(shortcut)) return branch;
  const stage = node.origin[1] === "stages" ? Number(node.origin[2]) : 0;
  const before = stage === 0 ? (["model", "stem"] as const) : (["model", "stages", stage - 1] as const);
  return {
    code: "shape/residual-mismatch",
    severity: "error",
    message:
      `the shortcut is ${formatShape(shortcut)}, the residual branch is ${formatShape(branch)}; ` +
      "they are added, so they must be equal",
    path: node.origin,
    hint: "set `projection: true` on this stage",
    related: [{ message: `what comes in here is ${formatShape(shortcut)}`, path: before }],
  };
}
