// Writes out what a file leaves unsaid: short forms become long ones, defaults are filled in from the language's table,
// and what follows from the data set (image size, classes, colours) is put in its place. Nothing is optional after.
import type {
  BlockConfig,
  DataConfig,
  EvaluationConfig,
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
import { invariant } from "../diagnostics/diagnostic.js";
import { isWrittenAs } from "./language/forms.js";
import type { Form, MapForm, OptionsForm, ShortFormsForm } from "./language/forms.js";
import { language } from "./language/language.js";
import type { NetConfig } from "./validate/validate.js";

/** Resolving a resolved configuration gives the same again. */
export function resolve(config: NetConfig): ResolvedConfig {
  const filled = withDefaults(config);
  const facts = datasetFacts(filled.data.dataset);
  const resolved: ResolvedConfig = {
    ...filled,
    data: { ...filled.data, normalize: normalization(filled.data.normalize, facts) },
    model: resolveModel(filled.model, filled.data, facts),
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
  readonly stem: Omit<StemConfig, "padding" | "pool"> & {
    readonly padding?: number;
    readonly pool: null | { readonly max: FilledWindow };
  };
  readonly stages: readonly FilledStage[];
  readonly pooling: "global_average" | { readonly average: FilledWindow } | { readonly max: FilledWindow };
  readonly classifier: Omit<ModelConfig["classifier"], "classes"> & { readonly classes?: number };
}

interface FilledWindow {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding: number;
}

type Group = Extract<BlockConfig, { group: unknown }>["group"];
type FilledStage = Omit<StageConfig, "projection" | "pool" | "block"> & {
  readonly pool: null | { readonly max: FilledWindow };
  readonly block:
    | "residual"
    | { readonly group: Omit<Group, "pool"> & { readonly pool: null | { readonly max: FilledWindow } } };
  readonly projection: false | "subsample" | (Omit<ProjectionConfig, "norm"> & Partial<Pick<ProjectionConfig, "norm">>);
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

function resolveModel(model: FilledModel, data: Filled["data"], facts: DatasetFacts): ModelConfig {
  const { stem, pooling } = model;
  const size = data.resize ?? facts;
  return {
    input: {
      height: model.input.height ?? size.height,
      width: model.input.width ?? size.width,
      channels: model.input.channels ?? facts.channels,
    },
    stem: {
      ...stem,
      padding: stem.padding ?? Math.floor((stem.kernel - 1) / 2),
      pool: resolvePool(stem.pool),
    },
    stages: model.stages.map(({ projection, pool, block, ...stage }) => ({
      ...stage,
      block: block === "residual" ? block : { group: { ...block.group, pool: resolvePool(block.group.pool) } },
      pool: resolvePool(pool),
      projection:
        typeof projection === "object" ? { bias: projection.bias, norm: projection.norm ?? stage.norm } : projection,
    })),
    pooling:
      pooling === "global_average"
        ? pooling
        : "average" in pooling
          ? { average: window(pooling.average) }
          : { max: window(pooling.max) },
    classifier: { ...model.classifier, classes: model.classifier.classes ?? facts.classes },
  };
}

function resolvePool(pool: null | { readonly max: FilledWindow }): null | { readonly max: WindowConfig } {
  return pool && { max: window(pool.max) };
}

function window({ kernel, stride, padding }: FilledWindow): WindowConfig {
  return { kernel, stride: stride ?? kernel, padding };
}

/** The long form of a value that the table's form allows, with the defaults that the table itself knows. */
function fill(form: Form, value: unknown): unknown {
  switch (form.kind) {
    case "map":
      return fillMap(form, value as Readonly<Record<string, unknown>>);
    case "options":
      return fillOption(form, value as string | Readonly<Record<string, unknown>>);
    case "short-forms":
      return fillShort(form, value);
    case "list":
      return (value as readonly unknown[]).map((item) => fill(form.item, item));
    default:
      return value;
  }
}

function fillMap(form: MapForm, values: Readonly<Record<string, unknown>>): unknown {
  const filled: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(form.keys)) {
    const value = values[name] === undefined ? key.default : values[name];
    if (value !== undefined) filled[name] = value === null ? null : fill(key.form, value);
    else invariant(key.derived !== undefined, `${name} has neither value nor default`);
  }
  return filled;
}

/** An option without settings stays its name; any other becomes a map of its name to all its settings. */
function fillOption(form: OptionsForm, value: string | Readonly<Record<string, unknown>>): unknown {
  const [name, settings] = typeof value === "string" ? [value, {}] : Object.entries(value)[0]!;
  const option = form.options[name]!;
  return option.settings ? { [name]: fill(option.settings, settings) } : name;
}

function fillShort(form: ShortFormsForm, value: unknown): unknown {
  const short = form.shorts.find((candidate) => isWrittenAs(candidate, value));
  if (!short) return fill(form.long, value);
  return short.expand ? fill(form.long, short.expand(value as never)) : value;
}
