// Rules within the learning rate's schedule: durations given twice or not at all, or past the end of the run, and rates out
// of order.
import type { LearningRateConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import type { ConfigRule } from "./rule.js";
import type { PlacedSchedule, Span } from "./training-parts.js";
import { nounOf, schedulesOf, spanIsSetHere } from "./training-parts.js";

type ScheduleRule = (placed: PlacedSchedule) => readonly Diagnostic[];

/** Of the training's own schedule and of those that groups have. */
export const scheduleRules: readonly ConfigRule[] = [
  durationsAreGivenOnce,
  warmupFitsTheRun,
  dropsFitTheRun,
  restartsFitTheRun,
  milestonesRise,
  ratesPeakAtThePeak,
].map((rule: ScheduleRule) => (config) => schedulesOf(config).flatMap(rule));

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

function givenDurations({ path, schedule }: PlacedSchedule, twin: Twin): readonly Duration[] {
  const [name, settings] = scheduleOf(schedule);
  return (["epochs", "steps"] as const).flatMap((unit) => {
    const value = (settings[twin[unit]] ?? 0) as Value;
    return value === 0 ? [] : [{ path: [...path, name, twin[unit]], unit, value }];
  });
}

function durationsAreGivenOnce(placed: PlacedSchedule): readonly Diagnostic[] {
  const [name, settings] = scheduleOf(placed.schedule);
  return twins.flatMap((twin): Diagnostic[] => {
    if (!(twin.epochs in settings)) return [];
    const [first, second] = givenDurations(placed, twin);
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
        path: [...placed.path, name],
        hint: `add \`${twin.epochs}: ${example}\``,
      },
    ];
  });
}

function endOf(span: Span, unit: Duration["unit"]): string {
  return span.of === "run" ? `the run ends after ${span[unit]}` : `the group is trained for ${span[unit]}`;
}

function warmupFitsTheRun(placed: PlacedSchedule): readonly Diagnostic[] {
  return givenDurations(placed, twins[0]).flatMap(({ path, unit, value }): Diagnostic[] => {
    const length = placed.span[unit];
    if ((value as number) < length) return [];
    const tenth = length < 10 && unit === "epochs" ? length / 10 : Math.max(1, Math.floor(length / 10));
    const whole = value === length ? `all that ${nounOf(placed.span)} has` : `${nounOf(placed.span)} has ${length}`;
    return [
      {
        code: "train/warmup-past-end",
        severity: "error",
        message: `the warm-up takes ${value as number} ${unit}, ${whole}`,
        path,
        hint: `write \`${path.at(-1)}: ${tenth}\``,
        related: [spanIsSetHere(placed.span)],
      },
    ];
  });
}

function dropsFitTheRun(placed: PlacedSchedule): readonly Diagnostic[] {
  const every = givenDurations(placed, twins[1]).flatMap(({ path, unit, value }): Diagnostic[] => {
    const length = placed.span[unit];
    if ((value as number) < length) return [];
    const { rate } = scheduleOf(placed.schedule)[1];
    const third = `${path.at(-1)}: ${thirdOf(length, unit)}`;
    return [
      pastEnd(
        placed,
        `the rate would first drop after ${unitName(unit)} ${value as number}, but ${endOf(placed.span, unit)}`,
        path,
        `write \`${third}\`, or \`learning_rate: ${rate as number}\``,
      ),
    ];
  });
  const milestones = givenDurations(placed, twins[2]).flatMap(({ path, unit, value }) => {
    const length = placed.span[unit];
    return (value as readonly number[]).flatMap((milestone, index) => {
      if (milestone < length) return [];
      const message = `the rate would change after ${unitName(unit)} ${milestone}, but ${endOf(placed.span, unit)}`;
      return [pastEnd(placed, message, [...path, index])];
    });
  });
  return [...every, ...milestones];
}

function restartsFitTheRun(placed: PlacedSchedule): readonly Diagnostic[] {
  return givenDurations(placed, twins[3]).flatMap(({ path, unit, value }) => {
    const length = placed.span[unit];
    if ((value as number) < length) return [];
    const message = `the rate would first restart after ${unitName(unit)} ${value as number}, but ${endOf(placed.span, unit)}`;
    return [pastEnd(placed, message, path, `write \`${path.at(-1)}: ${thirdOf(length, unit)}\`, or use \`cosine\``)];
  });
}

/** Whole, unless there is a single epoch or only a part of one. */
function thirdOf(length: number, unit: Duration["unit"]): number {
  const isShort = unit === "epochs" && length <= 1;
  return isShort ? Number((length / 3).toPrecision(2)) : Math.max(1, Math.floor(length / 3));
}

function unitName(unit: Duration["unit"]): string {
  return unit === "epochs" ? "epoch" : "step";
}

function pastEnd({ span }: PlacedSchedule, message: string, path: Path, hint?: string): Diagnostic {
  const common = { code: "train/milestone-past-end", severity: "warning", message, path } as const;
  return { ...common, ...(hint ? { hint } : {}), related: [spanIsSetHere(span)] };
}

function milestonesRise(placed: PlacedSchedule): readonly Diagnostic[] {
  return givenDurations(placed, twins[2]).flatMap(({ path, value }): Diagnostic[] => {
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
function ratesPeakAtThePeak({ path, schedule }: PlacedSchedule): readonly Diagnostic[] {
  const [name, settings] = scheduleOf(schedule);
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
        path: [...path, name, key],
        hint: `write \`${key}: ${most / 10}\``,
        related: [{ message: `the ${top} is set here`, path: [...path, name, top] }],
      },
    ];
  });
}
