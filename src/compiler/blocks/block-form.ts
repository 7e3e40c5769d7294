// How a block is described, in the file's `blocks` and in those that netc has.
import type { BlockDefinition, BlockSetting } from "../config.js";
import { any, boolean, dictionary, map, number, shortForms, text } from "../front/language/forms.js";
import type { Key, MapForm } from "../front/language/forms.js";
import { layersForm } from "./layers.js";

const settings = dictionary(
  "setting",
  shortForms(
    map<BlockSetting>({
      default: {
        form: any,
        description: "The value where a stage gives none; it also says of what kind the setting is.",
        default: null,
        absent: "nothing",
        example: 4,
      },
      description: {
        form: text,
        description: "What it is for.",
        default: null,
        absent: "nothing is said",
        example: "How many.",
      },
    }),
    [
      { form: number(), meaning: "its default", expand: (value: number) => ({ default: value }) },
      { form: boolean, meaning: "its default", expand: (value: boolean) => ({ default: value }) },
      {
        form: text,
        meaning: "its default, a share such as `1/4` or a word",
        expand: (value: string) => ({ default: value }),
      },
    ],
  ),
);

const layerList = (description: string, example: unknown): Key => ({
  form: layersForm,
  description,
  default: null,
  absent: "those of what it extends, or none",
  example,
});

export const blockForm: MapForm = map<BlockDefinition>({
  description: {
    form: text,
    description: "What the block is, for whoever reads the file.",
    default: null,
    absent: "nothing is said",
    example: "Two convolutions with a shortcut around them.",
  },
  source: {
    form: text,
    description: "Where it comes from.",
    default: null,
    absent: "nothing is said",
    example: "arXiv 1512.03385",
  },
  extends: {
    form: text,
    description:
      "A block that this one is laid over: its own keys replace that block's, and its settings come beside that block's.",
    default: null,
    absent: "the block stands for itself",
    example: "bottleneck",
  },
  settings: {
    form: settings,
    description: "What a stage may set, each with its default. Layers read a setting by its name.",
    default: {},
    example: { width: "1/4" },
  },
  before: layerList("Layers before both the branch and the projection. The identity leads around them.", [
    "norm",
    "activation",
  ]),
  branch: layerList("The layers of the block.", [{ conv: { kernel: 3, stride: "stage" } }, "norm", "activation"]),
  end: {
    form: layersForm,
    description: "Layers behind the branch: what a block adds to the one it extends.",
    default: [],
    example: [{ squeeze_excite: { channels: "here / 16" } }],
  },
  shortcut: {
    form: boolean,
    description: "Whether a shortcut leads around the layers and is added to what they yield.",
    default: null,
    absent: "as in the block that it extends, or else true",
    example: false,
  },
  identity: layerList("Layers on the shortcut of blocks that have no projection.", ["norm"]),
  projection: {
    form: shortForms(layersForm, [
      {
        form: { kind: "literal", value: "none" },
        meaning: "there is none, and blocks that change channels or size are left without a shortcut",
      },
    ]),
    description: "The shortcut of a stage's first block, where the stage asks for a projection.",
    default: null,
    absent: "that of what it extends, or none",
    example: [{ conv: { kernel: 1, stride: "stage" } }, "norm"],
  },
  after: layerList("Layers after the addition.", ["activation"]),
});

/** Names that expressions have in every block, with what they stand for. */
export const NAMES: Readonly<Record<string, string>> = {
  in: "channels that come into the block",
  out: "channels of the stage",
  here: "channels that come into the layer",
  stage: "the stage's stride in its first block, 1 in the others",
  first: "1 in the stage's first block, 0 in the others",
  depth_share: "0 in the network's first block, 1 in its last, and evenly between",
  activation_before_add: "1 where the stage says so, else 0",
};
