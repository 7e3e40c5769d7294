// The table of layers: a row has what a file may write, what is said about it, and the nodes that it becomes. Schema, editors,
// `netc explain`, the reference page and the builder read it; a layer more is a row more.
import type { ActivationConfig, Layers, NormConfig } from "../config.js";
import {
  boolean,
  choice,
  expression,
  integer,
  list,
  map,
  number,
  options,
  shortForms,
  text,
} from "../front/language/forms.js";
import type { Form, Key, MapForm, NamedForm, OptionsForm, SettingsForm } from "../front/language/forms.js";
import type { Op, Padding, Shape, Window } from "../network/graph.js";
import { formatShape } from "../network/infer-shapes.js";
import type { Layer, Site } from "./layer.js";

/** A list of layers, wherever the language has one. */
export const layersForm: NamedForm = {
  kind: "named",
  name: "layers",
  form: () => (layerList ??= list(layerOptions(), 0, MOST_LAYERS)),
};

let layerList: Form | undefined;

/** One layer. */
export function layerOptions(): OptionsForm {
  return (oneLayer ??= options(layers));
}

let oneLayer: OptionsForm | undefined;

/** In one list; `repeat` says long rows. */
const MOST_LAYERS = 200;

const channels = { minimum: 1, maximum: 65_536, unit: "channels" };
const pixels = { minimum: 1, maximum: 512, unit: "pixels" };

const kernel: Key = { form: expression(integer(pixels)), description: "Side of the square window.", example: 3 };
const stride: Key = {
  form: expression(integer(pixels)),
  description: "Step from one window to the next; `stage` is the stage's stride in its first block, and 1 after it.",
  default: 1,
  example: "stage",
};
const share: Key = {
  form: expression(number({ above: 0, maximum: channels.maximum })),
  description:
    "Output channels: a number, or a share of those that come in (`here`), or of the block's own (`in`, `out`).",
  derived: "the block's output channels",
  example: "out / 4",
};
const roundTo: Key = {
  form: integer({ minimum: 1, maximum: 1024, unit: "channels" }),
  description: "Rounds the channels to a multiple of it, and never down by more than a tenth.",
  default: null,
  absent: "they have to come out whole",
  example: 8,
  source: "Sandler et al. 2018 (arXiv 1801.04381), in its code `_make_divisible`",
};
const bias: Key = {
  form: expression(boolean),
  description: "Whether a bias is added.",
  derived: "false, or what the stage's projection says",
  example: true,
};

type PaddingSetting = number | "same" | Padding;

const side = (name: string): Key => ({
  form: integer({ minimum: 0, maximum: 512, unit: "pixels" }),
  description: `Rows or columns of zeros at the ${name}.`,
  default: 0,
});
const padding: Key = {
  form: shortForms(
    map<Padding>({ top: side("top"), bottom: side("bottom"), left: side("left"), right: side("right") }),
    [
      {
        form: { kind: "literal", value: "same" },
        meaning:
          "as TensorFlow pads: the output is the input's size over the stride, rounded up, with more at bottom and right",
      },
      { form: expression(integer({ minimum: 0, maximum: 512, unit: "pixels" })), meaning: "as much on each side" },
    ],
  ),
  description: "Zeros around the map.",
  derived: "(kernel - 1) / 2, rounded down, as PyTorch's networks have it",
  example: 1,
};

/** Any positive share of the network's channels, or a number of them. */
const dilation: Key = {
  form: expression(integer(pixels)),
  description: "Pixels from one element of the kernel to the next.",
  default: 1,
  example: 2,
  source: "Yu and Koltun 2015 (arXiv 1511.07122)",
};
const groups: Key = {
  form: expression(integer({ minimum: 1, maximum: 65_536, unit: "groups" })),
  description:
    "Equal shares of the channels, those that come in and those that go out, which are convolved by themselves.",
  default: null,
  absent: "every output reads every input",
  example: 32,
  source: "Xie et al. 2016 (arXiv 1611.05431)",
};
const groupWidth: Key = {
  form: expression(integer(channels)),
  description: "Output channels of a group, where that is said in place of how many groups there are.",
  default: null,
  absent: "`groups` says it",
  example: 16,
  source: "Radosavovic et al. 2020 (arXiv 2003.13678)",
};
const rate = (what: string): Key => ({
  form: expression(number({ minimum: 0, below: 1, unit: "probability" })),
  description: `How probable it is in training that ${what}.`,
  example: 0.2,
});
const eps = (usual: number, source: string): Key => ({
  form: number({ above: 0, maximum: 1 }),
  description: "Added to the variance before its root is taken.",
  default: usual,
  source,
});

interface ConvolutionSettings {
  readonly kernel: number;
  readonly channels?: number;
  readonly round_to: number | null;
  readonly stride: number;
  readonly padding?: PaddingSetting;
  readonly dilation: number;
  readonly groups: number | null;
  readonly group_width: number | null;
  readonly bias?: boolean;
}

interface DepthwiseSettings extends Pick<ConvolutionSettings, "kernel" | "stride" | "padding" | "dilation" | "bias"> {
  readonly multiplier: number;
}

interface PoolSettings {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: PaddingSetting;
}

const poolWindow: MapForm = map<PoolSettings>({
  kernel,
  stride: { ...stride, default: undefined, derived: "the window's kernel, so that windows tile the map" },
  padding: { ...padding, derived: "0" },
});

type ChosenPool = null | { readonly max: PoolSettings } | { readonly average: PoolSettings };

const chosenPool: Key = {
  form: expression(
    options({
      max: { description: "The largest value in each window.", settings: poolWindow },
      average: { description: "The mean of each window; padding counts as zeros.", settings: poolWindow },
    }),
  ),
  description: "Which pooling.",
  default: null,
  absent: "no pooling",
  example: { max: { kernel: 2 } },
};

interface GateSettings {
  readonly channels: number;
  readonly round_to: number | null;
  readonly activation?: ActivationConfig;
  readonly gate: "sigmoid" | "hard_sigmoid";
}

export const activations = {
  relu: "max(x, 0)",
  gelu: "x times the normal distribution's share below x (arXiv 1606.08415), exactly and not by tanh",
  relu6: "min(max(x, 0), 6)",
  silu: "x / (1 + exp(-x)) (arXiv 1606.08415, 1710.05941), which is also called swish",
  hard_swish: "x times relu6(x + 3) / 6 (arXiv 1905.02244)",
} as const;

const gates = { sigmoid: "1 / (1 + exp(-x))", hard_sigmoid: "relu6(x + 3) / 6" } as const;

type ActivationName = keyof typeof activations;

const row = <Settings>(
  called: string,
  takes: Layer["takes"],
  description: string,
  settings: SettingsForm | null,
  build: (site: Site, input: number, settings: Settings) => number,
  source?: string,
): Layer => ({ called, takes, description, settings, build, ...(source ? { source } : {}) });

/** A layer that changes every value by itself. */
const pointwise = (kind: ActivationName | keyof typeof gates, meaning: string): Layer =>
  row("activation", "any", `Activation: ${meaning}.`, null, (site, input) => site.add({ kind }, [input]));

type BatchNorm = Extract<NormConfig, { batch: unknown }>["batch"];

const batchNorm: MapForm = map<BatchNorm>({
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
});

const layerNorm = map<{ readonly eps: number }>({ eps: eps(1e-6, "Liu et al. 2022 (arXiv 2201.03545), in its code") });
const groupNorm = map<{ readonly groups: number; readonly eps: number }>({
  groups: {
    form: integer({ minimum: 1, maximum: 65_536, unit: "groups" }),
    description: "How many groups the channels are cut into.",
    default: 32,
    source: "Wu and He 2018 (arXiv 1803.08494), section 4.1",
  },
  eps: eps(1e-5, "PyTorch's GroupNorm"),
});

/** What may be chosen as the norm of a model, a stem or a stage. */
export const norms = {
  batch: {
    description: "Batch normalisation: every channel to mean 0 and variance 1 over the batch, then scaled and shifted.",
    source: "Ioffe and Szegedy 2015 (arXiv 1502.03167)",
    settings: batchNorm,
  },
  layer: {
    description: "Layer normalisation: the channels of every pixel to mean 0 and variance 1, then scaled and shifted.",
    source: "Ba et al. 2016 (arXiv 1607.06450)",
    settings: layerNorm,
  },
  group: {
    description:
      "Group normalisation: the channels of a group over every image to mean 0 and variance 1, then scaled and shifted.",
    source: "Wu and He 2018 (arXiv 1803.08494)",
    settings: groupNorm,
  },
} as const;

function addNorm(site: Site, input: number, norm: Exclude<NormConfig, "none">): number {
  if ("layer" in norm) return site.add({ kind: "layer_norm", ...norm.layer }, [input]);
  if (site.shapeOf(input).kind === "vector")
    return site.fault(
      `takes a map, but what comes in is a vector of ${formatShape(site.shapeOf(input))}`,
      "put it before `global_average`, or write `layer_norm`",
    );
  if ("batch" in norm) return site.add({ kind: "batch_norm", ...norm.batch }, [input]);
  const { channels: count } = site.shapeOf(input);
  if (count % norm.group.groups !== 0)
    return site.fault(
      `cannot cut ${count} channels into ${norm.group.groups} groups`,
      divisorHint(count, norm.group.groups),
    );
  return site.add({ kind: "group_norm", ...norm.group }, [input]);
}

/** Nearest number of groups that cuts the channels evenly. */
function divisorHint(count: number, wanted: number): string {
  let nearest = 1;
  for (let n = 1; n <= count; n++)
    if (count % n === 0 && Math.abs(n - wanted) < Math.abs(nearest - wanted)) nearest = n;
  return `write \`groups: ${nearest}\``;
}

const pool =
  (kind: "max_pool" | "average_pool") =>
  (site: Site, input: number, { kernel: size, stride: step = size, padding: zeros = 0 }: PoolSettings): number => {
    const window = windowOf({ kernel: size, padding: zeros }, step, site.shapeOf(input), 0);
    return site.add({ kind, ...window }, [input]);
  };

/** Layers that hold branches over one input. */
const joined = (
  called: string,
  description: string,
  most: number,
  example: unknown,
  join: (site: Site, nodes: readonly number[]) => number,
): Layer =>
  row<{ readonly branches: readonly Layers[] }>(
    called,
    "any",
    description,
    shortForms(
      map({
        branches: {
          form: list(layersForm, 2, most),
          description: "The branches; an empty list is the input itself.",
          example,
        },
      }),
      [
        {
          form: list(layersForm, 2, most),
          meaning: "its branches",
          expand: (branches: readonly Layers[]) => ({ branches }),
        },
      ],
    ),
    (site, input, { branches }) =>
      join(
        site,
        branches.map((branch, index) => site.run(branch, input, ["branches", index], "path")),
      ),
  );

export const layers: Readonly<Record<string, Layer>> = {
  conv: row<ConvolutionSettings>(
    "conv",
    "map",
    "Convolution with a square kernel.",
    shortForms(
      map<ConvolutionSettings>({
        ...{
          kernel,
          channels: share,
          round_to: roundTo,
          stride,
          padding,
          dilation,
          groups,
          group_width: groupWidth,
          bias,
        },
      }),
      [{ form: integer(pixels), meaning: "its kernel", expand: (value: number) => ({ kernel: value }) }],
    ),
    (site, input, settings) => {
      const count = channelsOf(site, settings);
      return convolve(site, input, settings, count, groupsOf(site, input, settings, count));
    },
  ),
  depthwise: row<DepthwiseSettings>(
    "conv",
    "map",
    "Convolution of every channel by itself, with a square kernel.",
    shortForms(
      map<DepthwiseSettings>({
        kernel,
        stride,
        padding,
        dilation,
        multiplier: {
          form: expression(integer({ minimum: 1, maximum: 64, unit: "outputs a channel" })),
          description: "Outputs of every channel.",
          default: 1,
        },
        bias,
      }),
      [{ form: integer(pixels), meaning: "its kernel", expand: (value: number) => ({ kernel: value }) }],
    ),
    (site, input, settings) => {
      const { channels: count } = site.shapeOf(input);
      return convolve(site, input, settings, count * settings.multiplier, count);
    },
    "Howard et al. 2017 (arXiv 1704.04861)",
  ),
  norm: row("norm", "any", "The norm of the stage, or of the model.", null, (site, input) =>
    site.norm === "none" ? input : addNorm(site, input, site.norm),
  ),
  activation: row("activation", "any", "The activation of the stage, or of the model.", null, (site, input) =>
    site.activation === "none" ? input : site.add({ kind: site.activation }, [input]),
  ),
  batch_norm: row<BatchNorm>(
    "norm",
    "map",
    "Batch normalisation, whatever the stage's norm is.",
    norms.batch.settings,
    (site, input, settings) => addNorm(site, input, { batch: settings }),
    norms.batch.source,
  ),
  layer_norm: row<{ readonly eps: number }>(
    "norm",
    "any",
    "Layer normalisation over the channels of every pixel, whatever the stage's norm is.",
    layerNorm,
    (site, input, settings) => addNorm(site, input, { layer: settings }),
    norms.layer.source,
  ),
  group_norm: row<{ readonly groups: number; readonly eps: number }>(
    "norm",
    "map",
    "Group normalisation, whatever the stage's norm is.",
    groupNorm,
    (site, input, settings) => addNorm(site, input, { group: settings }),
    norms.group.source,
  ),
  relu: pointwise("relu", activations.relu),
  relu6: pointwise("relu6", activations.relu6),
  leaky_relu: row<{ readonly slope: number }>(
    "activation",
    "any",
    "Activation: x above zero, x times a slope below.",
    map({
      slope: {
        form: number({ minimum: 0, maximum: 1 }),
        description: "Of what is below zero.",
        default: 0.01,
        source: "PyTorch's LeakyReLU",
      },
    }),
    (site, input, { slope }) => site.add({ kind: "leaky_relu", slope }, [input]),
  ),
  gelu: pointwise("gelu", activations.gelu),
  silu: pointwise("silu", activations.silu),
  hard_swish: pointwise("hard_swish", activations.hard_swish),
  sigmoid: pointwise("sigmoid", gates.sigmoid),
  hard_sigmoid: pointwise("hard_sigmoid", gates.hard_sigmoid),
  scale: row<{ readonly initial: number; readonly per: "channel" | "tensor" }>(
    "scale",
    "any",
    "Times a factor that is learned.",
    map({
      initial: { form: number({ minimum: 0, maximum: 1 }), description: "What the factor starts at.", default: 1e-6 },
      per: {
        form: choice({ channel: "a factor a channel", tensor: "one factor for all" }),
        description: "How many factors there are.",
        default: "channel",
      },
    }),
    (site, input, settings) => site.add({ kind: "learned_scale", ...settings }, [input]),
    "Touvron et al. 2021 (arXiv 2103.17239), LayerScale; De and Smith 2020 (arXiv 2002.10444), SkipInit",
  ),
  dropout: row<{ readonly rate: number }>(
    "dropout",
    "any",
    "In training, sets elements to zero at random, and lets the others grow by as much.",
    shortForms(map({ rate: rate("an element becomes zero") }), [
      {
        form: expression(number({ minimum: 0, below: 1 })),
        meaning: "its rate",
        expand: (value: number) => ({ rate: value }),
      },
    ]),
    (site, input, settings) => (settings.rate === 0 ? input : site.add({ kind: "dropout", ...settings }, [input])),
    "Srivastava et al. 2014, Dropout",
  ),
  drop_path: row<{ readonly rate: number }>(
    "drop_path",
    "any",
    "In training, sets all of an image's branch to zero at random, and lets the others' grow by as much; `depth_share` rises from 0 to 1 over" +
      " the blocks of a network, for rates that rise with it.",
    shortForms(map({ rate: { ...rate("an image's branch becomes zero"), example: "0.2 * depth_share" } }), [
      {
        form: expression(number({ minimum: 0, below: 1 })),
        meaning: "its rate",
        expand: (value: number) => ({ rate: value }),
      },
    ]),
    (site, input, settings) => (settings.rate === 0 ? input : site.add({ kind: "drop_path", ...settings }, [input])),
    "Huang et al. 2016 (arXiv 1603.09382)",
  ),
  shuffle: row<{ readonly groups: number }>(
    "shuffle",
    "map",
    "Deals the channels of groups out, so that each group behind it has some of every group before it.",
    shortForms(map({ groups: { ...groups, default: undefined, absent: undefined, source: undefined } }), [
      {
        form: expression(integer({ minimum: 1, maximum: 65_536 })),
        meaning: "its groups",
        expand: (value: number) => ({ groups: value }),
      },
    ]),
    (site, input, { groups: wanted }) => {
      const { channels: count } = site.shapeOf(input);
      if (count % wanted !== 0)
        return site.fault(`cannot cut ${count} channels into ${wanted} groups`, divisorHint(count, wanted), "groups");
      return site.add({ kind: "shuffle", groups: wanted }, [input]);
    },
    "Zhang et al. 2017 (arXiv 1707.01083)",
  ),
  max_pool: row("pool", "map", "The largest value in each window.", poolWindow, pool("max_pool")),
  average_pool: row(
    "pool",
    "map",
    "The mean of each window; padding counts as zeros.",
    poolWindow,
    pool("average_pool"),
  ),
  pool: row<{ readonly window: ChosenPool }>(
    "pool",
    "map",
    "Pooling as a setting of the block has it.",
    shortForms(map({ window: chosenPool }), [
      {
        form: expression(text),
        meaning: "the setting that says which",
        expand: (setting: string) => ({ window: setting }),
      },
    ]),
    (site, input, { window }) => {
      if (!window) return input;
      return "max" in window
        ? pool("max_pool")(site, input, window.max)
        : pool("average_pool")(site, input, window.average);
    },
  ),
  global_average: row("pooling", "any", "The mean of each channel over the whole map: a vector.", null, (site, input) =>
    site.add({ kind: "global_average_pool" }, [input]),
  ),
  linear: row<{ readonly features: number; readonly bias: boolean }>(
    "linear",
    "any",
    "Every output from every input; a map is flattened.",
    shortForms(
      map({
        features: { form: expression(integer(channels)), description: "How many outputs.", example: 1280 },
        bias: { form: expression(boolean), description: "Whether a bias is added.", default: true },
      }),
      [{ form: integer(channels), meaning: "its features", expand: (features: number) => ({ features }) }],
    ),
    (site, input, settings) => site.add({ kind: "linear", ...settings }, [input]),
  ),
  squeeze_excite: row<GateSettings>(
    "squeeze_excite",
    "map",
    "Multiplies each channel by a gate that a small network computes from the means of all channels.",
    map<GateSettings>({
      channels: {
        ...share,
        description: "Channels in the middle of the small network.",
        derived: undefined,
        example: "here / 16",
      },
      round_to: roundTo,
      activation: {
        form: choice(activations),
        description: "What stands in the middle.",
        derived: "the stage's activation",
        example: "relu",
      },
      gate: {
        form: choice(gates),
        description: "What brings the factors between 0 and 1.",
        default: "sigmoid",
      },
    }),
    (site, input, settings) => {
      const squeezed = site.add({ kind: "global_average_pool" }, [input], "pooling");
      const features = channelsOf(site, settings);
      const reduced = site.add({ kind: "linear", features, bias: true }, [squeezed], "reduce");
      const inner = settings.activation ?? site.activation;
      const active = inner === "none" ? reduced : site.add({ kind: inner }, [reduced], "activation");
      const wide = site.shapeOf(input).channels;
      const expanded = site.add({ kind: "linear", features: wide, bias: true }, [active], "expand");
      const gate = site.add({ kind: settings.gate }, [expanded], "gate");
      return site.add({ kind: "multiply" }, [input, gate], "multiply");
    },
    "Hu et al. 2017 (arXiv 1709.01507)",
  ),
  add: joined(
    "add",
    "The sum of several branches, each a list of layers over the same input.",
    16,
    [["norm"], []],
    (site, [first, ...others]) => others.reduce((sum, node) => site.add({ kind: "add" }, [sum, node]), first!),
  ),
  concatenate: joined(
    "concatenate",
    "The channels of several branches, each a list of layers over the same input, one behind the other.",
    16,
    [[], [{ conv: 3 }]],
    (site, nodes) => {
      const [first, ...others] = nodes.map((node) => site.shapeOf(node));
      const odd = others.find((other) => sizeOf(other) !== sizeOf(first!));
      if (odd)
        return site.fault(
          `joins maps of ${sizeOf(first!)} and of ${sizeOf(odd)}`,
          "give every branch the same strides",
        );
      return site.add({ kind: "concatenate" }, nodes);
    },
  ),
  split: row<{ readonly branches: readonly Layers[] }>(
    "concatenate",
    "map",
    "Cuts the channels into as many equal parts as there are branches, each part to its branch, and concatenates what they yield.",
    shortForms(
      map({
        branches: {
          form: list(layersForm, 2, 16),
          description: "A list of layers for each part; an empty one leaves the part as it is.",
          example: [[], [{ conv: 3 }]],
        },
      }),
      [
        {
          form: list(layersForm, 2, 16),
          meaning: "its branches",
          expand: (branches: readonly Layers[]) => ({ branches }),
        },
      ],
    ),
    (site, input, { branches }) => {
      const { channels: count } = site.shapeOf(input);
      const part = count / branches.length;
      if (!Number.isInteger(part))
        return site.fault(`cannot cut ${count} channels into ${branches.length} equal parts`, undefined);
      const nodes = branches.map((branch, index) => {
        const own = site.add({ kind: "slice", from: index * part, channels: part }, [input], `part${index + 1}`);
        return site.run(branch, own, ["branches", index], "path");
      });
      return site.add({ kind: "concatenate" }, nodes);
    },
    "Ma et al. 2018 (arXiv 1807.11164)",
  ),
  shortcut: row<{ readonly layers: Layers }>(
    "add",
    "any",
    "Layers with a shortcut around them: what they yield, plus what came in.",
    shortForms(map({ layers: { form: layersForm, description: "The layers.", example: [{ conv: 3 }, "norm"] } }), [
      { form: layersForm, meaning: "its layers", expand: (inner: Layers) => ({ layers: inner }) },
    ]),
    (site, input, { layers: inner }) => site.add({ kind: "add" }, [site.run(inner, input, ["layers"]), input]),
  ),
  multiply: joined(
    "multiply",
    "A map times a gate, one factor a channel, or times a map of the same shape.",
    2,
    [[], ["global_average", "sigmoid"]],
    (site, nodes) => {
      const [map, factor] = nodes.map((node) => site.shapeOf(node)) as [Shape, Shape];
      const fits = map.channels === factor.channels && [sizeOf(map), "1×1"].includes(sizeOf(factor));
      if (!fits)
        return site.fault(
          `multiplies ${formatShape(map)} by ${formatShape(factor)}`,
          "let the second branch end in one factor a channel, or in the same shape",
        );
      return site.add({ kind: "multiply" }, nodes);
    },
  ),
  repeat: row<{ readonly times: number; readonly layers: Layers }>(
    "repeat",
    "any",
    "Layers several times over, one after another.",
    map({
      times: {
        form: expression(integer({ minimum: 0, maximum: 1000, unit: "times" })),
        description: "How often.",
        example: 2,
      },
      layers: { form: layersForm, description: "The layers.", example: ["norm", "activation"] },
    }),
    (site, input, { times, layers: inner }) => {
      let current = input;
      for (let time = 0; time < times; time++) current = site.run(inner, current, ["layers"]);
      return current;
    },
  ),
  when: row<{ readonly is: number; readonly layers: Layers; readonly otherwise: Layers }>(
    "when",
    "any",
    "Layers that stand there under a condition.",
    map({
      is: {
        form: expression(number()),
        description: "The condition, which holds unless it is 0; `first` is 1 in a stage's first block and 0 after it.",
        example: "first",
      },
      layers: { form: layersForm, description: "The layers where it holds.", default: [], example: ["activation"] },
      otherwise: { form: layersForm, description: "The layers where it does not.", default: [], example: ["norm"] },
    }),
    (site, input, { is, layers: held, otherwise }) =>
      is === 0 ? site.run(otherwise, input, ["otherwise"]) : site.run(held, input, ["layers"]),
  ),
};

function convolve(
  site: Site,
  input: number,
  settings: Pick<ConvolutionSettings, "kernel" | "stride" | "padding" | "dilation" | "bias">,
  count: number,
  groupCount: number,
): number {
  const { kernel: size, dilation: spread } = settings;
  const span = (size - 1) * spread + 1;
  const { padding: sides, stride: steps } = windowOf(
    { ...settings, kernel: span },
    settings.stride,
    site.shapeOf(input),
    Math.floor((span - 1) / 2),
  );
  const op: Op = {
    kind: "conv2d",
    channels: count,
    bias: settings.bias ?? site.bias,
    kernel: [size, size],
    stride: steps,
    padding: sides,
    ...(spread > 1 ? { dilation: [spread, spread] as const } : {}),
    ...(groupCount > 1 ? { groups: groupCount } : {}),
  };
  return site.add(op, [input]);
}

function groupsOf(site: Site, input: number, settings: ConvolutionSettings, count: number): number {
  const { groups: asked, group_width: width } = settings;
  if (asked !== null && width !== null)
    return site.fault("says `groups` and `group_width`, expected one of them", "take one out", "group_width");
  if (asked === null && width === null) return 1;
  const found = asked ?? count / width!;
  const { channels: inputs } = site.shapeOf(input);
  const key = asked === null ? "group_width" : "groups";
  if (!Number.isInteger(found) || found < 1)
    return site.fault(`cannot cut ${count} channels into groups of ${width}`, undefined, key);
  for (const [channelCount, what] of [
    [inputs, "that come in"],
    [count, "that go out"],
  ] as const) {
    if (channelCount % found !== 0)
      return site.fault(
        `cannot cut the ${channelCount} channels ${what} into ${found} groups`,
        divisorHint(channelCount, found),
        key,
      );
  }
  return found;
}

function sizeOf(shape: Shape): string {
  return shape.kind === "map" ? `${shape.height}×${shape.width}` : "1×1";
}

function channelsOf(
  site: Site,
  {
    channels: asked = site.out,
    round_to: multiple = null,
  }: { readonly channels?: number | undefined; readonly round_to?: number | null },
): number {
  if (asked === undefined) return site.fault("nothing says how many channels it has", "add `channels: 64`");
  const count = multiple === null ? Math.round(asked) : roundedTo(asked, multiple);
  // Shares such as 2.3 of 80 are whole but for what floating point leaves
  if (multiple === null && Math.abs(asked - count) > 1e-6 * asked) {
    const found = Number(asked.toPrecision(7));
    return site.fault(`comes to ${found} channels, expected a whole number`, "add `round_to: 8`", "channels");
  }
  if (count < 1 || count > channels.maximum) {
    return site.fault(
      `comes to ${count} channels, expected 1 to ${channels.maximum.toLocaleString("en-US")}`,
      undefined,
      "channels",
    );
  }
  return count;
}

/** The nearest multiple, and the next where that takes off more than a tenth. */
function roundedTo(value: number, multiple: number): number {
  const nearest = Math.max(multiple, Math.floor(value / multiple + 0.5) * multiple);
  return nearest < 0.9 * value ? nearest + multiple : nearest;
}

function windowOf(
  { kernel: size, padding: zeros }: { readonly kernel: number; readonly padding?: PaddingSetting | undefined },
  step: number,
  shape: Shape,
  usual: number,
): Window {
  return { kernel: [size, size], stride: [step, step], padding: sidesOf(zeros ?? usual, size, step, shape) };
}

function sidesOf(zeros: PaddingSetting, size: number, step: number, shape: Shape): Padding {
  if (typeof zeros === "number") return { top: zeros, bottom: zeros, left: zeros, right: zeros };
  if (zeros !== "same") return zeros;
  const { height, width } = shape.kind === "map" ? shape : { height: 1, width: 1 };
  const [rows, columns] = [height, width].map((length) =>
    Math.max(0, (Math.ceil(length / step) - 1) * step + size - length),
  ) as [number, number];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { top, bottom: rows - top, left, right: columns - left };
}
