// Products of maps, of a map with its gate, and what takes channels from map to map, as TensorFlow operations.
import type { FlatOp, TensorId } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT, mapOf } from "./emission.js";

export const gateRules = {
  multiply(emission: Emission, { left, right, output }: FlatOp<"multiply">): void {
    emission.set(output, emission.multiply(emission.get(left), emission.get(right)));
  },

  gate(emission: Emission, { input, gate, output }: FlatOp<"gate">): void {
    emission.set(output, emission.multiply(emission.get(input), emission.get(gate)));
  },

  gate_gradient(
    emission: Emission,
    { input, gate, outputGradient, inputGradient, gateGradient }: FlatOp<"gate_gradient">,
  ): void {
    const { graph } = emission;
    const above = emission.get(outputGradient);
    emission.set(inputGradient, emission.multiply(above, emission.get(gate)));
    const attributes = { ...FLOAT, Tidx: { type: "int32" }, keep_dims: { bool: true } } as const;
    const operands = [emission.multiply(above, emission.get(input)), graph.integers([1, 2])];
    emission.set(gateGradient, graph.one("Sum", operands, attributes, emission.dims(gateGradient)));
  },

  concatenate(emission: Emission, { inputs, output }: FlatOp<"concatenate">): void {
    const { graph } = emission;
    const attributes = { ...FLOAT, N: { int: inputs.length }, Tidx: { type: "int32" } } as const;
    const operands = [...inputs.map((id) => emission.get(id)), graph.constant(Int32Array.of(3), [])];
    emission.set(output, graph.one("ConcatV2", operands, attributes, emission.dims(output)));
  },

  slice(emission: Emission, { input, output, from }: FlatOp<"slice">): void {
    const { graph } = emission;
    const [, height, width, channels] = emission.dims(output);
    const operands = [
      emission.get(input),
      graph.integers([0, 0, 0, from]),
      graph.integers([-1, height, width, channels]),
    ];
    const attributes = { ...FLOAT, Index: { type: "int32" } } as const;
    emission.set(output, graph.one("Slice", operands, attributes, emission.dims(output)));
  },

  slice_gradient(emission: Emission, { outputGradient, inputGradient, from }: FlatOp<"slice_gradient">): void {
    const { graph } = emission;
    const behind = channelsOf(emission, inputGradient) - from - channelsOf(emission, outputGradient);
    const sides = graph.constant(Int32Array.of(0, 0, 0, 0, 0, 0, from, behind), [4, 2]);
    const attributes = { ...FLOAT, Tpaddings: { type: "int32" } } as const;
    const padded = graph.one("Pad", [emission.get(outputGradient), sides], attributes, emission.dims(inputGradient));
    emission.set(inputGradient, padded);
  },

  shuffle(emission: Emission, { input, output, groups }: FlatOp<"shuffle">): void {
    const { graph } = emission;
    const [n, height, width, channels] = emission.dims(output);
    const each = channels / groups;
    const pixels = n < 0 ? n : n * height * width;
    const apart = emission.reshape(emission.get(input), [pixels, groups, each]);
    const attributes = { ...FLOAT, Tperm: { type: "int32" } } as const;
    const turned = [pixels, each, groups];
    const order = graph.constant(Int32Array.of(0, 2, 1), [3]);
    emission.set(
      output,
      emission.reshape(graph.one("Transpose", [apart, order], attributes, turned), emission.dims(output)),
    );
  },
};

function channelsOf(emission: Emission, id: TensorId): number {
  return mapOf(emission.shape(id)).channels;
}
