// What follows a convolution where there is no norm: activations, additions, products and factors, elementwise over whole maps.
import { gradientThroughActivation, pointwiseThroughActivation } from "../generated/activations";
import { POINTWISE_UNIT_BYTES, RELU } from "../generated/constants";
import { Multiply, Pointwise, PointwiseGradient, Scale } from "../generated/operands";
import { lanesWithin } from "./activation-parts";
import { atLeast, bytesOf, loadFour, splat, storeFour } from "../simd";
import { takeUnit } from "../threads";

/** What a value is at least behind the activation, or behind none. */
// @ts-ignore: decorator
@inline
export function lowerBound(relu: i32): v128 {
  return relu ? splat(0) : splat(-Infinity);
}

/** outer(inner(x) + residual) where there is no norm. */
export function pointwise<T>(call: usize): void {
  const inner = Pointwise.inner(call);
  if (inner > RELU) return pointwiseThroughActivation<T>(inner, call);
  const x = Pointwise.input(call), residual = Pointwise.residual(call), y = Pointwise.output(call);
  const least = lowerBound(inner), outer = lowerBound(Pointwise.outerRelu(call));
  const bytes = bytesOf<T>(<usize>Pointwise.lanes(call) * <usize>Pointwise.pixels(call));
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      let value = atLeast(loadFour<T>(x + at), least);
      if (residual) value = f32x4.add(value, loadFour<T>(residual + at));
      storeFour<T>(y + at, atLeast(value, outer));
    }
  }
}

/** The same with an activation F of its own code; lanes beyond the channels are kept zero where it does not do so itself. */
export function pointwiseThrough<T, F>(call: usize): void {
  const x = Pointwise.input(call), residual = Pointwise.residual(call), y = Pointwise.output(call), lanes = Pointwise.lanes(call);
  const setting = splat(Pointwise.setting(call)), outer = lowerBound(Pointwise.outerRelu(call)), channels = i32x4.splat(Pointwise.channels(call));
  const bytes = bytesOf<T>(<usize>lanes * <usize>Pointwise.pixels(call));
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    let lane = <i32>((first >> alignof<T>()) % lanes);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      let value = changetype<F>(0).value(loadFour<T>(x + at), setting);
      if (!changetype<F>(0).keepsZero()) {
        value = v128.and(value, lanesWithin(lane, channels));
        lane += 4;
        if (lane == lanes) lane = 0;
      }
      if (residual) value = f32x4.add(value, loadFour<T>(residual + at));
      storeFour<T>(y + at, atLeast(value, outer));
    }
  }
}

export function pointwiseGradient<T>(call: usize): void {
  const inner = PointwiseGradient.inner(call);
  if (inner > RELU) return gradientThroughActivation<T>(inner, call);
  const dy = PointwiseGradient.outputGradient(call), x = PointwiseGradient.input(call), y = PointwiseGradient.output(call);
  const dx = PointwiseGradient.inputGradient(call), dr = PointwiseGradient.residualGradient(call);
  const bytes = bytesOf<T>(<usize>PointwiseGradient.lanes(call) * <usize>PointwiseGradient.pixels(call)), zero = splat(0);
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      let d = loadFour<T>(dy + at);
      if (y) d = v128.and(d, f32x4.gt(loadFour<T>(y + at), zero));
      const masked = inner ? v128.and(d, f32x4.gt(loadFour<T>(x + at), zero)) : d;
      if (dr) storeFour<T>(dr + at, d);
      storeFour<T>(dx + at, masked);
    }
  }
}

export function gradientThrough<T, F>(call: usize): void {
  const dy = PointwiseGradient.outputGradient(call), x = PointwiseGradient.input(call), y = PointwiseGradient.output(call);
  const dx = PointwiseGradient.inputGradient(call), dr = PointwiseGradient.residualGradient(call), setting = splat(PointwiseGradient.setting(call));
  const bytes = bytesOf<T>(<usize>PointwiseGradient.lanes(call) * <usize>PointwiseGradient.pixels(call)), zero = splat(0);
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      let d = loadFour<T>(dy + at);
      if (y) d = v128.and(d, f32x4.gt(loadFour<T>(y + at), zero));
      const slope = changetype<F>(0).slope(loadFour<T>(x + at), setting);
      if (dr) storeFour<T>(dr + at, d);
      storeFour<T>(dx + at, f32x4.mul(d, slope));
    }
  }
}

/** Of two maps of one shape. */
export function multiply<T>(call: usize): void {
  const left = Multiply.left(call), right = Multiply.right(call), y = Multiply.output(call), bytes = bytesOf<T>(<usize>Multiply.count(call));
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      storeFour<T>(y + at, f32x4.mul(loadFour<T>(left + at), loadFour<T>(right + at)));
    }
  }
}

/** output = factor · input. */
export function scale(call: usize): void {
  const x = Scale.input(call), y = Scale.output(call), factor = splat(Scale.factor(call)), bytes = <usize>Scale.count(call) << 2;
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += 16) v128.store(y + at, f32x4.mul(v128.load(x + at), factor));
  }
}
