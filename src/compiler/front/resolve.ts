// Writes out what a file leaves unsaid: short forms become long ones, defaults are filled in from the language's table,
// and what follows from the data set (image size, classes, colours) is put in its place. Nothing is optional after.
import type {
  BlockConfig,
  BlocksConfig,
  DataConfig,
  EvaluationConfig,
  Layers,
  ModelConfig,
  ProjectionConfig,
  ResolvedConfig,
  StageConfig,
  StemConfig,
  TrainConfig,
  WindowConfig,
} from "../config.js";
import { datasetFacts } from "../datasets.js";
import type { DatasetFacts } from "../datasets.js";
import { findBlock } from "../blocks/find-block.js";
import { settingForms } from "../blocks/setting-forms.js";
import { fill } from "./language/fill.js";
import { language } from "./language/language.js";
import type { NetConfig } from "./validate/validate.js";

/** Resolving a resolved configuration gives the same again. */
export function resolve(config: NetConfig): ResolvedConfig {
  const filled = withDefaults(config);
  const facts = datasetFacts(filled.data.dataset);
  const resolved: ResolvedConfig = {
    ...filled,
    data: { ...filled.data, normalize: normalization(filled.data.normalize, facts) },
    model: resolveModel(filled.model, filled.data, filled.blocks, facts),
    train: { ...filled.train, evaluation: resolveEvaluation(filled.train.evaluation) },
  };
  // Filling what is already full changes nothing but the order of keys, which becomes the table's.
  return fill(language, resolved) as ResolvedConfig;
}

/** The long form of everything, with the defaults that do not depend on other settings. */
export function withDefaults(config: NetConfig): Filled {
  return fill(language, config) as Filled;
}

/** The table's defaults are in; what depends on other settings may still be missing. */
export interface Filled extends Omit<ResolvedConfig, "data" | "model" | "train"> {
  readonly train: Omit<TrainConfig, "evaluation"> & { readonly evaluation: FilledEvaluation };
  readonly data: Omit<DataConfig, "normalize"> & { readonly normalize: FilledNormalize };
  readonly model: FilledModel;
}

type FilledEvaluation = Omit<EvaluationConfig, "every_epochs"> & { readonly every_epochs?: number | null };

type FilledNormalize =
  | "dataset"
  | { readonly mean: number | readonly number[]; readonly std: number | readonly number[] };

interface FilledModel extends Omit<ModelConfig, "input" | "stem" | "stages" | "pooling" | "classifier"> {
  readonly input: Partial<ModelConfig["input"]>;
  readonly stem: FilledStem | Layers;
  readonly stages: readonly FilledStage[];
  readonly pooling: "global_average" | FilledPool | Layers;
  readonly classifier: Omit<ModelConfig["classifier"], "classes"> & { readonly classes?: number };
}

type Own = "norm" | "activation";
type FilledStem = Omit<StemConfig, "padding" | "pool" | Own> &
  Partial<Pick<StemConfig, "padding" | Own>> & { readonly pool: null | { readonly max: FilledWindow } };

type FilledPool = { readonly average: FilledWindow } | { readonly max: FilledWindow };

interface FilledWindow {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
}

type FilledStage = Omit<StageConfig, "projection" | "pool" | Own> &
  Partial<Pick<StageConfig, Own>> & {
    readonly pool: null | { readonly max: FilledWindow };
    readonly projection:
      | false
      | "subsample"
      | (Omit<ProjectionConfig, "norm"> & Partial<Pick<ProjectionConfig, "norm">>);
  };

function normalization(written: FilledNormalize, facts: DatasetFacts): DataConfig["normalize"] {
  if (written === "dataset") return { mean: facts.mean, std: facts.std };
  const perChannel = (value: number | readonly number[]) =>
    typeof value === "number" ? Array.from({ length: facts.channels }, () => value) : value;
  return { mean: perChannel(written.mean), std: perChannel(written.std) };
}

/** Where both intervals are given, both stay, for a check to say so. */
function resolveEvaluation({ every_epochs: epochs = null, ...settings }: FilledEvaluation): EvaluationConfig {
  return { ...settings, every_epochs: epochs ?? (settings.every_steps === null ? 1 : null) };
}

function resolveModel(
  model: FilledModel,
  data: Filled["data"],
  blocks: BlocksConfig,
  facts: DatasetFacts,
): ModelConfig {
  const { stem, pooling, norm, activation } = model;
  const size = data.resize ?? facts;
  return {
    ...model,
    input: {
      height: model.input.height ?? size.height,
      width: model.input.width ?? size.width,
      channels: model.input.channels ?? facts.channels,
    },
    stem: isLayers(stem)
      ? stem
      : {
          norm,
          activation,
          ...stem,
          padding: stem.padding ?? Math.floor((stem.kernel - 1) / 2),
          pool: resolvePool(stem.pool),
        },
    stages: model.stages.map(({ projection, pool, block, ...stage }) => ({
      norm,
      activation,
      ...stage,
      block: resolveBlock(block, blocks),
      pool: resolvePool(pool),
      projection:
        typeof projection === "object"
          ? { bias: projection.bias, norm: projection.norm ?? stage.norm ?? norm }
          : projection,
    })),
    pooling: pooling === "global_average" || isLayers(pooling) ? pooling : chosenPool(pooling),
    classifier: { ...model.classifier, classes: model.classifier.classes ?? facts.classes },
  };
}

/** With what its settings default to. A block that there is not stays as it is, for a check to say so. */
function resolveBlock(written: BlockConfig, blocks: BlocksConfig): BlockConfig {
  const [name, given] = typeof written === "string" ? [written, {}] : Object.entries(written)[0]!;
  const block = findBlock(name, blocks);
  if (!block) return written;
  const form = settingForms(block);
  const known = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, isPool(value) ? chosenPool(value) : value]),
  );
  const settings = { ...known, ...(fill(form, known) as object) };
  return Object.keys(settings).length > 0 ? { [name]: settings } : name;
}

function isLayers(value: unknown): value is Layers {
  return Array.isArray(value);
}

function isPool(value: unknown): value is FilledPool {
  const [[name, settings] = [], second] = value !== null && typeof value === "object" ? Object.entries(value) : [];
  return (name === "max" || name === "average") && !second && settings !== null && typeof settings === "object";
}

function chosenPool(pool: FilledPool): { readonly average: WindowConfig } | { readonly max: WindowConfig } {
  return "average" in pool ? { average: window(pool.average) } : { max: window(pool.max) };
}

function resolvePool(pool: null | { readonly max: FilledWindow }): null | { readonly max: WindowConfig } {
  return pool && { max: window(pool.max) };
}

function window({ kernel, stride, padding = 0 }: FilledWindow): WindowConfig {
  return { kernel, stride: stride ?? kernel, padding };
}
