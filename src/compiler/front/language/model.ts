// The `model` section of the language: a network of stages from its input to its classes.
import type {
  ActivationConfig,
  Layers,
  ModelConfig,
  ProjectionConfig,
  StageConfig,
  StemConfig,
  WhiteningConfig,
  WindowConfig,
} from "../../config.js";
import { layersForm, activations, norms } from "../../blocks/layers.js";
import { stageBlocks } from "../../blocks/stage-blocks.js";
import { boolean, choice, integer, list, map, number, options, shortForms } from "./forms.js";
import type { Key, MapForm, ShortForm } from "./forms.js";

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
  form: options({ ...norms, none: { description: "No normalisation.", settings: null } }),
  description: "What `norm` is among the layers: the normalisation after each convolution.",
  default: "batch",
  example: { batch: { eps: 1e-3 } },
};

const activation: Key = {
  form: choice<ActivationConfig>({
    ...activations,
    none: "no activation",
  }),
  description: "What `activation` is among the layers: the non-linearity.",
  default: "relu",
  example: "gelu",
};

/** Of a stem or a stage. */
const ownNorm: Key = {
  ...norm,
  description: "Normalisation after each convolution.",
  default: undefined,
  derived: "the model's",
};
const ownActivation: Key = {
  ...activation,
  description: "The non-linearity.",
  default: undefined,
  derived: "the model's",
};

/** Layers in the place of a short form. */
const asLayers: ShortForm = { form: layersForm, meaning: "layers, one after another" };

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
  norm: ownNorm,
  activation: ownActivation,
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
    form: options(stageBlocks(), "a block that the file describes under `blocks`"),
    description: "What a block is: one of those below, or one that the file describes under `blocks`.",
    default: "residual",
    example: { bottleneck: { width: "1/2" } },
  },
  stride: {
    form: integer(stride),
    description:
      "What blocks call `stage`, in the stage's first block: the step of one of its convolutions, and of its projection. 2 halves the map.",
    default: 1,
    example: 2,
  },
  pool: {
    ...pool,
    description:
      "Pooling before the stage's first block: the other way to halve the map, with cheaper convolutions behind it than a stride.",
  },
  before: {
    form: layersForm,
    description: "Layers before the stage's first block, behind the pool.",
    default: [],
    example: ["norm", { conv: { kernel: 2, stride: 2 } }],
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
          meaning: "the projection of the block; of most a 1×1 convolution without bias, normalised as the stage is",
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
  norm: ownNorm,
  activation: ownActivation,
  activation_before_add: {
    form: boolean,
    description: "Whether the block's second convolution is followed by the activation too, before the addition.",
    default: false,
  },
});

const classifier: MapForm = map<ModelConfig["classifier"]>({
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
  layers: {
    form: layersForm,
    description: "Layers before the linear one.",
    default: [],
    example: [{ linear: 1280 }, "activation"],
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
  norm,
  activation,
  stem: {
    form: shortForms(stem, [asLayers]),
    description:
      "The first layers: one convolution with normalisation and activation, and pooling if wanted; or a list of layers.",
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
    form: shortForms(
      options({
        global_average: { description: "The mean of each channel over the whole map.", settings: null },
        average: { description: "The mean of each window; padding counts as zeros.", settings: window },
        max: { description: "The largest value of each window.", settings: window },
      }),
      [asLayers],
    ),
    description: "What brings the last map to the classifier: a pooling, or a list of layers.",
    default: "global_average",
    example: { average: { kernel: 3 } },
  },
  classifier: {
    form: shortForms(classifier, [
      {
        form: layersForm,
        meaning: "the layers before the linear one",
        expand: (layers: Layers) => ({ layers }),
      },
    ]),
    description: "The linear layer that yields one score a class, and what stands before it.",
    default: {},
    example: { classes: 10 },
  },
});
