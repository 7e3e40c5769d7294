// A run folder → what became of the run: its state, its figures and all that its log tells. Reads only, so it may be
// asked of a run that is going on.
import { compileText } from "../../compiler/compile.js";
import type { Program } from "../../compiler/program.js";
import { readEventLog } from "./event-log.js";
import type { RunFolder } from "./run-folder.js";
import { holdsRun, isInUse, readRunConfig } from "./run-folder.js";
import type {
  EndEvent,
  EpochEvent,
  EvaluationEvent,
  StartEvent,
  StepEvent,
  TrainingEvent,
} from "../training/training-events.js";
import { UserError } from "../process/user-error.js";

/** "killed": nobody is training in the folder, and no end was logged since the newest start. */
export type RunState = "running" | "killed" | EndEvent["outcome"];

export interface RunRecord {
  readonly folder: RunFolder;
  readonly state: RunState;
  /** The file as the run last used it; undefined where this version of netc does not understand it. */
  readonly program: Program | undefined;
  readonly name: string;
  readonly events: readonly TrainingEvent[];
  readonly start: StartEvent | undefined;
  readonly steps: readonly StepEvent[];
  readonly epochs: readonly EpochEvent[];
  readonly evaluations: readonly EvaluationEvent[];
  readonly end: EndEvent | undefined;
  /** Steps done. */
  readonly step: number;
  readonly bestEvaluation: EvaluationEvent | undefined;
  readonly lastEvaluation: EvaluationEvent | undefined;
  /** Training and evaluating, pauses between a stop and its resumption left out. */
  readonly elapsedSeconds: number;
}

/** Throws a UserError where the folder holds no run. */
export async function readRun(folder: RunFolder): Promise<RunRecord> {
  if (!(await holdsRun(folder)))
    throw new UserError(`${folder.path} holds no run; \`netc runs\` lists those under runs/`);
  const [text, events, inUse] = await Promise.all([
    readRunConfig(folder),
    readEventLog(folder.events),
    isInUse(folder),
  ]);
  const program = compileText(text, folder.config).value;
  const only = <K extends TrainingEvent["event"]>(...kinds: K[]) =>
    events.filter((event): event is Extract<TrainingEvent, { event: K }> => kinds.includes(event.event as K));
  const starts = only("start", "resume");
  const end = only("end").at(-1);
  const hasEnded = end !== undefined && events.lastIndexOf(end) > events.lastIndexOf(starts.at(-1)!);
  const [steps, evaluations] = [only("step"), only("evaluation")];
  return {
    folder,
    state: inUse ? "running" : hasEnded ? end.outcome : "killed",
    program,
    name: program?.config.name ?? folder.path,
    events,
    start: starts[0],
    steps,
    epochs: only("epoch"),
    evaluations,
    end: hasEnded ? end : undefined,
    step: steps.at(-1)?.step ?? 0,
    bestEvaluation: evaluations.reduce<EvaluationEvent | undefined>(
      (best, one) => (best && best.testAccuracy >= one.testAccuracy ? best : one),
      undefined,
    ),
    lastEvaluation: evaluations.at(-1),
    elapsedSeconds:
      steps.reduce((sum, { stepMilliseconds }) => sum + stepMilliseconds / 1000, 0) +
      evaluations.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}
