// A provider of kernels that netc does not know, in plain JavaScript, carries out whole training steps beside WebAssembly.
import { afterEach, expect, it } from "vitest";
import { candidates, suiting } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { tasksOf } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { libraryConvolutions } from "../../../src/compiler/lower/convolutions/emit-library.js";
import { libraryWinograd } from "../../../src/compiler/lower/convolutions/emit-library-winograd.js";
import { GROUPS, activationCode } from "../../../src/compiler/lower/kernels/kernel-constants.js";
import { callsKey, nameOfCalls } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import type { KernelChoice, KernelProvider } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import { heapBytesOf, lower, trainingGraphOf } from "../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import type { Program } from "../../../src/compiler/program.js";
import { groupRates } from "../../../src/compiler/training/training-phases.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import type { WasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { chooseKernels } from "../../../src/runtime/engines/wasm/choose-kernels.js";
import { programOf, randomBatch, randomState, referenceBatch } from "../../reference/build-program.js";
import { interpret } from "../../reference/interpret.js";
import { networks } from "../../reference/networks.js";

const opened: WasmSession[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.dispose()));
});

const whole = libraryConvolutions("plain", [
  {
    name: "plain 1 loops",
    number: 0,
    cost: { products: 1000, bytes: 1 },
    plan: (pass, { images }, imagesAtOnce) => ({
      units: pass === "weight gradient" ? 1 : Math.ceil(images / imagesAtOnce),
      packedBytes: 64,
      pieces: 1,
      scratchBytes: 64,
    }),
  },
]);
const products = libraryWinograd("plain", "plain 1");

const provider: KernelProvider = {
  id: "plain",
  name: "plain",
  version: "1",
  candidates: (task) => (task.dtypes ? [] : [...suiting(whole, task), ...suiting(products, task)]),
  take({ kernel, operands }) {
    if (((operands["inner"] as number | undefined) ?? 0) > activationCode("relu")) return undefined;
    if (kernel === "batch_norm") return [operands["lanes"] as number, operands["lanes"] as number];
    if (kernel === "batch_norm_again") return [operands["lanes"] as number];
    return kernel === "update_sgd" ? [1] : undefined;
  },
  thread: { module: new URL("../../reference/plain-provider.mjs", import.meta.url).href, setup: { groups: GROUPS } },
};
/** Another stands before it, so that calls must name theirs. */
const idle: KernelProvider = { id: "idle", name: "idle", version: "1", candidates: () => [] };

function choiceOf(program: Program, method: RegExp): KernelChoice {
  const providers = [idle, provider];
  const chosen = [...tasksOf(program, stepsOfRun(program), providers)].flatMap(([key, task]) => {
    const names = candidates(task, { chosen: {}, providers }).map(({ name }) => name);
    const name = names.find((one) => method.test(one)) ?? names.find((one) => one.startsWith("plain"));
    return name === undefined ? [] : [[key, name] as const];
  });
  const calls = ["batch_norm", "batch_norm_again", "update_sgd"].map(
    (kernel) => [callsKey(kernel), nameOfCalls(provider, kernel)] as const,
  );
  return { chosen: Object.fromEntries([...chosen, ...calls]), providers };
}

const cases = Object.keys(networks).flatMap((name) =>
  ["loops", "winograd fours"].map((method) => [name, method] as const),
);
it.each(cases)("trains a network with %s by its %s as the reference does", async (name, method) => {
  const sgd = { momentum: 0.9, nesterov: true, weight_decay: 0.01, decoupled: false, decay_norm_and_bias: true };
  const program = programOf(networks[name]!, { batch: 5, optimizer: { sgd } });
  const choice = choiceOf(program, new RegExp(`^plain 1 ${method}$`));
  const session = await openWasmSession(program, 2, choice);
  opened.push(session);
  const state = randomState(program.graph, 11);
  await session.writeState(
    new Map(
      [...(await session.readState())]
        .filter(([key]) => state.has(key))
        .map(([key, { shape }]) => [key, { shape, data: Float32Array.from(state.get(key)!) }]),
    ),
  );
  const batch = randomBatch(program, 5, 12);
  const hyper = { learningRate: 0.05, step: 1 };
  const update = { rates: groupRates(program.plan, hyper), step: 1 };
  const expected = interpret(trainingGraphOf(program, "train"), referenceBatch(program, batch), state, update);
  const { loss } = await session.step(batch, hyper);
  expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(1e-6);
  // float32 through a few layers, of each tensor's largest magnitude; the gradient of a bias before a norm cancels to nothing
  for (const [key, { data }] of await session.readState()) {
    const wanted = expected.state.get(key)!;
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    const distance = data.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), 0);
    expect(distance / largest, key).toBeLessThan(1e-4);
  }
});

it("takes whole steps but for images, pooling, loss and gradients of norms, and is planned for in full", () => {
  const program = programOf(networks["stages with pools and several blocks"]!, { batch: 5 });
  const choice = choiceOf(program, /loops/);
  const { step } = lower(program, stepsOfRun(program), 2, choice).steps[0]!;
  const provided = new Set(step.calls.filter(({ provided }) => provided).map(({ kernel }) => kernel));
  expect([...provided]).toEqual(
    expect.arrayContaining([
      "library_convolution",
      "library_input_gradient",
      "library_weight_gradient",
      "batch_norm",
      "update_sgd",
    ]),
  );
  expect(step.calls.every(({ provided }) => (provided?.provider ?? 1) === 1)).toBe(true);
  const { heapBytes } = lower(program, stepsOfRun(program), 2, choice);
  expect(heapBytesOf(program, stepsOfRun(program), 2, choice)).toBeGreaterThan(heapBytes);
});

it("is measured beside WebAssembly's kernels, and chosen by name alone", async () => {
  const program = programOf(networks["stages with pools and several blocks"]!, { batch: 5 });
  const { chosen, providers } = await chooseKernels(program, 1, "measured", [provider]);
  expect(providers).toEqual([provider]);
  expect(Object.values(chosen).every((name) => typeof name === "string")).toBe(true);
  const key = [...tasksOf(program, stepsOfRun(program)).keys()][0]!;
  await expect(chooseKernels(program, 1, { [key]: "plain 1 loops" }, [])).rejects.toThrow(
    /"plain 1 loops", which is missing here/,
  );
  expect((await chooseKernels(program, 1, { [key]: "plain 1 loops" }, [provider])).chosen).toEqual({
    [key]: "plain 1 loops",
  });
  const calls = { [callsKey("batch_norm")]: nameOfCalls(provider, "batch_norm") };
  expect((await chooseKernels(program, 1, calls, [provider])).chosen).toEqual(calls);
  await expect(chooseKernels(program, 1, calls, [])).rejects.toThrow(/"plain 1 batch_norm", which is missing here/);
});
