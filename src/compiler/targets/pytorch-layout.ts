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
