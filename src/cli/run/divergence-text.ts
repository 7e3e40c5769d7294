// How a run's numbers went wrong → what happened and what to try, in sentences.
import type { Divergence } from "../../runtime/training/training-events.js";
import { formatLoss, formatRate } from "../screen/terminal.js";

export function divergenceText({ step, measured, learningRate, tensor }: Divergence): [what: string, advice: string] {
  const what = measured === null ? "the weights are no longer finite" : measuredText(measured);
  const where = tensor ? `; the first tensor with NaN or infinity is ${tensor}` : "";
  return [
    `${what} at step ${step}${where}`,
    `the learning rate was ${formatRate(learningRate)}: try a lower one or a longer warm-up (train.learning_rate), or a limit on the gradients (train.gradient_clip)`,
  ];
}

/** A log holds null where a number was none. */
function measuredText({ loss, gradientNorm }: NonNullable<Divergence["measured"]>): string {
  const text = (value: number | null): string => (value === null ? "not a number" : formatLoss(value));
  return loss !== null && Number.isFinite(loss)
    ? `the norm of the gradients is ${text(gradientNorm)}`
    : `the loss is ${text(loss)}`;
}
