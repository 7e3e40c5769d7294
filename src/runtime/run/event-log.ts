// TrainingEvents ↔ `events.jsonl`, a line each.
import { AppendingFile } from "../files/appending-file.js";
import { ifThere, textIfThere } from "../files/if-there.js";
import { openPlainFile } from "../files/read-plain-file.js";
import { isRecord, jsonIn } from "../files/parse-json.js";
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

export interface LogContent {
  /** In their order. */
  readonly events: readonly TrainingEvent[];
  /** Of the lines that are no events, but for the one that a killed process was writing; counted from 1. */
  readonly oddLines: readonly number[];
}

/** Nothing where there is no log. @throws UserError where there is one that cannot be read. */
export async function readLog(path: string): Promise<LogContent> {
  const lines = ((await textIfThere(path)) ?? "").split("\n");
  const events: TrainingEvent[] = [];
  const oddLines: number[] = [];
  for (const [index, line] of lines.entries()) {
    const event = parsed(line);
    if (event) events.push(event);
    else if (line !== "" && index < lines.length - 1) oddLines.push(index + 1);
  }
  return { events, oddLines };
}

/** The events alone. @throws as `readLog` */
export async function readEventLog(path: string): Promise<readonly TrainingEvent[]> {
  return (await readLog(path)).events;
}

const BEGINNING_BYTES = 1 << 16;

/** When the run began, in milliseconds since 1970; undefined where the log does not say. @throws as `readLog` */
export async function readBeginning(path: string): Promise<number | undefined> {
  const file = await ifThere(path, openPlainFile(path));
  if (!file) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    const events = buffer.toString("utf8", 0, bytesRead).split("\n").map(parsed);
    const start = events.find((event) => event?.event === "start");
    return start?.event === "start" ? Date.parse(start.time) : undefined;
  } finally {
    await file.close();
  }
}

/** Cuts the log back to what had happened at `progress`, so that a resumed run says nothing twice; returns what is left. */
export async function rewindEventLog(path: string, progress: Progress): Promise<TrainingEvent[]> {
  const lines = ((await textIfThere(path)) ?? "").split("\n").map((line) => ofToday(jsonIn(line)));
  const happened = lines.filter(isOfSomeStep).filter((event) => hadHappened(event, progress));
  // Where evaluations go by validation images, the test images' is of the end, to which the run comes again
  const keepsTest = happened.some((event) => event.event === "evaluation" && event.set === "validation");
  const kept = happened.filter((event) => !(keepsTest && event.event === "evaluation" && event.set === "test"));
  await writeFileAtomically(path, kept.map((event) => JSON.stringify(event) + "\n").join(""));
  return kept.filter(isEvent);
}

/** As an event is, of whatever version; whether it tells all that readers rely on is theirs to ask. */
function isOfSomeStep(value: unknown): value is TrainingEvent {
  return isRecord(value) && typeof value["step"] === "number" && typeof value["event"] === "string";
}

function parsed(line: string): TrainingEvent | undefined {
  const event = ofToday(jsonIn(line));
  return isEvent(event) ? event : undefined;
}

/** Older logs, and the exported PyTorch project's, know evaluations on test images alone. */
function ofToday(value: unknown): unknown {
  if (!isRecord(value) || value["event"] !== "evaluation" || "set" in value) return value;
  const { testLoss: loss, testAccuracy: accuracy, ...rest } = value;
  return { ...rest, set: "test", loss, accuracy };
}

type Kind = "number" | "text";
/** JSON has null for what is not finite. */
const NUMBERS = (...names: string[]) => names.map((name) => [name, "number"] as const);
const TEXTS = (...names: string[]) => names.map((name) => [name, "text"] as const);
const BEGUN = TEXTS("time", "engine", "versions.netc", "versions.node", "versions.engine");

/** What readers of each event rely on. */
const RELIED_ON: Readonly<Record<TrainingEvent["event"], readonly (readonly [path: string, kind: Kind])[]>> = {
  start: BEGUN,
  resume: BEGUN,
  step: NUMBERS("epoch", "loss", "learningRate", "stepMilliseconds"),
  step_skipped: NUMBERS("epoch", "skipped"),
  epoch: NUMBERS("epoch", "trainLoss", "trainAccuracy", "learningRate", "seconds", "imagesPerSecond"),
  evaluation: [...TEXTS("set"), ...NUMBERS("epoch", "loss", "accuracy", "seconds")],
  checkpoint: TEXTS("folder"),
  checkpoint_failed: TEXTS("reason"),
  log_failed: TEXTS("reason"),
  end: TEXTS("outcome"),
};

function isEvent(value: unknown): value is TrainingEvent {
  if (!isOfSomeStep(value) || !Object.hasOwn(RELIED_ON, value.event)) return false;
  return RELIED_ON[value.event].every(([path, type]) => {
    const part = path.split(".").reduce<unknown>((whole, key) => (isRecord(whole) ? whole[key] : undefined), value);
    return type === "text" ? typeof part === "string" : part === null || typeof part === "number";
  });
}

function hadHappened(event: TrainingEvent, { step, epochsClosed, evaluations }: Progress): boolean {
  if (event.event === "epoch") return event.epoch <= epochsClosed;
  if (event.event === "evaluation") return event.step < step || event.step === evaluations.at(-1)?.step;
  return event.step <= step;
}
