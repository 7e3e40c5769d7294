// The averages of weights in the language.
import type { WeightAverageConfig } from "../../../config.js";
import { integer, map, number, options } from "../forms.js";
import type { OptionsForm, SettingsOf } from "../forms.js";

const steps = { minimum: 1, maximum: 1_000_000, unit: "steps" };

export const weightAverage: OptionsForm = options({
  ema: {
    description: "An exponential moving average over the steps, of running statistics too.",
    settings: map<SettingsOf<WeightAverageConfig, "ema">>({
      decay: {
        form: number({ minimum: 0, below: 1 }),
        description: "Share of the average that a step leaves; smaller in the first steps: (1 + step) / (10 + step).",
        default: 0.999,
        example: 0.99,
        source: "Polyak and Juditsky 1992; the ramp as in TensorFlow's ExponentialMovingAverage",
      },
    }),
  },
  lookahead: {
    description:
      "Every few steps the average moves towards the weights, and training goes on from the average; frozen parameters and running statistics too.",
    source: "Zhang et al. 2019 (arXiv 1907.08610)",
    settings: map<SettingsOf<WeightAverageConfig, "lookahead">>({
      every_steps: {
        form: integer(steps),
        description: "Steps from one move to the next.",
        default: 5,
        source: "Zhang et al. 2019 (arXiv 1907.08610), section 4",
      },
      decay: {
        form: number({ minimum: 0, below: 1 }),
        description: "Share of the average that a move leaves, at the end of training.",
        default: 0.5,
        example: 0.77,
        source: "Zhang et al. 2019 (arXiv 1907.08610), section 4",
      },
      power: {
        form: number({ minimum: 0, maximum: 10 }),
        description: "How the share rises: with (step / steps) to this power; at 0 it is the same throughout.",
        default: 0,
        example: 3,
        source: "Jordan 2024 (arXiv 2404.00498)",
      },
    }),
  },
  stochastic: {
    description:
      "The plain mean of the weights at every so many steps towards the end of training, of running statistics too.",
    source: "Izmailov et al. 2018 (arXiv 1803.05407)",
    settings: map<SettingsOf<WeightAverageConfig, "stochastic">>({
      from_epoch: {
        form: number({ minimum: 0, maximum: 1_000_000, unit: "epochs" }),
        description: "When averaging begins; until then the weights themselves are evaluated.",
        example: 12,
      },
      every_steps: {
        form: integer(steps),
        description: "Steps from one value that counts to the next.",
        default: 1,
      },
    }),
  },
});
