// Rules about averages of weights: those that come to be after the run's end, or after something was to be read from them.
import type { ResolvedConfig } from "../config.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { stepsPerEpochOf } from "../training/plan.js";
import { averageStart } from "../training/weight-average.js";
import type { ConfigRule } from "./rule.js";
import { spanIsSetHere, spanOf } from "./training-parts.js";
import { withoutEffect } from "./without-effect.js";

export const averageRules: readonly ConfigRule[] = [lookaheadMovesInTime, averageHasValues];

/** Until its first move the average of Lookahead is the untrained network. */
function lookaheadMovesInTime(config: ResolvedConfig): readonly Diagnostic[] {
  const { weight_average: average, evaluation } = config.train;
  if (!average || !("lookahead" in average)) return [];
  const { every_steps: every } = average.lookahead;
  const run = spanOf(config, 0);
  const { steps } = run;
  const path = ["train", "weight_average", "lookahead", "every_steps"];
  const usual = (most: number) => `write \`every_steps: ${Math.min(5, most)}\``; // as the language's default
  if (every > steps) {
    return [
      {
        code: "train/average-past-end",
        severity: "error",
        message: `the average first moves after step ${every}, but the run ends after ${steps}: the untrained network would be saved`,
        path,
        hint: usual(steps),
        related: [spanIsSetHere(run)],
      },
    ];
  }
  const inEpochs = (evaluation.every_epochs ?? Infinity) * stepsPerEpochOf(config);
  const first = Math.min(evaluation.every_steps ?? inEpochs, steps);
  if (every <= first) return [];
  const key = evaluation.every_steps === null ? "every_epochs" : "every_steps";
  return [
    {
      code: "train/late-average",
      severity: "warning",
      message: `the average first moves after step ${every}, but it is evaluated after step ${first}: that measures the untrained network`,
      path,
      hint: usual(first),
      related: [{ message: "the evaluations are set here", path: ["train", "evaluation", key] }],
    },
  ];
}

/** The mean of one value is that value; where it is the last one, or all would come later, there is no mean at all. */
function averageHasValues(config: ResolvedConfig): readonly Diagnostic[] {
  const { weight_average: average, epochs } = config.train;
  if (!average || !("stochastic" in average)) return [];
  const { from_epoch: from, every_steps: every } = average.stochastic;
  const run = spanOf(config, 0);
  const { steps } = run;
  const first = averageStart(from, stepsPerEpochOf(config));
  const settings = ["train", "weight_average", "stochastic"];
  if (first >= steps) {
    const message = `averaging begins after epoch ${from}, but the run ends after ${epochs}: the weights are saved as they are`;
    const hint = `write \`from_epoch: ${Number((epochs * 0.75).toPrecision(2))}\``;
    return [withoutEffect(message, [...settings, "from_epoch"], hint, spanIsSetHere(run))];
  }
  if (first + every <= steps) return [];
  return [
    {
      code: "train/late-average",
      severity: "warning",
      message: `the average is the weights after step ${first} alone: the next would count after step ${first + every}, and the run ends after ${steps}`,
      path: [...settings, "every_steps"],
      hint: "write `every_steps: 1`, or begin earlier",
      related: [{ message: "averaging begins here", path: [...settings, "from_epoch"] }, spanIsSetHere(run)],
    },
  ];
}
