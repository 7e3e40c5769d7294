// Tensors between netc's layouts and PyTorch's: convolutions [kernel height, kernel width, in, out] ↔ [out, in, kernel height,
// kernel width], linear layers [in, out] ↔ [out, in], whose inputs are flattened channel by channel there and pixel by pixel here.
import { invariant } from "../diagnostics/diagnostic.js";
import type { ShapedGraph } from "../network/graph.js";
import type { Parameter } from "../network/parameters.js";
import { parametersOf, statisticsOf } from "../network/parameters.js";

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Parameters and running statistics by their names in a `state_dict`, in PyTorch's layouts. Other tensors of `state` are
 * passed over.
 */
export function toPytorch(graph: ShapedGraph, state: ReadonlyMap<string, NamedTensor>): Map<string, NamedTensor> {
  const result = new Map<string, NamedTensor>();
  for (const parameter of parametersOf(graph)) {
    result.set(parameter.name, pytorchTensor(graph, parameter, tensorOf(state, parameter.name)));
  }
  for (const { name } of statisticsOf(graph)) result.set(name, tensorOf(state, name));
  return result;
}

/** What PyTorch's layout of it is called: its names and shapes, layer by layer as a `state_dict` lists them. */
export function pytorchShapes(graph: ShapedGraph): Map<string, readonly number[]> {
  const tensors = [
    ...parametersOf(graph).map((parameter) => ({ ...parameter, shape: pytorchShape(parameter) })),
    ...statisticsOf(graph),
  ];
  tensors.sort((one, other) => one.node - other.node); // weight, bias, then statistics
  return new Map(tensors.map(({ name, shape }) => [name, shape]));
}

function pytorchShape({ role, shape }: Parameter): readonly number[] {
  if (role === "conv_weight") return [shape[3]!, shape[2]!, shape[0]!, shape[1]!];
  return role === "linear_weight" ? [shape[1]!, shape[0]!] : shape;
}

/** One tensor from PyTorch's layout to netc's: the other way round. */
export function fromPytorch(graph: ShapedGraph, name: string, data: Float32Array): NamedTensor {
  const parameter = parametersOf(graph).find((one) => one.name === name);
  if (parameter?.role === "conv_weight") {
    const [height, width, inputs, outputs] = parameter.shape as readonly [number, number, number, number];
    return reversed([outputs, inputs, height * width], data, parameter.shape);
  }
  if (parameter?.role === "linear_weight") {
    const [features, outputs] = parameter.shape as readonly [number, number];
    const pixels = flattenedPixels(graph, parameter.node);
    return reversed([outputs, features / pixels, pixels], data, parameter.shape);
  }
  return { shape: parameter?.shape ?? [data.length], data };
}

/** One tensor laid out as its parameter: the parameter itself, or what an optimizer keeps of it. */
function pytorchTensor(graph: ShapedGraph, parameter: Parameter, { shape, data }: NamedTensor): NamedTensor {
  if (parameter.role === "conv_weight") {
    const [height, width, inputs, outputs] = shape as readonly [number, number, number, number];
    return reversed([height * width, inputs, outputs], data, [outputs, inputs, height, width]);
  }
  if (parameter.role === "linear_weight") {
    const [features, outputs] = shape as readonly [number, number];
    const pixels = flattenedPixels(graph, parameter.node);
    const channels = features / pixels;
    return reversed([pixels, channels, outputs], data, [outputs, features]);
  }
  return { shape, data };
}

/** Pixels of the map that a linear layer flattens; 1 where it takes a vector. */
export function flattenedPixels(graph: ShapedGraph, node: number): number {
  const input = graph.nodes[graph.nodes[node]!.inputs[0]!]!.shape;
  return input.kind === "map" ? input.height * input.width : 1;
}

/** `data` of shape [a, b, c] as [c, b, a]; `shape` is what the result is called. */
function reversed(
  [a, b, c]: readonly [number, number, number],
  data: Float32Array,
  shape: readonly number[],
): NamedTensor {
  const result = new Float32Array(data.length);
  let at = 0;
  for (let k = 0; k < c; k++) {
    for (let j = 0; j < b; j++) {
      for (let i = 0; i < a; i++) result[at++] = data[(i * b + j) * c + k]!;
    }
  }
  return { shape, data: result };
}

function tensorOf(state: ReadonlyMap<string, NamedTensor>, name: string): NamedTensor {
  const tensor = state.get(name);
  invariant(tensor, `the state lacks ${name}`);
  return tensor;
}
