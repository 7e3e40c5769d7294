// A learned factor a channel, or one for all of a map (arXiv 2103.17239, 2003.04887), and its gradient. T is how maps are stored.
import { LearnedScale, LearnedScaleGradient } from "../generated/operands";
import { addToDoubles, bytesOf, cut, loadFour, splat, storeFour } from "../simd";
import { barrier, takeUnit } from "../threads";

/** The factors of four channels. */
// @ts-ignore: decorator
@inline
function factorsAt(weight: usize, lane: i32, isOne: i32): v128 {
  return isOne ? v128.load_splat<f32>(weight) : v128.load(weight + (<usize>lane << 2));
}

export function learnedScale<T>(call: usize): void {
  const pixels = LearnedScale.pixels(call), lanes = LearnedScale.lanes(call), row = bytesOf<T>(lanes);
  const weight = LearnedScale.weight(call), isOne = LearnedScale.isOne(call), inUnit = max(8, 4096 / lanes);
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const start = row * (unit * inUnit), end = row * min(pixels, (unit + 1) * inUnit);
    for (let lane = 0; lane < lanes; lane += 4) {
      const factor = factorsAt(weight, lane, isOne);
      for (let at = start + bytesOf<T>(lane); at < end; at += row) {
        storeFour<T>(LearnedScale.output(call) + at, f32x4.mul(loadFour<T>(LearnedScale.input(call) + at), factor));
      }
    }
  }
}

/** dx = dy·weight; the weight's is Σ dy·x, float32 over short runs of pixels and double beyond, in a fixed number of partial sums. */
export function learnedScaleGradient<T>(call: usize, thread: i32, threads: i32): void {
  const pixels = LearnedScaleGradient.pixels(call), lanes = LearnedScaleGradient.lanes(call), row = bytesOf<T>(lanes);
  const weight = LearnedScaleGradient.weight(call), isOne = LearnedScaleGradient.isOne(call), weightGradient = LearnedScaleGradient.weightGradient(call);
  const x = LearnedScaleGradient.input(call), dy = LearnedScaleGradient.outputGradient(call), dx = LearnedScaleGradient.inputGradient(call);
  const partialCount = LearnedScaleGradient.partialCount(call), partials = LearnedScaleGradient.partials(call), partialBytes = <usize>lanes << 3;
  const atOnce = max(16, min(64, 4096 / lanes));
  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + partialBytes * partial, end = cut(pixels, partial + 1, partialCount);
    memory.fill(sums, 0, partialBytes);
    for (let first = cut(pixels, partial, partialCount); first < end; first += atOnce) {
      const last = row * min(end, first + atOnce);
      for (let lane = 0; lane < lanes; lane += 4) {
        const factor = factorsAt(weight, lane, isOne);
        let sum = splat(0);
        for (let at = row * first + bytesOf<T>(lane); at < last; at += row) {
          const d = loadFour<T>(dy + at);
          sum = f32x4.add(sum, f32x4.mul(d, loadFour<T>(x + at)));
          storeFour<T>(dx + at, f32x4.mul(d, factor));
        }
        addToDoubles(sums + (<usize>lane << 3), sum);
      }
    }
  }
  barrier(threads);
  if (!weightGradient) return;
  let whole: f64 = 0; // of a factor for all, which thread 0 sums
  const from = isOne ? (thread ? lanes : 0) : cut(lanes, thread, threads), to = isOne ? lanes : cut(lanes, thread + 1, threads);
  for (let channel = from; channel < to; channel++) {
    let sum: f64 = 0;
    for (let partial = 0; partial < partialCount; partial++) sum += load<f64>(partials + partialBytes * partial + (<usize>channel << 3));
    whole += sum;
    if (!isOne) store<f32>(weightGradient + (<usize>channel << 2), <f32>sum);
  }
  if (!isOne || thread) return;
  memory.fill(weightGradient, 0, 32);
  store<f32>(weightGradient, <f32>whole);
}
