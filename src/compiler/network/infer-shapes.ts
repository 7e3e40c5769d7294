// Graph → ShapedGraph: the shape of every node's output, by one rule an operation.
// A node whose input has no shape is passed over in silence: its cause is already reported.
import type { Diagnostic, Result } from "../diagnostics/diagnostic.js";
import { failed, hasErrors, invariant, ok } from "../diagnostics/diagnostic.js";
import type { Graph, Node, Op, OpOf, Shape, ShapedGraph, Window } from "./graph.js";

type MapShape = Extract<Shape, { kind: "map" }>;
type Rule<K extends Op["kind"]> = (op: OpOf<K>, inputs: readonly Shape[], node: Node) => Shape | Diagnostic;
type ShapeRules = { readonly [K in Op["kind"]]: Rule<K> };

const shapeRules: ShapeRules = {
  input: ({ height, width, channels }) => ({ kind: "map", height, width, channels }),
  conv2d: (op, [input], node) => slide(asMap(input), op, op.channels, node),
  batch_norm: (_, [input]) => input!,
  relu: (_, [input]) => input!,
  gelu: (_, [input]) => input!,
  sigmoid: (_, [input]) => input!,
  multiply: (_, [map, gate], { name }) => gated(asMap(map), gate!, name),
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
function slide(input: MapShape, window: Window, channels: number, node: Node): Shape | Diagnostic {
  const { kernel, stride, padding } = window;
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

/** Networks have no gate that a file describes yet, so that one that does not fit is our own. */
function gated(map: MapShape, gate: Shape, name: string): Shape {
  const isVector = gate.kind === "vector" || (gate.height === 1 && gate.width === 1);
  invariant(isVector, `the gate of ${name} is a map of several pixels`);
  invariant(
    gate.channels === map.channels,
    `the gate of ${name} has ${gate.channels} factors for ${map.channels} channels`,
  );
  return map;
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

function windowTooLarge(input: MapShape, { kernel, padding }: Window, node: Node): Diagnostic {
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
  return {
    code: "shape/vanished-map",
    severity: "error",
    message: `nothing is left of the map: ${node.name} has a ${kernel[0]}×${kernel[1]} kernel, but ${map}`,
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
