// Program → what the templates of train.py, schedule.py, initialization.py and data.py print: which of their parts the
// file asks for. Numbers stay in config.yaml, which the scripts read.
import type { Augmentation, InitializationConfig, LearningRateConfig, TrainConfig } from "../../../compiler/config.js";
import type { Program, ScheduleSegment } from "../../../compiler/program.js";
import { parametersOf } from "../../../compiler/parameters.js";
import { flattenedPixels } from "../../../compiler/targets/pytorch-layout.js";
import { averagesWeights } from "../../../compiler/weight-average.js";
import type { ModelView } from "./model-view.js";

export interface TrainView {
  readonly network: string;
  /** Python dictionaries and tuples, as they stand in the script. */
  readonly flattened: string;
  readonly slots: string;
  readonly rates: string;
  readonly averages: boolean;
  readonly flips: boolean;
  readonly optimizer: string;
  readonly optimizerClass: string;
  readonly sgd: boolean;
  readonly adam: boolean;
}

export interface ScheduleView {
  readonly epochs: number;
  /** The file's `learning_rate` as a Python literal of several lines. */
  readonly settings: string;
  /** Calls of `Piece`. */
  readonly pieces: readonly string[];
}

export interface InitializationView {
  readonly weights: string;
  readonly bias: string;
  readonly usesFanOut: boolean;
  readonly uniform: boolean;
  readonly randomImports: string;
  readonly zeroLastNorm: boolean;
  readonly lastNorms: ModelView["lastNorms"];
  readonly lastNormBlocks: string;
}

export interface DataView {
  readonly summary: string;
  readonly standardImports: readonly string[];
  readonly randomImports: string;
  readonly resizes: boolean;
  readonly cifar10: boolean;
  readonly augments: boolean;
  readonly makers: string;
  /** Either of the two after. */
  readonly shifts: boolean;
  readonly randomCrop: boolean;
  readonly translate: boolean;
  readonly alternatingFlip: boolean;
  readonly horizontalFlip: boolean;
  readonly cutout: boolean;
}

export function trainView({ config, graph }: Program, { network }: ModelView): TrainView {
  const { train } = config;
  const flattened = parametersOf(graph).filter(
    ({ role, node }) => role === "linear_weight" && flattenedPixels(graph, node) > 1,
  );
  const [optimizer] = Object.keys(train.optimizer) as [keyof typeof OPTIMIZERS];
  return {
    network,
    flattened: dictionary(
      flattened.map(({ name, node }) => [name.replace(/\.weight$/, ""), String(flattenedPixels(graph, node))]),
    ),
    slots: dictionary(slotsOf(train).map(([slot, key]) => [slot, quoted(key)])),
    rates: tuple(RATES[kindOf(train.learning_rate)].map(quoted)),
    averages: averagesWeights(train),
    flips: train.evaluation.flip,
    optimizer,
    optimizerClass: OPTIMIZERS[optimizer],
    sgd: optimizer === "sgd",
    adam: optimizer !== "sgd",
  };
}

const OPTIMIZERS = { sgd: "SGD", adam: "Adam", adamw: "AdamW" } as const;

/** netc's names of what an optimizer keeps (compiler/lower/optimizer-slots.ts), and PyTorch's. */
function slotsOf({ optimizer }: TrainConfig): readonly (readonly [string, string])[] {
  if ("sgd" in optimizer) return optimizer.sgd.momentum > 0 ? [["momentum", "momentum_buffer"]] : [];
  return [
    ["first_moment", "exp_avg"],
    ["second_moment", "exp_avg_sq"],
  ];
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
  return {
    epochs: config.train.epochs,
    settings: literal(config.train.learning_rate),
    pieces: plan.schedule.map((segment) => {
      const [first, last] = [segment.from, segment.to].map((step) => step / plan.stepsPerEpoch);
      return `Piece(${first}, ${last}, ${segment.start}, ${segment.end}${CURVES[segment.shape](segment)})`;
    }),
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

const WEIGHTS: Readonly<Record<InitializationConfig["weights"], { readonly draw: string; readonly bound: string }>> = {
  kaiming_normal: { draw: "normals", bound: "math.sqrt(2 / fan_in)" },
  kaiming_uniform: { draw: "uniform", bound: "math.sqrt(6 / fan_in)" },
  kaiming_truncated: { draw: "", bound: "" }, // refused
  orthogonal: { draw: "", bound: "" },
  uniform_fan_in: { draw: "uniform", bound: "1 / math.sqrt(fan_in)" },
  xavier_normal: { draw: "normals", bound: "math.sqrt(2 / (fan_in + fan_out))" },
  xavier_uniform: { draw: "uniform", bound: "math.sqrt(6 / (fan_in + fan_out))" },
};

export function initializationView({ config }: Program, { lastNorms }: ModelView): InitializationView {
  const { weights, bias, zero_last_norm: zeroLastNorm } = config.train.initialization;
  const { draw, bound } = WEIGHTS[weights];
  const zeroed = zeroLastNorm ? lastNorms : [];
  const uniform = draw === "uniform" || bias === "uniform_fan_in";
  return {
    weights:
      draw === "uniform"
        ? `uniform(${bound}, seed, index, count)`
        : `${bound} * normals(seed, "initialization", 0, index, count)`,
    bias: bias === "zero" ? "np.zeros(count)" : "uniform(1 / math.sqrt(fan_in), seed, index, count)",
    usesFanOut: bound.includes("fan_out"),
    uniform,
    randomImports: [...(draw === "normals" ? ["normals"] : []), ...(uniform ? ["uniforms"] : [])].join(", "),
    zeroLastNorm: zeroed.length > 0,
    lastNorms: zeroed,
    lastNormBlocks: [...new Set(zeroed.map(({ block }) => block))].toSorted().join(", "),
  };
}

type AugmentationKind = Augmentation extends infer Union ? (Union extends object ? keyof Union : Union) : never;

export function dataView({ config }: Program): DataView {
  const { dataset, resize, augment } = config.data;
  const cifar10 = dataset === "cifar10";
  const used = new Set(
    augment.map((item) => (typeof item === "string" ? item : (Object.keys(item)[0] as AugmentationKind))),
  );
  const augments = used.size > 0;
  return {
    summary: `The images: ${cifar10 ? "CIFAR-10" : "generated"}, changed at random for training, in batches.`,
    standardImports: [
      ...(cifar10 ? ["import os", "import tarfile"] : []),
      "from collections.abc import Callable, Iterator",
      "from dataclasses import dataclass",
      ...(cifar10 ? ["from pathlib import Path"] : []),
    ],
    randomImports: "RandomStream, permutation",
    resizes: resize !== null,
    cifar10,
    augments,
    makers: dictionary([...used].map((name) => [name, name])),
    shifts: used.has("random_crop") || used.has("translate"),
    randomCrop: used.has("random_crop"),
    translate: used.has("translate"),
    alternatingFlip: used.has("alternating_flip"),
    horizontalFlip: used.has("horizontal_flip"),
    cutout: used.has("cutout"),
  };
}

/** Numbers, switches and null of a configuration as Python, an item a line; keys are the language's own. */
function literal(value: unknown, indent = ""): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return typeof value === "number" ? String(value) : JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const items = Object.entries(value!).map(([key, item]) => {
    const name = Array.isArray(value) ? "" : `${quoted(key)}: `;
    return `${indent}    ${name}${literal(item, `${indent}    `)},\n`;
  });
  return items.length === 0 ? open + close : `${open}\n${items.join("")}${indent}${close}`;
}

/** Names here are netc's own: keys of the language and of the network, never a user's text. */
function quoted(name: string): string {
  return `"${name}"`;
}

function dictionary(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([key, value]) => `${quoted(key)}: ${value}`).join(", ")}}`;
}

function tuple(items: readonly string[]): string {
  return `(${items.join(", ")}${items.length === 1 ? "," : ""})`;
}
