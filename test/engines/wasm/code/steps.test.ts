// Machine code inside whole training steps: every network of the reference, by every method, on both sets of instructions, beside
// float64; the same bits on any number of threads and with either set.
import { afterEach, describe, expect, it } from "vitest";
import { candidates } from "../../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { tasksOf } from "../../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { callsKey, isOfCalls, nameOfCalls } from "../../../../src/compiler/lower/kernels/kernel-provider.js";
import type { KernelChoice } from "../../../../src/compiler/lower/kernels/kernel-provider.js";
import type { LoweredProgram } from "../../../../src/compiler/lower/lower.js";
import { lower, trainingGraphOf } from "../../../../src/compiler/lower/lower.js";
import type { KernelName, OperandName } from "../../../../src/compiler/lower/kernels/kernels.js";
import { namedOperands } from "../../../../src/compiler/lower/kernels/kernels.js";
import { stepsOfRun } from "../../../../src/compiler/lower/step-requests.js";
import type { Program } from "../../../../src/compiler/program.js";
import { groupRates } from "../../../../src/compiler/training/training-phases.js";
import type { InstructionSet } from "../../../../src/compiler/code/instruction-set.js";
import { NORM_KERNELS } from "../../../../src/compiler/code/norms/norm-works.js";
import { codeKernels } from "../../../../src/runtime/engines/wasm/code/provider.js";
import { openWasmSession } from "../../../../src/runtime/engines/wasm/session.js";
import type { WasmSession } from "../../../../src/runtime/engines/wasm/session.js";
import { programOf, randomBatch, randomState, referenceBatch } from "../../../reference/build-program.js";
import { interpret } from "../../../reference/interpret.js";
import { networks } from "../../../reference/networks.js";
import { hasBfloat16, sets } from "./code-memory.js";

const opened: WasmSession[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.dispose()));
});

const BATCH = 6;
const sgd = { momentum: 0.9, nesterov: true, weight_decay: 0.01, decoupled: false, decay_norm_and_bias: true };
const hyper = { learningRate: 0.05, step: 1 };

/** Of the methods, the first that a task has; else any of machine code's. */
function choiceOf(program: Program, set: InstructionSet, method: string): KernelChoice {
  const providers = [codeKernels(set, method === "bfloat16")];
  const chosen = [...tasksOf(program, stepsOfRun(program), providers)].flatMap(([key, task]) => {
    const names = candidates(task, { chosen: {}, providers }).map(({ name }) => name);
    const name = names.find((one) => one === `code 1 ${method}`) ?? names.find((one) => one.startsWith("code"));
    return name === undefined ? [] : [[key, name] as const];
  });
  const calls = NORM_KERNELS.map((kernel) => [callsKey(kernel), nameOfCalls(providers[0]!, kernel)] as const);
  return { chosen: Object.fromEntries([...chosen, ...calls]), providers };
}

async function stateAfterStep(program: Program, choice: KernelChoice, threads: number) {
  const session = await openWasmSession(program, threads, choice);
  opened.push(session);
  const state = randomState(program.graph, 21);
  const own = [...(await session.readState())].filter(([key]) => state.has(key));
  await session.writeState(
    new Map(own.map(([key, { shape }]) => [key, { shape, data: Float32Array.from(state.get(key)!) }])),
  );
  const batch = randomBatch(program, BATCH, 22);
  const { loss } = await session.step(batch, hyper);
  return { loss, after: await session.readState(), state, batch };
}

function inBfloat16(program: Program): Program {
  const { config } = program;
  return { ...program, config: { ...config, train: { ...config.train, precision: "bfloat16" } } };
}

const PRECISIONS = ["float32", "bfloat16"] as const;
const METHODS = ["winograd", "direct", "winograd fours"];
const GROUPS = ["convolutions in groups", "groups"] as const;
const cases = [...Object.keys(networks).flatMap((name) => METHODS.map((method) => [name, method] as const)), GROUPS];

describe.each(sets)("machine code with %s", (set) => {
  it.each(cases)("trains a network with %s by %s as the reference does", async (name, method) => {
    const program = programOf(networks[name]!, { batch: BATCH, optimizer: { sgd } });
    const choice = choiceOf(program, set, method);
    expect(Object.keys(choice.chosen).length).toBeGreaterThan(0);
    const { loss, after, state, batch } = await stateAfterStep(program, choice, 2);
    const update = { rates: groupRates(program.plan, hyper), step: 1 };
    const expected = interpret(trainingGraphOf(program, "train"), referenceBatch(program, batch), state, update);
    expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(1e-6);
    // float32 through a few layers, of each tensor's largest magnitude; the gradient of a bias before a norm cancels to nothing
    for (const [key, { data }] of after) {
      const wanted = expected.state.get(key)!;
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
      const distance = data.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), 0);
      expect(distance / largest, key).toBeLessThan(1e-4);
    }
  });
});

it.runIf(sets.length > 0)("leaves sums and norms to convolutions where it can, in no more memory", () => {
  const program = programOf(networks["stages with pools and several blocks"]!, { batch: BATCH, optimizer: { sgd } });
  const { chosen, providers } = choiceOf(program, sets[0]!, "winograd");
  const plain = Object.fromEntries(Object.entries(chosen).filter(([key]) => !isOfCalls(key)));
  const [fused, separate] = [chosen, plain].map((one) =>
    lower(program, stepsOfRun(program), 2, { chosen: one, providers }),
  ) as [LoweredProgram, LoweredProgram];
  const { calls } = fused.steps[0]!.step;
  const asking = <K extends KernelName>(kernel: K, operand: OperandName<K>): number =>
    calls.filter((call) => call.kernel === kernel && namedOperands(kernel, call.operands)[operand] !== 0).length;
  const norms = calls.filter(({ kernel }) => kernel === "batch_norm").length;
  expect(asking("library_convolution", "sums")).toBe(norms - 1); // one has a pool before it
  expect(asking("library_convolution", "normalised")).toBeGreaterThan(0);
  expect(asking("library_weight_gradient", "normalised")).toBeGreaterThan(0);
  expect(asking("library_input_gradient", "sums")).toBeGreaterThan(0);
  expect(asking("batch_norm", "output")).toBeLessThan(norms);
  // Some kilobytes a thread and a norm for what the units have summed up and normalised
  expect(fused.heapBytes).toBeLessThan(separate.heapBytes * 1.05);
});

// Both sets have the same bits, as is tested below
describe.each(sets.slice(0, 1))("machine code in bfloat16", (set) => {
  const methods = ["winograd", ...(hasBfloat16 ? ["bfloat16"] : [])];
  const cases = Object.keys(networks).flatMap((name) => methods.map((method) => [name, method] as const));
  it.each(cases)("trains a network with %s by %s nearly as the reference does", async (name, method) => {
    const program = inBfloat16(programOf(networks[name]!, { batch: BATCH, optimizer: { sgd } }));
    const { loss, after, state, batch } = await stateAfterStep(program, choiceOf(program, set, method), 2);
    const update = { rates: groupRates(program.plan, hyper), step: 1 };
    const expected = interpret(trainingGraphOf(program, "train"), referenceBatch(program, batch), state, update);
    expect(loss).not.toBe(expected.loss);
    // Eight bits of mantissa: of the loss, and through some layers of how weights change. Biases before a norm have nothing but
    // rounding for a gradient, and ReLUs near zero are on the other side: one tensor may be farther away
    expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(2 ** -8);
    const shares = [...state].map(([key, before]) => {
      const wanted = expected.state.get(key)!;
      const [wrong, all] = [after.get(key)!.data, before].map((values) =>
        Math.hypot(...values.map((value, index) => value - wanted[index]!)),
      ) as [number, number];
      return wrong / all;
    });
    expect(shares.toSorted((a, b) => a - b)[Math.floor(shares.length / 2)]).toBeLessThan(0.06);
  });
});

const ofPools = "stages with pools and several blocks";
const bits = [
  ...METHODS.flatMap((method) => PRECISIONS.map((precision) => [ofPools, method, precision] as const)),
  [...GROUPS, "float32"] as const,
];

it.runIf(sets.length === 2).each(bits)(
  "has the same bits in %s by %s in %s on one thread and three, with AVX2 and AVX-512",
  async (name, method, precision) => {
    const plain = programOf(networks[name]!, { batch: BATCH, optimizer: { sgd } });
    const program = precision === "float32" ? plain : inBfloat16(plain);
    const digests = [];
    for (const set of sets) {
      for (const threads of [1, 3]) {
        const { after } = await stateAfterStep(program, choiceOf(program, set, method), threads);
        digests.push(
          [...after].map(([key, { data }]) => [
            key,
            Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
          ]),
        );
      }
    }
    for (const other of digests.slice(1)) expect(other).toEqual(digests[0]);
  },
);
