// The `model` section of the language: a network of stages from its input to its classes.
import type {
  ActivationConfig,
  BlockConfig,
  ModelConfig,
  NormConfig,
  ProjectionConfig,
  StageConfig,
  StemConfig,
  WhiteningConfig,
  WindowConfig,
} from "../../config.js";
import { boolean, choice, integer, list, map, number, options, shortForms } from "./forms.js";
import type { Key, MapForm, SettingsOf } from "./forms.js";

const pixels = { minimum: 1, maximum: 4096, unit: "pixels" };
const channels = { minimum: 1, maximum: 65_536, unit: "channels" };
const kernel = { minimum: 1, maximum: 512, unit: "pixels" };
const stride = { minimum: 1, maximum: 512, unit: "pixels" };
const padding = { minimum: 0, maximum: 512, unit: "pixels" };

const window = map<WindowConfig>({
  kernel: { form: integer(kernel), description: "Side of the square window.", example: 2 },
  stride: {
    form: integer(stride),
    description: "Step from one window to the next.",
    derived: "the window's kernel, so that windows tile the map",
    example: 2,
  },
  padding: {
    form: integer(padding),
    description: "Rows and columns added on each side. It is at most half the kernel.",
    default: 0,
  },
});

const norm: Key = {
  form: options({
    batch: {
      description:
        "Batch normalisation: every channel to mean 0 and variance 1 over the batch, then scaled and shifted.",
      source: "Ioffe and Szegedy 2015 (arXiv 1502.03167)",
      settings: map<SettingsOf<NormConfig, "batch">>({
        eps: {
          form: number({ above: 0, maximum: 1 }),
          description: "Added to the variance before its root is taken.",
          default: 1e-5,
          source: "PyTorch's BatchNorm2d",
        },
        momentum: {
          form: number({ above: 0, maximum: 1 }),
          description:
            "Weight of the newest batch in the running statistics: running = (1 - momentum) × running + momentum × batch. This is PyTorch's meaning; Keras counts the other way round.",
          default: 0.1,
          source: "PyTorch's BatchNorm2d",
        },
        scale: {
          form: boolean,
          description: "Whether a factor a channel is learned beside the shift; without, it is 1.",
          default: true,
        },
      }),
    },
    none: { description: "No normalisation.", settings: null },
  }),
  description: "Normalisation after each convolution.",
  default: "batch",
  example: { batch: { eps: 1e-3 } },
};

const activation: Key = {
  form: choice<ActivationConfig>({
    relu: "max(x, 0)",
    gelu: "x times the normal distribution's share below x (arXiv 1606.08415), exactly and not by tanh",
    none: "no activation",
  }),
  description: "The non-linearity.",
  default: "relu",
};

const pool: Key = {
  form: options({ max: { description: "The largest value in each window.", settings: window } }),
  description: "Pooling.",
  default: null,
  absent: "no pooling",
  example: { max: { kernel: 2, stride: 2 } },
};

const stem: MapForm = map<StemConfig>({
  channels: { form: integer(channels), description: "Output channels of the stem's convolution.", example: 16 },
  kernel: { form: integer(kernel), description: "Side of the convolution's square kernel.", default: 3 },
  stride: { form: integer(stride), description: "Step of the convolution.", default: 1 },
  padding: {
    form: integer(padding),
    description: "Rows and columns of zeros added on each side before the convolution.",
    derived: "(kernel - 1) / 2, rounded down: at stride 1 an odd kernel keeps the map's size",
    example: 1,
  },
  bias: {
    form: boolean,
    description: "Whether the convolution adds a bias. A normalisation right after it makes the bias needless.",
    default: false,
  },
  whitening: {
    form: map<WhiteningConfig>({
      images: {
        form: integer({ minimum: 1, maximum: 1_000_000, unit: "images" }),
        description: "How many training images, the first in their order, the covariance is taken over.",
        default: 5000,
        source: "Jordan 2024 (arXiv 2404.00498)",
      },
      eps: {
        form: number({ minimum: 0, maximum: 1 }),
        description: "Added to each variance before its root is taken.",
        default: 5e-4,
        source: "Jordan 2024 (arXiv 2404.00498)",
      },
    }),
    description:
      "Filters that whiten: the eigenvectors of the covariance of the training images' patches, each over its standard deviation, and their negatives. They are set before the first step and never trained. The convolution has twice as many channels as a patch has values.",
    default: null,
    absent: "the filters are trained",
    example: { eps: 5e-4 },
    source: "Jordan 2024 (arXiv 2404.00498), section 3.1",
  },
  norm,
  activation,
  pool: { ...pool, description: "Pooling at the end of the stem." },
});

const stage: MapForm = map<StageConfig>({
  channels: { form: integer(channels), description: "Output channels of every block of the stage.", example: 32 },
  blocks: {
    form: integer({ minimum: 1, maximum: 1000, unit: "blocks" }),
    description: "Blocks in the stage.",
    example: 3,
  },
  block: {
    form: options({
      residual: {
        description: "Two 3×3 convolutions with norms and activations, and a shortcut around them.",
        settings: null,
        source: "He et al. 2015 (arXiv 1512.03385)",
      },
      group: {
        description:
          "3×3 convolutions one after another, each with norm and activation; pooling between the first and its norm.",
        source: "Jordan 2024 (arXiv 2404.00498), section 3",
        settings: map<SettingsOf<BlockConfig, "group">>({
          convolutions: {
            form: integer({ minimum: 1, maximum: 100, unit: "convolutions" }),
            description: "How many.",
            default: 2,
          },
          pool: {
            ...pool,
            description:
              "Pooling right after the first convolution of the stage's first block, so that the norm sees fewer values.",
          },
          shortcut: {
            form: boolean,
            description: "Whether a shortcut leads from behind the first activation to before the last one.",
            default: false,
            source: "Jordan 2024 (arXiv 2404.00498), the networks of 95 % and 96 %",
          },
        }),
      },
    }),
    description: "What a block is.",
    default: "residual",
    example: { group: { pool: { max: { kernel: 2 } } } },
  },
  stride: {
    form: integer(stride),
    description: "Step of the first block's first convolution, and of its projection: 2 halves the map.",
    default: 1,
    example: 2,
  },
  pool: {
    ...pool,
    description:
      "Pooling before the stage's first block: the other way to halve the map, with cheaper convolutions behind it than a stride.",
  },
  projection: {
    form: shortForms(
      map<ProjectionConfig>({
        bias: { form: boolean, description: "Whether the projection adds a bias.", default: false },
        norm: {
          ...norm,
          description: "Normalisation after the projection.",
          default: undefined,
          derived: "the stage's own norm",
        },
      }),
      [
        { form: { kind: "literal", value: false }, meaning: "the identity: needs equal shapes on both sides" },
        {
          form: { kind: "literal", value: true },
          meaning: "a 1×1 convolution without bias, normalised as the stage is",
          expand: () => ({}),
        },
        {
          form: { kind: "literal", value: "subsample" },
          meaning: "every stride-th pixel as it is, zeros in the further channels: no parameters",
        },
      ],
    ),
    description:
      "The shortcut of the stage's first block. Where the stage changes channels or map size, the identity cannot be added and one of the others is needed.",
    default: false,
    example: true,
    source: "He et al. 2015 (arXiv 1512.03385), section 3.3: `subsample` is option A, `true` option B",
  },
  norm,
  activation,
  activation_before_add: {
    form: boolean,
    description: "Whether the block's second convolution is followed by the activation too, before the addition.",
    default: false,
  },
});

export const model: MapForm = map<ModelConfig>({
  input: {
    form: map<ModelConfig["input"]>({
      height: { form: integer(pixels), description: "Height of the images.", derived: "the data section", example: 32 },
      width: { form: integer(pixels), description: "Width of the images.", derived: "the data section", example: 32 },
      channels: {
        form: integer({ minimum: 1, maximum: 16, unit: "channels" }),
        description: "Colour channels of the images.",
        derived: "the data section",
        example: 3,
      },
    }),
    description: "The images that the network takes.",
    default: {},
    example: { height: 32, width: 32, channels: 3 },
  },
  stem: {
    form: stem,
    description: "The first layers: one convolution with normalisation and activation, and pooling if wanted.",
    example: { channels: 16 },
  },
  stages: {
    form: list(stage, 1, 100),
    description: "The stages in order. Within a stage, map size and channels stay the same.",
    example: [
      { channels: 16, blocks: 3 },
      { channels: 32, blocks: 3, stride: 2, projection: true },
    ],
  },
  pooling: {
    form: options({
      global_average: { description: "The mean of each channel over the whole map.", settings: null },
      average: { description: "The mean of each window; padding counts as zeros.", settings: window },
      max: { description: "The largest value of each window.", settings: window },
    }),
    description: "What brings the last map to the classifier.",
    default: "global_average",
    example: { average: { kernel: 3 } },
  },
  classifier: {
    form: map<ModelConfig["classifier"]>({
      classes: {
        form: integer({ minimum: 2, maximum: 100_000, unit: "classes" }),
        description: "Outputs of the network.",
        derived: "the data set",
        example: 10,
      },
      bias: { form: boolean, description: "Whether the classifier adds a bias.", default: true },
      scale: {
        form: number({ above: 0, maximum: 1_000_000 }),
        description: "What the scores are multiplied by.",
        default: 1,
        example: 0.111,
      },
    }),
    description: "The linear layer that yields one score a class.",
    default: {},
    example: { classes: 10 },
  },
});
