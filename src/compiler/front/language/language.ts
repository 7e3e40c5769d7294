// The root of the language: the one table from which validation, defaults, the JSON schema, `netc explain` and the
// reference page come.
import type { ResolvedConfig } from "../../config.js";
import { blockForm } from "../../blocks/block-form.js";
import { data } from "./data.js";
import { dictionary, integer, map, text } from "./forms.js";
import type { MapForm } from "./forms.js";
import { model } from "./model.js";
import { train } from "./train.js";

export const language: MapForm = map<ResolvedConfig & { readonly extends: string }>({
  extends: {
    form: text,
    description:
      "A file that this one is laid over, relative to it, or a network that comes with netc, such as netc:resnet-20. Maps are merged; lists and single values are replaced whole.",
    derived: "nothing: the file stands for itself",
    example: "netc:resnet-20",
  },
  name: {
    form: text,
    description: "What the network is called, in pictures, run folders and exported projects.",
    example: "resnet-20",
  },
  seed: {
    form: integer({ minimum: 0, maximum: 4_294_967_295 }),
    description: "All randomness follows from it: the start values, the order of images, the augmentation.",
    default: 0,
  },
  data: {
    form: data,
    description: "The images, and what happens to them on the way to the network.",
    example: { dataset: "cifar10" },
  },
  blocks: {
    form: dictionary("block", blockForm),
    description:
      "Blocks that the file describes itself, by name: what stages are built of, in layers. The keys are those of netc's own blocks, which `netc explain blocks.bottleneck` prints.",
    default: {},
    example: { plain: { branch: [{ conv: { kernel: 3, stride: "stage" } }, "norm", "activation"], shortcut: false } },
  },
  model: {
    form: model,
    description: "The network.",
    example: { stem: { channels: 16 }, stages: [{ channels: 16, blocks: 3 }] },
  },
  train: {
    form: train,
    description: "How the network is trained.",
    example: { epochs: 16, batch_size: 128, learning_rate: 0.1 },
  },
});
