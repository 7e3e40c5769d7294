// ResolvedConfig → TrainPlan: the run laid out in steps, so that everything about it is known before it starts.
// Schedules become a few segments of steps; the learning rate of any step is then a closed formula.
import type { LearningRateConfig, ResolvedConfig } from "./config.js";
import { datasetFacts } from "./datasets.js";
import type { ScheduleSegment, TrainPlan } from "./program.js";

export function plan({ data, train }: ResolvedConfig): TrainPlan {
  const { trainImages, testImages } = datasetFacts(data.dataset);
  const { batch_size: batchSize, drop_last: dropLast, epochs } = train;
  const stepsPerEpoch = dropLast ? Math.floor(trainImages / batchSize) : Math.ceil(trainImages / batchSize);
  const steps = epochs * stepsPerEpoch;
  return {
    trainImages,
    testImages,
    stepsPerEpoch,
    steps,
    lastBatch: dropLast ? batchSize : trainImages - (stepsPerEpoch - 1) * batchSize,
    schedule: scheduleOf(train.learning_rate, stepsPerEpoch, steps),
    evaluateAfter: everyFewEpochs(train.evaluation.every_epochs, epochs),
    checkpointAfter: everyFewEpochs(train.checkpoints.every_epochs, epochs),
  };
}

/**
 * Learning rate of a step, counted from 0. Before the first step it is the first rate;
 * from the end of the run on (`step >= plan.steps`), the value that the schedule ends at.
 */
export function learningRateAt(plan: Pick<TrainPlan, "schedule">, step: number): number {
  const segment = plan.schedule.find(({ to }) => step < to) ?? plan.schedule.at(-1)!;
  const { from, to, start, end, shape } = segment;
  const progress = Math.min(Math.max((step - from) / (to - from), 0), 1);
  return CURVES[shape](start, end, progress);
}

const CURVES: Readonly<Record<ScheduleSegment["shape"], (start: number, end: number, progress: number) => number>> = {
  constant: (start) => start,
  linear: (start, end, progress) => start + (end - start) * progress,
  // Half a cosine, as in SGDR without restarts (arXiv 1608.03983, eq. 5)
  cosine: (start, end, progress) => end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2,
};

/** Every `interval`th epoch and the last one, counted from 1. */
function everyFewEpochs(interval: number, epochs: number): number[] {
  const all = Array.from({ length: epochs }, (_, index) => index + 1);
  return all.filter((epoch) => epoch % interval === 0 || epoch === epochs);
}

/** Segments that cover [0, steps) without a gap. Epochs of a schedule may be fractional: they round to the nearest step. */
function scheduleOf(learningRate: LearningRateConfig, stepsPerEpoch: number, steps: number): ScheduleSegment[] {
  const stepOf = (epochs: number): number => Math.min(Math.round(epochs * stepsPerEpoch), steps);
  if ("one_cycle" in learningRate) {
    const { start, peak, end, peak_at: peakAt } = learningRate.one_cycle;
    const peakStep = Math.round(peakAt * steps);
    return withoutEmpty([
      { from: 0, to: peakStep, start, end: peak, shape: "linear" },
      { from: peakStep, to: steps, start: peak, end, shape: "linear" },
    ]);
  }
  if ("cosine" in learningRate) {
    const { rate, end, warmup_epochs: warmup } = learningRate.cosine;
    return afterWarmup(stepOf(warmup), [{ from: stepOf(warmup), to: steps, start: rate, end, shape: "cosine" }], rate);
  }
  const { rate, warmup_epochs: warmup, changes } = stairs(learningRate, stepsPerEpoch, steps, stepOf);
  const bounds = [0, ...changes, steps];
  const treads = bounds.slice(0, -1).map((from, index): ScheduleSegment => {
    const value = rate * changes.slice(0, index).reduce((product) => product * factorOf(learningRate), 1);
    return { from, to: bounds[index + 1]!, start: value, end: value, shape: "constant" };
  });
  return afterWarmup(stepOf(warmup), treads, rate);
}

/** The schedules that hold a rate and change it at given steps; steps at or past the end are left out. */
function stairs(
  learningRate: Exclude<LearningRateConfig, { one_cycle: unknown } | { cosine: unknown }>,
  stepsPerEpoch: number,
  steps: number,
  stepOf: (epochs: number) => number,
): { rate: number; warmup_epochs: number; changes: number[] } {
  if ("constant" in learningRate) return { ...learningRate.constant, changes: [] };
  if ("multi_step" in learningRate) {
    const { milestones } = learningRate.multi_step;
    const changes = milestones.map(stepOf).filter((step) => step < steps);
    return { ...learningRate.multi_step, changes: changes.sort((one, other) => one - other) };
  }
  const { every_epochs: every } = learningRate.step;
  const count = Math.ceil(steps / (every * stepsPerEpoch));
  const changes = Array.from({ length: count }, (_, index) => stepOf((index + 1) * every));
  return { ...learningRate.step, changes: changes.filter((step) => step < steps) };
}

function factorOf(learningRate: LearningRateConfig): number {
  if ("step" in learningRate) return learningRate.step.factor;
  if ("multi_step" in learningRate) return learningRate.multi_step.factor;
  return 1;
}

/** Cuts off what lies before the end of the warm-up and climbs there linearly from 0, to the rate that holds there. */
function afterWarmup(warmup: number, segments: readonly ScheduleSegment[], rate: number): ScheduleSegment[] {
  const rest = withoutEmpty(segments.map((segment) => ({ ...segment, from: Math.max(segment.from, warmup) })));
  const reached = rest[0]?.start ?? rate;
  return withoutEmpty([{ from: 0, to: warmup, start: 0, end: reached, shape: "linear" }, ...rest]);
}

function withoutEmpty(segments: readonly ScheduleSegment[]): ScheduleSegment[] {
  return segments.filter(({ from, to }) => from < to);
}
