// What activations and their slopes are put together from (generated/activations.ts), four values at a time. Φ, the normal
// distribution itself, is good to 3e-7 of itself, in the lower tail too.
import { atLeast, fma, splat } from "../simd";

/**
 * Where registers run out, as they do here, V8 makes a constant anew in three instructions wherever it is used; from memory it
 * takes one. In order: the exponential's bound, log₂ e, 1.5·2²³, −ln 2 in two parts and its polynomial; 0.42 and the polynomial of the
 * scaled complement; √½, ½, 1 and 1 / √(2π).
 */
const CONSTANTS: usize = memory.data<f32>([
  -87, 1.44269504088896341, 12582912, -0.693359375, 2.12194440e-4,
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
  0.42, 0.070393958, -0.320943474, 0.441872965, -0.131648147, 0.269346310, 0.194539698, 0.239616327, 0.236822199,
  0.70710678118654752, 0.5, 1, 0.39894228040143268,
]);
const POLYNOMIAL = 5, COMPLEMENT = 12, ROOT_HALF = 20, HALF = 21, ONE = 22, DENSITY = 23;

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/**
 * eˣ for x ≤ 0, 0 where it would be below float32's normal numbers: 2ⁿ·p(r) as in Cephes' expf, |r| ≤ ln 2 / 2. Added to 1.5·2²³, a
 * number is rounded to a whole one, which the lowest bits then hold.
 */
// @ts-ignore: decorator
@inline
export function exponential(x: v128): v128 {
  const bounded = atLeast(x, constant(0));
  const shifted = fma(bounded, constant(1), constant(2)), n = f32x4.sub(shifted, constant(2));
  const r = fma(n, constant(4), fma(n, constant(3), bounded));
  let p = fma(constant(POLYNOMIAL), r, constant(POLYNOMIAL + 1));
  p = fma(p, r, constant(POLYNOMIAL + 2));
  p = fma(p, r, constant(POLYNOMIAL + 3));
  p = fma(p, r, constant(POLYNOMIAL + 4));
  p = fma(p, r, constant(POLYNOMIAL + 5));
  p = f32x4.add(fma(p, f32x4.mul(r, r), r), constant(ONE));
  const power = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** erfc(x)·exp(x²) for x ≥ 0 as a polynomial in t = 1 / (1 + 0.42·x); coefficients by scripts/fit-erfcx.py. */
// @ts-ignore: decorator
@inline
function scaledComplement(x: v128): v128 {
  const t = f32x4.div(constant(ONE), fma(x, constant(COMPLEMENT - 1), constant(ONE)));
  let p = fma(constant(COMPLEMENT), t, constant(COMPLEMENT + 1));
  p = fma(p, t, constant(COMPLEMENT + 2));
  p = fma(p, t, constant(COMPLEMENT + 3));
  p = fma(p, t, constant(COMPLEMENT + 4));
  p = fma(p, t, constant(COMPLEMENT + 5));
  p = fma(p, t, constant(COMPLEMENT + 6));
  p = fma(p, t, constant(COMPLEMENT + 7));
  return f32x4.mul(p, t);
}

/** Φ(x), given exp(−x²/2). */
// @ts-ignore: decorator
@inline
export function normalShare(x: v128, gaussian: v128): v128 {
  const complement = scaledComplement(f32x4.mul(f32x4.abs(x), constant(ROOT_HALF)));
  const tail = f32x4.mul(f32x4.mul(constant(HALF), gaussian), complement);
  return v128.bitselect(tail, f32x4.sub(constant(ONE), tail), f32x4.lt(x, splat(0)));
}

/** exp(−x²/2). */
// @ts-ignore: decorator
@inline
export function gaussian(x: v128): v128 {
  return exponential(f32x4.neg(f32x4.mul(f32x4.mul(x, x), constant(HALF))));
}

/** φ(x), given exp(−x²/2). */
// @ts-ignore: decorator
@inline
export function normalDensity(gaussian: v128): v128 {
  return f32x4.mul(gaussian, constant(DENSITY));
}

// @ts-ignore: decorator
@inline
export function relu(x: v128): v128 {
  return atLeast(x, splat(0));
}

// @ts-ignore: decorator
@inline
export function relu6(x: v128): v128 {
  return f32x4.pmin(atLeast(x, splat(0)), splat(6));
}

// @ts-ignore: decorator
@inline
export function leakyRelu(x: v128, slope: v128): v128 {
  return v128.bitselect(x, f32x4.mul(x, slope), f32x4.gt(x, splat(0)));
}

// @ts-ignore: decorator
@inline
export function leakySlope(x: v128, slope: v128): v128 {
  return v128.bitselect(constant(ONE), slope, f32x4.gt(x, splat(0)));
}

/** 1 / (1 + exp(−x)): the exponential is of what is not above zero, and cannot overflow. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = exponential(f32x4.neg(f32x4.abs(x))), one = constant(ONE);
  return f32x4.div(v128.bitselect(e, one, f32x4.lt(x, splat(0))), f32x4.add(one, e));
}

/** relu6(x + 3) / 6. */
// @ts-ignore: decorator
@inline
export function hardSigmoid(x: v128): v128 {
  return f32x4.mul(relu6(f32x4.add(x, splat(3))), splat(1.0 / 6.0));
}

/** 1 between the two, 0 elsewhere. */
// @ts-ignore: decorator
@inline
export function within(x: v128, low: v128, high: v128): v128 {
  return v128.and(constant(ONE), v128.and(f32x4.gt(x, low), f32x4.lt(x, high)));
}

/** Of four lanes from one on, those that are channels. */
// @ts-ignore: decorator
@inline
export function lanesWithin(lane: i32, channels: v128): v128 {
  return i32x4.lt_s(i32x4.add(i32x4.splat(lane), i32x4(0, 1, 2, 3)), channels);
}
