// Sigmoid and the product of a map with a gate, one factor a channel and image. T is how maps are stored (see simd.ts).
import { Multiply, MultiplyGradient, Sigmoid, SigmoidGradient } from "../generated/operands";
import { bytesOf, loadFour, splat, storeFour } from "../simd";
import { takeUnit } from "../threads";
import { exponential } from "./gelu";

/** 1 / (1 + exp(−x)): the exponential is of what is not above zero, and cannot overflow. */
export function sigmoid(call: usize): void {
  const lanes = Sigmoid.lanes(call), row = <usize>lanes << 2, pixels = Sigmoid.pixels(call), channels = i32x4.splat(Sigmoid.channels(call));
  for (let pixel = takeUnit(); pixel < pixels; pixel = takeUnit()) {
    const x = Sigmoid.input(call) + row * pixel, y = Sigmoid.output(call) + row * pixel;
    for (let lane = 0; lane < lanes; lane += 4) {
      const value = v128.load(x + (lane << 2)), e = exponential(f32x4.neg(f32x4.abs(value)));
      const above = f32x4.lt(value, splat(0)), share = f32x4.div(v128.bitselect(e, splat(1), above), f32x4.add(splat(1), e));
      const isThere = i32x4.lt_s(i32x4.add(i32x4.splat(lane), i32x4(0, 1, 2, 3)), channels);
      v128.store(y + (lane << 2), v128.and(share, isThere));
    }
  }
}

export function sigmoidGradient(call: usize): void {
  const y = SigmoidGradient.output(call), dy = SigmoidGradient.outputGradient(call), dx = SigmoidGradient.inputGradient(call);
  const bytes = <usize>SigmoidGradient.count(call) << 2;
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + 65536);
    for (let at = first; at < end; at += 16) {
      const value = v128.load(y + at), slope = f32x4.mul(value, f32x4.sub(splat(1), value));
      v128.store(dx + at, f32x4.mul(v128.load(dy + at), slope));
    }
  }
}

export function multiply<T>(call: usize): void {
  const lanes = <usize>Multiply.lanes(call), row = bytesOf<T>(lanes), pixels = <usize>Multiply.pixels(call), images = Multiply.images(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const gate = Multiply.gate(call) + (lanes << 2) * image, start = row * pixels * image, end = start + row * pixels;
    for (let channel: usize = 0; channel < lanes; channel += 4) {
      const factor = v128.load(gate + (channel << 2));
      for (let at = start + bytesOf<T>(channel); at < end; at += row) {
        storeFour<T>(Multiply.output(call) + at, f32x4.mul(loadFour<T>(Multiply.input(call) + at), factor));
      }
    }
  }
}

/** The gate's gradient is summed over an image's pixels in float64, in their order, whatever the number of threads. */
export function multiplyGradient<T>(call: usize): void {
  const lanes = <usize>MultiplyGradient.lanes(call), row = bytesOf<T>(lanes);
  const pixels = <usize>MultiplyGradient.pixels(call), images = MultiplyGradient.images(call);
  const x = MultiplyGradient.input(call), dy = MultiplyGradient.outputGradient(call), dx = MultiplyGradient.inputGradient(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const vector = (lanes << 2) * image, start = row * pixels * image, end = start + row * pixels;
    for (let channel: usize = 0; channel < lanes; channel += 4) {
      const factor = v128.load(MultiplyGradient.gate(call) + vector + (channel << 2));
      let low = f64x2.splat(0), high = low;
      for (let at = start + bytesOf<T>(channel); at < end; at += row) {
        const d = loadFour<T>(dy + at), product = f32x4.mul(d, loadFour<T>(x + at));
        low = f64x2.add(low, f64x2.promote_low_f32x4(product));
        high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(product, product, 2, 3, 0, 1)));
        storeFour<T>(dx + at, f32x4.mul(d, factor));
      }
      const sums = v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
      v128.store(MultiplyGradient.gateGradient(call) + vector + (channel << 2), sums);
    }
  }
}
