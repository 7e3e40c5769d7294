// Batch norm with its running statistics, folded into the convolution before it: norm(w ∗ x + b) = w' ∗ x + b'. In double
// precision, rounded once.
import { FoldBatchNorm } from "../generated/operands";
import { takeUnit } from "../threads";

export function foldBatchNorm(call: usize): void {
  const weights = FoldBatchNorm.weights(call), folded = FoldBatchNorm.foldedWeights(call), rows = FoldBatchNorm.rows(call);
  const lanes = FoldBatchNorm.lanes(call), row = <usize>lanes << 2, bias = FoldBatchNorm.bias(call), scale = FoldBatchNorm.scale(call);
  for (let unit = takeUnit(); unit < lanes >> 3; unit = takeUnit()) {
    const first = <usize>unit << 5, result = FoldBatchNorm.foldedBias(call) + first;
    for (let at = first; at < first + 32; at += 4) {
      const variance = <f64>load<f32>(FoldBatchNorm.runningVariance(call) + at) + <f64>FoldBatchNorm.epsilon(call);
      store<f32>(FoldBatchNorm.foldedBias(call) + at, <f32>((scale ? <f64>load<f32>(scale + at) : 1) / Math.sqrt(variance)));
    }
    const factor0 = v128.load(result), factor1 = v128.load(result, 16); // until the bias takes their place
    let from = weights + first, to = folded + first;
    for (let index = 0; index < rows; index++, from += row, to += row) {
      v128.store(to, f32x4.mul(v128.load(from), factor0));
      v128.store(to, f32x4.mul(v128.load(from, 16), factor1), 16);
    }
    for (let at = first; at < first + 32; at += 4) {
      const q = FoldBatchNorm.foldedBias(call) + at, before = bias ? <f64>load<f32>(bias + at) : 0;
      const centred = before - <f64>load<f32>(FoldBatchNorm.runningMean(call) + at);
      store<f32>(q, <f32>(<f64>load<f32>(FoldBatchNorm.shift(call) + at) + centred * <f64>load<f32>(q)));
    }
  }
}
