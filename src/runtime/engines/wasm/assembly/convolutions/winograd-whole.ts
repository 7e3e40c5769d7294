// 3×3 convolutions of padding 1 over maps of 3×3, a whole map at once. Along one side the filter is the matrix with w1 on the
// diagonal, w2 above it and w0 below. Its two corners are zero, which leaves one product less than Winograd's F(3, 3) needs: it
// is Σ c u vᵀ of four matrices of rank one,
//   u = (1, ±3/2, 1), v = (1, ±3/2, 1):     c = w1/4 ± (w0 + w2)/6
//   u = (1, ±1/2, −1), v = (−1, ±1/2, 1):   c = −w1/4 ± (w2 − w0)/2
// so that 16 products do for a map, where its 49 pairs of pixel and tap take 49.
import { lowerBound } from "../maps/pointwise";
import { atLeast, fma, splat } from "../simd";

/** v · x of each of the four. */
// @ts-ignore: decorator
@inline
function inputLine(x0: v128, x1: v128, x2: v128, to: usize, step: usize): void {
  const even = f32x4.add(x0, x2), odd = f32x4.sub(x2, x0);
  v128.store(to, fma(splat(1.5), x1, even));
  v128.store(to + step, fma(splat(-1.5), x1, even));
  v128.store(to + 2 * step, fma(splat(0.5), x1, odd));
  v128.store(to + 3 * step, fma(splat(-0.5), x1, odd));
}

/** u · y of each. */
// @ts-ignore: decorator
@inline
function gradientLine(y0: v128, y1: v128, y2: v128, to: usize, step: usize): void {
  inputLine(y2, y1, y0, to, step);
}

/** Σ u m. */
// @ts-ignore: decorator
@inline
function outputLine(m0: v128, m1: v128, m2: v128, m3: v128, to: usize, step: usize): void {
  const even = f32x4.add(m0, m1), odd = f32x4.add(m2, m3);
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + step, fma(splat(1.5), f32x4.sub(m0, m1), f32x4.mul(splat(0.5), f32x4.sub(m2, m3))));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
}

/** The coefficients c of a filter's side. */
// @ts-ignore: decorator
@inline
export function filterLineOfFour(w0: v128, w1: v128, w2: v128, to: usize, step: usize): void {
  const middle = f32x4.mul(splat(0.25), w1), sum = f32x4.mul(splat(1.0 / 6), f32x4.add(w0, w2)), difference = f32x4.mul(splat(0.5), f32x4.sub(w2, w0));
  v128.store(to, f32x4.add(middle, sum));
  v128.store(to + step, f32x4.sub(middle, sum));
  v128.store(to + 2 * step, f32x4.sub(difference, middle));
  v128.store(to + 3 * step, f32x4.neg(f32x4.add(difference, middle)));
}

/** From the gradients of the coefficients to that of the filter's side. */
// @ts-ignore: decorator
@inline
export function sumsLineOfFour(at: usize, step: usize, to: usize, toStep: usize): void {
  const m0 = v128.load(at), m1 = v128.load(at + step), m2 = v128.load(at + 2 * step), m3 = v128.load(at + 3 * step);
  const sum = f32x4.mul(splat(1.0 / 6), f32x4.sub(m0, m1)), difference = f32x4.mul(splat(0.5), f32x4.sub(m2, m3));
  v128.store(to, f32x4.sub(sum, difference));
  v128.store(to + toStep, f32x4.mul(splat(0.25), f32x4.sub(f32x4.add(m0, m1), f32x4.add(m2, m3))));
  v128.store(to + 2 * toStep, f32x4.add(sum, difference));
}

/** The map at `map` → 16 frequencies; of a gradient where `isGradient`. */
export function transformWholeMap(map: usize, lanes: i32, to: usize, frequency: usize, isGradient: bool, strip: usize): void {
  const pixel = <usize>lanes << 2, row = pixel * 3;
  for (const end = map + pixel; map < end; map += 16, to += 16) {
    for (let j: usize = 0; j < 3; j++) { // [4][3]
      const at = map + pixel * j, d0 = v128.load(at), d1 = v128.load(at + row), d2 = v128.load(at + 2 * row), line = strip + (j << 4);
      if (isGradient) gradientLine(d0, d1, d2, line, 48);
      else inputLine(d0, d1, d2, line, 48);
    }
    for (let i: usize = 0; i < 4; i++) {
      const at = strip + i * 48, d0 = v128.load(at), d1 = v128.load(at, 16), d2 = v128.load(at, 32), q = to + frequency * (i << 2);
      if (isGradient) gradientLine(d0, d1, d2, q, frequency);
      else inputLine(d0, d1, d2, q, frequency);
    }
  }
}

/** 16 frequencies → the map, plus the bias, plus the map at `added`, and at least `least`. */
export function transformWholeOutput(
  from: usize, frequency: usize, map: usize, lanes: i32, bias: usize, added: usize, relu: i32, strip: usize,
): void {
  const least = lowerBound(relu);
  const pixel = <usize>lanes << 2, row = pixel * 3, done = strip + 192;
  for (let channel: usize = 0; channel < pixel; channel += 16, from += 16) {
    for (let i: usize = 0; i < 4; i++) { // [4][3]
      const at = from + frequency * (i << 2);
      outputLine(
        v128.load(at), v128.load(at + frequency), v128.load(at + frequency * 2), v128.load(at + frequency * 3), strip + i * 48, 16,
      );
    }
    const b = bias ? v128.load(bias + channel) : splat(0);
    for (let j: usize = 0; j < 3; j++) {
      const at = strip + (j << 4);
      outputLine(v128.load(at), v128.load(at, 48), v128.load(at, 96), v128.load(at, 144), done, 16);
      for (let i: usize = 0; i < 3; i++) {
        const place = row * i + pixel * j + channel;
        let value = f32x4.add(b, v128.load(done + (i << 4)));
        if (added) value = f32x4.add(value, v128.load(added + place));
        v128.store(map + place, atLeast(value, least));
      }
    }
  }
}
