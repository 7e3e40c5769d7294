// The program a run was trained with so far, and the one it is to go on with → what changed: each difference that would
// have made the steps already done come out otherwise is refused, the others are allowed and their effect is said.
import { learningRateAt } from "../compiler/plan.js";
import type { Program } from "../compiler/program.js";

export interface Change {
  /** "train.batch_size" */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly altersThePast: boolean;
}

export interface ChangesSince {
  readonly changes: readonly Change[];
  /** Sentences about the learning rate of later steps, where a change moves it. */
  readonly effects: readonly string[];
}

/** Prefixes of paths that no step done so far depends on. */
const WITHOUT_PAST: readonly string[] = [
  "name",
  "data.path",
  "train.epochs",
  "train.evaluation",
  "train.checkpoints",
  "train.early_stop",
  "train.non_finite",
];

export function changesSince(before: Program, after: Program, step: number): ChangesSince {
  const changes = differences(before.config, after.config, "").map((change): Change => {
    const isFree = WITHOUT_PAST.some((prefix) => `${change.path}.`.startsWith(`${prefix}.`));
    const isRate = change.path.startsWith("train.learning_rate");
    return { ...change, altersThePast: isRate ? movesPastRates(before, after, step) : !isFree };
  });
  return { changes, effects: effectsOnSchedule(before, after, step) };
}

/** A schedule may change from the next step on; judged at the run's own length, so that more epochs alone pass. */
function movesPastRates(before: Program, after: Program, step: number): boolean {
  if (before.config.train.epochs !== after.config.train.epochs) return true;
  for (let past = 0; past < step; past++) {
    if (learningRateAt(before.plan, past) !== learningRateAt(after.plan, past)) return true;
  }
  return false;
}

function effectsOnSchedule(before: Program, after: Program, step: number): string[] {
  const effects: string[] = [];
  const { epochs } = after.config.train;
  if (before.plan.steps !== after.plan.steps) {
    effects.push(
      `the run now ends after ${epochs} epochs (${after.plan.steps} steps) instead of ${before.config.train.epochs}`,
    );
  }
  const [was, is] = [learningRateAt(before.plan, step), learningRateAt(after.plan, step)];
  if (was !== is) {
    effects.push(
      `the learning rate of step ${step + 1} is ${shown(is)} instead of ${shown(was)}; ` +
        `the ${step} steps already done keep the rates they had`,
    );
  }
  return effects;
}

function shown(rate: number): string {
  return String(Number(rate.toPrecision(4)));
}

function differences(before: unknown, after: unknown, path: string): Pick<Change, "path" | "before" | "after">[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((value, index) => differences(value, after[index], `${path}.${index}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `train.batch_size: 128 in the run, 64 in the file` */
export function describeChange({ path, before, after }: Change): string {
  return `${path}: ${valueText(before)} in the run, ${valueText(after)} in the file`;
}

function valueText(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
