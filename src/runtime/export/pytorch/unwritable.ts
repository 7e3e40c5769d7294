// ResolvedConfig → what of it the PyTorch project cannot do yet: refused with the place, never left out in silence.
// The tables are typed over the language: a new key does not type-check until it is said here whether it is written.
import type {
  AdamConfig,
  Augmentation,
  DataConfig,
  EvaluationConfig,
  InitializationConfig,
  MixConfig,
  OptimizerConfig,
  ResolvedConfig,
  TrainConfig,
} from "../../../compiler/config.js";
import type { Path } from "../../../compiler/diagnostics/diagnostic.js";

export interface Unwritable {
  readonly path: Path;
  /** "the PyTorch project has no …". */
  readonly message: string;
}

/** In the order of the file; empty where all of it can be written. */
export function unwritable(config: ResolvedConfig): Unwritable[] {
  const { data, train } = config;
  return [
    ...faultsOf(["data"], data, dataKeys),
    ...data.augment.flatMap((item, index) => faultsOfChoice(["data", "augment", index], item, augmentations)),
    ...faultsOf(["train"], train, trainKeys),
    ...faultsOfChoice(["train", "optimizer"], train.optimizer, optimizers),
    ...faultsOf(["train", "initialization"], train.initialization, initializationKeys),
    ...faultsOf(["train", "evaluation"], train.evaluation, evaluationKeys),
  ];
}

/** Written as it stands, or refused where the function finds a reason. */
type Support<Value> = "written" | ((value: Value) => string | undefined);
export type Keys<Section> = { readonly [Key in keyof Section]-?: Support<Section[Key]> };
/** The name of each alternative of `{a: …} | {b: …}`, with the keys of its settings. */
type Choices<Union> = {
  readonly [Name in NameIn<Union>]: Keys<SettingsOf<Union, Name>>;
};
type NameIn<Union> = Union extends object ? keyof Union : Union & string;
type SettingsOf<Union, Name extends PropertyKey> =
  Extract<Union, Record<Name, unknown>> extends never ? object : Extract<Union, Record<Name, unknown>>[Name];

const dataKeys: Keys<DataConfig> = {
  dataset: "written",
  path: "written",
  validation: (share) => (share === null ? undefined : "validation images kept from the training images"),
  resize: "written",
  normalize: "written",
  augment: "written",
};

const mix: Keys<MixConfig> = { alpha: "written", probability: "written" };

const augmentations: Choices<Augmentation> = {
  random_resized_crop: { scale: "written", ratio: "written" },
  random_crop: { padding: "written", mode: "written" },
  horizontal_flip: { probability: "written" },
  alternating_flip: {},
  translate: { pixels: "written", mode: "written" },
  color_jitter: { brightness: "written", contrast: "written", saturation: "written", hue: "written" },
  cutout: { size: "written" },
  mixup: mix,
  cutmix: mix,
};

const trainKeys: Keys<TrainConfig> = {
  epochs: "written",
  batch_size: "written",
  drop_last: "written",
  precision: "written",
  recompute: "written", // netc's own plan of memory; the numbers are the same without it
  accumulate: "written",
  layer_decay: "written", // a Program has it as groups
  gradient_clip: "written",
  optimizer: "written",
  groups: "written",
  learning_rate: "written", // whatever the plan makes of it
  loss: "written",
  initialization: "written",
  start: (start) =>
    start === null
      ? undefined
      : "the PyTorch project of a file draws its weights; train a step first, `netc run FILE --max-steps 1`, and export that run",
  weight_average: "written",
  evaluation: "written",
  non_finite: "written",
  early_stop: "written",
  checkpoints: "written",
};

const adam: Keys<AdamConfig> = {
  beta1: "written",
  beta2: "written",
  eps: "written",
  weight_decay: "written",
  decay_norm_and_bias: "written",
};

const optimizers: Choices<OptimizerConfig> = {
  sgd: {
    momentum: "written",
    nesterov: "written",
    weight_decay: "written",
    decoupled: "written",
    decay_norm_and_bias: "written",
  },
  adam,
  adamw: adam,
  muon: {
    momentum: "written",
    nesterov: "written",
    iterations: "written",
    normalize_weights: "written",
    weight_decay: "written",
  },
};

const initializationKeys: Keys<InitializationConfig> = {
  weights: "written",
  dirac: "written",
  bias: "written",
  zero_last_norm: "written",
};

const evaluationKeys: Keys<EvaluationConfig> = {
  every_epochs: "written",
  every_steps: "written",
  batch_size: "written",
  flip: "written",
  translate: "written",
};

export function faultsOf<Section extends object>(path: Path, section: Section, keys: Keys<Section>): Unwritable[] {
  return Object.entries(section).flatMap(([key, value]) => {
    const support = keys[key as keyof Section] as Support<unknown>;
    const message = support === "written" ? undefined : support(value);
    return message === undefined ? [] : [{ path: [...path, key], message }];
  });
}

function faultsOfChoice<Union>(path: Path, chosen: Union, choices: Choices<Union>): Unwritable[] {
  const entries = typeof chosen === "string" ? [[chosen, {}]] : Object.entries(chosen as object);
  const [[name, settings]] = entries as [[keyof typeof choices, object]];
  return faultsOf([...path, name as string], settings, choices[name] as Keys<object>);
}
