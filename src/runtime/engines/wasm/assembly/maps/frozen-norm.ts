// Batch norm in training by running statistics that stay as they are, with what follows it: y = outer(inner(x·factor + term) + residual).
// T is how maps are stored (see simd.ts); all else is float32.
import { INNER_GELU, INNER_RELU } from "../generated/constants";
import { BatchNormFrozen, BatchNormFrozenGradient } from "../generated/operands";
import { apply } from "./batch-norm";
import { geluSlope } from "./gelu";
import { bytesOf, cut, firstIn, firstOf, fma, loadMasked, restMasked, restOf, secondIn, secondOf, splat, storeNear, storeWhole } from "../simd";
import { barrier, takeUnit } from "../threads";

export function frozenNorm<T>(call: usize, thread: i32, threads: i32): void {
  const lanes = BatchNormFrozen.lanes(call), factors = BatchNormFrozen.factor(call), terms = BatchNormFrozen.term(call);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    const at = <usize>channel << 2;
    const variance = <f64>load<f32>(BatchNormFrozen.runningVariance(call) + at) + <f64>BatchNormFrozen.epsilon(call);
    const scale = BatchNormFrozen.scale(call), factor = (scale ? <f64>load<f32>(scale + at) : 1) / Math.sqrt(variance);
    const mean = <f64>load<f32>(BatchNormFrozen.runningMean(call) + at);
    store<f32>(factors + at, <f32>factor);
    store<f32>(terms + at, <f32>(<f64>load<f32>(BatchNormFrozen.shift(call) + at) - mean * factor));
  }
  barrier(threads);
  apply<T>(
    BatchNormFrozen.input(call), BatchNormFrozen.residual(call), BatchNormFrozen.output(call), BatchNormFrozen.pixels(call),
    lanes, factors, terms, BatchNormFrozen.flags(call),
  );
}

/** With d the gradient behind both activations' masks: x' = d·factor; the residual gets d before the inner mask. */
export function frozenNormGradient<T>(call: usize): void {
  const dy = BatchNormFrozenGradient.outputGradient(call), x = BatchNormFrozenGradient.input(call), y = BatchNormFrozenGradient.output(call);
  const dx = BatchNormFrozenGradient.inputGradient(call), dr = BatchNormFrozenGradient.residualGradient(call);
  const pixels = BatchNormFrozenGradient.pixels(call), lanes = BatchNormFrozenGradient.lanes(call), flags = BatchNormFrozenGradient.flags(call);
  const factors = BatchNormFrozenGradient.factor(call), terms = BatchNormFrozenGradient.term(call);
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, inUnit = max(8, 4096 / lanes), zero = splat(0);
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const first = unit * inUnit, last = dy + mapRow * min(pixels, first + inUnit);
    for (let channel: usize = 0; channel < row; channel += 32) {
      const f0 = firstOf<T>(v128.load(factors + channel), v128.load(factors + channel, 16));
      const f1 = secondOf<T>(v128.load(factors + channel), v128.load(factors + channel, 16));
      const k0 = firstOf<T>(v128.load(terms + channel), v128.load(terms + channel, 16));
      const k1 = secondOf<T>(v128.load(terms + channel), v128.load(terms + channel, 16)), start = mapRow * first + bytesOf<T>(channel >> 2);
      let p = dy + start, q = x + start, r = y + start, w = dx + start, u = dr + start;
      for (; p < last; p += mapRow, q += mapRow, r += mapRow, w += mapRow, u += mapRow) {
        const whole = y ? loadMasked<T>(p, r) : v128.load(p), rest = y ? restMasked<T>(p, r, whole) : restOf<T>(p, whole);
        let d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
        if (flags & (INNER_RELU | INNER_GELU)) {
          const here = v128.load(q), n0 = fma(firstIn<T>(here), f0, k0), n1 = fma(secondIn<T>(restOf<T>(q, here)), f1, k1);
          if (flags & INNER_GELU) {
            d0 = f32x4.mul(d0, geluSlope(n0)); d1 = f32x4.mul(d1, geluSlope(n1));
          } else {
            d0 = v128.and(d0, f32x4.gt(n0, zero)); d1 = v128.and(d1, f32x4.gt(n1, zero));
          }
        }
        storeNear<T>(w, f32x4.mul(d0, f0), f32x4.mul(d1, f1));
        if (dr) storeWhole<T>(u, whole, rest);
      }
    }
  }
}
