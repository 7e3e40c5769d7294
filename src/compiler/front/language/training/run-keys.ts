// Keys of `train` that say how a run goes on and when it ends: what is saved, what is left out, and when enough is enough.
import type { CheckpointsConfig, EarlyStopConfig, TrainConfig } from "../../../config.js";
import { choice, integer, map, number, options } from "../forms.js";
import type { Key } from "../forms.js";

const epochs = integer({ minimum: 1, maximum: 1_000_000, unit: "epochs" });
const steps = integer({ minimum: 1, maximum: 1_000_000_000, unit: "steps" });

export const nonFinite: Key = {
  form: options({
    stop: { description: "The run ends at that step.", settings: null },
    skip: {
      description: "The step changes nothing and the run goes on.",
      settings: map<Extract<TrainConfig["non_finite"], object>["skip"]>({
        limit: {
          form: integer({ minimum: 1, maximum: 1_000_000, unit: "steps" }),
          description: "How many steps of a run may be left out; one more ends it.",
          default: 10,
        },
      }),
    },
  }),
  description: "What becomes of a step whose loss or gradients are NaN or infinite.",
  default: "stop",
  example: { skip: { limit: 10 } },
};

export const earlyStop: Key = {
  form: map<EarlyStopConfig>({
    metric: {
      form: choice({ test_accuracy: "the higher the better", test_loss: "the lower the better" }),
      description: "What is to improve; of the validation images, where `data.validation` keeps some.",
      default: "test_accuracy",
    },
    patience: {
      form: integer({ minimum: 1, maximum: 1_000_000, unit: "evaluations" }),
      description: "How many evaluations in a row may bring no improvement; the last of them ends the run.",
      example: 5,
    },
    min_delta: {
      form: number({ minimum: 0, maximum: 1000 }),
      description: "What an evaluation has to be better by than the best before it to count as an improvement.",
      default: 0,
      example: 0.001,
    },
  }),
  description: "Ends the run before its last epoch where evaluations no longer improve.",
  default: null,
  absent: "the run goes on to its last epoch",
  example: { patience: 5 },
  source: "Prechelt 1998, Early stopping - but when?",
};

export const checkpoints: Key = {
  form: map<CheckpointsConfig>({
    every_epochs: {
      form: epochs,
      description: "Epochs from one checkpoint to the next; the last epoch is always followed by one.",
      default: 1,
    },
    every_steps: {
      form: steps,
      description: "Steps from one checkpoint to the next, counted over the whole run, besides those after epochs.",
      default: null,
      absent: "none within epochs",
      example: 200,
    },
    keep: {
      form: integer({ minimum: 1, maximum: 1_000_000, unit: "checkpoints" }),
      description: "How many of the newest checkpoints stay on the disk.",
      default: 2,
    },
    keep_best: {
      form: integer({ minimum: 0, maximum: 1_000_000, unit: "checkpoints" }),
      description:
        "How many of those with the highest accuracy (of the validation images, where `data.validation` keeps some) stay beside the newest; an evaluation among the best is" +
        " followed by a checkpoint.",
      default: 0,
      example: 1,
    },
    on_failure: {
      form: choice({
        continue: "training goes on, and the next checkpoint is tried in its turn",
        stop: "the run ends",
      }),
      description: "What happens where a checkpoint cannot be written: a full disk, a folder that is gone.",
      default: "continue",
    },
  }),
  description: "When the state of training is saved.",
  default: {},
  example: { keep: 2 },
};
