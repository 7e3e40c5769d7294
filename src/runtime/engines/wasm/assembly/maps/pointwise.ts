// What follows a convolution where there is no norm: activations, additions and factors, elementwise over whole maps.
import { INNER_GELU, INNER_RELU, OUTER_RELU, POINTWISE_UNIT_BYTES } from "../generated/constants";
import { Pointwise, PointwiseGradient, Scale } from "../generated/operands";
import { gelu, geluSlope } from "./gelu";
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
  const x = Pointwise.input(call), residual = Pointwise.residual(call), y = Pointwise.output(call), flags = Pointwise.flags(call);
  const inner = lowerBound(flags & INNER_RELU), outer = lowerBound(flags & OUTER_RELU), isGelu = flags & INNER_GELU;
  const bytes = bytesOf<T>(<usize>Pointwise.lanes(call) * <usize>Pointwise.pixels(call));
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      let value = isGelu ? gelu(loadFour<T>(x + at)) : atLeast(loadFour<T>(x + at), inner);
      if (residual) value = f32x4.add(value, loadFour<T>(residual + at));
      storeFour<T>(y + at, atLeast(value, outer));
    }
  }
}

export function pointwiseGradient<T>(call: usize): void {
  const dy = PointwiseGradient.outputGradient(call), x = PointwiseGradient.input(call), y = PointwiseGradient.output(call);
  const dx = PointwiseGradient.inputGradient(call), dr = PointwiseGradient.residualGradient(call);
  const bytes = bytesOf<T>(<usize>PointwiseGradient.lanes(call) * <usize>PointwiseGradient.pixels(call)), zero = splat(0);
  const inner = PointwiseGradient.flags(call) & INNER_RELU, isGelu = PointwiseGradient.flags(call) & INNER_GELU;
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += bytesOf<T>(4)) {
      let d = loadFour<T>(dy + at);
      if (y) d = v128.and(d, f32x4.gt(loadFour<T>(y + at), zero));
      let masked = inner ? v128.and(d, f32x4.gt(loadFour<T>(x + at), zero)) : d;
      if (isGelu) masked = f32x4.mul(d, geluSlope(loadFour<T>(x + at)));
      if (dr) storeFour<T>(dr + at, d);
      storeFour<T>(dx + at, masked);
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
