// The gradients of a whole network by this engine's own kernels, beside how far PyTorch's own float32 lies from float64, in
// the median over the tensors of several draws of weights and images. With GELU in ReLU's place no mask can flip.
import { expect, it } from "vitest";
import { candidates } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { BY_COST } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import type { KernelChoice } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import type { ConvolutionTask } from "../../../src/compiler/lower/convolutions/convolution-task.js";
import { tasksOf } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import type { Program } from "../../../src/compiler/program.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { batchOf, gradientDistance, initialState, readFixture } from "../../oracle/fixtures.js";
import type { GradientRecord } from "../../oracle/fixtures.js";
import type { Op } from "../../../src/compiler/network/graph.js";
import type { OracleCase } from "../../oracle/networks.js";
import { oracleCases } from "../../oracle/networks.js";

interface Draw {
  readonly activation: "relu" | "gelu";
  readonly seed: number;
  readonly batch: number;
  /** `float32`: how far PyTorch's lies from it, relative to its norm. */
  readonly gradients: Readonly<Record<string, GradientRecord & { readonly float32: number }>>;
}

// Measured: 0.4 and 0.5 for the direct kernels; for Winograd's, whose transforms round as well, 0.7 and 0.8.
it.each([
  ["relu", "direct", 1],
  ["relu", "the chosen", 1],
  ["gelu", "direct", 1],
  ["gelu", "the chosen", 1],
] as const)(
  "has gradients of ResNet-20 with %s by %s kernels within %f times the distance of PyTorch's float32 from float64",
  async (activation, kernels, times) => {
    const { draws } = readFixture<{ draws: Draw[] }>("gradient-draws.json", "write_gradient_draws.py");
    const drawn = draws.filter((draw) => draw.activation === activation);
    const distances = await distancesOf(activation, drawn, kernels === "direct");
    const theirs = drawn.flatMap(({ gradients }) => Object.values(gradients).map(({ float32 }) => float32));
    expect(distances).toHaveLength(theirs.length);
    expect(median(distances)).toBeLessThan(times * median(theirs));
  },
);

async function distancesOf(activation: "relu" | "gelu", draws: readonly Draw[], isDirect: boolean): Promise<number[]> {
  const resNet = oracleCases().find(({ name }) => name === "resnet-20")!;
  const nodes = resNet.program.graph.nodes.map((node) =>
    node.op.kind === "relu" ? { ...node, op: { kind: activation } as Op } : node,
  );
  const program = { ...resNet.program, graph: { ...resNet.program.graph, nodes } };
  const session = await openWasmSession(program, 2, isDirect ? directChoice(program) : BY_COST);
  const distances: number[] = [];
  for (const { seed, batch, gradients } of draws) {
    const oracle: OracleCase = { ...resNet, program, seed, batch };
    await session.writeState(initialState(oracle));
    await session.step(batchOf(oracle, 0), { learningRate: 0, step: 1 });
    const found = session.readGradients();
    Object.entries(gradients).forEach(([name, record], index) => {
      distances.push(gradientDistance(record, index, found.get(name)!.data) / record.norm);
    });
  }
  await session.dispose();
  return distances;
}

function directChoice(program: Program): KernelChoice {
  const nameOf = (task: ConvolutionTask): string =>
    candidates(task, BY_COST).find(({ name }) => name === "direct" || name === "by image")!.name;
  const tasks = tasksOf(program, stepsOfRun(program));
  return { ...BY_COST, chosen: Object.fromEntries([...tasks].map(([key, task]) => [key, nameOf(task)])) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
