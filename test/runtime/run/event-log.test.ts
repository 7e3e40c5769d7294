import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readLog, EventLog, rewindEventLog } from "../../../src/runtime/run/event-log.js";
import type { TrainingEvent } from "../../../src/runtime/training/training-events.js";
import { BEGINNING } from "../../../src/runtime/training/training-progress.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const failure = (step: number): TrainingEvent => ({
  event: "checkpoint_failed",
  step,
  reason: "full",
});

describe("EventLog", () => {
  it("appends lines in order, those of several flushes at once too", async () => {
    const path = join(await temporaryFolder(), "events.jsonl");
    const log = new EventLog(path, () => {});
    log.append(failure(1));
    const first = log.flush();
    log.append(failure(2));
    await Promise.all([first, log.flush()]);
    const steps = (await readFile(path, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).step);
    expect(steps).toEqual([1, 2]);
  });

  it("reports a log that cannot be written once and goes on", async () => {
    const failures: string[] = [];
    const log = new EventLog(join(await temporaryFolder(), "absent", "events.jsonl"), (reason) =>
      failures.push(reason),
    );
    for (let step = 1; step <= 3; step++) {
      log.append(failure(step));
      await log.flush();
    }
    expect(failures).toEqual([expect.stringContaining("ENOENT")]);
  });
});

describe("rewindEventLog", () => {
  it("keeps what had happened, and drops the line that a killed process was writing", async () => {
    const path = join(await temporaryFolder(), "events.jsonl");
    const lines = [
      { event: "start", step: 0 },
      { event: "step", step: 1 },
      { event: "step", step: 2 },
      { event: "epoch", step: 2, epoch: 1 },
      { event: "evaluation", step: 2, epoch: 1, set: "test" },
      { event: "step", step: 3 },
    ].map((line) => JSON.stringify(line) + "\n");
    const whole = lines.join("") + '{"event":"step","st';

    await writeFile(path, whole);
    await rewindEventLog(path, {
      ...BEGINNING,
      step: 2,
      epochsClosed: 1,
      evaluations: [{ step: 2, loss: 1, accuracy: 0 }],
    });
    expect(await readFile(path, "utf8")).toBe(lines.slice(0, 5).join(""));

    await writeFile(path, whole);
    await rewindEventLog(path, { ...BEGINNING, step: 2, epochsClosed: 0 });
    expect(await readFile(path, "utf8")).toBe(lines.slice(0, 3).join(""));
  });

  it("takes an evaluation of an older log for one on test images, and drops the one that a run with validation images ended with", async () => {
    const path = join(await temporaryFolder(), "events.jsonl");
    const evaluation = { event: "evaluation", step: 2, epoch: 1, seconds: 1, elapsedSeconds: 1 };
    await writeFile(path, JSON.stringify({ ...evaluation, testLoss: 1, testAccuracy: 0.5 }) + "\n");
    expect((await readLog(path)).events).toEqual([{ ...evaluation, set: "test", loss: 1, accuracy: 0.5 }]);
    const both = ["validation", "test"].map((set) => JSON.stringify({ ...evaluation, set, loss: 1, accuracy: 0.5 }));
    await writeFile(path, both.map((line) => `${line}\n`).join(""));
    const kept = await rewindEventLog(path, { ...BEGINNING, step: 4, epochsClosed: 2 });
    expect(kept.map((event) => event.event === "evaluation" && event.set)).toEqual(["validation"]);
  });

  it("makes an empty log where there is none", async () => {
    const path = join(await temporaryFolder(), "events.jsonl");
    await rewindEventLog(path, BEGINNING);
    expect(await readFile(path, "utf8")).toBe("");
  });
});
