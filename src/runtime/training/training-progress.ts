// How far a run has come: with the session's state, all that a run needs to go on as if it had never stopped.
// Order and augmentation of later images are functions of seed, epoch and index, so nothing of the past is kept for them.
import type { TrainConfig } from "../../compiler/config.js";
import { isEvaluationDue } from "../../compiler/training/plan.js";
import type { TrainPlan } from "../../compiler/program.js";
import type { StepResult } from "../engines/engine.js";

export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Epochs whose line is logged and whose evaluation, where one is due, is done. */
  readonly epochsClosed: number;
  /** Sums over the images of the open epoch; loss weighted by images. */
  readonly lossSum: number;
  readonly correct: number;
  readonly images: number;
  /** Of the open epoch's steps. */
  readonly epochSeconds: number;
  readonly elapsedSeconds: number;
  /** Steps that were left out, since their loss or gradients were not finite. */
  readonly skipped: number;
  /** All so far, in their order. */
  readonly evaluations: readonly PastEvaluation[];
  readonly lastEvaluation: {
    /** That it followed, or that it lies in. */
    readonly epoch: number;
    readonly loss: number;
    readonly accuracy: number;
  } | null;
}

export interface PastEvaluation {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

export const BEGINNING: Progress = {
  step: 0,
  epochsClosed: 0,
  lossSum: 0,
  correct: 0,
  images: 0,
  epochSeconds: 0,
  elapsedSeconds: 0,
  skipped: 0,
  evaluations: [],
  lastEvaluation: null,
};

export function afterStep(progress: Progress, result: StepResult, images: number, seconds: number): Progress {
  return {
    ...progress,
    step: progress.step + 1,
    lossSum: progress.lossSum + result.loss * images,
    correct: progress.correct + result.correct,
    images: progress.images + images,
    epochSeconds: progress.epochSeconds + seconds,
    elapsedSeconds: progress.elapsedSeconds + seconds,
  };
}

/** The step's images count as seen and for nothing else. */
export function afterSkippedStep(progress: Progress, seconds: number): Progress {
  return {
    ...progress,
    step: progress.step + 1,
    skipped: progress.skipped + 1,
    epochSeconds: progress.epochSeconds + seconds,
    elapsedSeconds: progress.elapsedSeconds + seconds,
  };
}

/** The steps of the `count` best evaluations by accuracy, the earlier of equals first. */
export function bestSteps({ evaluations }: Progress, count: number): number[] {
  const byAccuracy = evaluations.toSorted((one, other) => other.accuracy - one.accuracy || one.step - other.step);
  return byAccuracy.slice(0, count).map(({ step }) => step);
}

/** Whether the last `patience` evaluations all came and went without an improvement. */
export function stopsEarly({ evaluations }: Progress, { early_stop: rule }: TrainConfig): boolean {
  if (rule === null) return false;
  const sign = rule.metric === "test_accuracy" ? 1 : -1;
  let best = -Infinity;
  let since = 0;
  for (const { accuracy, loss } of evaluations) {
    const value = sign * (rule.metric === "test_accuracy" ? accuracy : loss);
    const improves = value > best + rule.min_delta || best === -Infinity;
    since = improves ? 0 : since + 1;
    if (improves) best = value;
  }
  return since >= rule.patience;
}

/** `loss` and `accuracy` are those of the weights at this step. */
export function afterEvaluation(
  progress: Progress,
  { loss, accuracy }: { readonly loss: number; readonly accuracy: number },
  seconds: number,
): Progress {
  return {
    ...progress,
    elapsedSeconds: progress.elapsedSeconds + seconds,
    evaluations: [...progress.evaluations, { step: progress.step, loss, accuracy }],
    lastEvaluation: { epoch: progress.epochsClosed + 1, loss, accuracy },
  };
}

export function afterEpoch(progress: Progress): Progress {
  const epochsClosed = progress.epochsClosed + 1;
  return { ...progress, epochsClosed, lossSum: 0, correct: 0, images: 0, epochSeconds: 0 };
}

/** Whether the steps of the open epoch are all done. */
export function epochIsComplete(progress: Progress, plan: TrainPlan): boolean {
  return progress.step === (progress.epochsClosed + 1) * plan.stepsPerEpoch;
}

/** Whether an evaluation within the open epoch is due at this step and not done. */
export function evaluationIsAwaited({ step, evaluations }: Progress, plan: TrainPlan): boolean {
  return step % plan.stepsPerEpoch !== 0 && isEvaluationDue(plan, step) && evaluations.at(-1)?.step !== step;
}
