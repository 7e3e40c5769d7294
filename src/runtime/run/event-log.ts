// TrainingEvents ↔ `events.jsonl`, a line each.
import { AppendingFile } from "../files/appending-file.js";
import { readPlainFile } from "../files/read-plain-file.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import type { TrainingEvent } from "../training/training-events.js";
import type { Progress } from "../training/training-progress.js";

export class EventLog {
  private readonly file: AppendingFile;

  constructor(path: string, onFailure: (reason: string) => void) {
    this.file = new AppendingFile(path, onFailure);
  }

  append(event: TrainingEvent): void {
    this.file.append(JSON.stringify(event) + "\n");
  }

  /** Resolves once every line appended so far is on the disk. */
  async flush(): Promise<void> {
    await this.file.flush();
  }

  /** Forgets the lines that are not on the disk yet. */
  discard(): void {
    this.file.discard();
  }
}

/** The events of a log in their order; none where there is no log, and without the line that a killed process was writing. */
export async function readEventLog(path: string): Promise<TrainingEvent[]> {
  const text = await readPlainFile(path).then(String, () => "");
  return text.split("\n").flatMap(parsed);
}

/** Cuts the log back to what had happened at `progress`, so that a resumed run says nothing twice; returns what is left. */
export async function rewindEventLog(path: string, progress: Progress): Promise<TrainingEvent[]> {
  const kept = (await readEventLog(path)).filter((event) => hadHappened(event, progress));
  await writeFileAtomically(path, kept.map((event) => JSON.stringify(event) + "\n").join(""));
  return kept;
}

function parsed(line: string): TrainingEvent[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as TrainingEvent];
  } catch {
    return [];
  }
}

function hadHappened(event: TrainingEvent, { step, epochsClosed, evaluations }: Progress): boolean {
  if (event.event === "epoch") return event.epoch <= epochsClosed;
  if (event.event === "evaluation") return event.step < step || event.step === evaluations.at(-1)?.step;
  return event.step <= step;
}
