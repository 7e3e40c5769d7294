// Small pieces that every kernel uses: fused multiply-add where the machine has it, constants, sums in double precision.

/** 64 KiB of zeros: what a pixel outside the map reads, up to 16,384 channels. */
export const ZERO: usize = 65536;
/** Where a tile's unused lanes are written to. */
export const SINK: usize = 1664;

// @ts-ignore: decorator
@inline
export function splat(value: f32): v128 {
  return f32x4.splat(value);
}

/** a·b + c, rounded once with relaxed SIMD, twice without. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** c − a·b, rounded as fma is. */
// @ts-ignore: decorator
@inline
export function fnma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The larger of each pair, and what is no number stays none: one instruction where f32x4.max is nine, but −0 is not raised to 0. */
// @ts-ignore: decorator
@inline
export function atLeast(value: v128, least: v128): v128 {
  return f32x4.pmax(value, least);
}

/** Adds four floats to four doubles at `sums`. */
// @ts-ignore: decorator
@inline
export function addToDoubles(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(v)));
  const high = v128.shuffle<i32>(v, v, 2, 3, 2, 3);
  v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** First element of part `part` when `count` elements are cut into `parts`: the same cut on any number of threads. */
// @ts-ignore: decorator
@inline
export function cut(count: i32, part: i32, parts: i32): i32 {
  return <i32>((<i64>count * part) / parts);
}
