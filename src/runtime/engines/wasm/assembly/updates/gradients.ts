// What happens between the gradients and the update: sums over micro-batches, the norm, and the limit to it.
import { ABANDONED, GRADIENT_NORM, GRADIENT_UNIT_BYTES as UNIT, IS_FIRST_MICRO_BATCH, LOSS, MICRO_BATCH_SHARE } from "../generated/constants";
import { AccumulateGradients, ClipGradients, GradientNorm } from "../generated/operands";
import { fma, splat } from "../simd";
import { barrier, takeUnit } from "../threads";

export function accumulateGradients(call: usize): void {
  const gradients = AccumulateGradients.gradients(call), sums = AccumulateGradients.sums(call);
  const bytes = <usize>AccumulateGradients.count(call) << 2, share = splat(load<f32>(MICRO_BATCH_SHARE)), isFirst = load<i32>(IS_FIRST_MICRO_BATCH);
  for (let first = <usize>takeUnit() * UNIT; first < bytes; first = <usize>takeUnit() * UNIT) {
    const end = min(bytes, first + UNIT);
    for (let at = first; at < end; at += 16) {
      const gradient = v128.load(gradients + at);
      v128.store(sums + at, isFirst ? f32x4.mul(gradient, share) : fma(gradient, share, v128.load(sums + at)));
    }
  }
}

/** Squares and sums are double, so that neither rounding nor range spoils them: it is finite where every gradient is. */
export function gradientNorm(call: usize, thread: i32, threads: i32): void {
  const gradients = GradientNorm.gradients(call), bytes = <usize>GradientNorm.count(call) << 2, partials = GradientNorm.partials(call);
  for (let unit = <usize>takeUnit(); unit * UNIT < bytes; unit = <usize>takeUnit()) {
    const end = min(bytes, unit * UNIT + UNIT);
    let low = f64x2.splat(0), high = low;
    for (let at = unit * UNIT; at < end; at += 16) {
      const values = v128.load(gradients + at);
      const a = f64x2.promote_low_f32x4(values), b = f64x2.promote_low_f32x4(v128.shuffle<i32>(values, values, 2, 3, 2, 3));
      low = f64x2.add(low, f64x2.mul(a, a));
      high = f64x2.add(high, f64x2.mul(b, b));
    }
    const sums = f64x2.add(low, high);
    store<f64>(partials + (unit << 3), f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1));
  }
  barrier(threads);
  if (thread != 0) return;
  let sum: f64 = 0;
  for (let unit: usize = 0; unit * UNIT < bytes; unit++) sum += load<f64>(partials + (unit << 3));
  const norm = Math.sqrt(sum);
  store<f64>(GRADIENT_NORM, norm);
  store<i32>(ABANDONED, isFinite(norm) && isFinite(load<f64>(LOSS)) ? 0 : 1);
}

export function clipGradients(call: usize): void {
  const gradients = ClipGradients.gradients(call), bytes = <usize>ClipGradients.count(call) << 2;
  const factor = <f64>ClipGradients.limit(call) / (load<f64>(GRADIENT_NORM) + 1e-6);
  if (factor >= 1) return;
  const scale = splat(<f32>factor);
  for (let first = <usize>takeUnit() * UNIT; first < bytes; first = <usize>takeUnit() * UNIT) {
    const end = min(bytes, first + UNIT);
    for (let at = first; at < end; at += 16) v128.store(gradients + at, f32x4.mul(v128.load(gradients + at), scale));
  }
}
