// Nodes of the graph → PyTorch: the constructor of a module, and what `forward` says of it.
import type { ActivationKind } from "../../../compiler/network/activations.js";
import { isGate } from "../../../compiler/network/infer-shapes.js";
import type { Op, OpOf, Padding, Shape, ShapedGraph, ShapedNode, Window } from "../../../compiler/network/graph.js";
import { filterOf } from "../../../compiler/network/graph.js";

/** Numbers of a layer that a block's class may take as arguments instead of having them written out. */
export interface LayerNumbers {
  readonly inputs: string;
  readonly outputs: string;
  readonly stride: string;
}

interface LayerRule<K extends Op["kind"]> {
  /** `nn.Conv2d(3, 16, kernel_size=3, …)`; null for what `forward` computes without a module. */
  readonly module: ((op: OpOf<K>, numbers: LayerNumbers, graph: ShapedGraph, node: ShapedNode) => string) | null;
  /** The same in a sequence of modules, where everything has to be one. */
  readonly inSequence?: (op: OpOf<K>) => string;
  /** What `forward` makes of the input expressions where there is no module. */
  readonly expression?: (op: OpOf<K>, inputs: readonly string[], graph: ShapedGraph, node: ShapedNode) => string;
}

type LayerRules = { readonly [K in Op["kind"]]: LayerRule<K> };

export const layerRules: LayerRules = {
  input: { module: null, expression: (_, [x]) => x! },
  conv2d: {
    module: (op, { inputs, outputs, stride }, graph, node) => {
      const { dilation, groups } = filterOf(op);
      const isDepthwise = groups === inputsOf(graph, node);
      const settings = [
        `kernel_size=${pair(op.kernel)}`,
        ...(stride === "1" ? [] : [`stride=${stride}`]),
        ...(isSymmetric(op.padding) ? padding(op.padding) : [`sides=${sides(op.padding)}`]),
        ...(dilation ? [`dilation=${pair(dilation)}`] : []),
        ...(groups === undefined ? [] : [`groups=${isDepthwise ? inputs : groups}`]),
        ...(op.bias ? [] : ["bias=False"]),
      ];
      const name = isSymmetric(op.padding) ? "nn.Conv2d" : "PaddedConv2d";
      return `${name}(${inputs}, ${outputs}, ${settings.join(", ")})`;
    },
  },
  batch_norm: {
    // PyTorch's momentum is netc's: the share of the new batch
    module: ({ eps, momentum, scale }, { outputs }) => {
      const settings = [...epsilon(eps), ...(momentum === 0.1 ? [] : [`momentum=${pythonNumber(momentum)}`])];
      return `${scale ? "nn.BatchNorm2d" : "ShiftNorm"}(${[outputs, ...settings].join(", ")})`;
    },
  },
  relu: activation("ReLU", "F.relu"),
  relu6: activation("ReLU6", "F.relu6"),
  leaky_relu: {
    module: null,
    inSequence: ({ slope }) => `nn.LeakyReLU(${pythonNumber(slope)})`,
    expression: ({ slope }, [x]) => `F.leaky_relu(${x}, ${pythonNumber(slope)})`,
  },
  gelu: activation("GELU", "F.gelu"), // by the normal distribution's own function, as here; tanh is only PyTorch's option
  silu: activation("SiLU", "F.silu"),
  hard_swish: activation("Hardswish", "F.hardswish"),
  sigmoid: activation("Sigmoid", "torch.sigmoid"),
  hard_sigmoid: activation("Hardsigmoid", "F.hardsigmoid"),
  scale: { module: null, expression: ({ factor }, [x]) => `${pythonNumber(factor)} * ${x}` },
  multiply: {
    module: null,
    expression: (_, [map, factor], graph, node) => {
      const [shape, factorShape] = node.inputs.map((input) => graph.nodes[input]!.shape);
      return isGate(shape!, factorShape!) ? `${map} * ${factor}.flatten(1)[:, :, None, None]` : `${map} * ${factor}`;
    },
  },
  concatenate: { module: null, expression: (_, inputs) => `torch.cat([${inputs.join(", ")}], dim=1)` },
  slice: { module: null, expression: ({ from, channels }, [x]) => `${x}[:, ${from}:${from + channels}]` },
  shuffle: {
    module: null,
    expression: ({ groups }, [x]) => `${x}.unflatten(1, (${groups}, -1)).transpose(1, 2).flatten(1, 2)`,
  },
  layer_norm: {
    module: ({ eps }, { outputs }, _graph, { shape }) =>
      `${shape.kind === "map" ? "LayerNorm2d" : "nn.LayerNorm"}(${[outputs, ...epsilon(eps)].join(", ")})`,
  },
  group_norm: {
    module: ({ groups, eps }, { outputs }) => `nn.GroupNorm(${[groups, outputs, ...epsilon(eps)].join(", ")})`,
  },
  learned_scale: {
    module: ({ initial, per }, { outputs }) =>
      `LearnedScale(${per === "channel" ? outputs : 1}, initial=${pythonNumber(initial)})`,
  },
  dropout: { module: ({ rate }) => `nn.Dropout(${pythonNumber(rate)})` },
  drop_path: { module: ({ rate }) => `DropPath(${pythonNumber(rate)})` },
  add: { module: null, expression: (_, inputs) => inputs.join(" + ") },
  subsample: { module: (_, { inputs, outputs, stride }) => `Subsample(${inputs}, ${outputs}, stride=${stride})` },
  max_pool: { module: (op, { stride }) => pooling("nn.MaxPool2d", op, stride) },
  average_pool: { module: (op, { stride }) => pooling("nn.AvgPool2d", op, stride) },
  global_average_pool: {
    module: null,
    inSequence: () => "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())",
    expression: (_, [x]) => `${x}.mean(dim=(2, 3))`,
  },
  linear: {
    module: ({ bias }, { inputs, outputs }) => `nn.Linear(${inputs}, ${outputs}${bias ? "" : ", bias=False"})`,
  },
};

function activation<K extends ActivationKind>(module: string, expression: string): LayerRule<K> {
  return { module: null, inSequence: () => `nn.${module}()`, expression: (_, [x]) => `${expression}(${x})` };
}

/** Inputs of a layer as PyTorch counts them: channels of a map, features of a vector. */
export function inputsOf(graph: ShapedGraph, node: ShapedNode): number {
  const shape: Shape = graph.nodes[node.inputs[0]!]!.shape;
  if (node.op.kind !== "linear" || shape.kind === "vector") return shape.channels;
  return shape.height * shape.width * shape.channels;
}

export function strideOf({ op }: ShapedNode): number | undefined {
  return "stride" in op && op.stride[0] === op.stride[1] ? op.stride[0] : undefined;
}

/** A number as Python writes it, with a point or an exponent where it is not whole. */
function pythonNumber(value: number): string {
  return String(value);
}

function epsilon(eps: number): string[] {
  return eps === 1e-5 ? [] : [`eps=${pythonNumber(eps)}`];
}

function pooling(name: string, op: Window, stride: string): string {
  const kernel = pair(op.kernel);
  const isEven = isSymmetric(op.padding);
  const settings = [...(stride === kernel ? [] : [`stride=${stride}`]), ...(isEven ? padding(op.padding) : [])];
  const pool = `${name}(${[`kernel_size=${kernel}`, ...settings].join(", ")})`;
  if (isEven) return pool;
  // What a maximum is taken of is never the padding; a mean counts its zeros
  const pad =
    name === "nn.MaxPool2d"
      ? `nn.ConstantPad2d(${sides(op.padding)}, float("-inf"))`
      : `nn.ZeroPad2d(${sides(op.padding)})`;
  return `nn.Sequential(${pad}, ${pool})`;
}

function isSymmetric({ top, bottom, left, right }: Padding): boolean {
  return top === bottom && left === right;
}

/** In the order of `F.pad`. */
function sides({ top, bottom, left, right }: Padding): string {
  return `(${left}, ${right}, ${top}, ${bottom})`;
}

function padding({ top, left }: Padding): string[] {
  if (top === 0 && left === 0) return [];
  return [`padding=${pair([top, left])}`];
}

/** `3`, or `(3, 5)`. */
export function pair([height, width]: readonly [number, number]): string {
  return height === width ? String(height) : `(${height}, ${width})`;
}
