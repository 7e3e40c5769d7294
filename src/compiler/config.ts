// The resolved configuration: what a file means once every default is written out.
// Property names are the file's own keys, so a resolved config printed as YAML is again a valid file.
// `null` means "chosen to be absent"; nothing is optional.

import type { ParameterRole } from "./network/parameters.js";

export interface ResolvedConfig {
  readonly name: string;
  readonly seed: number;
  readonly data: DataConfig;
  readonly blocks: BlocksConfig;
  readonly model: ModelConfig;
  readonly train: TrainConfig;
}

// ---------------------------------------------------------------- data

export interface DataConfig {
  readonly dataset: "cifar10" | { readonly synthetic: SyntheticDataset } | { readonly images: ImagesDataset };
  /** An official `cifar-10-batches-bin` folder or its tar.gz; null uses the fetched copy in the cache. */
  readonly path: string | null;
  /** The share of the training images that choices are made by, in place of the test images; null makes them by these. */
  readonly validation: number | null;
  /** Pillow's bilinear on the 8-bit image, before augmentation. */
  readonly resize: { readonly height: number; readonly width: number } | null;
  /** Applied to x / 255, one value a channel. */
  readonly normalize: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** Applied in order to training images only. */
  readonly augment: readonly Augmentation[];
}

export interface SyntheticDataset {
  readonly train_images: number;
  readonly test_images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
}

/** How a picture of any size becomes one of the size that the data set has. */
export interface PictureFit {
  /** Resized, then cut to the middle. */
  readonly size: { readonly height: number; readonly width: number };
  /** What it is resized to before that: the shorter side, or both; null: as little as covers `size`. */
  readonly resize: null | number | { readonly height: number; readonly width: number };
  readonly interpolation: "bilinear" | "bicubic";
}

/** Pictures in a folder a class. */
export interface ImagesDataset extends PictureFit {
  /** Relative to where netc runs. */
  readonly folder: string;
  readonly grayscale: boolean;
  /** Share of each class that is kept for validation, where the folder has no split of its own. */
  readonly validation_share: number;
  readonly broken: "error" | "skip";
  /** Where decoded images are while training; "auto" only where nobody has looked into the folder, and then memory. */
  readonly held_in: "auto" | "memory" | "disk";
  /** What the folder holds; a resolved file keeps it, so that a trained network is complete without its pictures. */
  readonly classes: readonly string[];
  readonly train_images: number;
  readonly test_images: number;
}

export type Augmentation =
  | { readonly random_resized_crop: ResizedCropConfig }
  | { readonly random_crop: { readonly padding: number; readonly mode: "zero" | "reflect" } }
  | { readonly horizontal_flip: { readonly probability: number } }
  /** In an image's first epoch by chance, from then on in turn: mirrored in every second epoch. */
  | "alternating_flip"
  /** Moves by up to that many pixels each way. */
  | { readonly translate: { readonly pixels: number; readonly mode: "zero" | "reflect" } }
  | { readonly color_jitter: ColorJitterConfig }
  | { readonly cutout: { readonly size: number } }
  /** Both mix an image with the one before it in its batch, by a share that is drawn from Beta(alpha, alpha). */
  | { readonly mixup: MixConfig }
  | { readonly cutmix: MixConfig };

/** Each from the first number to the second: the share of the image's area, and width by height. */
export interface ResizedCropConfig {
  readonly scale: readonly number[];
  readonly ratio: readonly number[];
}

/** How far each may be changed; 0 is not at all. */
export interface ColorJitterConfig {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly hue: number;
}

export interface MixConfig {
  readonly alpha: number;
  /** The share of images that are mixed. */
  readonly probability: number;
}

// ---------------------------------------------------------------- model

export interface ModelConfig {
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  /** What stem and stages have that do not say it. */
  readonly norm: NormConfig;
  readonly activation: ActivationConfig;
  readonly stem: StemConfig | Layers;
  readonly stages: readonly StageConfig[];
  readonly pooling: PoolingConfig | Layers;
  readonly classifier: {
    readonly classes: number;
    readonly bias: boolean;
    /** The logits are multiplied by it. */
    readonly scale: number;
    /** What stands before the linear layer. */
    readonly layers: Layers;
  };
}

/** A layer as the file writes it, by the table in `blocks/layers.ts`: its name, or a map of it to its settings. */
export type LayerConfig = string | Readonly<Record<string, unknown>>;
export type Layers = readonly LayerConfig[];

/** The file's own, by name. */
export type BlocksConfig = Readonly<Record<string, BlockDefinition>>;

/** Lists that are null are those of what it extends, or empty. */
export interface BlockDefinition {
  readonly description: string | null;
  readonly source: string | null;
  readonly extends: string | null;
  readonly settings: Readonly<Record<string, BlockSetting>>;
  /** Before branch and projection; the identity leads around it. */
  readonly before: Layers | null;
  readonly branch: Layers | null;
  /** Behind the branch. */
  readonly end: Layers;
  /** Whether the shortcut is added to the branch. */
  readonly shortcut: boolean | null;
  /** What stands on the shortcut of blocks that have no projection. */
  readonly identity: Layers | null;
  /** The shortcut where a stage asks for it; "none" leaves the addition out where shapes change. */
  readonly projection: Layers | "none" | null;
  readonly after: Layers | null;
}

export interface BlockSetting {
  readonly default: SettingValue;
  readonly description: string | null;
}

/** A number, an expression, a word, or whatever the layer takes that reads it. */
export type SettingValue = unknown;

export type NormConfig =
  | "none"
  | {
      readonly batch: {
        readonly eps: number;
        readonly momentum: number;
        /** Learned factors beside the shifts. */ readonly scale: boolean;
      };
    }
  | { readonly layer: { readonly eps: number } }
  | { readonly group: { readonly groups: number; readonly eps: number } };
export type ActivationConfig = "none" | "relu" | "gelu" | "relu6" | "silu" | "hard_swish";
export interface WindowConfig {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

export interface StemConfig {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly bias: boolean;
  /** Filters that whiten the patches of the training images, set before the first step and frozen; null trains them. */
  readonly whitening: null | WhiteningConfig;
  readonly norm: NormConfig;
  readonly activation: ActivationConfig;
  readonly pool: null | { readonly max: WindowConfig };
}

export interface ProjectionConfig {
  readonly bias: boolean;
  readonly norm: NormConfig;
}

export interface WhiteningConfig {
  /** How many training images, the first in their order, the covariance of patches is taken over. */
  readonly images: number;
  /** Added to each variance before its root is taken. */
  readonly eps: number;
}

export interface StageConfig {
  readonly channels: number;
  readonly blocks: number;
  readonly block: BlockConfig;
  /** Stride of the first block's first convolution (and of its projection). */
  readonly stride: number;
  /** Pooling before the first block. */
  readonly pool: null | { readonly max: WindowConfig };
  /** Layers before the first block, behind the pool. */
  readonly before: Layers;
  /** Shortcut of the first block: identity (false), every stride-th pixel with zeros as further channels, or a 1×1 convolution. */
  readonly projection: false | "subsample" | ProjectionConfig;
  readonly norm: NormConfig;
  readonly activation: ActivationConfig;
  /** Activation on the residual branch before the addition, as in the tutorial's block. */
  readonly activation_before_add: boolean;
}

/** The name of a block, and what the stage sets of its settings. */
export type BlockConfig = string | Readonly<Record<string, Readonly<Record<string, SettingValue>>>>;

export type PoolingConfig = "global_average" | { readonly average: WindowConfig } | { readonly max: WindowConfig };

// ---------------------------------------------------------------- train

export interface TrainConfig {
  readonly epochs: number;
  readonly batch_size: number;
  /** Parts that a batch is worked on in, one after another, for one update; a divisor of `batch_size`. */
  readonly accumulate: number;
  /** Compute more maps a second time in the backward pass rather than keep them (lower/recompute.ts): the same bits. */
  readonly recompute: boolean;
  /** Leave out the last, smaller batch of an epoch. */
  readonly drop_last: boolean;
  /** Type of what convolutions and the classifier multiply; weights, sums and statistics are float32. */
  readonly precision: "float32" | "bfloat16";
  readonly optimizer: OptimizerConfig;
  /** Parameters that are trained otherwise; each belongs to the first group that it fits, or to none. */
  readonly groups: readonly GroupConfig[];
  /** What the rate falls by from each layer to the one below; null in a Program, where `groups` say the rates. */
  readonly layer_decay: null | number;
  /** What becomes of a step whose loss or gradients are not finite: the run ends, or the step is left out, `limit` times. */
  readonly non_finite: "stop" | { readonly skip: { readonly limit: number } };
  /** The most that the L2 norm over all gradients together may be; larger ones are scaled down to it. */
  readonly gradient_clip: null | { readonly norm: number };
  readonly learning_rate: LearningRateConfig;
  readonly loss: { readonly cross_entropy: { readonly label_smoothing: number } };
  readonly initialization: InitializationConfig;
  /** Trained weights that the first step begins with, in place of drawn ones. */
  readonly start: null | StartConfig;
  /** What evaluation and the saved model use: the weights themselves (null) or a running average of them. */
  readonly weight_average: null | WeightAverageConfig;
  readonly evaluation: EvaluationConfig;
  readonly early_stop: null | EarlyStopConfig;
  readonly checkpoints: CheckpointsConfig;
}

export type OptimizerConfig =
  | {
      readonly sgd: {
        readonly momentum: number;
        readonly nesterov: boolean;
        readonly weight_decay: number;
        /** Takes rate × weight_decay × weight off the weight, in place of adding weight_decay × weight to the gradient. */
        readonly decoupled: boolean;
        /** Whether weight decay reaches norm parameters and biases too. */
        readonly decay_norm_and_bias: boolean;
      };
    }
  | { readonly adam: AdamConfig }
  | { readonly adamw: AdamConfig }
  | { readonly muon: MuonConfig };

export interface AdamConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  readonly decay_norm_and_bias: boolean;
}

export interface MuonConfig {
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Newton-Schulz iterations towards the nearest orthogonal matrix. */
  readonly iterations: number;
  /** Brings each tensor to the norm √(output channels) before every update. */
  readonly normalize_weights: boolean;
  /** Decoupled. */
  readonly weight_decay: number;
}

/** Which parameters, and what is theirs instead of the training's own; null and empty lists stand for "as all". */
export interface GroupConfig {
  readonly roles: readonly ParameterRole[];
  /** Names of layers, whole or their beginning up to a dot. */
  readonly layers: readonly string[];
  readonly optimizer: null | OptimizerConfig;
  readonly learning_rate: null | LearningRateConfig;
  readonly rate_factor: number;
  readonly weight_decay: null | number;
  /** The epoch, whole or not, from which on they are trained; frozen until then. */
  readonly from_epoch: number;
  /** The epochs, whole or not, that they are trained for; frozen after. */
  readonly epochs: null | number;
  /** What batch norms whose parameters are all frozen normalise by. */
  readonly frozen_norms: "running" | "batch";
}

export type WeightAverageConfig =
  /** Exponential moving average, every step. */
  | { readonly ema: { readonly decay: number } }
  /** Every so many steps the average moves towards the weights, and the weights go on from it. */
  | { readonly lookahead: { readonly every_steps: number; readonly decay: number; readonly power: number } }
  /** The plain mean of the weights at every so many steps, from an epoch on. */
  | { readonly stochastic: { readonly from_epoch: number; readonly every_steps: number } };

/**
 * Every schedule is a function of the step. Its durations are in epochs, which may be fractional, or in steps: of each pair of
 * keys one is null, or 0 for a warm-up. The warm-up is linear from 0.
 */
export type LearningRateConfig =
  | { readonly constant: { readonly rate: number } & WarmupConfig }
  | {
      readonly step: {
        readonly rate: number;
        readonly factor: number;
        readonly every_epochs: number | null;
        readonly every_steps: number | null;
      } & WarmupConfig;
    }
  | {
      readonly multi_step: {
        readonly rate: number;
        readonly factor: number;
        readonly milestones: readonly number[] | null;
        readonly milestone_steps: readonly number[] | null;
      } & WarmupConfig;
    }
  | { readonly cosine: { readonly rate: number; readonly end: number } & WarmupConfig }
  | {
      readonly cosine_restarts: {
        readonly rate: number;
        readonly end: number;
        readonly period_epochs: number | null;
        readonly period_steps: number | null;
        /** Each period is the one before it times this. */
        readonly period_growth: number;
      } & WarmupConfig;
    }
  | { readonly linear: { readonly rate: number; readonly end: number } & WarmupConfig }
  /** end + (rate − end) · (1 − share of training)^power */
  | { readonly polynomial: { readonly rate: number; readonly end: number; readonly power: number } & WarmupConfig }
  /** From `start` to `peak` at `peak_at` (share of training), then to `end`, both in a line or along half a cosine. */
  | {
      readonly one_cycle: {
        readonly peak: number;
        readonly start: number;
        readonly end: number;
        readonly peak_at: number;
        readonly shape: "linear" | "cosine";
      };
    };

export interface WarmupConfig {
  readonly warmup_epochs: number;
  readonly warmup_steps: number | null;
}

export interface InitializationConfig {
  readonly weights:
    | "kaiming_normal"
    | "kaiming_uniform"
    | "kaiming_truncated"
    | "xavier_normal"
    | "xavier_uniform"
    | "uniform_fan_in"
    | "orthogonal";
  /** Start convolutions but the first as the identity on as many outputs as they have inputs (arXiv 1706.00388). */
  readonly dirac: boolean;
  /** Biases of convolutions and the classifier: zero, or uniform ±1/√fan_in (PyTorch's default). */
  readonly bias: "zero" | "uniform_fan_in";
  /** Start each residual branch at zero: scale of its last norm (arXiv 1706.02677 §5.1). */
  readonly zero_last_norm: boolean;
}

export interface StartConfig {
  /** A file, relative to where netc runs; a run or one of its checkpoints; an https address. */
  readonly weights: string;
  readonly sha256: string | null;
  readonly head: "kept" | "new";
  /** Names of the network's layers or tensors, whole or their beginning up to a dot, that keep their drawn values. */
  readonly new: readonly string[];
  /** The same of the file's tensors, which are not used. */
  readonly skip: readonly string[];
}

export interface EvaluationConfig {
  /** Epochs from one evaluation to the next; null where `every_steps` counts steps instead. */
  readonly every_epochs: number | null;
  readonly every_steps: number | null;
  readonly batch_size: number;
  /** Average the logits of each image and its mirror image. */
  readonly flip: boolean;
  /** Average in the logits of each image moved by so many pixels up and left and down and right, at half the weight; 0 is not. */
  readonly translate: number;
}

export interface EarlyStopConfig {
  readonly metric: "test_accuracy" | "test_loss";
  /** Evaluations in a row without an improvement. */
  readonly patience: number;
  /** What an evaluation has to be better by to count as an improvement. */
  readonly min_delta: number;
}

export interface CheckpointsConfig {
  readonly every_epochs: number;
  /** null: none within epochs. */
  readonly every_steps: number | null;
  /** How many of the newest stay on the disk, and how many of the best beside them. */
  readonly keep: number;
  readonly keep_best: number;
  readonly on_failure: "continue" | "stop";
}
