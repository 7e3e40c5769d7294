// TrainingEvents → the files that other programs read of a run: `metrics.csv` for tables, `events.out.tfevents.netc` for
// TensorBoard. Both follow from the event log, so a resumed run writes them anew from the events that are kept.
import { basename } from "node:path";
import { AppendingFile } from "../files/appending-file.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import type { RunFolder } from "../run/run-folder.js";
import type { TrainingEvent } from "../training/training-events.js";
import { CsvMetrics } from "./csv.js";
import type { MetricsFormat } from "./metrics-format.js";
import { TensorBoardMetrics } from "./tensorboard.js";

export interface MetricsFiles {
  append(event: TrainingEvent): void;
  /** Forgets what is not on the disk yet. */
  discard(): void;
  flush(): Promise<void>;
}

/** Writes both files anew from `past` and goes on appending. `onFailure` hears once of each file that cannot be written. */
export async function openMetricsFiles(
  folder: RunFolder,
  past: readonly TrainingEvent[],
  onFailure: (file: string, reason: string) => void,
): Promise<MetricsFiles> {
  const clock = new RunClock();
  const pastTimes = past.map((event) => clock.timeOf(event));
  const formats: readonly (readonly [path: string, format: MetricsFormat])[] = [
    [folder.metrics, new CsvMetrics()],
    [folder.tensorBoard, new TensorBoardMetrics()],
  ];
  const files: { format: MetricsFormat; file: AppendingFile }[] = [];
  for (const [path, format] of formats) {
    const fail = (reason: string): void => onFailure(basename(path), reason);
    const pieces = past.map((event, index) => format.add(event, pastTimes[index]!));
    try {
      await writeFileAtomically(path, Buffer.concat([format.begin(), ...pieces]));
      files.push({ format, file: new AppendingFile(path, fail) });
    } catch (error) {
      fail((error as Error).message); // a file without its beginning would be of no use: this one is left out
    }
  }
  return {
    append: (event) => {
      const time = clock.timeOf(event);
      for (const { format, file } of files) file.append(format.add(event, time));
    },
    discard: () => {
      for (const { file } of files) file.discard();
    },
    flush: async () => {
      await Promise.all(files.map(({ file }) => file.flush()));
    },
  };
}

/**
 * When an event happened, reckoned from the start or resumption before it and the times that events tell: the log holds
 * no other clock, and what is written anew from it shall be the same bytes.
 */
class RunClock {
  private seconds = 0;

  timeOf(event: TrainingEvent): number {
    if (event.event === "start" || event.event === "resume") this.seconds = Date.parse(event.time) / 1000;
    if (event.event === "step") this.seconds += event.stepMilliseconds / 1000;
    if (event.event === "evaluation") this.seconds += event.seconds;
    return this.seconds;
  }
}
