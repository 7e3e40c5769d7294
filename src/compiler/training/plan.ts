// ResolvedConfig → TrainPlan: the run laid out in steps, so that everything about it is known before it starts.
// Schedules become a few segments of steps; the learning rate of any step is then a closed formula.
import type { GroupConfig, ResolvedConfig } from "../config.js";
import { datasetFacts, trainingSplit } from "../datasets.js";
import type { PlannedGroup, ScheduleSegment, TrainPlan } from "../program.js";
import { scheduleOf } from "./schedule.js";

export function plan({ data, train }: ResolvedConfig): TrainPlan {
  const { testImages } = datasetFacts(data.dataset);
  const { trainImages, validationImages } = trainingSplit(data);
  const { batch_size: batchSize, drop_last: dropLast, epochs } = train;
  const stepsPerEpoch = stepsPerEpochOf({ data, train });
  const steps = epochs * stepsPerEpoch;
  /** A schedule of a group's own runs over the epochs that the group is trained for. */
  const planGroup = (group: GroupConfig): PlannedGroup => {
    const { rate_factor: factor, learning_rate: own, from_epoch: from, epochs: trained } = group;
    const frozenSteps = Math.round(from * stepsPerEpoch);
    const trainedUntil = trained === null ? null : Math.round((from + trained) * stepsPerEpoch);
    const length = Math.max(0, Math.min(trainedUntil ?? steps, steps) - frozenSteps);
    return { factor, schedule: own && scheduleOf(own, stepsPerEpoch, length), frozenSteps, trainedUntil };
  };
  return {
    trainImages,
    validationImages,
    testImages,
    stepsPerEpoch,
    steps,
    lastBatch: dropLast ? batchSize : trainImages - (stepsPerEpoch - 1) * batchSize,
    schedule: scheduleOf(train.learning_rate, stepsPerEpoch, steps),
    groups: [{ factor: 1, schedule: null, frozenSteps: 0, trainedUntil: null }, ...train.groups.map(planGroup)],
    evaluateAfter: everyFewEpochs(train.evaluation.every_epochs ?? epochs, epochs),
    checkpointAfter: everyFewEpochs(train.checkpoints.every_epochs, epochs),
    evaluateEverySteps: train.evaluation.every_steps,
  };
}

type Evaluations = Pick<TrainPlan, "stepsPerEpoch" | "steps" | "evaluateAfter" | "evaluateEverySteps">;

/** Whether the network is evaluated once so many steps are done. */
export function isEvaluationDue(plan: Evaluations, step: number): boolean {
  const { stepsPerEpoch, evaluateAfter, evaluateEverySteps: every } = plan;
  if (step === 0) return false;
  if (every !== null && step % every === 0) return true;
  return step % stepsPerEpoch === 0 && evaluateAfter.includes(step / stepsPerEpoch);
}

/** How many evaluations the plan has from that step on. */
export function evaluationsFrom(plan: Evaluations, step: number): number {
  const { stepsPerEpoch, steps, evaluateAfter, evaluateEverySteps: every } = plan;
  const afterEpochs = evaluateAfter.map((epoch) => epoch * stepsPerEpoch).filter((at) => at >= step);
  if (every === null) return afterEpochs.length;
  const inSteps = Math.floor(steps / every) - Math.max(0, Math.ceil(step / every) - 1);
  return inSteps + afterEpochs.filter((at) => at % every !== 0).length;
}

export function stepsPerEpochOf({ data, train }: Pick<ResolvedConfig, "data" | "train">): number {
  const batches = trainingSplit(data).trainImages / train.batch_size;
  return train.drop_last ? Math.floor(batches) : Math.ceil(batches);
}

/**
 * Learning rate of a step, counted from 0. Before the first step it is the first rate;
 * from the end of the run on (`step >= plan.steps`), the value that the schedule ends at.
 */
export function learningRateAt(plan: Pick<TrainPlan, "schedule">, step: number): number {
  const segment = plan.schedule.find(({ to }) => step < to) ?? plan.schedule.at(-1)!;
  const { from, to, start, end } = segment;
  const progress = Math.min(Math.max((step - from) / (to - from), 0), 1);
  if (segment.shape === "polynomial") return end + (start - end) * (1 - progress) ** segment.power;
  return CURVES[segment.shape](start, end, progress);
}

type Curve = (start: number, end: number, progress: number) => number;
const CURVES: Readonly<Record<Exclude<ScheduleSegment["shape"], "polynomial">, Curve>> = {
  constant: (start) => start,
  linear: (start, end, progress) => start + (end - start) * progress,
  // Half a cosine, as in SGDR (arXiv 1608.03983, eq. 5)
  cosine: (start, end, progress) => end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2,
};

/** Every `interval`th epoch and the last one, counted from 1. */
function everyFewEpochs(interval: number, epochs: number): number[] {
  const all = Array.from({ length: epochs }, (_, index) => index + 1);
  return all.filter((epoch) => epoch % interval === 0 || epoch === epochs);
}
