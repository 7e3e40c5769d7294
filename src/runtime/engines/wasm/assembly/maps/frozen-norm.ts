// Batch norm in training by running statistics that stay as they are, with what follows it: y = outer(inner(x·factor + term) + residual).
// T is how maps are stored (see simd.ts); all else is float32.
import { frozenThroughActivation } from "../generated/activations";
import { RELU } from "../generated/constants";
import { BatchNormFrozen, BatchNormFrozenGradient } from "../generated/operands";
import { apply } from "./batch-norm";
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
    lanes, factors, terms, BatchNormFrozen.inner(call), BatchNormFrozen.setting(call), BatchNormFrozen.outerRelu(call),
    BatchNormFrozen.channels(call),
  );
}

/** With d the gradient behind both activations' masks: x' = d·factor; the residual gets d before the inner mask. */
export function frozenNormGradient<T>(call: usize): void {
  const inner = BatchNormFrozenGradient.inner(call);
  if (inner > RELU) frozenThroughActivation<T>(inner, call);
  else gradient<T, Plain>(call);
}

/** The slope of ReLU, or where there is no activation 1 everywhere. */
@unmanaged
class Plain {
  // @ts-ignore: decorator
  @inline slope(x: v128, setting: v128): v128 { return v128.and(splat(1), f32x4.gt(x, setting)); }
}

export function frozenThrough<T, F>(call: usize): void {
  gradient<T, F>(call);
}

function gradient<T, F>(call: usize): void {
  const dy = BatchNormFrozenGradient.outputGradient(call), x = BatchNormFrozenGradient.input(call), y = BatchNormFrozenGradient.output(call);
  const dx = BatchNormFrozenGradient.inputGradient(call), dr = BatchNormFrozenGradient.residualGradient(call);
  const pixels = BatchNormFrozenGradient.pixels(call), lanes = BatchNormFrozenGradient.lanes(call);
  const inner = BatchNormFrozenGradient.inner(call);
  const setting = inner > RELU ? splat(BatchNormFrozenGradient.setting(call)) : splat(0);
  const factors = BatchNormFrozenGradient.factor(call), terms = BatchNormFrozenGradient.term(call);
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, inUnit = max(8, 4096 / lanes);
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
        if (inner) {
          const here = v128.load(q), n0 = fma(firstIn<T>(here), f0, k0), n1 = fma(secondIn<T>(restOf<T>(q, here)), f1, k1);
          d0 = f32x4.mul(d0, changetype<F>(0).slope(n0, setting)); d1 = f32x4.mul(d1, changetype<F>(0).slope(n1, setting));
        }
        storeNear<T>(w, f32x4.mul(d0, f0), f32x4.mul(d1, f1));
        if (dr) storeWhole<T>(u, whole, rest);
      }
    }
  }
}
