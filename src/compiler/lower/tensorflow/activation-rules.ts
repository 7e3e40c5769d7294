// Activations and their gradients as TensorFlow operations, by the table that all engines share.
import type { Activation, SlopeArithmetic } from "../../network/activations.js";
import { activations, settingOf } from "../../network/activations.js";
import type { Emission } from "./emission.js";
import { FLOAT } from "./emission.js";
import type { Output } from "./tensorflow-graph.js";

export function activate(emission: Emission, activation: Activation, x: Output): Output {
  return activations[activation.kind].value(arithmeticOf(emission), x, settingOf(activation));
}

/** The gradient by the activation's input. */
export function activationGradient(emission: Emission, activation: Activation, above: Output, x: Output): Output {
  if (activation.kind === "relu") return reluGradient(emission, above, x);
  return emission.multiply(above, activations[activation.kind].slope(arithmeticOf(emission), x, settingOf(activation)));
}

/** By input or output of the relu: both are positive in the same places. */
export function reluGradient({ graph }: Emission, above: Output, x: Output): Output {
  return graph.one("ReluGrad", [above, x], FLOAT, above.shape);
}

function arithmeticOf(emission: Emission): SlopeArithmetic<Output, number> {
  const { graph } = emission;
  const unary = (op: string, x: Output): Output => graph.one(op, [x], FLOAT, x.shape);
  const compare = (op: "Greater" | "Less", x: Output, bound: number): Output =>
    graph.one(op, [x, graph.float(bound)], FLOAT, x.shape, { type: "bool" });
  const asFloats = (mask: Output): Output =>
    graph.one("Cast", [mask], { SrcT: { type: "bool" }, DstT: { type: "float" } }, mask.shape);
  const line = (x: Output, factor: number, term: number): Output => {
    const scaled = emission.scaled(x, factor);
    return term === 0 ? scaled : emission.add(scaled, graph.float(term));
  };
  return {
    relu: (x) => unary("Relu", x),
    relu6: (x) => unary("Relu6", x),
    leakyRelu: (x, slope) => graph.one("LeakyRelu", [x], { ...FLOAT, alpha: { float: slope } }, x.shape),
    leakySlope: (x, slope) =>
      graph.one("SelectV2", [compare("Greater", x, 0), graph.float(1), graph.float(slope)], FLOAT, x.shape),
    sigmoid: (x) => unary("Sigmoid", x),
    hardSigmoid: (x) => emission.scaled(unary("Relu6", line(x, 1, 3)), 1 / 6),
    normalShare(x) {
      const error = unary("Erf", emission.scaled(x, Math.SQRT1_2));
      return emission.scaled(emission.add(error, graph.float(1)), 0.5);
    },
    normalDensity(x) {
      const exponent = emission.scaled(unary("Square", x), -0.5);
      return emission.scaled(unary("Exp", exponent), 1 / Math.sqrt(2 * Math.PI));
    },
    within(x, low, high) {
      const both = [compare("Greater", x, low), compare("Less", x, high)];
      return asFloats(graph.one("LogicalAnd", both, {}, x.shape, { type: "bool" }));
    },
    multiply: (a, b) => emission.multiply(a, b),
    multiplyAdd: (a, b, c) => emission.add(c, emission.multiply(a, b)),
    line,
  };
}
