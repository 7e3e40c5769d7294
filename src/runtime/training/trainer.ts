// Program, session and batches → a trained network: every step, evaluation and checkpoint of the plan, in order.
// The trainer knows nothing of files or screens; what happens is emitted as events, and states to keep are handed to `save`.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { TrainConfig } from "../../compiler/config.js";
import { isEvaluationDue, learningRateAt } from "../../compiler/training/plan.js";
import type { Program } from "../../compiler/program.js";
import type { Loader } from "../data/loader.js";
import type { Batch, Session, State } from "../engines/engine.js";
import type { EvaluatedSet, Evaluation } from "./evaluator.js";
import { evaluate } from "./evaluator.js";
import { firstNonFinite } from "./first-non-finite.js";
import { StateSaver } from "../run/state-saver.js";
import type { Divergence, TrainingEvent } from "./training-events.js";
import type { Progress } from "./training-progress.js";
import {
  afterEpoch,
  afterEvaluation,
  afterSkippedStep,
  afterStep,
  BEGINNING,
  bestSteps,
  epochIsComplete,
  evaluationIsAwaited,
  stopsEarly,
} from "./training-progress.js";

export interface TrainOptions {
  /** Where to go on; the session's state must be that of this moment. */
  readonly progress?: Progress;
  /** Stop once this many steps are done, however long the plan is. */
  readonly maxSteps?: number;
  /** Ends the run after the step under way, with a state to go on from. */
  readonly signal?: AbortSignal;
  readonly emit?: (event: TrainingEvent) => void;
  readonly onEvaluationBatch?: (done: number, total: number) => void;
  /** Keeps a state; false where that failed. Awaited before the next is handed over and at the end; training goes on meanwhile. */
  readonly save?: (progress: Progress, state: State) => Promise<boolean>;
}

export type TrainingResult =
  | {
      readonly outcome: "finished" | "stopped_early" | "stopped" | "interrupted" | "unsaved";
      readonly progress: Progress;
      /** At the end of a run that was evaluated on validation images until then. */
      readonly test?: Evaluation;
    }
  | { readonly outcome: "diverged"; readonly progress: Progress; readonly divergence: Divergence };

/**
 * Trains from `options.progress` to the end of the plan, or to where `train.early_stop` ends it. "stopped" is the end that `maxSteps` asked for, "interrupted" the
 * one that the signal asked for; both have saved a state. "unsaved" is the end where a state could not be saved and the file
 * asks to stop then. "diverged" has saved none: the newest state saved before is good.
 */
export async function train(
  program: Program,
  session: Session,
  loader: Loader,
  options: TrainOptions = {},
): Promise<TrainingResult> {
  await session.initializeFromImages?.(loader.plain); // what no state has brought yet
  const saver = new StateSaver(program, session, options.save);
  try {
    return await trainSteps(program, session, loader, saver, options);
  } finally {
    await saver.settled(); // whatever ended the run, the state that is being kept is kept
  }
}

async function trainSteps(
  program: Program,
  session: Session,
  loader: Loader,
  saver: StateSaver,
  options: TrainOptions,
): Promise<TrainingResult> {
  const { plan, config } = program;
  const { signal, emit = () => {} } = options;
  const lastStep = Math.min(plan.steps, options.maxSteps ?? plan.steps);
  const prepare = async (step: number): Promise<{ batch: Batch; milliseconds: number }> => {
    const [epoch, batchIndex] = [Math.floor(step / plan.stepsPerEpoch), step % plan.stepsPerEpoch];
    const reading = loader.begin?.("train", epoch, batchIndex);
    if (reading) await reading;
    const started = performance.now();
    const batch = loader.train(epoch, batchIndex);
    return { batch, milliseconds: performance.now() - started };
  };

  let progress = options.progress ?? BEGINNING;
  const startedAt = progress.step;
  let next: Awaited<ReturnType<typeof prepare>> | undefined;

  if (stopsEarly(progress, config.train)) return await end("stopped_early");
  while (progress.epochsClosed < config.train.epochs) {
    if (saver.hasFailed && config.train.checkpoints.on_failure === "stop") return { outcome: "unsaved", progress };
    const closesEpoch = epochIsComplete(progress, plan);
    if (closesEpoch || evaluationIsAwaited(progress, plan)) {
      const reach = closesEpoch ? closeEpoch : evaluateWithinEpoch;
      const reached = await reach(program, session, loader, progress, options);
      if (!reached) return await leave("interrupted");
      progress = reached;
      const isEarly = stopsEarly(progress, config.train);
      const endsInterval = closesEpoch && plan.checkpointAfter.includes(progress.epochsClosed);
      const isDue = endsInterval || isAmongBest(progress) || isEarly;
      if (isDue && !(await saver.save(progress))) return await divergedInUpdate();
      if (isEarly) return await end("stopped_early");
      continue;
    }
    if (progress.step > startedAt && isCheckpointStep(progress.step)) {
      if (!(await saver.save(progress))) return await divergedInUpdate();
    }
    if (signal?.aborted) return await leave("interrupted");
    if (progress.step >= lastStep) return await leave("stopped");

    const started = performance.now();
    const { batch, milliseconds } = next ?? (await prepare(progress.step));
    const begun = performance.now();
    const learningRate = learningRateAt(plan, progress.step);
    const hyper = { learningRate, step: progress.step + 1, skipped: progress.skipped };
    const running = session.step(batch, hyper);
    // The next batch is prepared while the engine works on this one
    const preparing = progress.step + 1 < lastStep ? prepare(progress.step + 1) : undefined;
    preparing?.catch(() => undefined); // told below, once the engine is at rest
    const result = await running;
    const computed = performance.now();
    next = await preparing;
    const waitMilliseconds = begun - started + performance.now() - computed;
    const stepMilliseconds = performance.now() - started;

    if (!Number.isFinite(result.loss) || !Number.isFinite(result.gradientNorm)) {
      const tensor = await session.findNonFinite(batch, hyper);
      if (progress.skipped >= skipLimit(config.train)) {
        return divergence(progress.step + 1, { loss: result.loss, gradientNorm: result.gradientNorm }, tensor);
      }
      progress = afterSkippedStep(progress, stepMilliseconds / 1000);
      const { step, epochsClosed, skipped } = progress;
      emit({ event: "step_skipped", step, epoch: epochsClosed + 1, skipped, tensor: tensor ?? null });
      await nextTurn();
      continue;
    }
    progress = afterStep(progress, result, batch.count, stepMilliseconds / 1000);
    emit({
      event: "step",
      step: progress.step,
      epoch: progress.epochsClosed + 1,
      loss: result.loss,
      gradientNorm: result.gradientNorm,
      correct: result.correct,
      images: batch.count,
      learningRate,
      dataMilliseconds: toMicroseconds(milliseconds),
      waitMilliseconds: toMicroseconds(waitMilliseconds),
      stepMilliseconds: toMicroseconds(stepMilliseconds),
    });
    // A session may answer without ever leaving this turn of the event loop; signals and the screen need theirs
    await nextTurn();
  }
  return await end("finished");

  /** The test images were kept for this moment, where others could be evaluated during training. */
  async function end(outcome: "finished" | "stopped_early"): Promise<TrainingResult> {
    if (plan.validationImages === 0) return { outcome, progress };
    const test = await timedEvaluation(program, session, loader, "test", options);
    if (!test) return { outcome: "interrupted", progress };
    const { loss, accuracy, seconds } = test;
    const elapsedSeconds = progress.elapsedSeconds + seconds;
    progress = { ...progress, elapsedSeconds };
    const { step, epochsClosed: epoch } = progress;
    emit({ event: "evaluation", step, epoch, set: "test", loss, accuracy, seconds, elapsedSeconds });
    return { outcome, progress, test };
  }

  function isCheckpointStep(step: number): boolean {
    const { every_steps: every } = config.train.checkpoints;
    return every !== null && step % every === 0;
  }

  function isAmongBest({ step, evaluations }: Progress): boolean {
    const { keep_best: count } = config.train.checkpoints;
    return evaluations.at(-1)?.step === step && bestSteps(progress, count).includes(step);
  }

  async function leave(outcome: "stopped" | "interrupted"): Promise<TrainingResult> {
    if (!(await saver.save(progress))) return await divergedInUpdate();
    return { outcome, progress };
  }

  async function divergedInUpdate(): Promise<TrainingResult> {
    return divergence(progress.step, null, firstNonFinite(program.graph, await session.readState()));
  }

  function divergence(step: number, measured: Divergence["measured"], tensor: string | undefined): TrainingResult {
    const learningRate = learningRateAt(plan, step - 1);
    return { outcome: "diverged", progress, divergence: { step, measured, learningRate, tensor } };
  }
}

/** Says how the epoch went and evaluates where that is due; undefined where the signal cut the evaluation short. */
async function closeEpoch(
  program: Program,
  session: Session,
  loader: Loader,
  progress: Progress,
  options: TrainOptions,
): Promise<Progress | undefined> {
  const { plan } = program;
  const isDue = isEvaluationDue(plan, progress.step);
  const evaluated = isDue ? await timedEvaluation(program, session, loader, chosenBy(program), options) : null;
  if (evaluated === undefined) return undefined;

  const { step, lossSum, correct, images, epochSeconds } = progress;
  options.emit?.({
    event: "epoch",
    step,
    epoch: progress.epochsClosed + 1,
    trainLoss: images > 0 ? lossSum / images : 0, // every step of the epoch may have been left out
    trainAccuracy: images > 0 ? correct / images : 0,
    learningRate: learningRateAt(plan, step - 1),
    seconds: epochSeconds,
    imagesPerSecond: images / epochSeconds,
  });
  return afterEpoch(evaluated ? recorded(program, progress, evaluated, options) : progress);
}

/** Undefined where the signal cut the evaluation short. */
async function evaluateWithinEpoch(
  program: Program,
  session: Session,
  loader: Loader,
  progress: Progress,
  options: TrainOptions,
): Promise<Progress | undefined> {
  const evaluated = await timedEvaluation(program, session, loader, chosenBy(program), options);
  return evaluated && recorded(program, progress, evaluated, options);
}

interface TimedEvaluation extends Evaluation {
  readonly seconds: number;
}

/** The images that evaluations during training go by. */
function chosenBy({ plan }: Program): EvaluatedSet {
  return plan.validationImages > 0 ? "validation" : "test";
}

async function timedEvaluation(
  program: Program,
  session: Session,
  loader: Loader,
  set: EvaluatedSet,
  { signal, onEvaluationBatch }: TrainOptions,
): Promise<TimedEvaluation | undefined> {
  const started = performance.now();
  const evaluation = await evaluate(program, session, loader, { set, signal, onBatch: onEvaluationBatch });
  return evaluation && { ...evaluation, seconds: (performance.now() - started) / 1000 };
}

/** Says what the evaluation of this moment found. */
function recorded(
  program: Program,
  progress: Progress,
  evaluated: TimedEvaluation,
  { emit = () => {} }: TrainOptions,
): Progress {
  const { loss, accuracy, seconds } = evaluated;
  const next = afterEvaluation(progress, evaluated, seconds);
  const { step, epochsClosed, elapsedSeconds } = next;
  const set = chosenBy(program);
  emit({ event: "evaluation", step, epoch: epochsClosed + 1, set, loss, accuracy, seconds, elapsedSeconds });
  return next;
}

function skipLimit({ non_finite: rule }: TrainConfig): number {
  return rule === "stop" ? 0 : rule.skip.limit;
}

/** What a clock can tell: digits beyond only lengthen the log. */
function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
