// A group of `train.groups`: which parameters it is about, and what is theirs instead of the training's own.
import type { GroupConfig } from "../../../config.js";
import type { ParameterRole } from "../../../network/parameters.js";
import { choice, list, map, number, text } from "../forms.js";
import type { Form, MapForm } from "../forms.js";
import { optimizer } from "./optimizer.js";

const role = choice<ParameterRole>({
  conv_weight: "filters of convolutions",
  linear_weight: "the classifier's matrix",
  bias: "biases of convolutions and of the classifier",
  norm_scale: "what a norm, or a learned scale, multiplies each channel by",
  norm_shift: "what a norm adds to each channel",
});

export function parameterGroup(learningRate: Form): MapForm {
  return map<GroupConfig>({
    roles: {
      form: list(role, 0, 5),
      description: "What the parameters are to their layers; an empty list means every role.",
      default: [],
      example: ["norm_shift"],
    },
    layers: {
      form: list(text, 0, 1000),
      description:
        "The layers that they belong to, as `netc graph` names them, whole or their beginning up to a dot: `stages.1` is all of the second stage. An empty list means every layer.",
      default: [],
      example: ["stem.conv"],
    },
    optimizer: {
      form: optimizer,
      description: "How their gradients become updates.",
      default: null,
      absent: "the training's own optimizer",
      example: { muon: { momentum: 0.6 } },
    },
    learning_rate: {
      form: learningRate,
      description: "Their own schedule, over the epochs that they are trained for.",
      default: null,
      absent: "the training's own schedule",
      example: 0.1,
    },
    rate_factor: {
      form: number({ above: 0, maximum: 1_000_000 }),
      description: "What the rate is multiplied by for them.",
      default: 1,
      example: 64,
    },
    weight_decay: {
      form: number({ minimum: 0, maximum: 1000 }),
      description: "Their own weight decay, for norms and biases among them too.",
      default: null,
      absent: "the optimizer's own",
      example: 0,
    },
    from_epoch: {
      form: number({ minimum: 0, maximum: 1_000_000, unit: "epochs" }),
      description: "The epoch, whole or not, from which on they are trained; until then they are frozen.",
      default: 0,
      example: 1,
    },
    epochs: {
      form: number({ minimum: 0, maximum: 1_000_000, unit: "epochs" }),
      description:
        "How long they are trained, in epochs, whole or not; then they are frozen. At 0 they stay as they start, for good. Where `lookahead` averages the weights, its next move still takes them to their average, once.",
      default: null,
      absent: "as long as the training lasts",
      example: 3,
    },
    frozen_norms: {
      form: choice({
        running: "their running statistics, which stay as they are",
        batch: "the statistics of each batch, which go on moving the running ones",
      }),
      description: "What batch norms normalise by in training while all of their parameters are frozen.",
      default: "running",
      source: "He et al. 2017 (arXiv 1703.06870), section 3.1, froze batch norm so",
    },
  });
}
