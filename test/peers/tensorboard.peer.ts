// TensorBoard's own reader finds in a run folder what the event log holds.
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { readEventLog } from "../../src/runtime/run/event-log.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { programOf, runTiny } from "../support/tiny-run.js";

const READER = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
print(json.dumps({tag: [(e.wall_time, e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
`;

type Scalars = Record<string, [wallTime: number, step: number, value: number][]>;

function readScalars(folder: string): Scalars {
  const python = process.env["NETC_PEER_PYTHON"]!;
  return JSON.parse(execFileSync(python, ["-c", READER, folder], { encoding: "utf8" })) as Scalars;
}

describe("TensorBoard", () => {
  it("reads every step, epoch and evaluation of a run, also of one that was stopped and resumed", async () => {
    const folder = await temporaryFolder();
    await runTiny(folder, programOf(), { maxSteps: 5 });
    await runTiny(folder, programOf());
    const events = await readEventLog(runFolderAt(folder).events);
    const scalars = readScalars(folder);
    const steps = events.filter((event) => event.event === "step");
    const evaluations = events.filter((event) => event.event === "evaluation");
    const epochs = events.filter((event) => event.event === "epoch");
    const valuesOf = (tag: string) => scalars[tag]!.map(([, step, value]) => [step, value]);
    expect(valuesOf("train/step_loss")).toEqual(steps.map(({ step, loss }) => [step, Math.fround(loss)]));
    expect(valuesOf("train/learning_rate")).toEqual(
      steps.map(({ step, learningRate }) => [step, Math.fround(learningRate)]),
    );
    expect(valuesOf("train/accuracy")).toEqual(
      epochs.map(({ step, trainAccuracy }) => [step, Math.fround(trainAccuracy)]),
    );
    expect(valuesOf("test/accuracy")).toEqual(evaluations.map(({ step, accuracy }) => [step, Math.fround(accuracy)]));
    const times = scalars["train/step_loss"]!.map(([wallTime]) => wallTime);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(Math.abs(times[0]! - Date.now() / 1000)).toBeLessThan(60);
  });
});
