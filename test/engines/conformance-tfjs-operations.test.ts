// Each operation of the tfjs engine, forward and backward, against PyTorch in float64.
import type { Tensor, Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { parametersOf } from "../../src/compiler/network/parameters.js";
import type { Tfjs } from "../../src/compiler/targets/tfjs.js";
import { forward } from "../../src/runtime/engines/tfjs/forward.js";
import { plainKernels } from "../../src/runtime/engines/tfjs/kernels.js";
import { loadTfjs } from "../../src/runtime/engines/tfjs/load-tfjs.js";
import { type OperationCase, operationCases } from "../oracle/operations.js";

const TOLERANCE = 1e-5; // float32; sums of at most 7×7×3 products of numbers up to 1, and batch norm of two values

let tf: Tfjs;
beforeAll(async () => {
  tf = await loadTfjs();
});

it.each(operationCases().map((operation) => [operation.title, operation] as const))("computes %s", (_, operation) => {
  const { record } = operation;
  const found = run(operation);
  expect(found.output.shape).toEqual(record.outputShape);
  expect(distance(found.output, record.output)).toBeLessThan(TOLERANCE);
  expect(distance(found.gradients[0]!, record.inputGradient)).toBeLessThan(TOLERANCE);
  record.parameterGradients.forEach((expected, index) => {
    expect(distance(found.gradients[index + 1]!, expected)).toBeLessThan(TOLERANCE);
  });
  if (record.op.kind === "batch_norm") {
    const { momentum } = record.op;
    const mean = found.mean!.map((value) => value * momentum);
    const variance = found.variance!.map((value) => 1 - momentum + value * momentum);
    expect(distance(mean, record.runningMean!)).toBeLessThan(TOLERANCE);
    expect(distance(variance, record.runningVariance!)).toBeLessThan(TOLERANCE);
  }
});

interface Found {
  readonly output: { readonly shape: readonly number[]; readonly data: Float32Array };
  readonly gradients: readonly Float32Array[];
  readonly mean: Float32Array | undefined;
  readonly variance: Float32Array | undefined;
}

function run(operation: OperationCase): Found {
  const { core } = tf;
  const input = operation.graph.nodes[0]!.shape;
  const names = parametersOf(operation.graph).map(({ name }) => name);
  let found: Found | undefined;
  core.tidy(() => {
    let output: Tensor | undefined;
    let mean: Tensor1D | undefined;
    let variance: Tensor1D | undefined;
    const operate = (x: Tensor, ...parameters: Tensor[]): Tensor => {
      const tensors = new Map(names.map((name, index) => [name, parameters[index]!]));
      const context = {
        tf,
        kernels: plainKernels,
        tensors,
        draws: null,
        onStatistics: (_node: string, statistics: { mean: Tensor1D; variance: Tensor1D }): void => {
          mean = core.keep(statistics.mean);
          variance = core.keep(statistics.variance);
        },
      };
      // A vector comes in as a map of 1×1, and an operation that keeps its shape leaves it one
      output = core.keep(
        core.reshape(forward(context, operation.graph, x as Tensor4D), [...operation.record.outputShape]),
      );
      return output;
    };
    if (input.kind !== "map") throw new Error("the input is a map");
    const shape = [operation.record.input[0]!, input.height, input.width, input.channels];
    const x = core.tensor(operation.input, shape);
    const parameters = operation.parameters.map(({ data, shape: own }) => core.tensor(data, [...own]));
    const gradientOf = core.grads(operate);
    const above = core.tensor(operation.outputGradient, [...operation.record.outputShape]);
    const gradients = gradientOf([x, ...parameters], above);
    found = {
      output: { shape: output!.shape, data: copy(output!) },
      gradients: gradients.map(copy),
      mean: mean && copy(mean),
      variance: variance && copy(variance),
    };
    core.dispose([output!, ...(mean ? [mean, variance!] : [])]);
  });
  return found!;
}

function copy(tensor: Tensor): Float32Array {
  return Float32Array.from(tensor.dataSync());
}

/** The largest difference, relative to the largest expected value. */
function distance(found: Float32Array | { readonly data: Float32Array }, expected: readonly number[]): number {
  const values = "data" in found ? found.data : found;
  expect(values).toHaveLength(expected.length);
  const largest = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...expected.map((value, at) => Math.abs(value - values[at]!))) / largest;
}
