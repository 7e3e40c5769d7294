// Evaluations every few steps: when they come, what they decide, and that a run stopped anywhere around them goes on as if
// it never had been.
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { TrainConfig } from "../../src/compiler/config.js";
import { evaluationsFrom, isEvaluationDue } from "../../src/compiler/training/plan.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import type { TrainingEvent } from "../../src/runtime/training/training-events.js";
import { bestSteps } from "../../src/runtime/training/training-progress.js";
import { FakeSession } from "../support/fake-session.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { tinyConfig } from "../support/tiny-config.js";
import { eventsIn, programOf, runTiny } from "../support/tiny-run.js";

const evaluation = { every_epochs: null, every_steps: 3, batch_size: 4, flip: false, translate: 0 };
const programWith = (train: Partial<TrainConfig> = {}) => programOf(tinyConfig({ train: { evaluation, ...train } }));
// Three epochs of four steps: evaluations after steps 3, 6, 9 and at the end, which is both
const program = programWith();

const withoutTimes = (progress: object): object =>
  Object.fromEntries(Object.entries(progress).filter(([key]) => !key.endsWith("Seconds")));

async function uninterrupted() {
  const folder = await temporaryFolder();
  const { session, result } = await runTiny(folder, program);
  return { tensors: session.tensors, progress: withoutTimes(result.progress), events: await eventsIn(folder) };
}

describe("a plan with evaluations every few steps", () => {
  it("has them at multiples of the interval and at the end of the run", () => {
    const due = (every: number) => {
      const { plan } = programWith({ evaluation: { ...evaluation, every_steps: every } });
      return Array.from({ length: plan.steps + 1 }, (_, step) => step).filter((step) => isEvaluationDue(plan, step));
    };
    expect(due(3)).toEqual([3, 6, 9, 12]);
    expect(due(5)).toEqual([5, 10, 12]);
    expect(due(100)).toEqual([12]);
  });

  it.each([1, 3, 4, 5, 100])("counts those that are still to come, with %i steps between them", (every) => {
    const { plan } = programWith({ evaluation: { ...evaluation, every_steps: every } });
    for (let from = 1; from <= plan.steps; from++) {
      let count = 0;
      for (let step = from; step <= plan.steps; step++) count += isEvaluationDue(plan, step) ? 1 : 0;
      expect(evaluationsFrom(plan, from)).toBe(count);
    }
  });
});

describe("evaluations every few steps", () => {
  it("come in their order among steps and epochs, each with the step and the epoch that it lies in", async () => {
    const { events } = await uninterrupted();
    const places = (events as TrainingEvent[]).filter(({ event }) => event !== "step");
    expect(places.map((event) => [event.event, event.step, "epoch" in event ? event.epoch : 0])).toEqual([
      ["evaluation", 3, 1],
      ["epoch", 4, 1],
      ["evaluation", 6, 2],
      ["epoch", 8, 2],
      ["evaluation", 9, 3],
      ["epoch", 12, 3],
      ["evaluation", 12, 3],
    ]);
  });

  it("leave training as it is", async () => {
    const { tensors } = await uninterrupted();
    const { session } = await runTiny(await temporaryFolder(), programOf());
    expect(tensors).toEqual(session.tensors);
  });

  it("get a line of their own in metrics.csv, and one with the epoch where both come together", async () => {
    const folder = await temporaryFolder();
    await runTiny(folder, program);
    const lines = (await readFile(runFolderAt(folder).metrics, "utf8")).trim().split("\r\n").slice(1);
    const cells = lines.map((line) => line.split(","));
    expect(
      cells.map(([epoch, step, trainLoss, , testLoss]) => [epoch, step, trainLoss !== "", testLoss !== ""]),
    ).toEqual([
      ["1", "3", false, true],
      ["1", "4", true, false],
      ["2", "6", false, true],
      ["2", "8", true, false],
      ["3", "9", false, true],
      ["3", "12", true, true],
    ]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])("leave no trace of a stop after step %i", async (steps) => {
    const folder = await temporaryFolder();
    const first = await runTiny(folder, program, { maxSteps: steps });
    expect(first.result).toMatchObject({ outcome: "stopped", progress: { step: steps } });
    const second = await runTiny(folder, program);
    expect(second.session.steps).toEqual(Array.from({ length: 12 - steps }, (_, index) => steps + 1 + index));
    const whole = await uninterrupted();
    expect(second.session.tensors).toEqual(whole.tensors);
    expect(withoutTimes(second.result.progress)).toEqual(whole.progress);
    expect(await eventsIn(folder)).toEqual(whole.events);
  });

  it("leave no trace of an interruption in any step or any of their batches", async () => {
    const whole = await uninterrupted();
    const calls = 12 + 4 * 3; // steps and batches of four evaluations
    for (let moment = 1; moment <= calls; moment++) {
      const folder = await temporaryFolder();
      const session = new FakeSession(program);
      const controller = new AbortController();
      let count = 0;
      session.before = () => {
        if (++count === moment) controller.abort();
      };
      const first = await runTiny(folder, program, { signal: controller.signal }, session);
      const last = first.result.outcome === "interrupted" ? await runTiny(folder, program) : first;
      expect(last.session.tensors).toEqual(whole.tensors);
      expect(withoutTimes(last.result.progress)).toEqual(whole.progress);
      expect(await eventsIn(folder)).toEqual(whole.events);
    }
  });

  it("keep the checkpoints of the best of them", async () => {
    const folder = await temporaryFolder();
    const { checkpoints } = tinyConfig().train;
    const best = programWith({ checkpoints: { ...checkpoints, every_epochs: 3, keep: 1, keep_best: 2 } });
    const { result } = await runTiny(folder, best);
    const steps = [...new Set([...bestSteps(result.progress, 2), 12])].toSorted((one, other) => one - other);
    expect(steps.some((step) => step % 4 !== 0)).toBe(true);
    const names = steps.map((step) => `step-${String(step).padStart(8, "0")}`);
    expect(await readdir(runFolderAt(folder).checkpoints)).toEqual(names);
  });

  it("end a run within an epoch where they no longer improve, and the same run resumed at once", async () => {
    const folder = await temporaryFolder();
    const early = programWith({ early_stop: { metric: "test_accuracy", patience: 1, min_delta: 1 } });
    const { result } = await runTiny(folder, early);
    expect(result).toMatchObject({ outcome: "stopped_early", progress: { step: 6, epochsClosed: 1 } });
    expect(await readdir(runFolderAt(folder).checkpoints)).toContain("step-00000006");
    const again = await runTiny(folder, early);
    expect(again.result.outcome).toBe("stopped_early");
    expect(again.session.steps).toEqual([]);
  });
});
