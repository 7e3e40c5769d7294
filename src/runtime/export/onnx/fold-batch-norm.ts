// A convolution and the norm after it → one convolution that does both at evaluation: w' = w·γ/√(σ² + ε) for each output
// channel, b' = (b − μ)·γ/√(σ² + ε) + β. Computed in float64, rounded once.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { ShapedGraph } from "../../../compiler/network/graph.js";
import type { NamedTensor } from "../../../compiler/targets/pytorch-layout.js";

/** Weights in PyTorch's layout, [out, in, kernel height, kernel width]; `bias` is there whether the convolution had one or not. */
export function foldedConvolution(
  graph: ShapedGraph,
  weights: ReadonlyMap<string, NamedTensor>,
  convolution: number,
  norm: number,
): { weight: NamedTensor; bias: NamedTensor } {
  const [conv, { name, op }] = [graph.nodes[convolution]!, graph.nodes[norm]!];
  invariant(op.kind === "batch_norm" && conv.op.kind === "conv2d", "a norm after a convolution");
  const valuesOf = (tensor: string): Float32Array => {
    const found = weights.get(tensor);
    invariant(found, `the state holds ${tensor}`);
    return found.data;
  };
  const { shape } = weights.get(`${conv.name}.weight`)!;
  const data = valuesOf(`${conv.name}.weight`);
  const channels = shape[0]!;
  const [mean, variance, shift] = ["running_mean", "running_var", "bias"].map((part) => valuesOf(`${name}.${part}`));
  const factors = op.scale ? valuesOf(`${name}.weight`) : new Float32Array(channels).fill(1);
  const own = conv.op.bias ? valuesOf(`${conv.name}.bias`) : new Float32Array(channels);
  const gain = Float64Array.from(factors, (factor, channel) => factor / Math.sqrt(variance![channel]! + op.eps));
  const inputs = data.length / channels; // of one output channel, over its window
  const bias = Float32Array.from(
    gain,
    (value, channel) => (own[channel]! - mean![channel]!) * value + shift![channel]!,
  );
  return {
    weight: { shape, data: data.map((value, index) => value * gain[Math.floor(index / inputs)]!) },
    bias: { shape: [channels], data: bias },
  };
}
