// Softmax cross-entropy with label smoothing (Szegedy et al., arXiv 1512.00567 §7), in double precision: the mean loss,
// the number of correct answers, and the gradient of the logits. A mixed image has a second label, to which the rest of
// the first one's share of the target falls (Zhang et al., arXiv 1710.09412 §2).
import { CORRECT, LOSS } from "../generated/constants";
import { SoftmaxCrossEntropy } from "../generated/operands";
import { cut } from "../simd";
import { barrier } from "../threads";

export function softmaxCrossEntropy(call: usize, thread: i32, threads: i32): void {
  const logits = SoftmaxCrossEntropy.logits(call), labels = SoftmaxCrossEntropy.labels(call);
  const otherLabels = SoftmaxCrossEntropy.otherLabels(call), shares = SoftmaxCrossEntropy.labelShares(call);
  const gradients = SoftmaxCrossEntropy.logitsGradient(call), losses = SoftmaxCrossEntropy.losses(call);
  const images = SoftmaxCrossEntropy.images(call), classes = SoftmaxCrossEntropy.classes(call), lanes = SoftmaxCrossEntropy.lanes(call);
  const smoothing = <f64>SoftmaxCrossEntropy.labelSmoothing(call), spread = smoothing / <f64>classes;
  for (let image = cut(images, thread, threads); image < cut(images, thread + 1, threads); image++) {
    const z = logits + (<usize>(image * lanes) << 2), label = load<i32>(labels + (<usize>image << 2));
    let second = label, share: f64 = 1;
    if (shares) {
      second = load<i32>(otherLabels + (<usize>image << 2));
      share = <f64>load<f32>(shares + (<usize>image << 2));
    }
    let largest: f64 = -Infinity, best = 0, sum: f64 = 0, loss: f64 = 0;
    for (let c = 0; c < classes; c++) {
      const value = <f64>load<f32>(z + (<usize>c << 2));
      // Where no value is larger than the last (NaN) class 0 stands.
      if (value > largest) { largest = value; best = c; }
      if (value != value) largest = value;
    }
    for (let c = 0; c < classes; c++) sum += Math.exp(<f64>load<f32>(z + (<usize>c << 2)) - largest);
    const logSum = largest + Math.log(sum);
    for (let c = 0; c < classes; c++) {
      const value = <f64>load<f32>(z + (<usize>c << 2));
      let target = spread;
      if (c == label) target += (1 - smoothing) * share;
      if (c == second) target += (1 - smoothing) * (1 - share);
      loss += target * (logSum - value);
      if (gradients) {
        const gradient = (Math.exp(value - logSum) - target) / <f64>images;
        store<f32>(gradients + (<usize>(image * lanes + c) << 2), <f32>gradient);
      }
    }
    if (gradients) for (let c = classes; c < lanes; c++) store<f32>(gradients + (<usize>(image * lanes + c) << 2), 0);
    store<f64>(losses + (<usize>image << 4), loss);
    store<i32>(losses + (<usize>image << 4), best == label ? 1 : 0, 8);
  }
  barrier(threads);
  if (thread != 0) return;
  let loss: f64 = 0, correct = 0;
  for (let image = 0; image < images; image++) {
    loss += load<f64>(losses + (<usize>image << 4));
    correct += load<i32>(losses + (<usize>image << 4), 8);
  }
  store<f64>(LOSS, loss / <f64>images);
  store<i32>(CORRECT, correct);
}
