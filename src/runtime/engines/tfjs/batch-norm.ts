// Batch norm in training as one operation with a gradient of its own: tf.layers builds it of small operations, whose
// gradients cost minutes a step, and keeps another running variance than PyTorch.
import type { Tensor, Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";

export interface BatchStatistics {
  readonly mean: Tensor1D;
  /** Bessel-corrected, as PyTorch keeps it; normalisation uses the biased one. */
  readonly variance: Tensor1D;
}

/**
 * x: [n, h, w, c]; scale and shift: [c]. `onStatistics` is handed the statistics of this batch, to keep or to let go.
 * Ioffe and Szegedy 2015, algorithm 1; the gradient is that of §3 with the sums taken together.
 */
export function batchNormTraining(
  { core }: Tfjs,
  x: Tensor4D,
  scale: Tensor1D,
  shift: Tensor1D,
  eps: number,
  onStatistics: (statistics: BatchStatistics) => void,
): Tensor4D {
  const { add, div, mean, mul, reshape, rsqrt, square, sub, sum } = core;
  const channels = x.shape[3];
  const count = x.size / channels;

  const operation = core.customGrad((...operands) => {
    const [input, factor, offset, save] = operands as unknown as Operands;
    const flat = reshape(input, [count, channels]);
    const batchMean = mean<Tensor1D>(flat, 0);
    const centred = sub(flat, batchMean);
    const variance = mean<Tensor1D>(square(centred), 0);
    onStatistics({ mean: batchMean, variance: mul(variance, count / (count - 1)) });
    const inverseDeviation = rsqrt(add(variance, eps));
    const normalized = mul(centred, inverseDeviation);
    save([normalized, inverseDeviation, factor]);
    const value = reshape(add(mul(normalized, factor), offset), input.shape);
    return { value, gradFunc };
  });

  function gradFunc(gradient: Tensor, saved: Tensor[]): Tensor[] {
    const [normalized, inverseDeviation, factor] = saved as [Tensor, Tensor, Tensor];
    const flat = reshape(gradient, [count, channels]);
    const shiftGradient = sum(flat, 0);
    const scaleGradient = sum(mul(flat, normalized), 0);
    // dx = scale / deviation · (dy − mean(dy) − x̂ · mean(dy · x̂))
    const alongInput = mul(normalized, div(scaleGradient, count));
    const inner = sub(sub(flat, div(shiftGradient, count)), alongInput);
    const inputGradient = reshape(mul(inner, mul(factor, inverseDeviation)), gradient.shape);
    return [inputGradient, scaleGradient, shiftGradient];
  }

  return operation(x, scale, shift) as Tensor4D;
}

type Operands = [input: Tensor, scale: Tensor, shift: Tensor, save: (tensors: Tensor[]) => void];
