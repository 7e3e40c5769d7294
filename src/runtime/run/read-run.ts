// A run folder → what became of the run: its state, its figures and all that its log tells. Reads only, so it may be
// asked of a run that is going on.
import { compileText } from "../../compiler/compile.js";
import { firstError } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import type { LogContent } from "./event-log.js";
import { readLog } from "./event-log.js";
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
import type { Provenance } from "../weights/run-start.js";
import { readProvenance } from "../weights/run-start.js";

/** "killed": nobody is training in the folder, and no end was logged since the newest start. */
export type RunState = "running" | "killed" | EndEvent["outcome"];

export interface RunRecord {
  readonly folder: RunFolder;
  readonly state: RunState;
  /** The file as the run last used it; undefined where this version of netc does not understand it. */
  readonly program: Program | undefined;
  readonly name: string;
  readonly events: readonly TrainingEvent[];
  /** What could not be read of the folder, a sentence each: it counts nowhere in what is told here. */
  readonly faults: readonly string[];
  readonly start: StartEvent | undefined;
  /** The trained weights that it began with, where it did. */
  readonly provenance: Provenance | undefined;
  readonly steps: readonly StepEvent[];
  readonly epochs: readonly EpochEvent[];
  /** Those during training, by validation images or where there are none by test images. */
  readonly evaluations: readonly EvaluationEvent[];
  /** The newest on the test images. */
  readonly testEvaluation: EvaluationEvent | undefined;
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
  const [text, { events, oddLines }, inUse, provenance] = await Promise.all([
    readRunConfig(folder),
    readLog(folder.events),
    isInUse(folder),
    readProvenance(folder).catch((error: unknown) => {
      if (error instanceof UserError) return error;
      throw error;
    }),
  ]);
  const { value: program, diagnostics } = compileText(text, folder.config);
  const only = <K extends TrainingEvent["event"]>(...kinds: K[]) =>
    events.filter((event): event is Extract<TrainingEvent, { event: K }> => kinds.includes(event.event as K));
  const starts = only("start", "resume");
  const end = only("end").at(-1);
  const hasEnded = end !== undefined && events.lastIndexOf(end) > events.lastIndexOf(starts.at(-1)!);
  const [steps, all] = [only("step"), only("evaluation")];
  const hasValidation = all.some(({ set }) => set === "validation");
  const evaluations = hasValidation ? all.filter(({ set }) => set === "validation") : all;
  return {
    folder,
    state: inUse ? "running" : hasEnded ? end.outcome : "killed",
    program,
    name: program?.config.name ?? folder.path,
    events,
    faults: [
      ...(program ? [] : [`${folder.config} cannot be read by this version of netc: ${firstError(diagnostics)}`]),
      ...(provenance instanceof UserError ? [provenance.message] : []),
      ...faultsOfLog(folder, { events, oddLines }),
    ],
    start: starts[0],
    provenance: provenance instanceof UserError ? undefined : provenance,
    steps,
    epochs: only("epoch"),
    evaluations,
    testEvaluation: all.findLast(({ set }) => set === "test"),
    end: hasEnded ? end : undefined,
    step: steps.at(-1)?.step ?? 0,
    bestEvaluation: evaluations.reduce<EvaluationEvent | undefined>(
      (best, one) => (best && best.accuracy >= one.accuracy ? best : one),
      undefined,
    ),
    lastEvaluation: evaluations.at(-1),
    elapsedSeconds:
      steps.reduce((sum, { stepMilliseconds }) => sum + stepMilliseconds / 1000, 0) +
      evaluations.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** What a log lacks, a sentence each, of a run that has a checkpoint of `step`. */
export function faultsOfLog({ events: path }: RunFolder, { events, oddLines }: LogContent, step = 0): string[] {
  const hasBegun = events.length > 0 || step > 0;
  const isCut = hasBegun && !events.some(({ event }) => event === "start");
  return [
    ...(oddLines.length > 0 ? [oddLinesText(path, oddLines)] : []),
    ...(isCut ? [`${path} does not begin with the run: the figures of its first steps are lost`] : []),
  ];
}

const NAMED = 5;

function oddLinesText(path: string, lines: readonly number[]): string {
  const more = lines.length > NAMED ? ` and ${lines.length - NAMED} more` : "";
  const [noun, verb] = lines.length === 1 ? ["line", "is no event"] : ["lines", "are no events"];
  return `${path}: ${noun} ${lines.slice(0, NAMED).join(", ")}${more} ${verb} and ${lines.length === 1 ? "is" : "are"} left out`;
}
