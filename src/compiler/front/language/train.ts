// The `train` section of the language: how long, with which optimizer and schedule, from which start.
import type {
  EvaluationConfig,
  InitializationConfig,
  LearningRateConfig,
  TrainConfig,
  WarmupConfig,
} from "../../config.js";
import { boolean, choice, integer, list, map, number, options, shortForms } from "./forms.js";
import { checkpoints, earlyStop, nonFinite } from "./training/run-keys.js";
import type { Form, Key, MapForm, SettingsOf } from "./forms.js";
import { optimizer } from "./training/optimizer.js";
import { parameterGroup } from "./training/parameter-group.js";
import { start } from "./training/start.js";
import { weightAverage } from "./training/weight-average.js";

const epochs = { minimum: 1, maximum: 1_000_000, unit: "epochs" };
const stepCount = { minimum: 1, maximum: 1_000_000_000, unit: "steps" };
const rate = number({ minimum: 0, maximum: 1000 });
const rateAboveZero = number({ above: 0, maximum: 1000 });

const warmup: Readonly<Record<keyof WarmupConfig, Key>> = {
  warmup_epochs: {
    form: number({ minimum: 0, maximum: 1_000_000, unit: "epochs" }),
    description: "Epochs, whole or not, over which the rate first rises in a line from 0.",
    default: 0,
    example: 5,
  },
  warmup_steps: {
    form: integer(stepCount),
    description: "The same in steps, in place of `warmup_epochs`.",
    default: null,
    absent: "the warm-up is given in epochs",
    example: 400,
  },
};

/** A duration, in epochs and in its twin in steps: one of the two is given. */
const duration = (unit: "epochs" | "steps", twin: string, description: string, example: number): Key => ({
  form: unit === "steps" ? integer(stepCount) : number({ above: 0, maximum: 1_000_000, unit }),
  description,
  default: null,
  absent: `it is given by \`${twin}\``,
  example,
});

const baseRate: Key = {
  form: rateAboveZero,
  description: "The rate at the start, once warm-up is over.",
  example: 0.1,
};

const factor: Key = {
  form: number({ above: 0, maximum: 1 }),
  description: "What the rate is multiplied by at each drop.",
  default: 0.1,
};

const learningRate = options({
  constant: {
    description: "The same rate throughout.",
    settings: map<SettingsOf<LearningRateConfig, "constant">>({
      rate: { form: rateAboveZero, description: "The rate.", example: 0.1 },
      ...warmup,
    }),
  },
  step: {
    description: "The rate drops every so many epochs.",
    settings: map<SettingsOf<LearningRateConfig, "step">>({
      rate: baseRate,
      factor,
      every_epochs: duration("epochs", "every_steps", "Epochs from one drop to the next.", 30),
      every_steps: duration("steps", "every_epochs", "Steps from one drop to the next.", 10_000),
      ...warmup,
    }),
  },
  multi_step: {
    description: "The rate drops at the epochs listed.",
    source: "He et al. 2015 (arXiv 1512.03385), section 4.2",
    settings: map<SettingsOf<LearningRateConfig, "multi_step">>({
      rate: baseRate,
      factor,
      milestones: {
        form: list(number({ above: 0, maximum: 1_000_000, unit: "epochs" }), 1, 1000),
        description: "Epochs after which the rate drops, in rising order.",
        default: null,
        absent: "they are given by `milestone_steps`",
        example: [82, 123],
      },
      milestone_steps: {
        form: list(integer(stepCount), 1, 1000),
        description: "Steps after which the rate drops, in rising order.",
        default: null,
        absent: "they are given by `milestones`",
        example: [32_000, 48_000],
      },
      ...warmup,
    }),
  },
  cosine: {
    description: "The rate falls along half a cosine to the end of training.",
    source: "Loshchilov and Hutter 2016 (arXiv 1608.03983)",
    settings: map<SettingsOf<LearningRateConfig, "cosine">>({
      rate: baseRate,
      end: { form: rate, description: "The rate at the end of training.", default: 0 },
      ...warmup,
    }),
  },
  cosine_restarts: {
    description: "The rate falls along half a cosine again and again: at the end of each period it is back at the top.",
    source: "Loshchilov and Hutter 2016 (arXiv 1608.03983)",
    settings: map<SettingsOf<LearningRateConfig, "cosine_restarts">>({
      rate: { ...baseRate, description: "The rate at the beginning of each period." },
      end: { form: rate, description: "The rate that each period falls to.", default: 0 },
      period_epochs: duration("epochs", "period_steps", "Epochs of the first period.", 10),
      period_steps: duration("steps", "period_epochs", "Steps of the first period.", 4000),
      period_growth: {
        form: number({ minimum: 1, maximum: 100 }),
        description: "How many times as long as the period before it each period is.",
        default: 1,
        example: 2,
      },
      ...warmup,
    }),
  },
  linear: {
    description: "The rate falls in a line to the end of training.",
    settings: map<SettingsOf<LearningRateConfig, "linear">>({
      rate: baseRate,
      end: { form: rate, description: "The rate at the end of training.", default: 0 },
      ...warmup,
    }),
  },
  polynomial: {
    description: "The rate falls as a power of the share of training that is left.",
    source: "Liu et al. 2015 (arXiv 1506.04579)",
    settings: map<SettingsOf<LearningRateConfig, "polynomial">>({
      rate: baseRate,
      end: { form: rate, description: "The rate at the end of training.", default: 0 },
      power: {
        form: number({ above: 0, maximum: 100 }),
        description: "The power: 1 is a line, above it the rate falls steeply first.",
        default: 0.9,
        source: "Liu et al. 2015 (arXiv 1506.04579), section 4",
      },
      ...warmup,
    }),
  },
  one_cycle: {
    description: "The rate rises to a peak, then falls to the end of training: a triangle, or two halves of a cosine.",
    source: "Smith and Topin 2017 (arXiv 1708.07120)",
    settings: map<SettingsOf<LearningRateConfig, "one_cycle">>({
      peak: { form: rateAboveZero, description: "The highest rate.", example: 0.4 },
      start: { form: rate, description: "The rate at the first step.", default: 0 },
      end: { form: rate, description: "The rate at the end of training.", default: 0 },
      peak_at: {
        form: number({ above: 0, below: 1, unit: "share of training" }),
        description: "When the peak is reached, as a share of the whole training.",
        default: 0.3,
        source: "PyTorch's OneCycleLR",
      },
      shape: {
        form: choice({ linear: "lines: a triangle", cosine: "half a cosine up and half a cosine down" }),
        description: "How the rate goes from one value to the next.",
        default: "linear",
      },
    }),
  },
});

const learningRateForm: Form = shortForms(learningRate, [
  { form: rateAboveZero, meaning: "that rate throughout", expand: (value: number) => ({ constant: { rate: value } }) },
]);

export const train: MapForm = map<TrainConfig>({
  epochs: { form: integer(epochs), description: "How often training goes through all training images.", example: 16 },
  batch_size: {
    form: integer({ minimum: 1, maximum: 1_000_000, unit: "images" }),
    description: "Images in one step.",
    example: 128,
  },
  accumulate: {
    form: integer({ minimum: 1, maximum: 1_000_000, unit: "parts" }),
    description:
      "Parts that each batch is worked on in, one after another, for one update: memory is that of one part. The update" +
      " is the same up to rounding where no batch norm is; batch norm sees one part at a time.",
    default: 1,
    example: 4,
  },
  recompute: {
    form: boolean,
    description:
      "Whether to compute what GELUs and every second addition put out a second time in the backward pass rather than keep" +
      " it, as is done with norms and ReLU in any case (in bfloat16 with this alone): the same bits in less memory and some more time.",
    default: false,
    example: true,
  },
  drop_last: {
    form: boolean,
    description: "Whether to leave out the last batch of an epoch when it is smaller than the others.",
    default: false,
  },
  precision: {
    form: choice({
      float32: "everything in float32",
      bfloat16:
        "maps are stored as bfloat16 while training, in half the memory, and what convolutions multiply is rounded to it where " +
        "that is faster here; weights, sums and statistics stay float32; needs machine code (x86-64 Linux), or oneDNN and a " +
        "processor with instructions for it",
    }),
    description: "The numbers that training and evaluation multiply.",
    default: "float32",
    example: "bfloat16",
  },
  optimizer: {
    form: optimizer,
    description: "How gradients become updates.",
    default: "sgd",
    example: { sgd: { momentum: 0.9, nesterov: true, weight_decay: 5e-4 } },
  },
  groups: {
    form: list(parameterGroup(learningRateForm), 0, 1024),
    description:
      "Parameters that are trained otherwise than the rest, or not at all. A parameter belongs to the first group that it fits.",
    default: [],
    example: [{ roles: ["norm_shift"], rate_factor: 64 }],
  },
  layer_decay: {
    form: number({ above: 0, maximum: 1 }),
    description:
      "What the rate is multiplied by from each layer to the one below it, so that layers near the images change least. The head with the classifier is the highest layer, each block is one, and the stem is the lowest. `netc resolve` prints the rates as `groups`.",
    default: null,
    absent: "the same rate for all layers",
    example: 0.75,
    source: "Bao et al. 2021 (arXiv 2106.08254), as timm's `--layer-decay`",
  },
  gradient_clip: {
    form: map<NonNullable<TrainConfig["gradient_clip"]>>({
      norm: {
        form: number({ above: 0, maximum: 1_000_000 }),
        description: "The largest norm, taken over all gradients as if they were one vector.",
        example: 1,
      },
    }),
    description: "Scales the gradients of a step down where their norm is larger than this.",
    default: null,
    absent: "no limit",
    example: { norm: 1 },
    source: "Pascanu et al. 2012 (arXiv 1211.5063), algorithm 1",
  },
  non_finite: nonFinite,
  learning_rate: {
    form: learningRateForm,
    description: "Size of the updates over the course of training; it changes with every step.",
    example: { cosine: { rate: 0.1, warmup_epochs: 5 } },
  },
  loss: {
    form: options({
      cross_entropy: {
        description: "Softmax and cross-entropy, averaged over the batch.",
        settings: map<TrainConfig["loss"]["cross_entropy"]>({
          label_smoothing: {
            form: number({ minimum: 0, below: 1 }),
            description: "Share of the target that is spread evenly over all classes.",
            default: 0,
            example: 0.1,
            source: "Szegedy et al. 2015 (arXiv 1512.00567), section 7",
          },
        }),
      },
    }),
    description: "What training makes small.",
    default: "cross_entropy",
    example: { cross_entropy: { label_smoothing: 0.1 } },
  },
  initialization: {
    form: map<InitializationConfig>({
      weights: {
        form: choice({
          kaiming_normal: "normal with variance 2 / inputs",
          kaiming_uniform: "uniform within ±√(6 / inputs)",
          kaiming_truncated: "normal with variance 2 / inputs, cut off at two deviations, as Keras's he_normal",
          xavier_normal: "normal with variance 2 / (inputs + outputs)",
          xavier_uniform: "uniform within ±√(6 / (inputs + outputs))",
          uniform_fan_in: "uniform within ±1/√inputs, as PyTorch's layers start by themselves",
          orthogonal: "an orthogonal matrix: what goes in keeps its length",
        }),
        description:
          "How the weights of convolutions and of the classifier start. Inputs and outputs count the kernel's area.",
        default: "kaiming_normal",
        source: "He et al. 2015 (arXiv 1502.01852); Glorot and Bengio 2010; Saxe et al. 2013 (arXiv 1312.6120)",
      },
      dirac: {
        form: boolean,
        description:
          "Whether convolutions start as the identity on as many outputs as they have inputs, the further outputs as `weights` says; 1×1 convolutions and the one that reads the images are left out.",
        default: false,
        source: "Zagoruyko and Komodakis 2017 (arXiv 1706.00388); Jordan 2024 (arXiv 2404.00498), section 3.3",
      },
      bias: {
        form: choice({ zero: "zero", uniform_fan_in: "uniform within ±1/√inputs, as PyTorch does by default" }),
        description: "How the biases of convolutions and of the classifier start.",
        default: "zero",
      },
      zero_last_norm: {
        form: boolean,
        description:
          "Whether the scale of each block's last norm starts at 0, so that the block starts as its shortcut.",
        default: false,
        source: "Goyal et al. 2017 (arXiv 1706.02677), section 5.1",
      },
    }),
    description: "The values that training starts from.",
    default: {},
    example: { weights: "xavier_uniform" },
  },
  start,
  weight_average: {
    form: weightAverage,
    description:
      "Weights averaged over training, for evaluation and for the saved model; but for Lookahead, training itself is as without.",
    default: null,
    absent: "the weights as they are",
    example: { ema: { decay: 0.99 } },
  },
  evaluation: {
    form: map<EvaluationConfig>({
      every_epochs: {
        form: integer(epochs),
        description: "Epochs from one test to the next; the last epoch is always followed by one.",
        derived: "1, or null where `every_steps` is given",
        absent: "it is given by `every_steps`",
        example: 2,
      },
      every_steps: {
        form: integer(stepCount),
        description: "The same in steps of the whole run, in place of `every_epochs`.",
        default: null,
        absent: "it is given in epochs",
        example: 500,
      },
      batch_size: {
        form: integer({ minimum: 1, maximum: 1_000_000, unit: "images" }),
        description: "Images evaluated at once. It changes speed and memory, not the result.",
        default: 256,
      },
      flip: {
        form: boolean,
        description: "Whether each test image is also seen mirrored and the two outputs averaged.",
        default: false,
      },
      translate: {
        form: integer({ minimum: 0, maximum: 512, unit: "pixels" }),
        description:
          "Each test image is also seen moved by so many pixels, up and left and down and right, with a mirrored border; each of the two outputs has a weight of 1/4, the image itself 1/2. It goes together with `flip`.",
        default: 0,
        example: 1,
        source: "Jordan 2024 (arXiv 2404.00498), section 3.5",
      },
    }),
    description: "When and how accuracy on the test images is measured.",
    default: {},
    example: { every_epochs: 1 },
  },
  early_stop: earlyStop,
  checkpoints,
});
