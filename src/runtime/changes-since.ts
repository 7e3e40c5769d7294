// The program a run was trained with so far, and the one it is to go on with → what changed: each difference that would
// have made the steps already done come out otherwise is refused, the others are allowed and their effect is said.
import type { DataConfig, ResolvedConfig, TrainConfig } from "../compiler/config.js";
import { invariant } from "../compiler/diagnostic.js";
import { learningRateAt } from "../compiler/plan.js";
import type { Program } from "../compiler/program.js";
import { groupRates } from "../compiler/training-phases.js";
import { averageShare } from "../compiler/weight-average.js";

export interface Change {
  /** "train.batch_size" */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly altersThePast: boolean;
  /** What both values do not tell: "that ends after step 4, and 10 are done". */
  readonly because?: string;
}

export interface ChangesSince {
  readonly changes: readonly Change[];
  /** Sentences about the learning rate of later steps, where a change moves it. */
  readonly effects: readonly string[];
}

/**
 * What another value of a key means for the steps already done: "past", they would have come out otherwise; "free", no step
 * done depends on it; "rates", that depends on the rates they had; "length", nothing as long as the run does not end before
 * them. Typed over the configuration: a new key does not type-check until it is said here what it is.
 */
type Kind = "past" | "free" | "rates" | "length";
type Kinds<Section> = { readonly [Key in keyof Section]-?: Kind };

const train: Kinds<TrainConfig> = {
  epochs: "length", // what it does to the rates to come is said
  batch_size: "past",
  accumulate: "past",
  recompute: "free", // the same bits
  drop_last: "past",
  precision: "past",
  optimizer: "past",
  groups: "past",
  gradient_clip: "past",
  non_finite: "free",
  learning_rate: "rates",
  loss: "past",
  initialization: "past",
  weight_average: "past",
  evaluation: "free",
  early_stop: "free",
  checkpoints: "free",
};

const data: Kinds<DataConfig> = {
  dataset: "past",
  path: "free", // the same images from elsewhere
  resize: "past",
  normalize: "past",
  augment: "past",
};

const kinds: { readonly [Key in keyof ResolvedConfig]-?: Kind | Kinds<ResolvedConfig[Key]> } = {
  name: "free",
  seed: "past",
  data,
  model: "past",
  train,
};

function kindOf(path: string): Kind {
  let kind: unknown = kinds;
  for (const key of path.split(".")) {
    if (typeof kind !== "object") break;
    kind = (kind as Readonly<Record<string, unknown>>)[key];
  }
  invariant(typeof kind === "string", `${path} is neither said to alter the past nor not to`);
  return kind as Kind;
}

export function changesSince(before: Program, after: Program, step: number): ChangesSince {
  const changes = differences(before.config, after.config, "").map((change): Change => {
    const kind = kindOf(change.path);
    if (kind === "length") return { ...change, ...judgedByLength(after, step) };
    return { ...change, altersThePast: kind === "rates" ? movesPastRates(before, after, step) : kind === "past" };
  });
  return { changes, effects: effectsOnSchedule(before, after, step) };
}

function judgedByLength({ plan }: Program, step: number): Pick<Change, "altersThePast" | "because"> {
  if (plan.steps >= step) return { altersThePast: false };
  return { altersThePast: true, because: `that ends after step ${plan.steps}, and ${step} are done` };
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
      `the run now ends after ${epochs} ${epochs === 1 ? "epoch" : "epochs"} (${after.plan.steps} steps) instead of ${before.config.train.epochs}`,
    );
  }
  const [was, is] = [learningRateAt(before.plan, step), learningRateAt(after.plan, step)];
  if (was !== is) {
    effects.push(
      `the learning rate of step ${step + 1} is ${shown(is)} instead of ${shown(was)}; ` +
        `the ${step} steps already done keep the rates they had`,
    );
  }
  const hyper = (program: Program) => ({ learningRate: learningRateAt(program.plan, step), step: step + 1 });
  const [ratesBefore, ratesAfter] = [before, after].map((program) => groupRates(program.plan, hyper(program)));
  after.plan.groups.forEach(({ schedule }, index) => {
    const [then, now] = [ratesBefore![index], ratesAfter![index]];
    if (schedule === null || then === undefined || now === undefined || then === now) return; // said above, or new
    effects.push(
      `the rate of train.groups.${index - 1} at step ${step + 1} is ${shown(now)} instead of ${shown(then)}`,
    );
  });
  if (movesLaterAverages(before, after, step)) {
    effects.push(
      "train.weight_average moves otherwise from here on, since how far it moves depends on the length of the run",
    );
  }
  return effects;
}

function movesLaterAverages(before: Program, after: Program, step: number): boolean {
  const share = ({ config, plan }: Program, at: number) => averageShare(config.train, plan, at);
  for (let at = step + 1; at <= Math.min(before.plan.steps, after.plan.steps); at++) {
    if (share(before, at) !== share(after, at)) return true;
  }
  return false;
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
export function describeChange({ path, before, after, because }: Change): string {
  const reason = because === undefined ? "" : `; ${because}`;
  return `${path}: ${valueText(before)} in the run, ${valueText(after)} in the file${reason}`;
}

function valueText(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
