// ResolvedConfig → what of it the PyTorch project cannot do yet: refused with the place, never left out in silence.
// The tables are typed over the language: a new key does not type-check until it is said here whether it is written.
import type {
  AdamConfig,
  Augmentation,
  DataConfig,
  EvaluationConfig,
  InitializationConfig,
  OptimizerConfig,
  ResolvedConfig,
  StemConfig,
  TrainConfig,
} from "../../../compiler/config.js";
import type { Path } from "../../../compiler/diagnostic.js";

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
    ...faultsOf(["model", "stem"], config.model.stem, stemKeys),
    ...data.augment.flatMap((item, index) => faultsOfChoice(["data", "augment", index], item, augmentations)),
    ...faultsOf(["train"], train, trainKeys),
    ...faultsOfChoice(["train", "optimizer"], train.optimizer, optimizers),
    ...faultsOf(["train", "initialization"], train.initialization, initializationKeys),
    ...faultsOf(["train", "evaluation"], train.evaluation, evaluationKeys),
  ];
}

/** Of a whole alternative. */
interface Refusal {
  readonly refused: string;
}

/** Written as it stands, or refused where the function finds a reason. */
type Support<Value> = "written" | ((value: Value) => string | undefined);
type Keys<Section> = { readonly [Key in keyof Section]-?: Support<Section[Key]> };
/** The name of each alternative of `{a: …} | {b: …}`, with the keys of its settings. */
type Choices<Union> = {
  readonly [Name in NameIn<Union>]: Keys<SettingsOf<Union, Name>> | Refusal;
};
type NameIn<Union> = Union extends object ? keyof Union : Union & string;
type SettingsOf<Union, Name extends PropertyKey> =
  Extract<Union, Record<Name, unknown>> extends never ? object : Extract<Union, Record<Name, unknown>>[Name];

const dataKeys: Keys<DataConfig> = {
  dataset: (dataset) =>
    typeof dataset === "object" && "images" in dataset
      ? "data.py of the PyTorch project reads no folder of images yet"
      : undefined,
  path: "written",
  resize: "written",
  normalize: "written",
  augment: "written",
};

/** The network is written from its graph; what is not in that is how a weight comes about. */
const stemKeys: Keys<StemConfig> = {
  channels: "written",
  kernel: "written",
  stride: "written",
  padding: "written",
  bias: "written",
  whitening: (whitening) => (whitening === null ? undefined : "the PyTorch project has no whitening filters yet"),
  norm: "written",
  activation: "written",
  pool: "written",
};

const augmentations: Choices<Augmentation> = {
  random_resized_crop: { refused: "data.py of the PyTorch project does not crop and resize at random yet" },
  random_crop: { padding: "written", mode: "written" },
  horizontal_flip: { probability: "written" },
  alternating_flip: {},
  translate: { pixels: "written", mode: "written" },
  color_jitter: { refused: "data.py of the PyTorch project does not change colours yet" },
  cutout: { size: "written" },
  mixup: { refused: "data.py of the PyTorch project does not mix images yet" },
  cutmix: { refused: "data.py of the PyTorch project does not mix images yet" },
};

const trainKeys: Keys<TrainConfig> = {
  epochs: "written",
  batch_size: "written",
  drop_last: "written",
  precision: "written",
  accumulate: (batches) =>
    batches === 1 ? undefined : "train.py of the PyTorch project does not accumulate gradients yet",
  gradient_clip: (clip) => (clip === null ? undefined : "train.py of the PyTorch project does not clip gradients yet"),
  optimizer: "written",
  groups: (groups) =>
    groups.length === 0 ? undefined : "train.py of the PyTorch project has no groups of parameters yet",
  learning_rate: "written", // whatever the plan makes of it
  loss: "written",
  initialization: "written",
  weight_average: (average) =>
    average === null || "ema" in average ? undefined : "train.py of the PyTorch project averages weights by ema alone",
  evaluation: "written",
  non_finite: (rule) => (rule === "stop" ? undefined : "train.py of the PyTorch project leaves no step out yet"),
  early_stop: (rule) => (rule === null ? undefined : "train.py of the PyTorch project does not stop early yet"),
  checkpoints: ({ every_steps: every, keep_best: best, on_failure: onFailure }) =>
    every === null && best === 0 && onFailure === "continue"
      ? undefined
      : "train.py of the PyTorch project saves after epochs alone, and keeps the newest",
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
    decoupled: (decoupled) => (decoupled ? "PyTorch's SGD adds its decay to the gradient" : undefined),
    decay_norm_and_bias: "written",
  },
  adam,
  adamw: adam,
  muon: { refused: "train.py of the PyTorch project has no Muon yet" },
};

const initializationKeys: Keys<InitializationConfig> = {
  weights: (weights) =>
    weights === "kaiming_truncated" || weights === "orthogonal"
      ? `initialization.py of the PyTorch project does not draw ${weights} weights yet`
      : undefined,
  dirac: (dirac) => (dirac ? "initialization.py of the PyTorch project has no identities yet" : undefined),
  bias: "written",
  zero_last_norm: "written",
};

const evaluationKeys: Keys<EvaluationConfig> = {
  every_epochs: "written",
  every_steps: (every) =>
    every === null ? undefined : "train.py of the PyTorch project evaluates after whole epochs alone",
  batch_size: "written",
  flip: "written",
  translate: (pixels) => (pixels === 0 ? undefined : "train.py of the PyTorch project evaluates no moved images yet"),
};

function faultsOf<Section extends object>(path: Path, section: Section, keys: Keys<Section>): Unwritable[] {
  return Object.entries(section).flatMap(([key, value]) => {
    const support = keys[key as keyof Section] as Support<unknown>;
    const message = support === "written" ? undefined : support(value);
    return message === undefined ? [] : [{ path: [...path, key], message }];
  });
}

function faultsOfChoice<Union>(path: Path, chosen: Union, choices: Choices<Union>): Unwritable[] {
  const entries = typeof chosen === "string" ? [[chosen, {}]] : Object.entries(chosen as object);
  const [[name, settings]] = entries as [[keyof typeof choices, object]];
  const support = choices[name] as Keys<object> | Refusal;
  if ("refused" in support) return [{ path: [...path, name as string], message: support.refused }];
  return faultsOf([...path, name as string], settings, support);
}
