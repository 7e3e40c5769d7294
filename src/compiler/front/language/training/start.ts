// `train.start`: the trained weights that a network begins with.
import type { StartConfig } from "../../../config.js";
import { choice, list, map, shortForms, text } from "../forms.js";
import type { Key } from "../forms.js";

const names = list(text, 0, 1000);

export const start: Key = {
  form: shortForms(
    map<StartConfig>({
      weights: {
        form: text,
        description:
          "Where the weights are: a `.safetensors` file, one of PyTorch's `torch.save` (`.pth`, `.pt`), a run of netc or one of its checkpoints, or an address that begins with https://, which is fetched once and kept.",
        example: "resnet18-f37072fd.pth",
      },
      sha256: {
        form: text,
        description: "The SHA-256 of the file, 64 hexadecimal digits; an address is not fetched without.",
        default: null,
        absent: "the file is taken as it is, but for the digits that torchvision puts into its names",
        example: "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
      },
      head: {
        form: choice({
          kept: "the classifier's weights are the file's",
          new: "the classifier is drawn anew, for other classes than those that the weights were trained on",
        }),
        description: "Whether the classifier goes on from the weights too.",
        default: "kept",
        example: "new",
      },
      new: {
        form: names,
        description:
          "Layers or tensors of the network that stay as they are drawn, as `netc weights match` names them, whole or their beginning up to a dot.",
        default: [],
        example: ["stem.conv"],
      },
      skip: {
        form: names,
        description:
          "Tensors of the file that are not used, named as it names them, whole or their beginning up to a dot.",
        default: [],
        example: ["aux_head"],
      },
    }),
    [
      {
        form: text,
        meaning: "the weights that are there, all of them",
        expand: (weights: string) => ({ weights }),
      },
    ],
  ),
  description:
    "Trained weights to begin with; every tensor of the network and of the file must have its partner, but for those named here. `netc weights match` shows them.",
  default: null,
  absent: "the values that `initialization` draws",
  example: { weights: "resnet18-f37072fd.pth", head: "new" },
  source: "Yosinski et al. 2014 (arXiv 1411.1792)",
};
