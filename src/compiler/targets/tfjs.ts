// ShapedGraph → tf.LayersModel of stock layers, from normalised images [n, height, width, channels] to logits [n, classes];
// and parameters to and from it. TensorFlow.js itself is handed in, so that the compiler does not depend on it.
import type { LayersModel, SymbolicTensor, layers } from "@tensorflow/tfjs-layers";
import { invariant } from "../diagnostics/diagnostic.js";
import type { Filter, Op, OpOf, Padding, ShapedGraph, ShapedNode, Window } from "../network/graph.js";
import { filterOf, spanOf } from "../network/graph.js";
import type { Activation, ActivationKind, Arithmetic } from "../network/activations.js";
import { activations, forActivations, isActivation, settingOf } from "../network/activations.js";
import { isGate } from "../network/infer-shapes.js";
import { parametersOf, statisticsOf } from "../network/parameters.js";
import type { Program } from "../program.js";
import { denseFilter, fromDenseFilter } from "./dense-filter.js";
import type { NamedTensor } from "./pytorch-layout.js";

export interface Tfjs {
  readonly core: typeof import("@tensorflow/tfjs-core");
  readonly layers: typeof import("@tensorflow/tfjs-layers");
}

/** Tensors by name, float32, in the layouts of compiler/parameters.ts. */
export type NamedTensors = ReadonlyMap<string, NamedTensor>;

/** Every parameter and statistic starts as tfjs initialises it; `stateToTfjs` sets them. */
export function buildTfjsModel(tf: Tfjs, program: Program): LayersModel {
  const { graph, config } = program;
  const context: Context = { layers: tf.layers.layers, input: tf.layers.input, graph };
  const values: SymbolicTensor[] = [];
  graph.nodes.forEach((node, index) => {
    const rule = layerRules[node.op.kind] as LayerRule<Op["kind"]>;
    const inputs = node.inputs.map((input) => values[input]!);
    values.push(rule(context, node.op, inputs, node, index));
  });
  return tf.layers.model({
    name: legalName(config.name),
    inputs: values[0]!,
    outputs: values.at(-1)!,
  });
}

/** A node that no stock layer is for, in words; undefined where all can be written. */
export function withoutStockLayer({ nodes }: ShapedGraph): string | undefined {
  const found = nodes.find(({ op }) => op.kind === "group_norm");
  return found && `${found.name}, a group norm`;
}

/** Copies parameters and running statistics into the model; other tensors of the state (optimizer slots) are passed over. */
export function stateToTfjs(tf: Tfjs, model: LayersModel, graph: ShapedGraph, state: NamedTensors): void {
  for (const [layerName, own] of weightsByLayer(graph)) {
    const layer = model.getLayer(layerName);
    const weights = layer.getWeights();
    const tensors = own.map(({ name, isScale }, index) => {
      const value = state.get(name);
      invariant(value, `the state lacks ${name}`);
      if (!isScale) {
        const { shape, data } = toLayer(graph, name, value);
        return tf.core.tensor(data, [...shape], "float32");
      }
      const { shape, size } = weights[index]!; // a filter of one pixel, of as many channels as the map
      return tf.core.tensor(
        value.data.length === size ? value.data : new Float32Array(size).fill(value.data[0]!),
        shape,
      );
    });
    layer.setWeights(tensors);
    tf.core.dispose(tensors);
  }
}

/** Parameters and running statistics of the model, bit for bit. */
export async function tfjsToState(model: LayersModel, graph: ShapedGraph): Promise<NamedTensors> {
  const state = new Map<string, NamedTensor>();
  for (const [layerName, own] of weightsByLayer(graph)) {
    const tensors = model.getLayer(layerName).getWeights();
    const names = own.map(({ name }) => name).join(", ");
    invariant(tensors.length === own.length, `${layerName} has ${tensors.length} weights where ${names} belong`);
    for (const [index, { name, isScale, shape }] of own.entries()) {
      const tensor = tensors[index]!;
      const data = Float32Array.from(await tensor.data()); // a copy: the cpu backend hands out its own array
      const found = isScale ? { shape, data: data.slice(0, shape[0]) } : { shape: [...tensor.shape], data };
      state.set(name, isScale ? found : fromLayer(graph, name, found));
    }
  }
  return state;
}

interface OwnWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Of a learned scale, which is stored as a filter. */
  readonly isScale: boolean;
}

/** Layer name → its tensors in the order of `getWeights`: parameters, then for batch norm its statistics. */
function weightsByLayer(graph: ShapedGraph): Map<string, OwnWeight[]> {
  const byLayer = new Map<string, OwnWeight[]>();
  for (const { name, node, shape } of [...parametersOf(graph), ...statisticsOf(graph)]) {
    const { name: layer, op } = graph.nodes[node]!;
    const own = { name, shape, isScale: op.kind === "learned_scale" };
    byLayer.set(legalName(layer), [...(byLayer.get(legalName(layer)) ?? []), own]);
  }
  return byLayer;
}

/** Whether each channel has filters of its own, in a window that the stock layer for these takes; no other knows groups. */
export function isDepthwise({ groups = 1, stride }: Filter, inputs: number): boolean {
  return groups > 1 && groups === inputs && stride[0] === stride[1];
}

/** A filter as its layer has it; all other tensors are as they are. */
function toLayer(graph: ShapedGraph, name: string, tensor: NamedTensor): NamedTensor {
  const convolution = convolutionOf(graph, name);
  if (!convolution) return tensor;
  const { op, inputs } = convolution;
  if (!isDepthwise(op, inputs)) return denseFilter(tensor, op);
  const { shape, data } = denseFilter(tensor, { ...op, groups: 1 });
  return { shape: [...shape.slice(0, 2), inputs, op.channels / inputs], data };
}

function fromLayer(graph: ShapedGraph, name: string, tensor: NamedTensor): NamedTensor {
  const convolution = convolutionOf(graph, name);
  if (!convolution) return tensor;
  const { op, inputs } = convolution;
  if (!isDepthwise(op, inputs)) return fromDenseFilter(tensor, op);
  const shape = [...tensor.shape.slice(0, 2), 1, op.channels];
  return fromDenseFilter({ ...tensor, shape }, { ...op, groups: 1 });
}

/** Whose filter the tensor of that name is, where that is not the layer's as it is. */
function convolutionOf(graph: ShapedGraph, name: string) {
  const node = graph.nodes.find((each) => `${each.name}.weight` === name);
  if (node?.op.kind !== "conv2d") return undefined;
  const { groups, dilation } = filterOf(node.op);
  return groups || dilation ? { op: node.op, inputs: inputsOf(graph, node) } : undefined;
}

function inputsOf({ nodes }: ShapedGraph, { inputs }: ShapedNode): number {
  return nodes[inputs[0]!]!.shape.channels;
}

// ---------------------------------------------------------------- rules

interface Context {
  readonly layers: typeof layers;
  readonly input: typeof import("@tensorflow/tfjs-layers").input;
  readonly graph: ShapedGraph;
}

type LayerRule<K extends Op["kind"]> = (
  context: Context,
  op: OpOf<K>,
  inputs: readonly SymbolicTensor[],
  node: ShapedNode,
  index: number,
) => SymbolicTensor;

type LayerRules = { readonly [K in Op["kind"]]: LayerRule<K> };

const layerRules: LayerRules = {
  input: ({ input }, { height, width, channels }, _, node) =>
    input({ shape: [height, width, channels], name: legalName(node.name), dtype: "float32" }),

  conv2d: (context, op, [x], node) => {
    const options = {
      name: legalName(node.name),
      kernelSize: spanOf(op),
      strides: [...op.stride] as [number, number],
      padding: "valid",
      useBias: op.bias,
      dataFormat: "channelsLast",
    } as const;
    const inputs = inputsOf(context.graph, node);
    const layer = isDepthwise(op, inputs)
      ? context.layers.depthwiseConv2d({ ...options, depthMultiplier: op.channels / inputs })
      : context.layers.conv2d({ ...options, filters: op.channels });
    return layer.apply(zeroPadded(context, x!, op.padding, node)) as SymbolicTensor;
  },

  batch_norm: (context, { eps, momentum, scale }, [x], node) => {
    // What PyTorch calls momentum is the share of the new batch, in tfjs it is the share that stays.
    const options = { name: legalName(node.name), axis: -1, epsilon: eps, momentum: 1 - momentum, scale };
    return context.layers.batchNormalization(options).apply(x!) as SymbolicTensor;
  },

  ...forActivations((context: Context, op: Activation, [x]: readonly SymbolicTensor[], node: ShapedNode) => {
    const whole = wholeActivations[op.kind];
    if (!whole) return activations[op.kind].value(arithmeticOf(context, node), x!, settingOf(op));
    return context.layers.activation({ name: legalName(node.name), activation: whole }).apply(x!) as SymbolicTensor;
  }),

  scale: (context, { factor }, [x], node) =>
    context.layers.rescaling({ name: legalName(node.name), scale: factor, offset: 0 }).apply(x!) as SymbolicTensor,

  multiply: (context, _, [map, factor], node) => {
    const layer = context.layers.multiply({ name: legalName(node.name) });
    const [shape, factorShape] = node.inputs.map((input) => context.graph.nodes[input]!.shape);
    if (!isGate(shape!, factorShape!)) return layer.apply([map!, factor!]) as SymbolicTensor;
    const targetShape = [1, 1, node.shape.channels];
    const factors = context.layers.reshape({ name: legalName(`${node.name}.gate`), targetShape }).apply(factor!);
    return layer.apply([map!, factors as SymbolicTensor]) as SymbolicTensor;
  },

  concatenate: (context, _, inputs, node) =>
    context.layers.concatenate({ name: legalName(node.name), axis: -1 }).apply([...inputs]) as SymbolicTensor,

  // Stock layers crop rows and columns only, so the channels take the place of the rows meanwhile
  slice: (context, { from, channels }, [x], node) => {
    const input = context.graph.nodes[node.inputs[0]!]!.shape;
    const cropping: [[number, number], [number, number]] = [
      [from, input.channels - from - channels],
      [0, 0],
    ];
    const layer = context.layers.cropping2D({ name: legalName(`${node.name}.cropped`), cropping });
    return withChannelsInFront(context, x!, node, (front) => layer.apply(front) as SymbolicTensor);
  },

  shuffle: (context, { groups }, [x], node) => {
    const { channels, ...size } = { height: 1, width: 1, ...node.shape };
    const name = (suffix: string): string => legalName(`${node.name}.${suffix}`);
    const apart = [size.height * size.width, groups, channels / groups];
    const whole = node.shape.kind === "map" ? [size.height, size.width, channels] : [channels];
    const grouped = context.layers.reshape({ name: name("groups"), targetShape: apart }).apply(x!);
    const turned = context.layers.permute({ name: name("turned"), dims: [1, 3, 2] }).apply(grouped);
    return context.layers.reshape({ name: legalName(node.name), targetShape: whole }).apply(turned) as SymbolicTensor;
  },

  layer_norm: (context, { eps }, [x], node) =>
    context.layers
      .layerNormalization({ name: legalName(node.name), axis: -1, epsilon: eps })
      .apply(x!) as SymbolicTensor,

  group_norm: (_context, _op, [x], node) => {
    invariant(false, `${node.name} is a group norm, which stock layers have none for`);
    return x!;
  },

  // A depthwise convolution of one pixel: stock layers have no factors of their own
  learned_scale: (context, _, [x], node) => {
    const options = { name: legalName(node.name), kernelSize: 1, depthMultiplier: 1, useBias: false };
    const layer = context.layers.depthwiseConv2d(options);
    if (node.shape.kind === "map") return layer.apply(x!) as SymbolicTensor;
    const name = (suffix: string): string => legalName(`${node.name}.${suffix}`);
    const targetShape = [1, 1, node.shape.channels];
    const map = layer.apply(context.layers.reshape({ name: name("map"), targetShape }).apply(x!));
    return context.layers.flatten({ name: name("vector") }).apply(map) as SymbolicTensor;
  },

  dropout: (context, { rate }, [x], node) =>
    context.layers.dropout({ name: legalName(node.name), rate }).apply(x!) as SymbolicTensor,

  // Drops whole images by noise of one number each; predictions leave it out as they leave out dropout
  drop_path: (context, { rate }, [x], node) => {
    const noiseShape = [null, ...x!.shape.slice(1).map(() => 1)] as unknown as number[];
    return context.layers.dropout({ name: legalName(node.name), rate, noiseShape }).apply(x!) as SymbolicTensor;
  },

  add: (context, _, inputs, node) =>
    context.layers.add({ name: legalName(node.name) }).apply([...inputs]) as SymbolicTensor,

  subsample: (context, { stride, channels }, [x], node) => {
    const name = (suffix: string): string => legalName(`${node.name}.${suffix}`);
    const windows = { poolSize: [1, 1] as [number, number], strides: [...stride] as [number, number] };
    const pixels = context.layers.maxPooling2d({ name: name("pixels"), ...windows }).apply(x!) as SymbolicTensor;
    const further = channels - context.graph.nodes[node.inputs[0]!]!.shape.channels;
    if (further === 0) return pixels;
    return withChannelsInFront(context, pixels, node, (front) =>
      zeroPadded(context, front, { top: 0, bottom: further, left: 0, right: 0 }, node),
    );
  },

  max_pool: (context, op, [x], node) => {
    const padded = isNonNegative(context.graph, node.inputs[0]!)
      ? zeroPadded(context, x!, op.padding, node)
      : lowPadded(context, x!, op.padding, node);
    return context.layers.maxPooling2d({ name: legalName(node.name), ...pool(op) }).apply(padded) as SymbolicTensor;
  },

  average_pool: (context, op, [x], node) =>
    context.layers
      .averagePooling2d({ name: legalName(node.name), ...pool(op) })
      .apply(zeroPadded(context, x!, op.padding, node)) as SymbolicTensor,

  global_average_pool: (context, _, [x], node) =>
    context.layers
      .globalAveragePooling2d({ name: legalName(node.name), dataFormat: "channelsLast" })
      .apply(x!) as SymbolicTensor,

  linear: (context, { features, bias }, [x], node) => {
    const isMap = context.graph.nodes[node.inputs[0]!]!.shape.kind === "map";
    const flatten = context.layers.flatten({ name: legalName(`${node.name}.flatten`) });
    const flat = isMap ? (flatten.apply(x!) as SymbolicTensor) : x!;
    const layer = context.layers.dense({
      name: legalName(node.name),
      units: features,
      useBias: bias,
    });
    return layer.apply(flat) as SymbolicTensor;
  },
};

/** Activations that stock layers know under a name; `gelu` is by erf, as here, and gelu_new the approximation. */
const wholeActivations: Readonly<Partial<Record<ActivationKind, "relu" | "relu6" | "gelu" | "sigmoid">>> = {
  relu: "relu",
  relu6: "relu6",
  gelu: "gelu",
  sigmoid: "sigmoid",
};

/** The others, put together from stock layers under the node's name. */
function arithmeticOf({ layers }: Context, node: ShapedNode): Arithmetic<SymbolicTensor, number> {
  const rescaled = (suffix: string, scale: number, offset: number, x: SymbolicTensor): SymbolicTensor =>
    layers.rescaling({ name: legalName(`${node.name}.${suffix}`), scale, offset }).apply(x) as SymbolicTensor;
  const named = (suffix: string, activation: "relu" | "relu6" | "sigmoid", x: SymbolicTensor): SymbolicTensor =>
    layers.activation({ name: legalName(`${node.name}.${suffix}`), activation }).apply(x) as SymbolicTensor;
  return {
    relu: (x) => named("relu", "relu", x),
    relu6: (x) => named("relu6", "relu6", x),
    leakyRelu: (x, alpha) => layers.leakyReLU({ name: legalName(node.name), alpha }).apply(x) as SymbolicTensor,
    sigmoid: (x) => named("sigmoid", "sigmoid", x),
    hardSigmoid: (x) => rescaled("share", 1 / 6, 0, named("bounded", "relu6", rescaled("shifted", 1, 3, x))),
    normalShare: (x) => {
      invariant(false, `${node.name} is gelu, which is a stock layer`);
      return x;
    },
    multiply: (a, b) => layers.multiply({ name: legalName(node.name) }).apply([a, b]) as SymbolicTensor,
  };
}

/** What works on the rows of [channels, height, width], or of a vector's channels. */
function withChannelsInFront(
  { layers, graph }: Context,
  x: SymbolicTensor,
  node: ShapedNode,
  work: (front: SymbolicTensor) => SymbolicTensor,
): SymbolicTensor {
  const name = (suffix: string): string => legalName(`${node.name}.${suffix}`);
  if (graph.nodes[node.inputs[0]!]!.shape.kind === "vector") {
    const rows = layers.reshape({ name: name("front"), targetShape: [x.shape[1]!, 1, 1] }).apply(x);
    return layers.flatten({ name: name("back") }).apply(work(rows as SymbolicTensor)) as SymbolicTensor;
  }
  const front = layers.permute({ name: name("front"), dims: [3, 1, 2] }).apply(x) as SymbolicTensor;
  return layers.permute({ name: name("back"), dims: [2, 3, 1] }).apply(work(front)) as SymbolicTensor;
}

function pool({ kernel, stride }: Window): {
  poolSize: [number, number];
  strides: [number, number];
  padding: "valid";
} {
  return { poolSize: [...kernel], strides: [...stride], padding: "valid" };
}

/** Padding is a layer of its own: at stride 2 PyTorch pads both sides, "same" only bottom and right. */
function zeroPadded(
  context: Context,
  x: SymbolicTensor,
  padding: Padding,
  node: ShapedNode,
  suffix = "padding",
): SymbolicTensor {
  const { top, bottom, left, right } = padding;
  if (top + bottom + left + right === 0) return x;
  const sides: [[number, number], [number, number]] = [
    [top, bottom],
    [left, right],
  ];
  const layer = context.layers.zeroPadding2d({
    name: legalName(`${node.name}.${suffix}`),
    padding: sides,
    dataFormat: "channelsLast",
  });
  return layer.apply(x) as SymbolicTensor;
}

/** Far below any activation, and far enough from the end of float32 that adding one does not overflow. */
const LOW = 1e38;

/**
 * Pads with a value that never wins a maximum. No stock layer pads with anything but zero, so a map of ones, padded by zeros
 * and rescaled to 0 inside and −1e38 in the border, is added to the zero-padded map; inside it changes no bit.
 */
function lowPadded(context: Context, x: SymbolicTensor, padding: Padding, node: ShapedNode): SymbolicTensor {
  const padded = zeroPadded(context, x, padding, node);
  if (padded === x) return x;
  const rescale = (suffix: string, scale: number, offset: number, value: SymbolicTensor): SymbolicTensor =>
    context.layers
      .rescaling({ name: legalName(`${node.name}.${suffix}`), scale, offset })
      .apply(value) as SymbolicTensor;
  const inside = zeroPadded(context, rescale("ones", 0, 1, x), padding, node, "inside");
  const border = rescale("border", LOW, -LOW, inside);
  return context.layers.add({ name: legalName(`${node.name}.bordered`) }).apply([padded, border]) as SymbolicTensor;
}

/** Whether a node's values are never below zero, so that zero padding cannot win a maximum. */
function isNonNegative(graph: ShapedGraph, index: number): boolean {
  const node = graph.nodes[index]!;
  const keepsSign: Readonly<Record<Op["kind"], boolean>> = {
    input: false,
    conv2d: false,
    batch_norm: false,
    ...forActivations(false),
    multiply: true,
    concatenate: true,
    slice: true,
    shuffle: true,
    layer_norm: false,
    group_norm: false,
    learned_scale: false,
    dropout: true,
    drop_path: true,
    add: true,
    subsample: true,
    max_pool: true,
    average_pool: true,
    global_average_pool: true,
    linear: false,
    scale: true,
  };
  if (isActivation(node.op) && activations[node.op.kind].isNonNegative) return true;
  return keepsSign[node.op.kind] && node.inputs.every((input: number): boolean => isNonNegative(graph, input));
}

/** Names of layers become names of tensors, which TensorFlow restricts; see tfjs-core's isValidTensorName. */
function legalName(name: string): string {
  const legal = name.replaceAll(/[^A-Za-z0-9._-]/g, "_");
  return /^[A-Za-z0-9]/.test(legal) ? legal : `net${legal}`;
}
