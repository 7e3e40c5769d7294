// The optimizers' rules, elementwise over whole regions of parameters. What changes from step to step is in the control block.
import { AVERAGE_SHARE, GROUPS, UPDATE_UNIT_BYTES } from "../generated/constants";
import { UpdateAdam, UpdateAverage, UpdateSgd } from "../generated/operands";
import { fma, splat } from "../simd";
import { takeUnit } from "../threads";

/** Bytes in a unit of work. */
const UNIT: usize = UPDATE_UNIT_BYTES;

// @ts-ignore: decorator
@inline
export function rateOf(group: i32): f32 {
  return load<f32>(GROUPS + (<usize>group << 4));
}

export function updateSgd(call: usize): void {
  const w = UpdateSgd.parameters(call), g = UpdateSgd.gradients(call), m = UpdateSgd.momenta(call);
  const bytes = <usize>UpdateSgd.count(call) << 2, nesterov = UpdateSgd.nesterov(call);
  const rate = rateOf(UpdateSgd.group(call)), decoupled = UpdateSgd.decoupled(call), decay = UpdateSgd.decay(call);
  const coupledDecay = splat(decoupled ? 0 : decay), shrink = splat(decoupled ? 1 - rate * decay : 1);
  const step = splat(-rate), momentum = splat(UpdateSgd.momentum(call));
  for (let first = <usize>takeUnit() * UNIT; first < bytes; first = <usize>takeUnit() * UNIT) {
    const end = min(bytes, first + UNIT);
    for (let at = first; at < end; at += 16) {
      const weight = f32x4.mul(v128.load(w + at), shrink);
      let direction = fma(weight, coupledDecay, v128.load(g + at));
      if (m) {
        const velocity = fma(v128.load(m + at), momentum, direction);
        v128.store(m + at, velocity);
        direction = nesterov ? fma(velocity, momentum, direction) : velocity;
      }
      v128.store(w + at, fma(step, direction, weight));
    }
  }
}

export function updateAdam(call: usize): void {
  const w = UpdateAdam.parameters(call), g = UpdateAdam.gradients(call);
  const m = UpdateAdam.firstMoments(call), v = UpdateAdam.secondMoments(call), bytes = <usize>UpdateAdam.count(call) << 2;
  const group = GROUPS + (<usize>UpdateAdam.group(call) << 4), rate = load<f32>(group), decoupled = UpdateAdam.decoupled(call), decay = UpdateAdam.decay(call);
  const coupledDecay = splat(decoupled ? 0 : decay), shrink = splat(decoupled ? 1 - rate * decay : 1);
  const beta1 = splat(UpdateAdam.beta1(call)), rest1 = splat(UpdateAdam.rest1(call));
  const beta2 = splat(UpdateAdam.beta2(call)), rest2 = splat(UpdateAdam.rest2(call));
  const epsilon = splat(UpdateAdam.epsilon(call)), step = splat(-rate / load<f32>(group, 4)), root = splat(load<f32>(group, 8));
  for (let first = <usize>takeUnit() * UNIT; first < bytes; first = <usize>takeUnit() * UNIT) {
    const end = min(bytes, first + UNIT);
    for (let at = first; at < end; at += 16) {
      const weight = f32x4.mul(v128.load(w + at), shrink), gradient = fma(weight, coupledDecay, v128.load(g + at));
      const moment1 = fma(v128.load(m + at), beta1, f32x4.mul(gradient, rest1));
      const moment2 = fma(v128.load(v + at), beta2, f32x4.mul(f32x4.mul(gradient, gradient), rest2));
      v128.store(m + at, moment1);
      v128.store(v + at, moment2);
      const deviation = f32x4.add(f32x4.div(f32x4.sqrt(moment2), root), epsilon);
      v128.store(w + at, fma(step, f32x4.div(moment1, deviation), weight));
    }
  }
}

export function updateAverage(call: usize): void {
  if (load<f32>(AVERAGE_SHARE) == 0) return;
  const values = UpdateAverage.values(call), averages = UpdateAverage.averages(call), share = splat(load<f32>(AVERAGE_SHARE));
  const writesBack = UpdateAverage.writesBack(call);
  const bytes = <usize>UpdateAverage.count(call) << 2;
  for (let first = <usize>takeUnit() * UNIT; first < bytes; first = <usize>takeUnit() * UNIT) {
    const end = min(bytes, first + UNIT);
    for (let at = first; at < end; at += 16) {
      const average = v128.load(averages + at);
      const moved = fma(share, f32x4.sub(v128.load(values + at), average), average);
      v128.store(averages + at, moved);
      if (writesBack) v128.store(values + at, moved);
    }
  }
}
