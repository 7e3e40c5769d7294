// ShapedGraph and trained weights → an ONNX graph as plain data: one rule an operation. It takes images as they are, 8-bit
// [n, height, width, channels], and gives logits [n, classes]; normalisation is its first part.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { Activation, Arithmetic } from "../../../compiler/network/activations.js";
import { activations, forActivations, settingOf } from "../../../compiler/network/activations.js";
import type { Op, OpOf, Padding, ShapedGraph, ShapedNode, Window } from "../../../compiler/network/graph.js";
import { filterOf } from "../../../compiler/network/graph.js";
import type { Program } from "../../../compiler/program.js";
import type { NamedTensor } from "../../../compiler/targets/pytorch-layout.js";
import { toPytorch } from "../../../compiler/targets/pytorch-layout.js";
import type { State } from "../../engines/engine.js";
import { foldedConvolution } from "./fold-batch-norm.js";

export type Attribute = { readonly int: number } | { readonly ints: readonly number[] } | { readonly float: number };

export interface OnnxNode {
  readonly opType: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly input: string;
  readonly output: string;
}

export interface OnnxOptions {
  /** Norms that follow a convolution become part of it. */
  readonly foldBatchNorm: boolean;
}

export function onnxGraph({ graph, config }: Program, state: State, { foldBatchNorm }: OnnxOptions): OnnxGraph {
  const weights = toPytorch(graph, state);
  const builder = new Builder(graph, weights, foldBatchNorm ? normsToFold(graph) : new Map());
  builder.normalize(config.data.normalize);
  graph.nodes.forEach((node, index) => {
    const rule = rules[node.op.kind] as Rule<Op["kind"]>;
    const inputs = node.inputs.map((input) => builder.values[input]!);
    builder.values[index] = rule(builder, node.op, node, inputs, index);
  });
  builder.add("Identity", "logits", [builder.values.at(-1)!]);
  return { nodes: builder.nodes, initializers: builder.initializers, input: "images", output: "logits" };
}

/** Convolution → the norm that alone takes its output. */
function normsToFold({ nodes }: ShapedGraph): Map<number, number> {
  const uses = new Map<number, number>();
  for (const input of nodes.flatMap(({ inputs }) => inputs)) uses.set(input, (uses.get(input) ?? 0) + 1);
  const found = new Map<number, number>();
  nodes.forEach(({ op, inputs }, index) => {
    const before = inputs[0] ?? 0;
    const isFoldable = op.kind === "batch_norm" && nodes[before]!.op.kind === "conv2d" && uses.get(before) === 1;
    if (isFoldable) found.set(before, index);
  });
  return found;
}

class Builder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  /** Names of each node's value. */
  readonly values: string[] = [];

  constructor(
    readonly graph: ShapedGraph,
    readonly weights: ReadonlyMap<string, NamedTensor>,
    /** Convolution → the norm that is part of it. */
    readonly folded: ReadonlyMap<number, number>,
  ) {}

  /** Adds a node that gives `name`, and hands that back. */
  add(
    opType: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    this.nodes.push({ opType, name, inputs, output: name, attributes });
    return name;
  }

  tensor(name: string, { shape, data }: Omit<Initializer, "name">): string {
    this.initializers.push({ name, shape, data });
    return name;
  }

  scalar(name: string, value: number): string {
    return this.tensor(name, { shape: [], data: Float32Array.of(value) });
  }

  weight(name: string): string {
    const tensor = this.weights.get(name);
    invariant(tensor, `the state holds ${name}`);
    return this.tensor(name, tensor);
  }

  /** A vector that is as long as there are channels, or one number, before so many axes of pixels. */
  perChannel(name: string, axes: number): string {
    const tensor = this.weights.get(name);
    invariant(tensor, `the state holds ${name}`);
    return this.tensor(name, { shape: [...tensor.shape, ...Array.from({ length: axes }, () => 1)], data: tensor.data });
  }

  integers(name: string, values: readonly number[]): string {
    return this.tensor(name, { shape: [values.length], data: BigInt64Array.from(values.map(BigInt)) });
  }

  /** (x / 255 − mean) / std on [n, channels, height, width]. */
  normalize({ mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] }): void {
    const perChannel = (name: string, values: readonly number[]): string =>
      this.tensor(name, { shape: [values.length, 1, 1], data: Float32Array.from(values) });
    const floats = this.add("Cast", "images.float", ["images"], { to: { int: 1 } });
    const planes = this.add("Transpose", "images.planes", [floats], { perm: { ints: [0, 3, 1, 2] } });
    const unit = this.add("Div", "images.unit", [planes, this.scalar("images.maximum", 255)]);
    const centred = this.add("Sub", "images.centred", [unit, perChannel("images.mean", mean)]);
    this.add("Div", "images.normalized", [centred, perChannel("images.std", std)]);
  }
}

type Rule<K extends Op["kind"]> = (
  builder: Builder,
  op: OpOf<K>,
  node: ShapedNode,
  inputs: readonly string[],
  index: number,
) => string;

const rules: { readonly [K in Op["kind"]]: Rule<K> } = {
  input: () => "images.normalized",

  conv2d: (builder, op, { name }, [x], index) => {
    const norm = builder.folded.get(index);
    if (norm === undefined) {
      const bias = op.bias ? [builder.weight(`${name}.bias`)] : [];
      return builder.add("Conv", name, [x!, builder.weight(`${name}.weight`), ...bias], filterAttributes(op));
    }
    const { weight, bias } = foldedConvolution(builder.graph, builder.weights, index, norm);
    const operands = [builder.tensor(`${name}.weight`, weight), builder.tensor(`${name}.bias`, bias)];
    return builder.add("Conv", name, [x!, ...operands], filterAttributes(op));
  },

  batch_norm: (builder, { eps, scale }, { name, inputs, shape }, [x]) => {
    if (builder.folded.has(inputs[0]!)) return x!;
    const ones = { shape: [shape.channels], data: new Float32Array(shape.channels).fill(1) };
    const factor = scale ? builder.weight(`${name}.weight`) : builder.tensor(`${name}.weight`, ones);
    const others = ["bias", "running_mean", "running_var"].map((part) => builder.weight(`${name}.${part}`));
    return builder.add("BatchNormalization", name, [x!, factor, ...others], { epsilon: { float: eps } });
  },

  ...forActivations((builder: Builder, op: Activation, { name }: ShapedNode, [x]: readonly string[]) =>
    activations[op.kind].value(arithmeticOf(builder, name), x!, settingOf(op)),
  ),

  scale: (builder, { factor }, { name }, [x]) =>
    builder.add("Mul", name, [x!, builder.scalar(`${name}.factor`, factor)]),

  multiply: (builder, _, { name, inputs }, [map, factor]) => {
    const [kind, factorKind] = inputs.map((input) => builder.graph.nodes[input]!.shape.kind);
    const axes = kind === factorKind ? null : builder.integers(`${name}.axes`, [2, 3]);
    const factors = axes === null ? factor! : builder.add("Unsqueeze", `${name}.gate`, [factor!, axes]);
    return builder.add("Mul", name, [map!, factors]);
  },

  concatenate: (builder, _, { name }, inputs) => builder.add("Concat", name, inputs, { axis: { int: 1 } }),

  slice: (builder, { from, channels }, { name }, [x]) => {
    const limits = { starts: [from], ends: [from + channels], axes: [1] };
    const operands = Object.entries(limits).map(([limit, values]) => builder.integers(`${name}.${limit}`, values));
    return builder.add("Slice", name, [x!, ...operands]);
  },

  shuffle: (builder, { groups }, { name, shape }, [x]) => {
    const size = shape.kind === "map" ? [shape.height, shape.width] : [];
    const apart = builder.integers(`${name}.apart`, [
      0,
      groups,
      shape.channels / groups,
      size.reduce((a, b) => a * b, 1),
    ]);
    const grouped = builder.add("Reshape", `${name}.groups`, [x!, apart]);
    const turned = builder.add("Transpose", `${name}.turned`, [grouped], { perm: { ints: [0, 2, 1, 3] } });
    return builder.add("Reshape", name, [turned, builder.integers(`${name}.whole`, [0, shape.channels, ...size])]);
  },

  // Over the last axis, which the channels of a map are brought to
  layer_norm: (builder, { eps }, { name, shape }, [x]) => {
    const weights = [builder.weight(`${name}.weight`), builder.weight(`${name}.bias`)];
    const norm = (to: string, from: string): string =>
      builder.add("LayerNormalization", to, [from, ...weights], { axis: { int: -1 }, epsilon: { float: eps } });
    if (shape.kind === "vector") return norm(name, x!);
    const last = builder.add("Transpose", `${name}.last`, [x!], { perm: { ints: [0, 2, 3, 1] } });
    return builder.add("Transpose", name, [norm(`${name}.norm`, last)], { perm: { ints: [0, 3, 1, 2] } });
  },

  // Instance norm over each group's channels as one, then factor and term: opset 17 has no GroupNormalization
  group_norm: (builder, { groups, eps }, { name, shape }, [x]) => {
    const size = shape.kind === "map" ? [shape.height, shape.width] : [];
    const parts = builder.add("Reshape", `${name}.groups`, [x!, builder.integers(`${name}.apart`, [0, groups, -1])]);
    const vector = (suffix: string, value: number): string =>
      builder.tensor(`${name}.${suffix}`, { shape: [groups], data: new Float32Array(groups).fill(value) });
    const operands = [parts, vector("ones", 1), vector("zeros", 0)];
    const normed = builder.add("InstanceNormalization", `${name}.norm`, operands, { epsilon: { float: eps } });
    const whole = builder.integers(`${name}.whole`, [0, shape.channels, ...size]);
    const hat = builder.add("Reshape", `${name}.hat`, [normed, whole]);
    const scaled = builder.add("Mul", `${name}.scaled`, [hat, builder.perChannel(`${name}.weight`, size.length)]);
    return builder.add("Add", name, [scaled, builder.perChannel(`${name}.bias`, size.length)]);
  },

  learned_scale: (builder, _, { name, shape }, [x]) =>
    builder.add("Mul", name, [x!, builder.perChannel(`${name}.weight`, shape.kind === "map" ? 2 : 0)]),

  dropout: (_builder, _op, _node, [x]) => x!,
  drop_path: (_builder, _op, _node, [x]) => x!,

  add: (builder, _, { name }, inputs) => builder.add("Add", name, inputs),

  subsample: (builder, { stride, channels }, { name, inputs }, [x]) => {
    const limits = { starts: [0, 0], ends: [BEYOND, BEYOND], axes: [2, 3], steps: stride };
    const operands = Object.entries(limits).map(([limit, values]) => builder.integers(`${name}.${limit}`, values));
    const pixels = builder.add("Slice", `${name}.pixels`, [x!, ...operands]);
    const further = channels - builder.graph.nodes[inputs[0]!]!.shape.channels;
    if (further === 0) return pixels;
    return builder.add("Pad", name, [pixels, builder.integers(`${name}.pads`, [0, 0, 0, 0, 0, further, 0, 0])]);
  },

  max_pool: (builder, op, { name }, [x]) => builder.add("MaxPool", name, [x!], windowOf(op)),

  average_pool: (builder, op, { name }, [x]) =>
    builder.add("AveragePool", name, [x!], { ...windowOf(op), count_include_pad: { int: 1 } }),

  global_average_pool: (builder, _, { name }, [x]) => {
    const pooled = builder.add("GlobalAveragePool", `${name}.map`, [x!]);
    return builder.add("Flatten", name, [pooled], { axis: { int: 1 } });
  },

  linear: (builder, { bias }, { name, inputs }, [x]) => {
    const isMap = builder.graph.nodes[inputs[0]!]!.shape.kind === "map";
    const flat = isMap ? builder.add("Flatten", `${name}.flat`, [x!], { axis: { int: 1 } }) : x!;
    const operands = [builder.weight(`${name}.weight`), ...(bias ? [builder.weight(`${name}.bias`)] : [])];
    return builder.add("Gemm", name, [flat, ...operands], { transB: { int: 1 } });
  },
};

/** Under the name of the activation, or what of it the node is. */
function arithmeticOf(builder: Builder, name: string): Arithmetic<string, number> {
  const scaled = (suffix: string, x: string, factor: number): string =>
    builder.add("Mul", suffix, [x, builder.scalar(`${suffix}.factor`, factor)]);
  const shifted = (suffix: string, x: string, term: number): string =>
    builder.add("Add", suffix, [x, builder.scalar(`${suffix}.term`, term)]);
  return {
    relu: (x) => builder.add("Relu", name, [x]),
    relu6: (x) => {
      const bounds = [builder.scalar(`${name}.low`, 0), builder.scalar(`${name}.high`, 6)];
      return builder.add("Clip", name, [x, ...bounds]);
    },
    leakyRelu: (x, slope) => builder.add("LeakyRelu", name, [x], { alpha: { float: slope } }),
    sigmoid: (x) => builder.add("Sigmoid", `${name}.share`, [x]),
    hardSigmoid: (x) =>
      builder.add("HardSigmoid", `${name}.share`, [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
    // (1 + erf(x / √2)) / 2: opset 17 has no Gelu
    normalShare: (x) => {
      const erf = builder.add("Erf", `${name}.erf`, [scaled(`${name}.inner`, x, Math.SQRT1_2)]);
      return scaled(`${name}.share`, shifted(`${name}.shifted`, erf, 1), 0.5);
    },
    multiply: (a, b) => builder.add("Mul", name, [a, b]),
  };
}

/** Larger than any map: Slice takes it as the end. */
const BEYOND = 2 ** 31 - 1;

function windowOf({ kernel, stride, padding }: Window): Record<string, Attribute> {
  return { kernel_shape: { ints: kernel }, strides: { ints: stride }, pads: { ints: padsOf(padding) } };
}

function filterAttributes(op: OpOf<"conv2d">): Record<string, Attribute> {
  const { dilation = [1, 1], groups = 1 } = filterOf(op);
  const attributes = windowOf(op);
  if (dilation[0] * dilation[1] > 1) attributes["dilations"] = { ints: dilation };
  if (groups > 1) attributes["group"] = { int: groups };
  return attributes;
}

/** Beginnings of both axes, then their ends. */
function padsOf({ top, left, bottom, right }: Padding): number[] {
  return [top, left, bottom, right];
}
