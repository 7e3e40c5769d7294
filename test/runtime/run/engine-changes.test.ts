import { describe, expect, it } from "vitest";
import { engineChanges } from "../../../src/runtime/run/engine-changes.js";
import type { StartEvent } from "../../../src/runtime/training/training-events.js";

const started = (step: number, engine: string, version = "1", netc = "0.1.0"): StartEvent => ({
  event: step === 0 ? "start" : "resume",
  step,
  time: "2026-08-01T12:00:00.000Z",
  versions: { netc, node: "v20.11.0", engine: version },
  machine: { platform: "linux x64", processor: "one", cores: 2, memoryBytes: 1e9 },
  engine,
  configDigest: "",
});
const now = { engine: "wasm", versions: { netc: "0.1.0", engine: "1" } };

describe("engineChanges", () => {
  it("says nothing where the same goes on", () => {
    expect(engineChanges([started(0, "wasm")], 6, now)).toEqual([]);
  });

  it("says that another engine goes on, by what computed the checkpoint", () => {
    const line = "engine: cpu tfjs 4 in the run, wasm 1 now: the last bits differ from an uninterrupted run's";
    expect(engineChanges([started(0, "wasm"), started(4, "cpu", "tfjs 4")], 6, now)).toEqual([line]);
    // One that was resumed at the checkpoint and has left nothing behind
    expect(engineChanges([started(0, "cpu", "tfjs 4"), started(6, "wasm")], 6, now)).toEqual([line]);
  });

  it("says that another version goes on", () => {
    expect(engineChanges([started(0, "wasm", "0", "0.0.9")], 6, now)).toEqual([
      "engine: wasm 0 in the run, wasm 1 now: the last bits may differ from an uninterrupted run's",
      "netc: 0.0.9 in the run, 0.1.0 now: the last bits may differ from an uninterrupted run's",
    ]);
  });

  it("says nothing of a run that begins again", () => {
    expect(engineChanges([], 0, now)).toEqual([]);
    expect(engineChanges([started(0, "cpu")], 0, now)).toEqual([]);
  });
});
