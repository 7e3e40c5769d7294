// The average of a network's weights over training: what evaluation and the saved model use where the file asks for one.
import type { TrainConfig } from "../config.js";
import type { TrainPlan } from "../program.js";

/** What a State calls the average of a parameter or running statistic. */
export function averageName(tensor: string): string {
  return `${tensor}.average`;
}

export function averagesWeights({ weight_average }: Pick<TrainConfig, "weight_average">): boolean {
  return weight_average !== null;
}

/** Whether the weights go on from their average whenever it has moved (Lookahead). */
export function writesBack({ weight_average }: Pick<TrainConfig, "weight_average">): boolean {
  return weight_average !== null && "lookahead" in weight_average;
}

/**
 * How much of the new values goes into the average after `step` (counted from 1): average += share · (value − average). At 0
 * the step leaves average and weights as they are.
 */
export function averageShare(
  { weight_average }: Pick<TrainConfig, "weight_average">,
  plan: Pick<TrainPlan, "steps" | "stepsPerEpoch">,
  step: number,
): number {
  if (weight_average === null) return 0;
  if ("ema" in weight_average) {
    // More in the beginning, so that the initial weights do not linger: TensorFlow's ExponentialMovingAverage
    return 1 - Math.min(weight_average.ema.decay, (1 + step) / (10 + step));
  }
  if ("lookahead" in weight_average) {
    const { every_steps: every, decay, power } = weight_average.lookahead;
    return step % every === 0 ? 1 - decay * Math.min(1, step / plan.steps) ** power : 0;
  }
  const { from_epoch: from, every_steps: every } = weight_average.stochastic;
  const first = averageStart(from, plan.stepsPerEpoch);
  // Until then the average is the weights themselves; from then on the n-th value counts 1/n
  if (step < first) return 1;
  return (step - first) % every === 0 ? 1 / ((step - first) / every + 1) : 0;
}

/** The step, counted from 1, after which the weights first count in a stochastic average. */
export function averageStart(fromEpoch: number, stepsPerEpoch: number): number {
  return Math.max(1, Math.round(fromEpoch * stepsPerEpoch));
}
