// Sigmoid, the product of a map with a gate, and their gradients as TensorFlow operations.
import type { FlatOp } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT } from "./emission.js";

export const gateRules = {
  sigmoid(emission: Emission, { input, output }: FlatOp<"sigmoid">): void {
    const x = emission.get(input);
    emission.set(output, emission.graph.one("Sigmoid", [x], FLOAT, x.shape));
  },

  sigmoid_gradient(emission: Emission, { output, outputGradient, inputGradient }: FlatOp<"sigmoid_gradient">): void {
    const y = emission.get(output);
    const gradient = emission.graph.one("SigmoidGrad", [y, emission.get(outputGradient)], FLOAT, y.shape);
    emission.set(inputGradient, gradient);
  },

  multiply(emission: Emission, { input, gate, output }: FlatOp<"multiply">): void {
    emission.set(output, emission.multiply(emission.get(input), emission.get(gate)));
  },

  multiply_gradient(
    emission: Emission,
    { input, gate, outputGradient, inputGradient, gateGradient }: FlatOp<"multiply_gradient">,
  ): void {
    const { graph } = emission;
    const above = emission.get(outputGradient);
    emission.set(inputGradient, emission.multiply(above, emission.get(gate)));
    const attributes = { ...FLOAT, Tidx: { type: "int32" }, keep_dims: { bool: true } } as const;
    const operands = [emission.multiply(above, emission.get(input)), graph.integers([1, 2])];
    emission.set(gateGradient, graph.one("Sum", operands, attributes, emission.dims(gateGradient)));
  },
};
