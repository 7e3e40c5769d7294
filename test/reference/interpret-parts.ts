// A training step whose gradients are accumulated over the parts of its batch, by the reference's plain loops.
import { trainingGraphOf } from "../../src/compiler/lower/lower.js";
import type { TensorId } from "../../src/compiler/lower/step/training-graph.js";
import { microBatchSizes } from "../../src/compiler/training/micro-batches.js";
import type { Program } from "../../src/compiler/program.js";
import type { ReferenceBatch, ReferenceState, ReferenceUpdate } from "./interpret.js";
import { execute } from "./interpret.js";

export interface PartsOutcome {
  readonly loss: number;
  readonly correct: number;
  readonly gradientNorm: number;
  readonly state: ReferenceState;
}

export function interpretInParts(
  program: Program,
  { count, images, labels }: ReferenceBatch,
  state: ReferenceState,
  update: ReferenceUpdate,
): PartsOutcome {
  const graph = trainingGraphOf(program, "train");
  const values = new Map<TensorId, Float64Array>();
  graph.tensors.forEach((tensor, id) => {
    if (tensor.kind === "parameter" || tensor.kind === "statistic") values.set(id, state.get(tensor.name)!);
  });
  const pixels = images.length / count;
  const sums = new Map<TensorId, Float64Array>();
  let [loss, correct, first] = [0, 0, 0];
  for (const [microBatch, size] of microBatchSizes(count, program.config.train).entries()) {
    const share = size / count;
    const part = {
      count: size,
      images: images.slice(first * pixels, (first + size) * pixels),
      labels: Array.from(labels).slice(first, first + size),
      draws: { seed: program.config.seed, step: update.step, microBatch },
    };
    const machine = execute(graph, { ...part, values });
    graph.tensors.forEach((tensor, id) => {
      if (tensor.kind === "statistic") values.set(id, machine.read(id));
      if (tensor.kind !== "gradient") return;
      const sum = sums.get(id) ?? new Float64Array(machine.read(id).length);
      sums.set(
        id,
        sum.map((value, at) => value + share * machine.read(id)[at]!),
      );
    });
    loss += share * machine.loss;
    correct += machine.correct;
    first += size;
  }
  const slots = new Map<string, Float64Array>([...state].map(([name, value]) => [name, value.slice()]));
  const updated = execute(trainingGraphOf(program, "update"), {
    count,
    values: new Map([...values, ...sums]),
    slots,
    update,
  });
  graph.tensors.forEach((tensor, id) => {
    if (tensor.kind === "parameter" || tensor.kind === "statistic") slots.set(tensor.name, updated.read(id).slice());
  });
  return { loss, correct, gradientNorm: updated.gradientNorm, state: slots };
}
