// The product of a map with its gate, one factor a channel and image. T is how maps are stored (see simd.ts).
import { Gate, GateGradient } from "../generated/operands";
import { bytesOf, loadFour, storeFour } from "../simd";
import { takeUnit } from "../threads";

export function gate<T>(call: usize): void {
  const lanes = <usize>Gate.lanes(call), row = bytesOf<T>(lanes), pixels = <usize>Gate.pixels(call), images = Gate.images(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const factors = Gate.gate(call) + (lanes << 2) * image, start = row * pixels * image, end = start + row * pixels;
    for (let channel: usize = 0; channel < lanes; channel += 4) {
      const factor = v128.load(factors + (channel << 2));
      for (let at = start + bytesOf<T>(channel); at < end; at += row) {
        storeFour<T>(Gate.output(call) + at, f32x4.mul(loadFour<T>(Gate.input(call) + at), factor));
      }
    }
  }
}

/** The gate's gradient is summed over an image's pixels in float64, in their order, whatever the number of threads. */
export function gateGradient<T>(call: usize): void {
  const lanes = <usize>GateGradient.lanes(call), row = bytesOf<T>(lanes);
  const pixels = <usize>GateGradient.pixels(call), images = GateGradient.images(call);
  const x = GateGradient.input(call), dy = GateGradient.outputGradient(call), dx = GateGradient.inputGradient(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const vector = (lanes << 2) * image, start = row * pixels * image, end = start + row * pixels;
    for (let channel: usize = 0; channel < lanes; channel += 4) {
      const factor = v128.load(GateGradient.gate(call) + vector + (channel << 2));
      let low = f64x2.splat(0), high = low;
      for (let at = start + bytesOf<T>(channel); at < end; at += row) {
        const d = loadFour<T>(dy + at), product = f32x4.mul(d, loadFour<T>(x + at));
        low = f64x2.add(low, f64x2.promote_low_f32x4(product));
        high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(product, product, 2, 3, 0, 1)));
        storeFour<T>(dx + at, f32x4.mul(d, factor));
      }
      const sums = v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
      v128.store(GateGradient.gateGradient(call) + vector + (channel << 2), sums);
    }
  }
}
