import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readEventLog } from "../../../src/runtime/run/event-log.js";
import { CsvMetrics } from "../../../src/runtime/metrics/csv.js";
import { openMetricsFiles } from "../../../src/runtime/metrics/metrics.js";
import { crc32c } from "../../../src/runtime/metrics/tensorboard.js";
import { runFolderAt } from "../../../src/runtime/run/run-folder.js";
import type { EpochEvent, EvaluationEvent, TrainingEvent } from "../../../src/runtime/training/training-events.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { programOf, runTiny } from "../../support/tiny-run.js";

const epoch = (number: number): EpochEvent => ({
  event: "epoch",
  step: number * 4,
  epoch: number,
  trainLoss: 1.5,
  trainAccuracy: 0.25,
  learningRate: 0.1,
  seconds: 2,
  imagesPerSecond: 100,
});
const evaluation = (number: number, step = number * 4): EvaluationEvent => ({
  event: "evaluation",
  step,
  epoch: number,
  set: "test",
  loss: 1.25,
  accuracy: 0.5,
  seconds: 0.5,
  elapsedSeconds: 9,
});

function csvOf(events: readonly TrainingEvent[]): string[] {
  const csv = new CsvMetrics();
  const text = [csv.begin(), ...events.map((event) => csv.add(event))].map((bytes) => Buffer.from(bytes).toString());
  return text.join("").split("\r\n").slice(1, -1);
}

describe("metrics.csv", () => {
  it("has a line an epoch, with its evaluation where there is one", () => {
    const end: TrainingEvent = {
      event: "end",
      step: 8,
      outcome: "finished",
      elapsedSeconds: 9,
      testAccuracy: 0.5,
      peakMemoryBytes: 1,
    };
    expect(csvOf([epoch(1), evaluation(1), epoch(2), end])).toEqual([
      "1,4,1.5,0.25,1.25,0.5,0.1,100,2,0.5,,,",
      "2,8,1.5,0.25,,,0.1,100,2,,,,",
    ]);
  });

  it("has a line for an evaluation within an epoch", () => {
    expect(csvOf([evaluation(1, 2), epoch(1), evaluation(1)])).toEqual([
      "1,2,,,1.25,0.5,,,,0.5,,,",
      "1,4,1.5,0.25,1.25,0.5,0.1,100,2,0.5,,,",
    ]);
  });
});

describe("the files of a run", () => {
  it("are the same bytes when they are written anew from the log, as a resumed run does", async () => {
    const [path, copy] = [await temporaryFolder(), await temporaryFolder()];
    await runTiny(path, programOf(), { maxSteps: 5 });
    await runTiny(path, programOf());
    const [folder, other] = [runFolderAt(path), runFolderAt(copy)];
    await openMetricsFiles(other, await readEventLog(folder.events), () => {});
    expect(await readFile(other.metrics, "utf8")).toBe(await readFile(folder.metrics, "utf8"));
    expect(await readFile(other.tensorBoard)).toEqual(await readFile(folder.tensorBoard));
  });

  it("are left out with a reason where they cannot be written, and the rest goes on", async () => {
    const failures: string[] = [];
    const nowhere = runFolderAt("/dev/null/run");
    const files = await openMetricsFiles(nowhere, [], (file, reason) => failures.push(`${file}: ${reason}`));
    files.append(epoch(1));
    await files.flush();
    expect(failures.map((failure) => failure.split(":")[0])).toEqual(["metrics.csv", "events.out.tfevents.netc"]);
  });
});

it("computes CRC-32C as RFC 3720 does", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa); // appendix B.4: 32 bytes of zeroes
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e); // 32 bytes of 0 to 31
});
