// Rules within the learning rate's schedule: durations given twice or not at all, or past the end of the run, and rates out
// of order.
import type { LearningRateConfig, ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostic.js";
import { stepsPerEpochOf } from "../plan.js";
import type { ConfigRule } from "./rule.js";

export const scheduleRules: readonly ConfigRule[] = [
  durationsAreGivenOnce,
  warmupFitsTheRun,
  dropsFitTheRun,
  restartsFitTheRun,
  milestonesRise,
  ratesPeakAtThePeak,
];

const ROOT = ["train", "learning_rate"];

/** Durations that may be given in epochs or in steps; a schedule has some of them. */
const twins = [
  { epochs: "warmup_epochs", steps: "warmup_steps", isRequired: false },
  { epochs: "every_epochs", steps: "every_steps", isRequired: true },
  { epochs: "milestones", steps: "milestone_steps", isRequired: true },
  { epochs: "period_epochs", steps: "period_steps", isRequired: true },
] as const;
type Twin = (typeof twins)[number];
type Value = number | readonly number[];

/** A duration as the file gives it: 0 epochs and null are no duration. */
interface Duration {
  readonly path: Path;
  readonly unit: "epochs" | "steps";
  readonly value: Value;
}

function scheduleOf(rate: LearningRateConfig): readonly [name: string, settings: Readonly<Record<string, unknown>>] {
  return Object.entries(rate)[0]! as [string, Record<string, unknown>];
}

function givenDurations({ train }: ResolvedConfig, twin: Twin): readonly Duration[] {
  const [name, settings] = scheduleOf(train.learning_rate);
  return (["epochs", "steps"] as const).flatMap((unit) => {
    const value = (settings[twin[unit]] ?? 0) as Value;
    return value === 0 ? [] : [{ path: [...ROOT, name, twin[unit]], unit, value }];
  });
}

function durationsAreGivenOnce(config: ResolvedConfig): readonly Diagnostic[] {
  const [name, settings] = scheduleOf(config.train.learning_rate);
  return twins.flatMap((twin): Diagnostic[] => {
    if (!(twin.epochs in settings)) return [];
    const [first, second] = givenDurations(config, twin);
    if (second) {
      return [
        {
          code: "train/two-durations",
          severity: "error",
          message: `${twin.epochs} and ${twin.steps} give the same duration twice`,
          path: second.path,
          hint: "keep one of them",
          related: [{ message: "it is given in epochs here", path: first!.path }],
        },
      ];
    }
    if (first || !twin.isRequired) return [];
    const example = { every_epochs: "30", milestones: "[82, 123]", period_epochs: "10" }[twin.epochs];
    return [
      {
        code: "train/missing-duration",
        severity: "error",
        message: `${name} has neither ${twin.epochs} nor ${twin.steps}, so nothing says when the rate changes`,
        path: [...ROOT, name],
        hint: `add \`${twin.epochs}: ${example}\``,
      },
    ];
  });
}

/** The run's length in that unit. */
function lengthOf(config: ResolvedConfig, unit: Duration["unit"]): number {
  const { epochs } = config.train;
  return unit === "epochs" ? epochs : epochs * stepsPerEpochOf(config);
}

const runIsSetHere = { message: "the run's length is set here", path: ["train", "epochs"] };

function warmupFitsTheRun(config: ResolvedConfig): readonly Diagnostic[] {
  return givenDurations(config, twins[0]).flatMap(({ path, unit, value }): Diagnostic[] => {
    const length = lengthOf(config, unit);
    if ((value as number) < length) return [];
    const tenth = length < 10 && unit === "epochs" ? length / 10 : Math.max(1, Math.floor(length / 10));
    const whole = value === length ? "all that the run has" : `the run has ${length}`;
    return [
      {
        code: "train/warmup-past-end",
        severity: "error",
        message: `the warm-up takes ${value as number} ${unit}, ${whole}`,
        path,
        hint: `write \`${path.at(-1)}: ${tenth}\``,
        related: [runIsSetHere],
      },
    ];
  });
}

function dropsFitTheRun(config: ResolvedConfig): readonly Diagnostic[] {
  const every = givenDurations(config, twins[1]).flatMap(({ path, unit, value }): Diagnostic[] => {
    const length = lengthOf(config, unit);
    if ((value as number) < length) return [];
    const { rate } = scheduleOf(config.train.learning_rate)[1];
    const third = `${path.at(-1)}: ${Math.max(1, Math.floor(length / 3))}`;
    return [
      pastEnd(
        `the rate would first drop after ${unitName(unit)} ${value as number}, but the run ends after ${length}`,
        path,
        `write \`${third}\`, or \`learning_rate: ${rate as number}\``,
      ),
    ];
  });
  const milestones = givenDurations(config, twins[2]).flatMap(({ path, unit, value }) => {
    const length = lengthOf(config, unit);
    return (value as readonly number[]).flatMap((milestone, index) => {
      if (milestone < length) return [];
      const message = `the rate would change after ${unitName(unit)} ${milestone}, but the run ends after ${length}`;
      return [pastEnd(message, [...path, index])];
    });
  });
  return [...every, ...milestones];
}

function restartsFitTheRun(config: ResolvedConfig): readonly Diagnostic[] {
  return givenDurations(config, twins[3]).flatMap(({ path, unit, value }) => {
    const length = lengthOf(config, unit);
    if ((value as number) < length) return [];
    const message = `the rate would first restart after ${unitName(unit)} ${value as number}, but the run ends after ${length}`;
    const third = Math.max(1, Math.floor(length / 3));
    return [pastEnd(message, path, `write \`${path.at(-1)}: ${third}\`, or use \`cosine\``)];
  });
}

function unitName(unit: Duration["unit"]): string {
  return unit === "epochs" ? "epoch" : "step";
}

function pastEnd(message: string, path: Path, hint?: string): Diagnostic {
  const common = { code: "train/milestone-past-end", severity: "warning", message, path } as const;
  return { ...common, ...(hint ? { hint } : {}), related: [runIsSetHere] };
}

function milestonesRise(config: ResolvedConfig): readonly Diagnostic[] {
  return givenDurations(config, twins[2]).flatMap(({ path, value }): Diagnostic[] => {
    const milestones = value as readonly number[];
    const index = milestones.findIndex((milestone, at) => at > 0 && milestone <= milestones[at - 1]!);
    if (index === -1) return [];
    const rising = [...new Set(milestones)].sort((one, other) => one - other);
    return [
      {
        code: "train/milestone-order",
        severity: "error",
        message: `${path.at(-1)} must rise, but ${milestones[index]} comes after ${milestones[index - 1]}`,
        path: [...path, index],
        hint: `write \`${path.at(-1)}: [${rising.join(", ")}]\``,
      },
    ];
  });
}

/** What the names of the schedules promise: they fall from their rate, and one_cycle is highest at its peak. */
function ratesPeakAtThePeak({ train }: ResolvedConfig): readonly Diagnostic[] {
  const [name, settings] = scheduleOf(train.learning_rate);
  const top = name === "one_cycle" ? "peak" : "rate";
  const most = settings[top] as number;
  return ["start", "end"].flatMap((key): Diagnostic[] => {
    const rate = settings[key] as number | undefined;
    if (rate === undefined || rate <= most) return [];
    return [
      {
        code: "train/rate-order",
        severity: "warning",
        message: `${key} is ${rate}, above the ${top} of ${most} that the schedule should be highest at`,
        path: [...ROOT, name, key],
        hint: `write \`${key}: ${most / 10}\``,
        related: [{ message: `the ${top} is set here`, path: [...ROOT, name, top] }],
      },
    ];
  });
}
