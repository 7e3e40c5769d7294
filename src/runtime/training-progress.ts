// How far a run has come: with the session's state, all that a run needs to go on as if it had never stopped.
// Order and augmentation of later images are functions of seed, epoch and index, so nothing of the past is kept for them.
import type { TrainPlan } from "../compiler/program.js";
import type { StepResult } from "./engine.js";

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
  readonly lastEvaluation: {
    readonly epoch: number;
    readonly loss: number;
    readonly accuracy: number;
  } | null;
}

export const BEGINNING: Progress = {
  step: 0,
  epochsClosed: 0,
  lossSum: 0,
  correct: 0,
  images: 0,
  epochSeconds: 0,
  elapsedSeconds: 0,
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

export function afterEpoch(progress: Progress, evaluation: { loss: number; accuracy: number } | null): Progress {
  const epoch = progress.epochsClosed + 1;
  return {
    ...progress,
    epochsClosed: epoch,
    lossSum: 0,
    correct: 0,
    images: 0,
    epochSeconds: 0,
    lastEvaluation: evaluation ? { epoch, ...evaluation } : progress.lastEvaluation,
  };
}

/** Whether the steps of the open epoch are all done. */
export function epochIsComplete(progress: Progress, plan: TrainPlan): boolean {
  return progress.step === (progress.epochsClosed + 1) * plan.stepsPerEpoch;
}
