// The running average of a network's weights: what evaluation and the saved model use where the file asks for one.
import type { TrainConfig } from "./config.js";

/** What a State calls the average of a parameter or running statistic. */
export function averageName(tensor: string): string {
  return `${tensor}.average`;
}

export function averagesWeights({ weight_average }: TrainConfig): boolean {
  return weight_average !== null;
}

/**
 * How much of the new value goes into the average after `step` (counted from 1): 1 − decay, and more in the beginning, so
 * that the initial weights do not linger. The ramp (1 + step) / (10 + step) is that of TensorFlow's ExponentialMovingAverage.
 */
export function averageShare({ weight_average }: TrainConfig, step: number): number {
  if (weight_average === null) return 0;
  return 1 - Math.min(weight_average.ema.decay, (1 + step) / (10 + step));
}
