// Rules within the train section: parts and intervals that do not work out, rates that no one trains with, and branches that never learn.
import type { ResolvedConfig } from "../config.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { ConfigRule } from "./rule.js";
import { highestRate, optimizerName, usualRates, whyUnusual } from "./usual-rates.js";

export const trainingRules: readonly ConfigRule[] = [partsAreEqual, evaluationsHaveOneInterval, rateIsUsual];

function partsAreEqual({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { batch_size: batch, accumulate: parts } = train;
  if (batch % parts === 0) return [];
  const fewer = Math.min(parts, batch);
  const nearest = Array.from({ length: fewer }, (_, index) => fewer - index).find((count) => batch % count === 0)!;
  return [
    {
      code: "train/uneven-parts",
      severity: "error",
      message: `accumulate works on a batch in ${parts} parts, but ${batch} images cannot be cut into ${parts} equal ones`,
      path: ["train", "accumulate"],
      hint: `write \`accumulate: ${nearest}\`, or \`batch_size: ${Math.ceil(batch / parts) * parts}\``,
      related: [{ message: "the batch is set here", path: ["train", "batch_size"] }],
    },
  ];
}

function evaluationsHaveOneInterval({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { every_epochs: epochs, every_steps: steps } = train.evaluation;
  if (epochs === null || steps === null) return [];
  return [
    {
      code: "train/two-durations",
      severity: "error",
      message: "every_epochs and every_steps both say how long it is from one evaluation to the next",
      path: ["train", "evaluation", "every_steps"],
      hint: "keep one of them",
      related: [{ message: "it is given in epochs here", path: ["train", "evaluation", "every_epochs"] }],
    },
  ];
}

function rateIsUsual({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { below, rate } = highestRate(train.learning_rate);
  const message = whyUnusual(train.optimizer, rate);
  if (!message) return [];
  return [
    {
      code: "train/unusual-learning-rate",
      severity: "warning",
      message,
      path: ["train", "learning_rate", ...below],
      hint: `start from \`${usualRates[optimizerName(train.optimizer)].start}\``,
      related: [{ message: "the optimizer is set here", path: ["train", "optimizer"] }],
    },
  ];
}
