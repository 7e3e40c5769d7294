// TrainingEvents → `events.jsonl`, a line each. Lines are gathered and appended in the background; a disk that fills up
// is reported once and costs lines of the log, never the run.
import { open, readFile } from "node:fs/promises";
import { writeFileAtomically } from "./files/write-file-atomically.js";
import type { TrainingEvent } from "./training-events.js";
import type { Progress } from "./training-progress.js";

const FLUSH_INTERVAL = 1000; // milliseconds

export class EventLog {
  private lines: string[] = [];
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private hasFailed = false;

  constructor(
    private readonly path: string,
    private readonly onFailure: (reason: string) => void,
  ) {}

  append(event: TrainingEvent): void {
    this.lines.push(JSON.stringify(event) + "\n");
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_INTERVAL);
  }

  /** Resolves once every line appended so far is on the disk. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const text = this.lines.join("");
    this.lines = [];
    if (text) this.writing = this.writing.then(() => this.write(text));
    await this.writing;
  }

  private async write(text: string): Promise<void> {
    try {
      const file = await open(this.path, "a");
      try {
        await file.writeFile(text);
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!this.hasFailed) this.onFailure((error as Error).message);
      this.hasFailed = true;
    }
  }
}

/** Cuts the log back to what had happened at `progress`, so that a resumed run says nothing twice. */
export async function rewindEventLog(path: string, progress: Progress): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  const kept = text.split("\n").filter((line) => line !== "" && hadHappened(line, progress));
  await writeFileAtomically(path, kept.map((line) => line + "\n").join(""));
}

function hadHappened(line: string, { step, epochsClosed }: Progress): boolean {
  let event: TrainingEvent;
  try {
    event = JSON.parse(line) as TrainingEvent;
  } catch {
    return false; // the line that a killed process was writing
  }
  if (event.event === "epoch" || event.event === "evaluation") return event.epoch <= epochsClosed;
  return event.step <= step;
}
