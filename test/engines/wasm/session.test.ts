// Whole steps of the wasm engine: against the float64 reference, on any number of threads to the bit, in memory that stays.
import { afterEach, describe, expect, it } from "vitest";
import type { OptimizerConfig } from "../../../src/compiler/config.js";
import { lower, trainingGraphOf } from "../../../src/compiler/lower/lower.js";
import { parametersOf, statisticsOf } from "../../../src/compiler/network/parameters.js";
import { groupRates } from "../../../src/compiler/training/training-phases.js";
import type { Program } from "../../../src/compiler/program.js";
import type { State } from "../../../src/runtime/engines/engine.js";
import { sliceOf } from "../../../src/runtime/engines/engine.js";
import type { WasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import {
  adamSettings,
  graphOf,
  programOf,
  randomBatch,
  randomState,
  referenceBatch,
  square,
} from "../../reference/build-program.js";
import { interpret } from "../../reference/interpret.js";
import { networks } from "../../reference/networks.js";

const opened: WasmSession[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.dispose()));
});

async function open(program: Program, threads = 2): Promise<WasmSession> {
  const session = await openWasmSession(program, threads);
  opened.push(session);
  return session;
}

// float32 through a few layers, of each tensor's largest magnitude; the networks' seeds leave no relu at its kink
const LOSS = 1e-6;
const TENSOR = 2e-5;

describe("a session of the wasm engine", () => {
  it.each(Object.keys(networks))("trains and evaluates a network with %s as the reference does", async (name) => {
    const program = programOf(networks[name]!, { batch: 5, labelSmoothing: 0.1 });
    const state = randomState(program.graph, 11);
    const batch = randomBatch(program, 5, 12);
    const session = await open(program);
    await session.writeState(float32(program, state));
    const hyper = { learningRate: 0.05, step: 1 };
    const update = { rates: groupRates(program.plan, hyper), step: 1 };
    const expected = interpret(trainingGraphOf(program, "train"), referenceBatch(program, batch), state, update);
    const { loss, correct } = await session.step(batch, hyper);
    expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(LOSS);
    expect(correct).toBe(expected.correct);
    expect(distances(session.readGradients(), expected.gradients)).toEqual([]);
    expect(distances(await session.readState(), expected.state)).toEqual([]);

    const evaluated = await session.evaluate(batch);
    const reference = interpret(trainingGraphOf(program, "evaluate"), referenceBatch(program, batch), expected.state);
    expect(Math.abs(evaluated.loss - reference.loss) / reference.loss).toBeLessThan(10 * LOSS);
    expect(evaluated.correct).toBe(reference.correct);
    expect(distanceOf(evaluated.logits, reference.logits)).toBeLessThan(TENSOR);
  });

  const sgd = { momentum: 0.9, nesterov: false, weight_decay: 0.01, decoupled: false, decay_norm_and_bias: false };
  const optimizers: readonly (readonly [string, OptimizerConfig])[] = [
    ["SGD", { sgd: { ...sgd, momentum: 0, decay_norm_and_bias: true } }],
    ["momentum", { sgd }],
    ["Nesterov's momentum", { sgd: { ...sgd, nesterov: true } }],
    ["Adam", { adam: { ...adamSettings, eps: 1e-3, weight_decay: 0.01 } }],
    ["AdamW", { adamw: { ...adamSettings, eps: 1e-3, weight_decay: 0.1, decay_norm_and_bias: false } }],
  ];
  it.each(optimizers)("keeps %s's slots from step to step as the reference does", async (_, optimizer) => {
    const program = programOf(networks["a projection with a bias"]!, { batch: 5, optimizer });
    let state: ReadonlyMap<string, Float64Array> = randomState(program.graph, 21);
    const session = await open(program);
    await session.writeState(float32(program, state));
    for (let step = 1; step <= 3; step++) {
      const batch = randomBatch(program, 5, 30 + step);
      const hyper = { learningRate: 0.02, step };
      const update = { rates: groupRates(program.plan, hyper), step };
      const expected = interpret(trainingGraphOf(program, "train"), referenceBatch(program, batch), state, update);
      const { loss } = await session.step(batch, hyper);
      expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(10 * LOSS);
      state = expected.state;
    }
    expect(distances(await session.readState(), state, 10 * TENSOR)).toEqual([]);
  });

  it("computes the same bits on 1, 2, 3 and 8 threads, and every time", async () => {
    const program = programOf(everyKernel, { batch: 6, optimizer: { sgd } });
    const states: string[] = [];
    for (const threads of [1, 2, 2, 3, 8]) {
      const session = await open(program, threads);
      for (let step = 1; step <= 3; step++) {
        await session.step(randomBatch(program, 6, step), { learningRate: 0.1, step });
      }
      const { loss, logits } = await session.evaluate(randomBatch(program, 6, 9));
      const tensors = [...(await session.readState())].map(([name, { data }]) => [name, hex(data)]);
      states.push(JSON.stringify([tensors, loss, hex(logits)]));
      await opened.pop()!.dispose();
    }
    expect(new Set(states).size).toBe(1);
  });

  it("holds as much memory after fifty steps as after one", async () => {
    const program = programOf(networks["stages with pools and several blocks"]!, { batch: 4, optimizer: { sgd } });
    const session = await open(program);
    const batch = randomBatch(program, 4, 1);
    const amounts = new Set<number>();
    for (let step = 1; step <= 50; step++) {
      await session.step(batch, { learningRate: 0.01, step });
      if (step % 10 === 1) {
        await session.evaluate(batch);
        await session.writeState(await session.readState());
        amounts.add(session.heapBytes);
      }
    }
    expect(amounts.size).toBe(1);
  });

  it("takes batch sizes that the plan does not name, as if it had been opened for them", async () => {
    const graph = networks["stages with pools and several blocks"]!;
    const planned = programOf(graph, { batch: 3, optimizer: { sgd } });
    const other = programOf(graph, { batch: 7, optimizer: { sgd } });
    const [one, two] = [await open(planned), await open(other)];
    for (let step = 1; step <= 2; step++) {
      const batch = randomBatch(planned, 3, step);
      const hyper = { learningRate: 0.1, step };
      expect(await two.step(batch, hyper)).toEqual(await one.step(batch, hyper));
    }
    expect(await two.evaluate(randomBatch(planned, 2, 5))).toEqual(await one.evaluate(randomBatch(planned, 2, 5)));
    expect(await two.readState()).toEqual(await one.readState());
    const fresh = await open(other);
    await fresh.writeState(await two.readState());
    const whole = randomBatch(other, 7, 6);
    const hyper = { learningRate: 0.1, step: 3 };
    expect(await two.step(whole, hyper)).toEqual(await fresh.step(whole, hyper));
    expect(await two.readState()).toEqual(await fresh.readState());
  });

  it("evaluates a batch in parts to the bits of its images one by one, on any number of threads", async () => {
    const stem = { kind: "conv2d", channels: 64, bias: false, ...square(3, 1, 1) } as const;
    const graph = graphOf(
      [32, 32, 3],
      [
        ["stem", stem],
        ["relu", { kind: "relu" }],
        ["conv", { ...stem, ...square(3, 2, 1), channels: 8 }],
        ["pooling", { kind: "global_average_pool" }],
        ["classifier", { kind: "linear", features: 10, bias: true }],
      ],
    );
    const program = programOf(graph, { batch: 19 });
    const state = float32(program, randomState(program.graph, 3));
    const batch = randomBatch(program, 19, 4);
    const [together, ...others] = await Promise.all(
      [2, 1, 3].map(async (threads) => {
        const session = await open(program, threads);
        await session.writeState(state);
        return session.evaluate(batch);
      }),
    );
    for (const other of others) expect(other).toEqual(together);
    const session = await open(program);
    await session.writeState(state);
    let [loss, correct] = [0, 0];
    for (let image = 0; image < 19; image++) {
      const alone = await session.evaluate(sliceOf(batch, image, 1));
      expect(alone.logits).toEqual(together!.logits.slice(image * 10, image * 10 + 10));
      loss += alone.loss / 19;
      correct += alone.correct;
    }
    expect(together!.correct).toBe(correct);
    expect(together!.loss).toBeCloseTo(loss, 6);
    const { repeated } = lower(program, [{ mode: "evaluate", batch: 19, phase: 0 }], 2).steps[0]!.step;
    expect(repeated!.parts).toBe(4); // or the test would show nothing
  });

  it("refuses a batch larger than any it was opened for, and goes on", async () => {
    const program = programOf(networks["no norm"]!, { batch: 3 });
    const session = await open(program);
    const batch = randomBatch(program, 3, 1);
    const [before, evaluated] = [await session.readState(), await session.evaluate(batch)];
    const large = randomBatch(program, 5000, 1);
    await expect(session.step(large, { learningRate: 0.1, step: 1 })).rejects.toThrow(/5000 images/);
    expect(await session.readState()).toEqual(before);
    expect(await session.evaluate(batch)).toEqual(evaluated);
  });

  it("tells how long each kernel call took", async () => {
    const program = programOf(networks["an identity shortcut"]!, { batch: 4 });
    const session = await open(program);
    const { calls, milliseconds } = await session.profileStep(randomBatch(program, 4, 1), {
      learningRate: 0.1,
      step: 1,
    });
    expect(milliseconds).toHaveLength(calls.length);
    expect(milliseconds.every((time) => time >= 0 && time < 10_000)).toBe(true);
  });

  it("refuses two steps at once, and any after it was closed", async () => {
    const program = programOf(networks["no norm"]!, { batch: 3 });
    const session = await openWasmSession(program, 1);
    const batch = randomBatch(program, 3, 1);
    const first = session.evaluate(batch);
    await expect(session.evaluate(batch)).rejects.toThrow(/before the last one ended/);
    await first;
    await session.dispose();
    await expect(session.evaluate(batch)).rejects.toThrow(/closed/);
  });
});

/** Reaches both Winograd filter gradients, both direct ones, and pools; work for more than eight threads. */
const everyKernel = graphOf(
  [16, 12, 3],
  [
    ["conv1", { kind: "conv2d", channels: 16, bias: true, ...square(5, 1, 2) }],
    ["norm1", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }],
    ["activation1", { kind: "relu" }],
    ["conv2", { kind: "conv2d", channels: 16, bias: false, ...square(3, 1, 1) }],
    ["norm2", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }],
    ["activation2", { kind: "relu" }],
    ["add", { kind: "add" }, ["activation2", "activation1"]],
    ["pool", { kind: "max_pool", ...square(3, 2, 1) }],
    ["conv3", { kind: "conv2d", channels: 176, bias: true, ...square(2, 2) }],
    ["conv4", { kind: "conv2d", channels: 176, bias: false, ...square(3, 1, 1) }],
    ["activation4", { kind: "relu" }],
    ["conv5", { kind: "conv2d", channels: 352, bias: false, ...square(3, 1, 1) }],
    ["norm5", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }],
    ["activation5", { kind: "relu" }],
    ["pooling", { kind: "average_pool", ...square(2, 1) }],
    ["classifier", { kind: "linear", features: 10, bias: true }],
  ],
);

function float32({ graph }: Program, state: ReadonlyMap<string, Float64Array>): State {
  const tensors = [...parametersOf(graph), ...statisticsOf(graph)];
  return new Map(tensors.map(({ name, shape }) => [name, { shape, data: Float32Array.from(state.get(name)!) }]));
}

function hex(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex");
}

/**
 * Names and distances of the tensors that are further than `tolerance` from the reference, relative to their largest
 * magnitude. Those near zero, like the gradient of a bias before a norm, are what is left of sums that cancel: they are
 * measured by a hundredth of the largest of all.
 */
function distances(found: State, expected: ReadonlyMap<string, Float64Array>, tolerance = TENSOR): string[] {
  const least = Math.max(...[...expected.values()].map(largestOf)) / 100;
  return [...expected].flatMap(([name, values]) => {
    const distance = distanceOf(found.get(name)!.data, values, least);
    return distance < tolerance ? [] : [`${name}: ${distance}`];
  });
}

function distanceOf(found: Float32Array, expected: Float64Array, least = 0): number {
  const differences = expected.map((value, at) => Math.abs(value - found[at]!));
  const distance = differences.some(Number.isNaN) ? Infinity : largestOf(differences);
  return distance / Math.max(largestOf(expected), least);
}

function largestOf(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
