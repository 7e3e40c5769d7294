// The program a run was trained with so far, and the one it is to go on with → what changed: each difference that would
// have made the steps already done come out otherwise is refused, the others are allowed and their effect is said.
import type {
  DataConfig,
  GroupConfig,
  ImagesDataset,
  ResolvedConfig,
  StartConfig,
  TrainConfig,
} from "../../compiler/config.js";
import { invariant } from "../../compiler/diagnostics/diagnostic.js";
import { learningRateAt, plan } from "../../compiler/training/plan.js";
import type { PlannedGroup, Program, TrainPlan } from "../../compiler/program.js";
import { groupRates } from "../../compiler/training/training-phases.js";
import { averageShare } from "../../compiler/training/weight-average.js";

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

const group: Kinds<GroupConfig> = {
  roles: "past",
  layers: "past",
  optimizer: "past",
  learning_rate: "rates",
  rate_factor: "rates",
  weight_decay: "past",
  from_epoch: "past",
  epochs: "past",
  frozen_norms: "past",
};

/** What was begun with is in the checkpoint; where it came from may have moved. */
const start: Kinds<StartConfig> = { weights: "free", sha256: "free", head: "past", new: "past", skip: "past" };

const train: Kinds<Omit<TrainConfig, "groups" | "start">> & {
  readonly groups: Kinds<GroupConfig>;
  readonly start: Kinds<StartConfig>;
} = {
  epochs: "length", // what it does to the rates to come is said
  batch_size: "past",
  accumulate: "past",
  recompute: "free", // the same bits
  drop_last: "past",
  precision: "past",
  optimizer: "past",
  groups: group,
  layer_decay: "rates",
  gradient_clip: "past",
  non_finite: "free",
  learning_rate: "rates",
  loss: "past",
  initialization: "past",
  start,
  weight_average: "past",
  evaluation: "free",
  early_stop: "free",
  checkpoints: "free",
};

const images: Kinds<ImagesDataset> = {
  folder: "free", // the same images from elsewhere: see run-pictures.ts
  size: "past",
  resize: "past",
  interpolation: "past",
  grayscale: "past",
  validation_share: "past",
  broken: "past",
  held_in: "free", // the same bits
  classes: "past",
  train_images: "past",
  test_images: "past",
};

const data: Kinds<Omit<DataConfig, "dataset">> & { readonly dataset: object } = {
  dataset: { images, synthetic: "past" },
  path: "free", // the same images from elsewhere
  validation: "past",
  resize: "past",
  normalize: "past",
  augment: "past",
};

const kinds: { readonly [Key in keyof ResolvedConfig]-?: Kind | object } = {
  name: "free",
  seed: "past",
  data,
  blocks: "past",
  model: "past",
  train,
};

function kindOf(path: string): Kind {
  let kind: unknown = kinds;
  for (const key of path.split(".")) {
    if (typeof kind !== "object") break;
    if (!isPlace(key)) kind = (kind as Readonly<Record<string, unknown>>)[key];
  }
  if (typeof kind === "object") return "past"; // as a whole: another data set, another number of groups
  invariant(typeof kind === "string", `${path} is neither said to alter the past nor not to`);
  return kind as Kind;
}

function isPlace(key: string): boolean {
  return /^\d+$/.test(key);
}

export function changesSince(before: Program, after: Program, step: number): ChangesSince {
  const changes = differences(before.config, after.config, "").map((change): Change => {
    const kind = kindOf(change.path);
    if (kind === "length") return { ...change, ...judgedByLength(after, step) };
    if (kind === "rates") return { ...change, altersThePast: movesPastRates(before, after, step, change.path) };
    return { ...change, altersThePast: kind === "past" };
  });
  return { changes, effects: effectsOnSchedule(before, after, step) };
}

function judgedByLength({ plan }: Program, step: number): Pick<Change, "altersThePast" | "because"> {
  if (plan.steps >= step) return { altersThePast: false };
  return { altersThePast: true, because: `that ends after step ${plan.steps}, and ${step} are done` };
}

/**
 * A schedule may change from the next step on: where the steps done would have had the rates that they had, or those that the
 * old schedule gives them in a run as long as the new one, since the length alone may change.
 */
function movesPastRates(before: Program, after: Program, step: number, path: string): boolean {
  const place = /^train\.groups\.(\d+)\./.exec(path)?.[1];
  const index = place === undefined ? 0 : Number(place) + 1; // see TrainPlan.groups
  const { epochs } = after.config.train;
  const lengthened = plan({ ...before.config, train: { ...before.config.train, epochs } });
  const steps = Array.from({ length: step }, (_, past) => past);
  const isSame = (one: TrainPlan): boolean =>
    steps.every((past) => ratesAt(one, past)[index] === ratesAt(after.plan, past)[index]);
  return !isSame(before.plan) && !isSame(lengthened);
}

/** Of the training's own parameters and each group's, in a step counted from 0. */
function ratesAt(plan: TrainPlan, step: number): number[] {
  return groupRates(plan, { learningRate: learningRateAt(plan, step), step: step + 1 });
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
  const [ratesBefore, ratesAfter] = [ratesAt(before.plan, step), ratesAt(after.plan, step)];
  after.plan.groups.forEach((group, index) => {
    const [then, now] = [ratesBefore[index], ratesAfter[index]];
    if (then === undefined || now === undefined || then === now) return;
    if (followsTraining(before.plan.groups[index]!, group)) return; // said above
    effects.push(
      `the rate of train.groups.${index - 1} at step ${step + 1} is ${shown(now)} instead of ${shown(then)}`,
    );
  });
  if (movesLaterAverages(before, after, step)) {
    effects.push(
      "train.weight_average moves differently from here on, since how far it moves depends on the length of the run",
    );
  }
  return effects;
}

function followsTraining(before: PlannedGroup, after: PlannedGroup): boolean {
  return before.schedule === null && after.schedule === null && before.factor === after.factor;
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
