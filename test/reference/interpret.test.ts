// The reference that kernels and gradients are held to is itself held to PyTorch, which knows nothing of it.
import { describe, expect, it } from "vitest";
import { differentiate } from "../../src/compiler/lower/step/differentiate.js";
import { fuse } from "../../src/compiler/lower/step/fuse.js";
import { trainingGraphOf } from "../../src/compiler/lower/lower.js";
import type { TrainingGraph } from "../../src/compiler/lower/step/training-graph.js";
import { writesOf } from "../../src/compiler/lower/step/training-graph.js";
import { averageShare } from "../../src/compiler/training/weight-average.js";
import { groupRates, phaseAt } from "../../src/compiler/training/training-phases.js";
import { batchOf, initialState, lossRecord } from "../oracle/fixtures.js";
import { oracleCases } from "../oracle/networks.js";
import { crossEntropyCases, operationCases } from "../oracle/operations.js";
import { referenceBatch, updateAll } from "./build-program.js";
import { execute, interpret } from "./interpret.js";
import { interpretInParts } from "./interpret-parts.js";

const SMALL = oracleCases().filter(({ name }) => name !== "resnet-20" && name !== "tutorial-96");

describe("the reference interpreter", () => {
  it.each(operationCases().map((operation) => [operation.title, operation] as const))(
    "computes %s as PyTorch does",
    (_, { graph, record, input, parameters, outputGradient }) => {
      // The loss is left out: the recorded gradient of the output stands in place of the logits' gradient.
      const fused = fuse(graph);
      const whole = differentiate(fused, "train", updateAll(fused));
      const part = {
        ...whole,
        nodes: whole.nodes.filter(({ op }) => op.kind !== "softmax_cross_entropy" && op.kind !== "update"),
      };
      const idOf = (name: string): number => whole.tensors.findIndex((tensor) => tensor.name === name);
      const values = new Map([[idOf("logits gradient"), Float64Array.from(outputGradient)]]);
      whole.tensors.forEach((tensor, id) => {
        if (tensor.kind === "statistic") {
          values.set(id, new Float64Array(tensor.dims[0]!).fill(tensor.name.endsWith("var") ? 1 : 0));
        }
      });
      const ids = whole.tensors.flatMap((tensor, id) => (tensor.kind === "parameter" ? [id] : []));
      ids.forEach((id, index) => values.set(id, Float64Array.from(parameters[index]!.data)));
      const machine = execute(part, { count: record.input[0]!, images: Float64Array.from(input), values });

      const [output] = writesOf(part.nodes.find(({ name }) => name === "op")!.op);
      expect(distance(machine.read(output!), record.output)).toBeLessThan(RECORDED);
      ids.forEach((id, index) => {
        const gradient = whole.tensors.findIndex((tensor) => tensor.kind === "gradient" && tensor.parameter === id);
        expect(distance(machine.read(gradient), record.parameterGradients[index]!)).toBeLessThan(RECORDED);
      });
      const toInput = idOf("op input gradient"); // convolutions of images have none
      if (toInput >= 0) expect(distance(machine.read(toInput), record.inputGradient)).toBeLessThan(RECORDED);
      if (record.runningMean && record.runningVariance) {
        expect(distance(machine.read(idOf("op.running_mean")), record.runningMean)).toBeLessThan(RECORDED);
        expect(distance(machine.read(idOf("op.running_var")), record.runningVariance)).toBeLessThan(RECORDED);
      }
    },
  );

  it.each(crossEntropyCases().map((one) => [one.title, one] as const))(
    "computes %s as PyTorch does",
    (_, { record, logits, labels, mixed }) => {
      const [count, classes] = record.input;
      const { label_smoothing: labelSmoothing } = record.op;
      const shape = { kind: "vector", channels: classes } as const;
      const graph: TrainingGraph = {
        tensors: ["logits", "gradient"].map((name) => ({ kind: "activation", name, shape })),
        nodes: [
          {
            name: "loss",
            op: {
              kind: "softmax_cross_entropy",
              labelSmoothing,
              mixedLabels: mixed !== undefined,
              inputs: { logits: 0 },
              outputs: { logitsGradient: 1 },
            },
          },
        ],
      };
      const machine = execute(graph, { count, labels, mixed, values: new Map([[0, Float64Array.from(logits)]]) });
      expect(Math.abs(machine.loss / record.output[0] - 1)).toBeLessThan(RECORDED);
      expect(distance(machine.read(1), record.inputGradient)).toBeLessThan(RECORDED);
    },
  );

  it.each(SMALL.map((oracle) => [oracle.name, oracle] as const))(
    "trains %s to the losses that PyTorch has in float64, by the optimizer's own rule",
    (name, oracle) => {
      const { losses, correct, gradientNorms } = lossRecord(name);
      const { accumulate } = oracle.program.config.train;
      let state: ReadonlyMap<string, Float64Array> = new Map(
        [...initialState(oracle)].map(([tensor, { data }]) => [tensor, Float64Array.from(data)]),
      );
      for (let index = 0; index < 5; index++) {
        const batch = referenceBatch(oracle.program, batchOf(oracle, index));
        const hyper = { learningRate: oracle.learningRate, step: index + 1 };
        const { plan, config } = oracle.program;
        const graph = trainingGraphOf(oracle.program, "train", phaseAt(plan, index));
        const averageShareNow = averageShare(config.train, plan, hyper.step);
        const update = { rates: groupRates(plan, hyper), step: hyper.step, averageShare: averageShareNow };
        const outcome =
          accumulate > 1
            ? interpretInParts(oracle.program, batch, state, update)
            : interpret(graph, batch, state, update);
        expect(Math.abs(outcome.loss - losses[index]!) / losses[index]!).toBeLessThan(RECORDED);
        expect(outcome.correct).toBe(correct[index]);
        const norm = gradientNorms[index]!;
        expect(Math.abs(outcome.gradientNorm - norm) / norm).toBeLessThan(RECORDED);
        state = outcome.state;
      }
    },
  );
});

/** Records have 9 digits. */
const RECORDED = 2e-8;

function distance(found: ArrayLike<number>, expected: readonly number[]): number {
  if (found.length !== expected.length) return Infinity;
  const largest = Math.max(...expected.map(Math.abs), 1e-3);
  return Math.max(...expected.map((value, at) => Math.abs(value - found[at]!))) / largest;
}
