// What happens in a run, as data: the trainer emits these, the event log keeps them as JSON lines, the terminal shows them.
// Every event that depends on training alone (step, epoch, evaluation) is the same in a run that was stopped and resumed,
// its times apart. Steps and epochs are counted from 1: `step: 5` is said once five steps are done.

import type { EvaluatedSet } from "./evaluator.js";

export type TrainingEvent =
  | StartEvent
  | StepEvent
  | StepSkippedEvent
  | EpochEvent
  | EvaluationEvent
  | CheckpointEvent
  | CheckpointFailedEvent
  | LogFailedEvent
  | EndEvent;

/** Opens a run and each resumption of it. */
export interface StartEvent {
  readonly event: "start" | "resume";
  /** Steps that were done before: 0 at the start. */
  readonly step: number;
  readonly time: string;
  readonly versions: { readonly netc: string; readonly node: string; readonly engine: string };
  readonly machine: {
    readonly platform: string;
    readonly processor: string;
    readonly cores: number;
    readonly memoryBytes: number;
  };
  readonly engine: string;
  readonly configDigest: string;
}

export interface StepEvent {
  readonly event: "step";
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** L2, over all gradients together, before any limit to it. */
  readonly gradientNorm: number;
  readonly correct: number;
  readonly images: number;
  readonly learningRate: number;
  /** What preparing the batch took: for all steps but the first it happens while the step before is computed. */
  readonly dataMilliseconds: number;
  /** Of the step, how long the engine stood still until its batch or the next one was there; logs of older runs lack it. */
  readonly waitMilliseconds?: number;
  readonly stepMilliseconds: number;
}

/** In place of the step's event, where its loss or gradients were not finite and the file says to go on. */
export interface StepSkippedEvent {
  readonly event: "step_skipped";
  readonly step: number;
  readonly epoch: number;
  /** How many steps of the run were left out so far, this one among them. */
  readonly skipped: number;
  /** The first tensor that held NaN or infinity, in the order of computation. */
  readonly tensor: string | null;
}

export interface EpochEvent {
  readonly event: "epoch";
  readonly step: number;
  readonly epoch: number;
  /** Means over the epoch's images, in training mode, while the weights moved. */
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** Training alone; the evaluation that may follow is not in it. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

export interface EvaluationEvent {
  readonly event: "evaluation";
  readonly step: number;
  /** That it follows, or that it lies in. */
  readonly epoch: number;
  /** The validation images where there are some, but for the evaluation at the end of the run. */
  readonly set: EvaluatedSet;
  readonly loss: number;
  readonly accuracy: number;
  readonly seconds: number;
  /** Since the run began, pauses between a stop and its resumption left out. */
  readonly elapsedSeconds: number;
}

export interface CheckpointEvent {
  readonly event: "checkpoint";
  readonly step: number;
  readonly folder: string;
  readonly milliseconds: number;
}

/** The run goes on: what was saved before is still there. */
export interface CheckpointFailedEvent {
  readonly event: "checkpoint_failed";
  readonly step: number;
  readonly reason: string;
}

/** Seen by observers only, since the log, or a file that follows from it, is what failed; the run goes on. */
export interface LogFailedEvent {
  readonly event: "log_failed";
  readonly step: number;
  /** Its name in the run folder. */
  readonly file: string;
  readonly reason: string;
}

export interface EndEvent {
  readonly event: "end";
  readonly step: number;
  readonly outcome: "finished" | "stopped_early" | "stopped" | "interrupted" | "diverged" | "unsaved";
  readonly elapsedSeconds: number;
  readonly testAccuracy: number | null;
  readonly peakMemoryBytes: number;
  /** Of a run that diverged. */
  readonly divergence?: Divergence;
}

/** The step at which a number stopped being one. */
export interface Divergence {
  readonly step: number;
  /** null where loss and gradients were still finite and the update spoilt the weights; in them null stands for a number that is none. */
  readonly measured: { readonly loss: number | null; readonly gradientNorm: number | null } | null;
  readonly learningRate: number;
  /** The first tensor that holds NaN or infinity: in the order of computation, or of the network where the update did it. */
  readonly tensor: string | undefined;
}
