// How a run ends before its plan does, what it leaves out, and what it keeps on the disk meanwhile.
import { renameSync } from "node:fs";
import { readdir, rename, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { TrainConfig } from "../../src/compiler/config.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import type { TrainingEvent } from "../../src/runtime/training/training-events.js";
import { BEGINNING, bestSteps, stopsEarly } from "../../src/runtime/training/training-progress.js";
import { FakeSession } from "../support/fake-session.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { tinyConfig } from "../support/tiny-config.js";
import { eventsIn, programOf, runTiny } from "../support/tiny-run.js";

const checkpoints: TrainConfig["checkpoints"] = {
  every_epochs: 1,
  every_steps: null,
  keep: 2,
  keep_best: 0,
  on_failure: "continue",
};
const programWith = (train: Partial<TrainConfig>) => programOf(tinyConfig({ train }));

/** Progress after evaluations of these accuracies, one every four steps; the loss is what is left to 1. */
const after = (...accuracies: number[]) => ({
  ...BEGINNING,
  evaluations: accuracies.map((accuracy, index) => ({ step: 4 * (index + 1), accuracy, loss: 1 - accuracy })),
});

describe("early stop", () => {
  const rule = (settings: object = {}) => ({
    ...tinyConfig().train,
    early_stop: { metric: "test_accuracy" as const, patience: 2, min_delta: 0, ...settings },
  });

  it.each([
    ["not before as many evaluations as it has patience for have brought nothing", [0.5, 0.4], false],
    ["once they have", [0.5, 0.4, 0.5], true],
    ["not where the last of them is better", [0.5, 0.4, 0.6], false],
    ["counted from the best, not from the one before", [0.5, 0.6, 0.4, 0.5], true],
  ])("comes %s", (_, accuracies, expected) => {
    expect(stopsEarly(after(...accuracies), rule())).toBe(expected);
    expect(stopsEarly(after(...accuracies), rule({ metric: "test_loss" }))).toBe(expected);
    expect(stopsEarly(after(...accuracies), tinyConfig().train)).toBe(false);
  });

  it("takes less than min_delta for no improvement", () => {
    expect(stopsEarly(after(0.5, 0.51, 0.52), rule({ min_delta: 0.05 }))).toBe(true);
    expect(stopsEarly(after(0.5, 0.51, 0.52), rule({ min_delta: 0.005 }))).toBe(false);
  });

  it("ends a run with a checkpoint, and the same run resumed at once", async () => {
    const folder = await temporaryFolder();
    const program = programWith({
      early_stop: { metric: "test_accuracy", patience: 1, min_delta: 1 },
      checkpoints: { ...checkpoints, every_epochs: 3 },
    });
    const { result } = await runTiny(folder, program);
    expect(result).toMatchObject({ outcome: "stopped_early", progress: { step: 8, epochsClosed: 2 } });
    expect(await readdir(runFolderAt(folder).checkpoints)).toEqual(["step-00000008"]);
    const again = await runTiny(folder, program);
    expect(again.result.outcome).toBe("stopped_early");
    expect(again.session.steps).toEqual([]);
  });
});

describe("steps whose numbers are none", () => {
  const skipping = programWith({ non_finite: { skip: { limit: 2 } } });

  it("are left out up to the limit, and the run goes on", async () => {
    const folder = await temporaryFolder();
    const session = new FakeSession(skipping);
    session.lossIsNaNAt = 3;
    session.lossIsGoodAgainAt = 5;
    const seen: TrainingEvent[] = [];
    const { result } = await runTiny(folder, skipping, { observe: (event) => seen.push(event) }, session);
    expect(result).toMatchObject({ outcome: "finished", progress: { step: 12, skipped: 2 } });
    const skipped = seen.filter(({ event }) => event === "step_skipped");
    expect(skipped).toEqual([
      { event: "step_skipped", step: 3, epoch: 1, skipped: 1, tensor: "stem.conv" },
      { event: "step_skipped", step: 4, epoch: 1, skipped: 2, tensor: "stem.conv" },
    ]);
    // Two of the first epoch's four steps, of 12 images each, count
    const first = seen.find((event) => event.event === "epoch");
    const steps = seen.flatMap((event) => (event.event === "step" && event.epoch === 1 ? [event] : []));
    expect(steps).toHaveLength(2);
    expect(first).toMatchObject({ trainLoss: (steps[0]!.loss + steps[1]!.loss) / 2 });
  });

  it("end it beyond the limit", async () => {
    const folder = await temporaryFolder();
    const session = new FakeSession(skipping);
    session.lossIsNaNAt = 3;
    const { result } = await runTiny(folder, skipping, {}, session);
    expect(result).toMatchObject({ outcome: "diverged", divergence: { step: 5 }, progress: { step: 4, skipped: 2 } });
  });

  it("are the same in a run that was stopped and resumed", async () => {
    const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
    const play = (folder: string, maxSteps?: number) => {
      const session = new FakeSession(skipping);
      session.lossIsNaNAt = 6;
      session.lossIsGoodAgainAt = 8;
      return runTiny(folder, skipping, { maxSteps }, session);
    };
    const expected = await play(whole);
    await play(parts, 6);
    const { session, result } = await play(parts);
    expect(session.tensors).toEqual(expected.session.tensors);
    expect(result.progress.skipped).toBe(2);
    expect(await eventsIn(parts)).toEqual(await eventsIn(whole));
  });
});

describe("checkpoints", () => {
  it("come every few steps of the whole run, besides those after epochs", async () => {
    const folder = await temporaryFolder();
    const program = programWith({ checkpoints: { ...checkpoints, every_steps: 3, keep: 9 } });
    const seen: number[] = [];
    await runTiny(folder, program, {
      observe: (event) => event.event === "checkpoint" && seen.push(event.step),
    });
    expect(seen).toEqual([3, 4, 6, 8, 9, 12]); // once each: the last epoch ends with one of both kinds
  });

  it("of the best evaluations stay beside the newest, and one is written for each of them", async () => {
    const folder = await temporaryFolder();
    const program = programWith({
      epochs: 6,
      checkpoints: { ...checkpoints, every_epochs: 6, keep: 1, keep_best: 1 },
    });
    const { result } = await runTiny(folder, program);
    const [best] = bestSteps(result.progress, 1);
    const expected = [...new Set([best!, 24])].map((step) => `step-${String(step).padStart(8, "0")}`);
    expect(await readdir(runFolderAt(folder).checkpoints)).toEqual(expected);
  });

  it("prefer the earlier of equally good evaluations", () => {
    expect(bestSteps(after(0.5, 0.7, 0.7, 0.6), 3)).toEqual([8, 12, 16]);
  });

  it("that cannot be written end the run where the file says so, and what was saved stays", async () => {
    const folder = await temporaryFolder();
    const program = programWith({ checkpoints: { ...checkpoints, on_failure: "stop" } });
    const { checkpoints: parent } = runFolderAt(folder);
    await runTiny(folder, program, { maxSteps: 7 });
    await rename(parent, `${parent}-before`);
    await writeFile(parent, "in the way");
    const failing = await runTiny(folder, program, {});
    expect(failing.result.outcome).toBe("unsaved");
    expect(failing.result.unsaved).toMatch(/^ENOTDIR: not a directory, .*checkpoints/);
    expect(failing.session.steps.length).toBeLessThan(12);
    expect(await readdir(`${parent}-before`)).toEqual(["step-00000004", "step-00000007"]);
  });

  it.each([
    ["goes on", "continue", "finished"],
    ["ends", "stop", "unsaved"],
  ] as const)(
    "are not written into a folder that has vanished, and the run %s and says so",
    async (_, rule, outcome) => {
      const folder = await temporaryFolder();
      const program = programWith({ epochs: 5, checkpoints: { ...checkpoints, on_failure: rule } });
      const session = new FakeSession(program);
      const reasons: string[] = [];
      let isAway = false;
      session.before = () => {
        // At once and as a whole, which a removal under a writer is not
        if (session.steps.length === 5 && !isAway) renameSync(folder, `${folder}-gone`);
        isAway ||= session.steps.length === 5;
      };
      const { result } = await runTiny(
        folder,
        program,
        { observe: (event) => event.event === "checkpoint_failed" && reasons.push(event.reason) },
        session,
      );
      expect(result).toMatchObject({ outcome, unsaved: `${folder} is no longer there` });
      expect(reasons).toContain(`${folder} is no longer there`);
      await expect(readdir(folder)).rejects.toThrow("ENOENT");
      await rename(`${folder}-gone`, folder); // for its removal after the test
    },
  );
});
