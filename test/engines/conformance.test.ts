// Every engine that runs on this machine is held to PyTorch's numbers by the suite of conformance.ts.
import { describe, expect, it } from "vitest";
import { tfjsCpuEngine } from "../../src/runtime/engines/tfjs/engine.js";
import { loadTfjs } from "../../src/runtime/engines/tfjs/load-tfjs.js";
import { initialState } from "../oracle/fixtures.js";
import { oracleCases } from "../oracle/networks.js";
import { describeConformance } from "./conformance.js";

describeConformance(tfjsCpuEngine, {
  speed: "slow",
  held: async () => (await loadTfjs()).core.memory().numTensors,
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
