// What happens between gradients and update as TensorFlow operations: sums over the micro-batches of a batch, the norm over all, the
// limit to it, and whether the step is any good.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { TensorId, FlatOp } from "../step/training-graph.js";
import type { Emission, Variable } from "./emission.js";
import { FLOAT } from "./emission.js";
import type { Output } from "./tensorflow-graph.js";

/** What the gradients of micro-batches are summed in: a variable a parameter, set to zero before the first. */
export function sumName(parameter: string): string {
  return `${parameter}.gradient_sum`;
}

export function emitSums(emission: Emission, { gradients }: FlatOp<"accumulate">): void {
  const share = emission.hyper("part_share");
  for (const id of gradients) {
    const sum = sumOf(emission, id);
    const shared = emission.multiply(emission.get(id), share);
    emission.assign(sum, emission.add(emission.read(sum.name, sum.shape), shared));
  }
  emission.assignStatistics();
}

export function emitGradientNorm(emission: Emission, { gradients, clip }: FlatOp<"gradient_norm">): void {
  const { graph, train, losses } = emission;
  if (train.accumulate > 1) {
    for (const id of gradients) {
      const { name, shape } = sumOf(emission, id);
      emission.set(id, emission.read(name, shape));
    }
  }
  const halves = gradients.map((id) => graph.one("L2Loss", [emission.get(id)], FLOAT, []));
  const half = graph.one("AddN", halves, { ...FLOAT, N: { int: halves.length } }, []);
  const norm = graph.one("Sqrt", [emission.scaled(half, 2)], FLOAT, []);
  emission.gradientNorm = norm;

  const isFinite = (value: Output): Output => graph.one("IsFinite", [value], FLOAT, [], { type: "bool" });
  const sum = losses && graph.one("Sum", [losses, graph.integers([0])], { ...FLOAT, Tidx: { type: "int32" } }, []);
  emission.isSound = sum
    ? graph.one("LogicalAnd", [isFinite(norm), isFinite(sum)], {}, [], { type: "bool" })
    : isFinite(norm);
  emission.assignStatistics();
  if (clip === null) return;
  const ratio = emission.divide(graph.float(clip), emission.add(norm, graph.float(1e-6)));
  const factor = graph.one("Minimum", [ratio, graph.float(1)], FLOAT, []);
  for (const id of gradients) emission.set(id, emission.multiply(emission.get(id), factor));
}

function sumOf(emission: Emission, gradient: TensorId): Variable {
  const tensor = emission.tensor(gradient);
  const parameter = tensor.kind === "gradient" ? emission.tensor(tensor.parameter) : tensor;
  invariant(parameter.kind === "parameter", `${tensor.name} is the gradient of a ${parameter.kind}`);
  return emission.variable(sumName(parameter.name), parameter.dims);
}
