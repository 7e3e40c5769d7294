// Machine code inside whole training steps: every network of the reference, by every method, on both sets of instructions, beside
// float64; the same bits on any number of threads and with either set.
import { afterEach, describe, expect, it } from "vitest";
import { candidates } from "../../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { tasksOf } from "../../../../src/compiler/lower/convolutions/convolution-tasks.js";
import type { KernelChoice } from "../../../../src/compiler/lower/kernels/kernel-provider.js";
import { trainingGraphOf } from "../../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../../src/compiler/lower/step-requests.js";
import type { Program } from "../../../../src/compiler/program.js";
import { groupRates } from "../../../../src/compiler/training/training-phases.js";
import type { InstructionSet } from "../../../../src/compiler/code/instruction-set.js";
import { codeKernels } from "../../../../src/runtime/engines/wasm/code/provider.js";
import { openWasmSession } from "../../../../src/runtime/engines/wasm/session.js";
import type { WasmSession } from "../../../../src/runtime/engines/wasm/session.js";
import { programOf, randomBatch, randomState, referenceBatch } from "../../../reference/build-program.js";
import { interpret } from "../../../reference/interpret.js";
import { networks } from "../../../reference/networks.js";
import { sets } from "./code-memory.js";

const opened: WasmSession[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.dispose()));
});

const BATCH = 6;
const sgd = { momentum: 0.9, nesterov: true, weight_decay: 0.01, decoupled: false, decay_norm_and_bias: true };
const hyper = { learningRate: 0.05, step: 1 };

/** Of the methods, the first that a task has; else any of machine code's. */
function choiceOf(program: Program, set: InstructionSet, method: string): KernelChoice {
  const providers = [codeKernels(set)];
  const chosen = [...tasksOf(program, stepsOfRun(program), providers)].flatMap(([key, task]) => {
    const names = candidates(task, { chosen: {}, providers }).map(({ name }) => name);
    const name = names.find((one) => one === `code 1 ${method}`) ?? names.find((one) => one.startsWith("code"));
    return name === undefined ? [] : [[key, name] as const];
  });
  return { chosen: Object.fromEntries(chosen), providers };
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

const ofPools = "stages with pools and several blocks";

it.runIf(sets.length === 2).each([...METHODS.map((method) => [ofPools, method] as const), GROUPS])(
  "has the same bits in %s by %s on one thread and three, with AVX2 and AVX-512",
  async (name, method) => {
    const program = programOf(networks[name]!, { batch: BATCH, optimizer: { sgd } });
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
