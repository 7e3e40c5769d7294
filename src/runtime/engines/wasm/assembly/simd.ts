// Small pieces that every kernel uses: fused multiply-add where the machine has it, constants, sums in double precision.

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

// Maps are stored as float32 (T = f32) or as bfloat16, its upper half (T = u16). Eight elements are worked on as two vectors: the
// first four and the last four of float32, the even and the odd ones of bfloat16, which a shift and a mask take apart.

// @ts-ignore: decorator
@inline
export function loadFirst<T>(at: usize): v128 {
  return firstIn<T>(v128.load(at));
}

// @ts-ignore: decorator
@inline
export function loadSecond<T>(at: usize): v128 {
  return secondIn<T>(v128.load(at, isFloat<T>() ? 16 : 0));
}

// Where both vectors are wanted, eight elements of bfloat16 are loaded once: `whole` holds them all, `rest` the last four of
// float32 or the same eight again.

// @ts-ignore: decorator
@inline
export function restOf<T>(at: usize, whole: v128): v128 {
  return isFloat<T>() ? v128.load(at, 16) : whole;
}

// @ts-ignore: decorator
@inline
export function firstIn<T>(whole: v128): v128 {
  return isFloat<T>() ? whole : i32x4.shl(whole, 16);
}

// @ts-ignore: decorator
@inline
export function secondIn<T>(rest: v128): v128 {
  return isFloat<T>() ? rest : v128.and(rest, i32x4.splat(0xffff0000));
}

/** As they lie in the heap. */
// @ts-ignore: decorator
@inline
export function storeWhole<T>(at: usize, whole: v128, rest: v128): void {
  v128.store(at, whole);
  if (isFloat<T>()) v128.store(at, rest, 16);
}

/** What lies at `at` where what lies at `by` is above zero, else zero. */
// @ts-ignore: decorator
@inline
export function loadMasked<T>(at: usize, by: usize): v128 {
  const mask = v128.load(by);
  return v128.and(v128.load(at), isFloat<T>() ? f32x4.gt(mask, splat(0)) : i16x8.gt_s(mask, splat(0)));
}

// @ts-ignore: decorator
@inline
export function restMasked<T>(at: usize, by: usize, whole: v128): v128 {
  return isFloat<T>() ? v128.and(v128.load(at, 16), f32x4.gt(v128.load(by, 16), splat(0))) : whole;
}

/** Rounds to nearest, ties away from zero: a third of storeBoth's instructions, for products and sums that hardly ever tie. */
// @ts-ignore: decorator
@inline
export function storeNear<T>(at: usize, first: v128, second: v128): void {
  if (isFloat<T>()) { v128.store(at, first); v128.store(at, second, 16); }
  else {
    const half = i32x4.splat(0x8000);
    v128.store(at, v128.shuffle<u16>(i32x4.shr_u(i32x4.add(first, half), 16), i32x4.add(second, half), 0, 9, 2, 11, 4, 13, 6, 15));
  }
}

/** Rounds to nearest, ties to even. */
// @ts-ignore: decorator
@inline
export function storeBoth<T>(at: usize, first: v128, second: v128): void {
  if (isFloat<T>()) { v128.store(at, first); v128.store(at, second, 16); }
  else v128.store(at, v128.or(i32x4.shr_u(rounded(first), 16), v128.and(rounded(second), i32x4.splat(0xffff0000))));
}

/** Of eight floats in order, those that belong to `loadFirst`'s elements. */
// @ts-ignore: decorator
@inline
export function firstOf<T>(low: v128, high: v128): v128 {
  return isFloat<T>() ? low : v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
export function secondOf<T>(low: v128, high: v128): v128 {
  return isFloat<T>() ? high : v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** Adds eight floats, in the two vectors of `loadFirst` and `loadSecond`, to eight doubles in order. */
// @ts-ignore: decorator
@inline
export function addBothToDoubles<T>(sums: usize, first: v128, second: v128): void {
  addToDoubles(sums, isFloat<T>() ? first : v128.shuffle<i32>(first, second, 0, 4, 1, 5));
  addToDoubles(sums + 32, isFloat<T>() ? second : v128.shuffle<i32>(first, second, 2, 6, 3, 7));
}

/** Four elements in order. */
// @ts-ignore: decorator
@inline
export function loadFour<T>(at: usize): v128 {
  if (isFloat<T>()) return v128.load(at);
  return i32x4.shl(v128.load16x4_u(at), 16);
}

// @ts-ignore: decorator
@inline
export function storeFour<T>(at: usize, four: v128): void {
  if (isFloat<T>()) v128.store(at, four);
  else {
    const half = i32x4.shr_u(rounded(four), 16);
    v128.store64_lane(at, i16x8.narrow_i32x4_u(half, half), 0);
  }
}

// @ts-ignore: decorator
@inline
export function loadOne<T>(at: usize): f32 {
  if (isFloat<T>()) return load<f32>(at);
  return reinterpret<f32>(<u32>load<u16>(at) << 16);
}

/** A float whose upper half is its bfloat16. A NaN of arithmetic has no low bits that could carry it over into infinity's sign. */
// @ts-ignore: decorator
@inline
function rounded(four: v128): v128 {
  const odd = v128.and(i32x4.shr_u(four, 16), i32x4.splat(1));
  return i32x4.add(i32x4.add(four, i32x4.splat(0x7fff)), odd);
}

/** Bytes of a map's `count` elements. */
// @ts-ignore: decorator
@inline
export function bytesOf<T>(count: usize): usize {
  return count << alignof<T>();
}
