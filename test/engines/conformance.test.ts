// Every engine that runs on this machine is held to PyTorch's numbers by the suite of conformance.ts.
import { describe, expect, it } from "vitest";
import { tfjsCpuEngine } from "../../src/runtime/engines/tfjs/engine.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import type { WasmSession } from "../../src/runtime/engines/wasm/session.js";
import { loadTfjs } from "../../src/runtime/engines/tfjs/load-tfjs.js";
import { batchOf, initialState } from "../oracle/fixtures.js";
import { oracleCases } from "../oracle/networks.js";
import { describeConformance } from "./conformance.js";

describeConformance(tfjsCpuEngine, {
  speed: "slow",
  held: async () => (await loadTfjs()).core.memory().numTensors,
});

describeConformance(wasmEngine, {
  speed: "fast",
  open: { threads: 2 },
  held: (session) => (session as WasmSession).heapBytes,
});

describe("engine wasm", () => {
  it("loses as the cpu engine does, within 1e-4 relative over 20 steps of a small network", async () => {
    const oracle = oracleCases().find(({ name }) => name === "residual-adamw")!;
    const sessions = [
      await wasmEngine.open(oracle.program, { threads: 2 }),
      await tfjsCpuEngine.open(oracle.program, {}),
    ];
    for (const session of sessions) await session.writeState(initialState(oracle));
    for (let step = 0; step < 20; step++) {
      const hyper = { learningRate: oracle.learningRate, step: step + 1 };
      const [ours, reference] = await Promise.all(
        sessions.map((session) => session.step(batchOf(oracle, step), hyper)),
      );
      expect(Math.abs(ours!.loss / reference!.loss - 1)).toBeLessThan(1e-4); // float32 rounding over 20 updates
    }
    for (const session of sessions) await session.dispose();
  });
});

it("keeps the same weight average on both engines, and evaluates with it", async () => {
  const oracle = oracleCases().find(({ name }) => name === "residual-adamw")!;
  const { config } = oracle.program;
  const train = { ...config.train, weight_average: { ema: { decay: 0.5 } } };
  const program = { ...oracle.program, config: { ...config, train } };
  const [ours, reference] = [await wasmEngine.open(program, { threads: 2 }), await tfjsCpuEngine.open(program, {})];
  const beginning = await ours.readState();
  for (const session of [ours, reference]) {
    await session.writeState(beginning);
    for (let step = 0; step < 4; step++) {
      await session.step(batchOf(oracle, step), { learningRate: oracle.learningRate, step: step + 1 });
    }
  }
  const [states, logits] = [
    await Promise.all([ours.readState(), reference.readState()]),
    await Promise.all([ours, reference].map((session) => session.evaluate(batchOf(oracle, 4)))),
  ];
  for (const name of ["stem.conv.weight", "stages.0.blocks.0.norm1.running_var"]) {
    const [mine, theirs] = states.map((state) => state.get(`${name}.average`)!.data);
    const now = states[0]!.get(name)!.data;
    expect(mine).not.toEqual(now);
    mine!.forEach((value, at) => expect(value).toBeCloseTo(theirs![at]!, 5)); // float32 rounding over 4 updates
  }
  logits[0]!.logits.forEach((value, at) => expect(value).toBeCloseTo(logits[1]!.logits[at]!, 3));
  await Promise.all([ours.dispose(), reference.dispose()]);
});

describe("engine cpu", () => {
  it("says its version and device without loading anything", async () => {
    const availability = await tfjsCpuEngine.probe();
    expect(availability).toMatchObject({ available: true });
    expect(availability.available && availability.version).toMatch(/^tfjs 4\.\d+\.\d+$/);
  });

  it("lets go of every tensor when its session is closed", async () => {
    const oracle = oracleCases().find(({ name }) => name === "no-norm-adam")!;
    const { core } = await loadTfjs();
    const before = core.memory().numTensors;
    const session = await tfjsCpuEngine.open(oracle.program, {});
    await session.writeState(initialState(oracle));
    expect(core.memory().numTensors).toBeGreaterThan(before);
    await session.dispose();
    expect(core.memory().numTensors).toBe(before);
  });
});
