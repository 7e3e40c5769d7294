// LearningRateConfig → the segments of a schedule, which cover a run's steps without a gap: one rule a schedule.
// Durations in epochs may be fractional: they round to the nearest step.
import type { LearningRateConfig, WarmupConfig } from "../config.js";
import type { SettingsOf } from "../front/language/forms.js";
import type { ScheduleSegment } from "../program.js";

export function scheduleOf(learningRate: LearningRateConfig, stepsPerEpoch: number, steps: number): ScheduleSegment[] {
  const [[name, settings]] = Object.entries(learningRate) as [[ScheduleName, never]];
  return rules[name](settings, { stepsPerEpoch, steps });
}

/** Steps of a duration that is given in epochs or in steps; they may be more than the run has. */
function durationInSteps(epochs: number | null, steps: number | null, stepsPerEpoch: number): number {
  return steps ?? Math.round((epochs ?? 0) * stepsPerEpoch);
}

interface Run {
  readonly stepsPerEpoch: number;
  readonly steps: number;
}

type NamesOf<Union> = Union extends unknown ? keyof Union : never;
type ScheduleName = NamesOf<LearningRateConfig>;
type Rules = {
  readonly [Name in ScheduleName]: (settings: SettingsOf<LearningRateConfig, Name>, run: Run) => ScheduleSegment[];
};

const rules: Rules = {
  constant: (settings, run) => afterWarmup(settings, run, () => stairs([], settings.rate, 1, run.steps)),

  step(settings, run) {
    const { rate, factor, every_epochs: epochs, every_steps: every } = settings;
    const interval = every ?? (epochs ?? 0) * run.stepsPerEpoch;
    const count = interval > 0 ? Math.ceil(run.steps / interval) : 0;
    const changes = Array.from({ length: count }, (_, index) => Math.round((index + 1) * interval));
    return afterWarmup(settings, run, () => stairs(changes, rate, factor, run.steps));
  },

  multi_step(settings, run) {
    const { rate, factor, milestones, milestone_steps: milestoneSteps } = settings;
    const changes = milestoneSteps ?? (milestones ?? []).map((epochs) => Math.round(epochs * run.stepsPerEpoch));
    return afterWarmup(settings, run, () => stairs(changes, rate, factor, run.steps));
  },

  cosine: (settings, run) =>
    afterWarmup(settings, run, (from) => [{ ...ends(settings, from, run.steps), shape: "cosine" }]),

  cosine_restarts: (settings, run) =>
    afterWarmup(settings, run, (warmup) => {
      const { period_epochs: epochs, period_steps: steps, period_growth: growth } = settings;
      const segments: ScheduleSegment[] = [];
      let length = durationInSteps(epochs, steps, run.stepsPerEpoch);
      for (let from = warmup; from < run.steps; from = segments.at(-1)!.to) {
        segments.push({ ...ends(settings, from, from + Math.max(1, Math.round(length))), shape: "cosine" });
        length *= growth;
      }
      return segments;
    }),

  linear: (settings, run) =>
    afterWarmup(settings, run, (from) => [{ ...ends(settings, from, run.steps), shape: "linear" }]),

  polynomial: (settings, run) =>
    afterWarmup(settings, run, (from) => {
      return [{ ...ends(settings, from, run.steps), shape: "polynomial", power: settings.power }];
    }),

  one_cycle({ start, peak, end, peak_at: peakAt, shape }, { steps }) {
    const peakStep = Math.round(peakAt * steps);
    return withoutEmpty([
      { from: 0, to: peakStep, start, end: peak, shape },
      { from: peakStep, to: steps, start: peak, end, shape },
    ]);
  },
};

function ends({ rate, end }: { readonly rate: number; readonly end: number }, from: number, to: number) {
  return { from, to, start: rate, end };
}

/** Holds a rate and multiplies it at the given steps; those at or past the end are left out. */
function stairs(changes: readonly number[], rate: number, factor: number, steps: number): ScheduleSegment[] {
  const within = changes.filter((step) => step < steps).sort((one, other) => one - other);
  const bounds = [0, ...within, steps];
  return bounds.slice(0, -1).map((from, index): ScheduleSegment => {
    const value = rate * within.slice(0, index).reduce((product) => product * factor, 1);
    return { from, to: bounds[index + 1]!, start: value, end: value, shape: "constant" };
  });
}

/**
 * Climbs linearly from 0 to the rate that holds at the end of the warm-up; what `makeSegments` has before that step, the first
 * after the warm-up, is cut off.
 */
function afterWarmup(
  { rate, warmup_epochs: epochs, warmup_steps: warmupSteps }: WarmupConfig & { readonly rate: number },
  { stepsPerEpoch, steps }: Run,
  makeSegments: (from: number) => readonly ScheduleSegment[],
): ScheduleSegment[] {
  const warmup = Math.min(durationInSteps(epochs, warmupSteps, stepsPerEpoch), steps);
  const segments = makeSegments(warmup).map((segment) => ({ ...segment, from: Math.max(segment.from, warmup) }));
  const rest = withoutEmpty(segments);
  const reached = rest[0]?.start ?? rate;
  return withoutEmpty([{ from: 0, to: warmup, start: 0, end: reached, shape: "linear" }, ...rest]);
}

function withoutEmpty(segments: readonly ScheduleSegment[]): ScheduleSegment[] {
  return segments.filter(({ from, to }) => from < to);
}
