// What this machine can do at best, for profiles: multiply-adds out of registers, and a copy too large for any cache.
// Each thread calls these over its own part of a heap.
import { PEAK_FACTORS as FACTORS } from "./generated/constants";
import { fma, splat } from "./simd";
/** Where a sum is stored, so that it must be computed. */
const RESULT: usize = 1856;

/** `rounds` × 48 multiply-adds of four lanes: twelve independent sums hide the latency and fill the registers. */
export function peakMultiplyAdd(rounds: i32): void {
  const a = splat(load<f32>(FACTORS)), b = splat(load<f32>(FACTORS, 4));
  let s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
  for (let round = 0; round < rounds; round++) {
    s0 = fma(s0, a, b); s1 = fma(s1, a, b); s2 = fma(s2, a, b); s3 = fma(s3, a, b); s4 = fma(s4, a, b); s5 = fma(s5, a, b);
    s6 = fma(s6, a, b); s7 = fma(s7, a, b); s8 = fma(s8, a, b); s9 = fma(s9, a, b); s10 = fma(s10, a, b); s11 = fma(s11, a, b);
    s0 = fma(s0, a, b); s1 = fma(s1, a, b); s2 = fma(s2, a, b); s3 = fma(s3, a, b); s4 = fma(s4, a, b); s5 = fma(s5, a, b);
    s6 = fma(s6, a, b); s7 = fma(s7, a, b); s8 = fma(s8, a, b); s9 = fma(s9, a, b); s10 = fma(s10, a, b); s11 = fma(s11, a, b);
    s0 = fma(s0, a, b); s1 = fma(s1, a, b); s2 = fma(s2, a, b); s3 = fma(s3, a, b); s4 = fma(s4, a, b); s5 = fma(s5, a, b);
    s6 = fma(s6, a, b); s7 = fma(s7, a, b); s8 = fma(s8, a, b); s9 = fma(s9, a, b); s10 = fma(s10, a, b); s11 = fma(s11, a, b);
    s0 = fma(s0, a, b); s1 = fma(s1, a, b); s2 = fma(s2, a, b); s3 = fma(s3, a, b); s4 = fma(s4, a, b); s5 = fma(s5, a, b);
    s6 = fma(s6, a, b); s7 = fma(s7, a, b); s8 = fma(s8, a, b); s9 = fma(s9, a, b); s10 = fma(s10, a, b); s11 = fma(s11, a, b);
  }
  const low = f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(s4, s5));
  const high = f32x4.add(f32x4.add(f32x4.add(s6, s7), f32x4.add(s8, s9)), f32x4.add(s10, s11));
  v128.store(RESULT, f32x4.add(low, high));
}

/** Copies `bytes`, a multiple of 64. */
export function peakCopy(from: usize, to: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 64) {
    const a = v128.load(from + at), b = v128.load(from + at, 16), c = v128.load(from + at, 32), d = v128.load(from + at, 48);
    v128.store(to + at, a); v128.store(to + at, b, 16); v128.store(to + at, c, 32); v128.store(to + at, d, 48);
  }
}
