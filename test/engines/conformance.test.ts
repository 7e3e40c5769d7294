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
