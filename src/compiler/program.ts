// The whole contract between compiler and runtime: plain data that survives JSON.
import type { ResolvedConfig } from "./config.js";
import type { ShapedGraph } from "./network/graph.js";

export interface Program {
  readonly config: ResolvedConfig;
  readonly graph: ShapedGraph;
  readonly plan: TrainPlan;
}

/** The run laid out in steps, known before it starts. */
export interface TrainPlan {
  readonly trainImages: number;
  /** Kept from training for evaluations during it; 0 where those go by the test images. */
  readonly validationImages: number;
  readonly testImages: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  /** Images in the last batch of an epoch (equal to the batch size where it divides evenly or drop_last is set). */
  readonly lastBatch: number;
  /** Learning rate of every step, by piecewise formula; see `learningRateAt`. */
  readonly schedule: readonly ScheduleSegment[];
  /** What the parameters of the training's own (index 0) and of each of `train.groups` are trained at. */
  readonly groups: readonly PlannedGroup[];
  /** Epochs (1-based, after which) to evaluate and to save; the last epoch is always among them. */
  readonly evaluateAfter: readonly number[];
  readonly checkpointAfter: readonly number[];
  /** Steps of the whole run from one evaluation to the next, where the file says steps; see `isEvaluationDue`. */
  readonly evaluateEverySteps: number | null;
}

export interface PlannedGroup {
  /** The rate is multiplied by it. */
  readonly factor: number;
  /** A schedule of the group's own; null follows the training's. */
  readonly schedule: readonly ScheduleSegment[] | null;
  /** Frozen until so many steps are done. */
  readonly frozenSteps: number;
  /** Frozen once so many steps are done; null never. */
  readonly trainedUntil: number | null;
}

/**
 * Rates of steps [from, to), between the values at its ends; the value at step s uses (s - from) / (to - from). The last
 * segment may reach beyond the run, where that cuts a period short.
 */
export type ScheduleSegment = {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
} & (
  | { readonly shape: "constant" | "linear" | "cosine" }
  /** (1 - progress)^power of the way is left. */
  | { readonly shape: "polynomial"; readonly power: number }
);
