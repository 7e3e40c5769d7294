// A resolved configuration of a network small enough for any test; parts are replaced by what a test is about.
import type { DataConfig, ModelConfig, ResolvedConfig, TrainConfig } from "../../src/compiler/config.js";

export interface TinyParts {
  readonly name?: string;
  readonly seed?: number;
  readonly data?: Partial<DataConfig>;
  readonly model?: Partial<ModelConfig>;
  readonly train?: Partial<TrainConfig>;
}

const BATCH = { batch: { eps: 1e-5, momentum: 0.1, scale: true } };

/** 40 generated images of 8×8×3 in four classes; batches of 12, so the last of an epoch has four images. */
export function tinyConfig({ name = "tiny", seed = 7, data, model, train }: TinyParts = {}): ResolvedConfig {
  const images = {
    train_images: 40,
    test_images: 10,
    height: 8,
    width: 8,
    channels: 3,
    classes: 4,
  };
  return {
    name,
    seed,
    data: {
      dataset: { synthetic: images },
      path: null,
      validation: null,
      resize: null,
      normalize: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
      augment: [],
      ...data,
    },
    blocks: {},
    model: {
      input: { height: 8, width: 8, channels: 3 },
      stem: {
        channels: 4,
        kernel: 3,
        stride: 1,
        padding: 1,
        bias: false,
        whitening: null,
        norm: BATCH,
        activation: "relu",
        pool: null,
      },
      norm: BATCH,
      activation: "relu",
      stages: [
        {
          channels: 6,
          blocks: 2,
          block: "residual",
          stride: 2,
          projection: { bias: true, norm: "none" },
          norm: BATCH,
          activation: "relu",
          activation_before_add: false,
          pool: null,
          before: [],
        },
      ],
      pooling: "global_average",
      classifier: { classes: 4, bias: true, scale: 1, layers: [] },
      ...model,
    },
    train: {
      epochs: 3,
      batch_size: 12,
      precision: "float32",
      accumulate: 1,
      recompute: false,
      drop_last: false,
      optimizer: {
        sgd: { momentum: 0.9, nesterov: true, weight_decay: 5e-4, decoupled: false, decay_norm_and_bias: false },
      },
      groups: [],
      non_finite: "stop",
      layer_decay: null,
      gradient_clip: null,
      learning_rate: { cosine: { rate: 0.1, end: 0, warmup_epochs: 0.5, warmup_steps: null } },
      loss: { cross_entropy: { label_smoothing: 0.1 } },
      initialization: { weights: "kaiming_normal", bias: "zero", dirac: false, zero_last_norm: true },
      start: null,
      weight_average: null,
      evaluation: { every_epochs: 1, every_steps: null, batch_size: 4, flip: false, translate: 0 },
      early_stop: null,
      checkpoints: { every_epochs: 1, every_steps: null, keep: 2, keep_best: 0, on_failure: "continue" },
      ...train,
    },
  };
}
