// Program → what the templates of train.py, checkpoint.py and schedule.py print: which of their parts the file asks for.
// Numbers stay in config.yaml, which the scripts read.
import { whiteningStem } from "../../../compiler/network/whitening-stem.js";
import type { LearningRateConfig, ResolvedConfig } from "../../../compiler/config.js";
import type { Program, ScheduleSegment } from "../../../compiler/program.js";
import { parametersOf } from "../../../compiler/network/parameters.js";
import { flattenedPixels } from "../../../compiler/targets/pytorch-layout.js";
import type { DataView } from "./data-view.js";
import type { ModelView } from "./model-view.js";
import type { OptimizerView } from "./optimizer-view.js";
import { dictionary, literal, quoted, tuple } from "./python.js";

export interface TrainView {
  readonly network: string;
  readonly optimizerImports: string;
  /** Python dictionaries and tuples, as they stand in the script. */
  readonly flattened: string;
  readonly written: string;
  readonly choices: string;
  readonly rates: string;
  readonly groups: boolean;
  readonly ownSchedules: boolean;
  /** Whether a group is trained for a part of the run alone. */
  readonly freezes: boolean;
  readonly averages: boolean;
  readonly ema: boolean;
  readonly lookahead: boolean;
  readonly stochastic: boolean;
  readonly flips: boolean;
  readonly translates: boolean;
  readonly adam: boolean;
  readonly otherOptimizers: boolean;
  readonly slotsByGroup: boolean;
  readonly whitens: boolean;
  /** The images that filters whiten. */
  readonly plainImages: string;
  readonly resizesPlain: boolean;
  readonly mixes: boolean;
  /** What the loader gives: names, and as parameters; and a part of it. */
  readonly batch: string;
  readonly batchParameters: string;
  readonly ownBatch: string;
  readonly accumulates: boolean;
  readonly clips: boolean;
  readonly skips: boolean;
  /** Whether a step that is left out has running statistics to put back. */
  readonly keepsStatistics: boolean;
  /** Images of an epoch whose steps were not left out. */
  readonly seen: string;
  readonly early: boolean;
  /** Whether there are evaluations before an epoch is over, and whether these can end the run. */
  readonly evaluatesWithin: boolean;
  readonly stopsWithin: boolean;
  readonly keepsBest: boolean;
  readonly everySteps: boolean;
  readonly stopsUnsaved: boolean;
  /** Any of those that save at other times than after epochs. */
  readonly extraCheckpoints: boolean;
}

export interface ScheduleView {
  readonly epochs: number;
  /** The file's `learning_rate` as a Python literal of several lines. */
  readonly settings: string;
  /** Calls of `Piece`. */
  readonly pieces: readonly string[];
  readonly pieceList: string;
  readonly groups: boolean;
  readonly freezes: boolean;
  readonly ownSchedules: readonly {
    readonly place: number;
    readonly settings: string;
    readonly pieces: readonly string[];
  }[];
}

export function trainView(
  { config, graph }: Program,
  { network }: ModelView,
  optimizer: OptimizerView,
  data: DataView,
): TrainView {
  const { train } = config;
  const flattened = parametersOf(graph).filter(
    ({ role, node }) => role === "linear_weight" && flattenedPixels(graph, node) > 1,
  );
  const { weight_average: average, checkpoints } = train;
  const schedules = [train.learning_rate, ...train.groups.flatMap(({ learning_rate: own }) => own ?? [])];
  const batch = ["images", "labels", ...(data.mixes ? ["others", "shares"] : [])];
  const early = train.early_stop !== null;
  const evaluatesWithin = train.evaluation.every_steps !== null;
  const [keepsBest, everySteps] = [checkpoints.keep_best > 0, checkpoints.every_steps !== null];
  const skips = train.non_finite !== "stop";
  const resizesPlain = whiteningStem(config.model) !== undefined && data.resizedCrop && data.resizes;
  return {
    network,
    optimizerImports: [
      ...(optimizer.slotsByGroup ? [] : ["SLOTS"]),
      "make_optimizer",
      ...(optimizer.slotsByGroup ? ["slots_of"] : []),
    ].join(", "),
    flattened: dictionary(
      flattened.map(({ name, node }) => [name.replace(/\.weight$/, ""), String(flattenedPixels(graph, node))]),
    ),
    written: literal(writtenFor(config)),
    choices: literal(chosenIn(config)),
    rates: tuple([...new Set(schedules.flatMap((schedule) => RATES[kindOf(schedule)]))].map(quoted)),
    groups: train.groups.length > 0,
    ownSchedules: schedules.length > 1,
    freezes: train.groups.some(({ epochs }) => epochs !== null),
    averages: average !== null,
    ema: average !== null && "ema" in average,
    lookahead: average !== null && "lookahead" in average,
    stochastic: average !== null && "stochastic" in average,
    flips: train.evaluation.flip,
    translates: train.evaluation.translate > 0,
    adam: optimizer.adam,
    otherOptimizers: optimizer.several && optimizer.adam && optimizer.slotsByGroup,
    slotsByGroup: optimizer.slotsByGroup,
    whitens: whiteningStem(config.model) !== undefined,
    plainImages: resizesPlain ? RESIZED_IMAGES : "self.train_images.images",
    resizesPlain,
    mixes: data.mixes,
    batch: batch.join(", "),
    batchParameters: batch.map((name) => `${name}: Tensor`).join(", "),
    ownBatch: batch.map((name) => `${name}[own]`).join(", "),
    accumulates: train.accumulate > 1,
    clips: train.gradient_clip !== null,
    skips,
    keepsStatistics: skips && graph.nodes.some(({ op }) => op.kind === "batch_norm"),
    seen: skips ? 'max(progress["images"], 1)' : 'progress["images"]',
    early,
    evaluatesWithin,
    stopsWithin: evaluatesWithin && early,
    keepsBest,
    everySteps,
    stopsUnsaved: checkpoints.on_failure === "stop",
    extraCheckpoints: everySteps || keepsBest || early,
  };
}

/** With random crops the training images are resized as they are cut out. */
const RESIZED_IMAGES = 'resized(self.train_images, **config["data"]["resize"]).images';

/** What a file that does not ask for a part says of it; with anything else the scripts would need that part. */
const LEFT_OUT: readonly (readonly [path: string, value: unknown])[] = [
  ["data.resize", null],
  ["train.accumulate", 1],
  ["train.groups", []],
  ["train.gradient_clip", null],
  ["train.weight_average", null],
  ["train.evaluation.translate", 0],
  ["train.evaluation.every_steps", null],
  ["train.early_stop", null],
  ["train.non_finite", "stop"],
  ["train.checkpoints.every_steps", null],
  ["train.checkpoints.keep_best", 0],
];

/** By path, the settings whose other values need other scripts. */
function writtenFor(config: ResolvedConfig): Readonly<Record<string, unknown>> {
  const { evaluation, checkpoints, initialization } = config.train;
  const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
  return {
    ...Object.fromEntries(LEFT_OUT.filter(([path, value]) => isSame(valueAt(config, path), value))),
    "train.evaluation.flip": evaluation.flip,
    "train.checkpoints.on_failure": checkpoints.on_failure,
    "train.initialization": initialization,
  };
}

/** By path, the names of what is chosen there; their settings may be changed. */
function chosenIn(config: ResolvedConfig): Readonly<Record<string, readonly string[]>> {
  const { data, train } = config;
  const namesOf = (chosen: readonly (string | object)[]): string[] =>
    chosen.map((item) => (typeof item === "string" ? item : Object.keys(item)[0]!));
  return {
    "data.dataset": namesOf([data.dataset]),
    "data.augment": namesOf(data.augment),
    "train.optimizer": namesOf([train.optimizer]),
    ...(train.weight_average && { "train.weight_average": namesOf([train.weight_average]) }),
  };
}

function valueAt(config: object, path: string): unknown {
  return path.split(".").reduce((value: unknown, key) => (value as Record<string, unknown>)[key], config);
}

type Kind = LearningRateConfig extends infer Union ? (Union extends object ? keyof Union : never) : never;

/** The settings of each schedule that are rates: they grow with the batch. */
const RATES: Readonly<Record<Kind, readonly string[]>> = {
  constant: ["rate"],
  step: ["rate"],
  multi_step: ["rate"],
  cosine: ["rate", "end"],
  cosine_restarts: ["rate", "end"],
  linear: ["rate", "end"],
  polynomial: ["rate", "end"],
  one_cycle: ["start", "peak", "end"],
};

/** Whatever the schedule, the plan has it in pieces; in epochs they do not depend on the batch. */
export function scheduleView({ config, plan }: Program): ScheduleView {
  const { groups, epochs, learning_rate: common } = config.train;
  const piecesOf = (schedule: readonly ScheduleSegment[]): string[] =>
    schedule.map((segment) => {
      const [first, last] = [segment.from, segment.to].map((step) => step / plan.stepsPerEpoch);
      return `Piece(${first}, ${last}, ${segment.start}, ${segment.end}${CURVES[segment.shape](segment)})`;
    });
  const ownSchedules = groups.flatMap(({ learning_rate, epochs: trained }, place) =>
    learning_rate === null
      ? []
      : [
          {
            place,
            settings: literal({ learning_rate, epochs: trained }, "        "),
            pieces: piecesOf(plan.groups[place + 1]!.schedule!),
          },
        ],
  );
  return {
    epochs,
    settings: literal(common),
    pieces: piecesOf(plan.schedule),
    pieceList: ownSchedules.length > 0 ? "pieces" : "PIECES",
    groups: groups.length > 0,
    freezes: groups.some(({ epochs: trained }) => trained !== null),
    ownSchedules,
  };
}

const CURVES: Readonly<Record<ScheduleSegment["shape"], (segment: ScheduleSegment) => string>> = {
  constant: () => "",
  linear: () => "",
  cosine: () => ', curve="cosine"',
  polynomial: (segment) => (segment.shape === "polynomial" ? `, power=${segment.power}` : ""),
};

function kindOf(learningRate: LearningRateConfig): Kind {
  return Object.keys(learningRate)[0] as Kind;
}
