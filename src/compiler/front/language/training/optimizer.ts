// The optimizers of the language, for the training as a whole and for groups of parameters.
import type { AdamConfig, MuonConfig, OptimizerConfig } from "../../../config.js";
import { boolean, integer, map, number, options } from "../forms.js";
import type { Key, MapForm, OptionsForm, SettingsOf } from "../forms.js";

const weightDecay: Key = {
  form: number({ minimum: 0, maximum: 10 }),
  description: "Pulls weights towards zero.",
  default: 0,
  example: 5e-4,
};

const decayNormAndBias: Key = {
  form: boolean,
  description: "Whether weight decay reaches the parameters of norms and the biases too.",
  default: true,
};

const adam = (decay: { readonly weight_decay: Partial<Key> }): MapForm =>
  map<AdamConfig>({
    beta1: {
      form: number({ minimum: 0, below: 1 }),
      description: "Decay of the running mean of gradients.",
      default: 0.9,
      source: "Kingma and Ba 2014 (arXiv 1412.6980)",
    },
    beta2: {
      form: number({ minimum: 0, below: 1 }),
      description: "Decay of the running mean of squared gradients.",
      default: 0.999,
      source: "Kingma and Ba 2014 (arXiv 1412.6980)",
    },
    eps: {
      form: number({ above: 0, maximum: 1 }),
      description: "Added to the divisor, against division by zero.",
      default: 1e-8,
      source: "Kingma and Ba 2014 (arXiv 1412.6980)",
    },
    weight_decay: { ...weightDecay, ...decay.weight_decay },
    decay_norm_and_bias: decayNormAndBias,
  });

/** How gradients become updates. */
export const optimizer: OptionsForm = options({
  sgd: {
    description: "Stochastic gradient descent.",
    settings: map<SettingsOf<OptimizerConfig, "sgd">>({
      momentum: {
        form: number({ minimum: 0, below: 1 }),
        description: "Share of the last update's direction that is kept.",
        default: 0,
        example: 0.9,
      },
      nesterov: {
        form: boolean,
        description: "Whether the gradient is taken ahead, where momentum leads.",
        default: false,
        source: "Sutskever et al. 2013",
      },
      weight_decay: {
        ...weightDecay,
        description: "Pulls weights towards zero: added to the gradient as weight_decay × weight.",
      },
      decoupled: {
        form: boolean,
        description:
          "Whether weight decay acts apart from the gradient and its momentum: each step takes learning rate × weight_decay × weight off.",
        default: false,
        source: "Loshchilov and Hutter 2017 (arXiv 1711.05101), algorithm 1",
      },
      decay_norm_and_bias: decayNormAndBias,
    }),
  },
  adam: {
    description: "Adam; weight decay is added to the gradient.",
    source: "Kingma and Ba 2014 (arXiv 1412.6980)",
    settings: adam({ weight_decay: {} }),
  },
  adamw: {
    description: "Adam with weight decay apart from the gradient.",
    source: "Loshchilov and Hutter 2017 (arXiv 1711.05101)",
    settings: adam({
      weight_decay: {
        description: "Pulls weights towards zero: each step takes learning rate × weight_decay × weight off.",
        default: 0.01,
        source: "PyTorch's AdamW",
      },
    }),
  },
  muon: {
    description:
      "Momentum whose direction is brought near an orthogonal matrix: for filters and matrices, so that groups must train what is neither.",
    source: "Jordan et al. 2024 (github.com/KellerJordan/Muon)",
    settings: map<MuonConfig>({
      momentum: {
        form: number({ minimum: 0, below: 1 }),
        description: "Share of the last update's direction that is kept.",
        default: 0.95,
        source: "Jordan et al. 2024",
      },
      nesterov: {
        form: boolean,
        description: "Whether the gradient is taken ahead, where momentum leads.",
        default: true,
        source: "Jordan et al. 2024",
      },
      iterations: {
        form: integer({ minimum: 1, maximum: 20, unit: "iterations" }),
        description: "Newton-Schulz iterations towards the orthogonal matrix.",
        default: 5,
        source: "Jordan et al. 2024",
      },
      normalize_weights: {
        form: boolean,
        description:
          "Whether each tensor is brought to the norm √(output channels) before every update, so that a rate means the same throughout.",
        default: false,
        source: "Jordan's CIFAR-10 speed runs (github.com/KellerJordan/cifar10-airbench)",
      },
      weight_decay: {
        ...weightDecay,
        description: "Pulls weights towards zero: each step takes learning rate × weight_decay × weight off.",
      },
    }),
  },
});
