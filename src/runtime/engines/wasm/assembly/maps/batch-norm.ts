// Batch norm over all pixels (Ioffe & Szegedy, arXiv 1502.03167) with what follows it in a residual network, in one
// pass: y = outer(inner(scale·(x − mean)/deviation + shift) + residual). Sums are float32 over short runs of pixels and
// double beyond, in a fixed number of partial sums. T is how maps are stored (see simd.ts); all else is float32.
import { applyThroughActivation, sumsThroughActivation } from "../generated/activations";
import { RELU } from "../generated/constants";
import { BatchNorm, BatchNormAgain, BatchNormGradient, BatchNormInference, BiasGradient } from "../generated/operands";
import { lanesWithin } from "./activation-parts";
import { lowerBound } from "./pointwise";
import {
  addBothToDoubles, atLeast, bytesOf, cut, firstIn, firstOf, fma, loadFirst, loadMasked, loadOne, loadSecond, restMasked, restOf,
  secondIn, secondOf, splat, storeNear, storeWhole,
} from "../simd";
import { barrier, takeUnit } from "../threads";

/** Pixels that are swept at once, channel block by channel block, out of the first-level cache. */
// @ts-ignore: decorator
@inline
function pixelsAtOnce(lanes: i32): i32 {
  return max(16, min(64, 4096 / lanes));
}

/** Units of work of the elementwise passes: about 16 KiB of a float32 map each, which stay in the first-level cache. */
// @ts-ignore: decorator
@inline
function pixelsInUnit(lanes: i32): i32 {
  return max(8, 4096 / lanes);
}

/** Of eight numbers a channel each, those for the elements of `loadFirst`, and of `loadSecond`. */
// @ts-ignore: decorator
@inline
function firstAt<T>(at: usize): v128 {
  return firstOf<T>(v128.load(at), v128.load(at, 16));
}

// @ts-ignore: decorator
@inline
function secondAt<T>(at: usize): v128 {
  return secondOf<T>(v128.load(at), v128.load(at, 16));
}

export function batchNorm<T>(call: usize, thread: i32, threads: i32): void {
  const x = BatchNorm.input(call), pixels = BatchNorm.pixels(call), lanes = BatchNorm.lanes(call);
  const partialCount = BatchNorm.partialCount(call), partials = BatchNorm.partials(call);
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, partialBytes = row << 2, atOnce = pixelsAtOnce(lanes);
  const factors = BatchNorm.factor(call), terms = BatchNorm.term(call);
  // Sums are of what is left over a pivot near the mean, so that the mean's square does not cancel in the variance.
  const pivots = factors, sample = min(8, pixels);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f32 = 0;
    for (let pixel = 0; pixel < sample; pixel++) sum += loadOne<T>(x + mapRow * pixel + bytesOf<T>(channel));
    store<f32>(pivots + (<usize>channel << 2), sum / <f32>sample);
  }
  barrier(threads);
  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + partialBytes * partial, squares = sums + (row << 1);
    memory.fill(sums, 0, partialBytes);
    const end = cut(pixels, partial + 1, partialCount);
    for (let first = cut(pixels, partial, partialCount); first < end; first += atOnce) {
      const last = x + mapRow * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        const pivot0 = firstAt<T>(pivots + channel), pivot1 = secondAt<T>(pivots + channel);
        let s0 = splat(0), s1 = s0, q0 = s0, q1 = s0, u0 = s0, u1 = s0, v0 = s0, v1 = s0;
        let p = x + mapRow * first + bytesOf<T>(channel >> 2);
        // Two rows of bfloat16 at once, whose sums do not wait for each other; float32's wait for memory
        if (!isFloat<T>()) for (; p + mapRow < last; p += mapRow << 1) {
          const upper = v128.load(p), lower = v128.load(p + mapRow);
          const a = f32x4.sub(firstIn<T>(upper), pivot0), b = f32x4.sub(secondIn<T>(restOf<T>(p, upper)), pivot1);
          const c = f32x4.sub(firstIn<T>(lower), pivot0), d = f32x4.sub(secondIn<T>(restOf<T>(p + mapRow, lower)), pivot1);
          s0 = f32x4.add(s0, a); s1 = f32x4.add(s1, b); u0 = f32x4.add(u0, c); u1 = f32x4.add(u1, d);
          q0 = fma(a, a, q0); q1 = fma(b, b, q1); v0 = fma(c, c, v0); v1 = fma(d, d, v1);
        }
        for (; p < last; p += mapRow) {
          const a = f32x4.sub(loadFirst<T>(p), pivot0), b = f32x4.sub(loadSecond<T>(p), pivot1);
          s0 = f32x4.add(s0, a); s1 = f32x4.add(s1, b);
          q0 = fma(a, a, q0); q1 = fma(b, b, q1);
        }
        if (!isFloat<T>()) {
          s0 = f32x4.add(s0, u0); s1 = f32x4.add(s1, u1);
          q0 = f32x4.add(q0, v0); q1 = f32x4.add(q1, v1);
        }
        addBothToDoubles<T>(sums + (channel << 1), s0, s1);
        addBothToDoubles<T>(squares + (channel << 1), q0, q1);
      }
    }
  }
  barrier(threads);

  const count = <f64>pixels, momentum = <f64>BatchNorm.momentum(call), scales = BatchNorm.scale(call);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0, square: f64 = 0;
    for (let partial = 0; partial < partialCount; partial++) {
      const at = partials + partialBytes * partial + (<usize>channel << 3);
      sum += load<f64>(at); square += load<f64>(at + (row << 1));
    }
    const at = <usize>channel << 2, rest = sum / count, mean = <f64>load<f32>(pivots + at) + rest;
    const variance = Math.max(0, square / count - rest * rest);
    const reciprocal = 1.0 / Math.sqrt(variance + <f64>BatchNorm.epsilon(call));
    const factor = scales ? <f64>load<f32>(scales + at) * reciprocal : reciprocal;
    store<f32>(factors + at, <f32>factor);
    store<f32>(terms + at, <f32>(<f64>load<f32>(BatchNorm.shift(call) + at) - mean * factor));
    store<f32>(BatchNorm.mean(call) + at, <f32>mean);
    store<f32>(BatchNorm.reciprocalDeviation(call) + at, <f32>reciprocal);
    // PyTorch's convention: momentum weighs the new value, and the running variance is Bessel-corrected.
    const runningMean = BatchNorm.runningMean(call) + at, runningVariance = BatchNorm.runningVariance(call) + at;
    const unbiased = pixels > 1 ? variance * count / (count - 1) : variance;
    store<f32>(runningMean, <f32>(<f64>load<f32>(runningMean) * (1 - momentum) + mean * momentum));
    store<f32>(runningVariance, <f32>(<f64>load<f32>(runningVariance) * (1 - momentum) + unbiased * momentum));
  }
  barrier(threads);
  apply<T>(
    x, BatchNorm.residual(call), BatchNorm.output(call), pixels, lanes, factors, terms,
    BatchNorm.inner(call), BatchNorm.setting(call), BatchNorm.outerRelu(call), BatchNorm.channels(call),
  );
}

/** What batchNorm put out, once more; a part of the step that did not keep it asks for it. */
export function batchNormAgain<T>(call: usize): void {
  apply<T>(
    BatchNormAgain.input(call), BatchNormAgain.residual(call), BatchNormAgain.output(call), BatchNormAgain.pixels(call),
    BatchNormAgain.lanes(call), BatchNormAgain.factor(call), BatchNormAgain.term(call),
    BatchNormAgain.inner(call), BatchNormAgain.setting(call), BatchNormAgain.outerRelu(call), BatchNormAgain.channels(call),
  );
}

export function batchNormInference(call: usize, thread: i32, threads: i32): void {
  const lanes = BatchNormInference.lanes(call), row = <usize>lanes << 2, coefficients = BatchNormInference.coefficients(call);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    const at = <usize>channel << 2;
    const variance = <f64>load<f32>(BatchNormInference.runningVariance(call) + at) + <f64>BatchNormInference.epsilon(call);
    const scale = BatchNormInference.scale(call), factor = (scale ? <f64>load<f32>(scale + at) : 1) / Math.sqrt(variance);
    const mean = <f64>load<f32>(BatchNormInference.runningMean(call) + at);
    store<f32>(coefficients + at, <f32>factor);
    store<f32>(coefficients + row + at, <f32>(<f64>load<f32>(BatchNormInference.shift(call) + at) - mean * factor));
  }
  barrier(threads);
  apply<f32>(
    BatchNormInference.input(call), BatchNormInference.residual(call), BatchNormInference.output(call),
    BatchNormInference.pixels(call), lanes, coefficients, coefficients + row,
    BatchNormInference.inner(call), BatchNormInference.setting(call), BatchNormInference.outerRelu(call), BatchNormInference.channels(call),
  );
}

/** y = outer(inner(x·factor + term) + residual), channel block by channel block over short runs of pixels. */
export function apply<T>(
  x: usize, residual: usize, y: usize, pixels: i32, lanes: i32, factors: usize, terms: usize,
  inner: i32, setting: f32, outerRelu: i32, channels: i32,
): void {
  if (inner > RELU) {
    return applyThroughActivation<T>(inner, x, residual, y, pixels, lanes, factors, terms, setting, outerRelu, channels);
  }
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, atOnce = pixelsInUnit(lanes);
  const least = lowerBound(inner), outer = lowerBound(residual ? outerRelu : inner | outerRelu);
  for (let unit = takeUnit(); unit * atOnce < pixels; unit = takeUnit()) {
    const first = unit * atOnce, end = x + mapRow * min(pixels, first + atOnce);
    for (let channel: usize = 0; channel < row; channel += 32) {
      const f0 = firstAt<T>(factors + channel), f1 = secondAt<T>(factors + channel);
      const t0 = firstAt<T>(terms + channel), t1 = secondAt<T>(terms + channel);
      const start = mapRow * first + bytesOf<T>(channel >> 2);
      let p = x + start, q = y + start;
      if (residual) {
        let r = residual + start;
        for (; p < end; p += mapRow, q += mapRow, r += mapRow) {
          const whole = v128.load(p), x0 = firstIn<T>(whole), x1 = secondIn<T>(restOf<T>(p, whole));
          const n0 = atLeast(fma(x0, f0, t0), least), n1 = atLeast(fma(x1, f1, t1), least);
          const other = v128.load(r), r0 = firstIn<T>(other), r1 = secondIn<T>(restOf<T>(r, other));
          storeNear<T>(q, atLeast(f32x4.add(r0, n0), outer), atLeast(f32x4.add(r1, n1), outer));
        }
      } else {
        for (; p < end; p += mapRow, q += mapRow) {
          const whole = v128.load(p), x0 = firstIn<T>(whole), x1 = secondIn<T>(restOf<T>(p, whole));
          storeNear<T>(q, atLeast(fma(x0, f0, t0), outer), atLeast(fma(x1, f1, t1), outer));
        }
      }
    }
  }
}

/** The same with an activation F of its own code; lanes beyond the channels are kept zero where it does not do so itself. */
export function applyThrough<T, F>(
  x: usize, residual: usize, y: usize, pixels: i32, lanes: i32, factors: usize, terms: usize, setting: f32, outerRelu: i32, channels: i32,
): void {
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, atOnce = pixelsInUnit(lanes);
  const outer = lowerBound(outerRelu), settings = splat(setting), there = i32x4.splat(channels);
  for (let unit = takeUnit(); unit * atOnce < pixels; unit = takeUnit()) {
    const first = unit * atOnce, end = x + mapRow * min(pixels, first + atOnce);
    for (let channel: usize = 0; channel < row; channel += 32) {
      const f0 = firstAt<T>(factors + channel), f1 = secondAt<T>(factors + channel);
      const t0 = firstAt<T>(terms + channel), t1 = secondAt<T>(terms + channel);
      const low = lanesWithin(<i32>(channel >> 2), there), high = lanesWithin(<i32>(channel >> 2) + 4, there);
      const mask0 = firstOf<T>(low, high), mask1 = secondOf<T>(low, high), start = mapRow * first + bytesOf<T>(channel >> 2);
      let p = x + start, q = y + start, r = residual + start;
      for (; p < end; p += mapRow, q += mapRow, r += mapRow) {
        const whole = v128.load(p), x0 = firstIn<T>(whole), x1 = secondIn<T>(restOf<T>(p, whole));
        let n0 = changetype<F>(0).value(fma(x0, f0, t0), settings), n1 = changetype<F>(0).value(fma(x1, f1, t1), settings);
        if (!changetype<F>(0).keepsZero()) { n0 = v128.and(n0, mask0); n1 = v128.and(n1, mask1); }
        if (residual) { n0 = f32x4.add(loadFirst<T>(r), n0); n1 = f32x4.add(loadSecond<T>(r), n1); }
        storeNear<T>(q, atLeast(n0, outer), atLeast(n1, outer));
      }
    }
  }
}

/**
 * What is summed up with d. The mean's share of maps stored as bfloat16 comes off the whole sum: their own rounding is coarser than
 * what cancels there, and the loop's vectors fit the registers.
 */
// @ts-ignore: decorator
@inline
function overMean<T>(x: v128, mean: v128): v128 {
  return isFloat<T>() ? f32x4.sub(x, mean) : x;
}

/**
 * With d the gradient behind both activations' masks: shift' = Σ d, scale' = Σ d·x̂,
 * x' = scale/deviation · (d − shift'/n − x̂·scale'/n); the residual gets d before the inner mask.
 */
export function batchNormGradient<T>(call: usize, thread: i32, threads: i32): void {
  const dy = BatchNormGradient.outputGradient(call), x = BatchNormGradient.input(call), y = BatchNormGradient.output(call);
  const pixels = BatchNormGradient.pixels(call), lanes = BatchNormGradient.lanes(call), partialCount = BatchNormGradient.partialCount(call);
  const means = BatchNormGradient.mean(call), reciprocals = BatchNormGradient.reciprocalDeviation(call);
  const scales = BatchNormGradient.scale(call), inner = BatchNormGradient.inner(call), isOther = inner > RELU;
  const dx = BatchNormGradient.inputGradient(call), residualGradient = BatchNormGradient.residualGradient(call);
  const partials = BatchNormGradient.partials(call), mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, partialBytes = row << 2, zero = splat(0);
  // The inner mask is x·factor + term > 0, as it was in the forward pass.
  const maskFactor = BatchNormGradient.factor(call), maskTerm = BatchNormGradient.term(call);
  const atOnce = pixelsAtOnce(lanes);
  if (isOther) sumsThroughActivation<T>(inner, call);
  else for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + partialBytes * partial, products = sums + (row << 1);
    memory.fill(sums, 0, partialBytes);
    const end = cut(pixels, partial + 1, partialCount);
    for (let first = cut(pixels, partial, partialCount); first < end; first += atOnce) {
      const last = dy + mapRow * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        const m0 = firstAt<T>(means + channel), m1 = secondAt<T>(means + channel), start = mapRow * first + bytesOf<T>(channel >> 2);
        let s0 = zero, s1 = zero, t0 = zero, t1 = zero;
        let p = dy + start, q = x + start, r = y + start;
        if (inner) {
          const f0 = firstAt<T>(maskFactor + channel), f1 = secondAt<T>(maskFactor + channel);
          const k0 = firstAt<T>(maskTerm + channel), k1 = secondAt<T>(maskTerm + channel);
          if (y) {
            for (; p < last; p += mapRow, q += mapRow, r += mapRow) {
              const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
              const whole = loadMasked<T>(p, r), rest = restMasked<T>(p, r, whole), o0 = firstIn<T>(whole), o1 = secondIn<T>(rest);
              const d0 = v128.and(o0, f32x4.gt(fma(x0, f0, k0), zero)), d1 = v128.and(o1, f32x4.gt(fma(x1, f1, k1), zero));
              s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
              t0 = fma(d0, overMean<T>(x0, m0), t0); t1 = fma(d1, overMean<T>(x1, m1), t1);
            }
          } else {
            for (; p < last; p += mapRow, q += mapRow) {
              const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
              const whole = v128.load(p), rest = restOf<T>(p, whole);
              const d0 = v128.and(firstIn<T>(whole), f32x4.gt(fma(x0, f0, k0), zero)), d1 = v128.and(secondIn<T>(rest), f32x4.gt(fma(x1, f1, k1), zero));
              s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
              t0 = fma(d0, overMean<T>(x0, m0), t0); t1 = fma(d1, overMean<T>(x1, m1), t1);
            }
          }
        } else if (y) {
          for (; p < last; p += mapRow, q += mapRow, r += mapRow) {
            const whole = loadMasked<T>(p, r), rest = restMasked<T>(p, r, whole), d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
            s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
            const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
            t0 = fma(d0, overMean<T>(x0, m0), t0); t1 = fma(d1, overMean<T>(x1, m1), t1);
          }
        } else {
          for (; p < last; p += mapRow, q += mapRow) {
            const whole = v128.load(p), rest = restOf<T>(p, whole), d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
            s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
            const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
            t0 = fma(d0, overMean<T>(x0, m0), t0); t1 = fma(d1, overMean<T>(x1, m1), t1);
          }
        }
        addBothToDoubles<T>(sums + (channel << 1), s0, s1);
        addBothToDoubles<T>(products + (channel << 1), t0, t1);
      }
    }
  }
  barrier(threads);

  const coefficients = BatchNormGradient.coefficients(call); // [3][lanes]: x' = d·factor + x·slope + term
  const slope = coefficients + row, term = slope + row, count = <f64>pixels;
  const scaleGradient = BatchNormGradient.scaleGradient(call), shiftGradient = BatchNormGradient.shiftGradient(call);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0, product: f64 = 0;
    for (let partial = 0; partial < partialCount; partial++) {
      const at = partials + partialBytes * partial + (<usize>channel << 3);
      sum += load<f64>(at); product += load<f64>(at + (row << 1));
    }
    const at = <usize>channel << 2, reciprocal = <f64>load<f32>(reciprocals + at), mean = <f64>load<f32>(means + at);
    if (!isFloat<T>()) product -= mean * sum;
    product *= reciprocal; // Σ d·x̂
    const factor = scales ? <f64>load<f32>(scales + at) * reciprocal : reciprocal, line = -factor * reciprocal * product / count;
    store<f32>(coefficients + at, <f32>factor);
    store<f32>(slope + at, <f32>line);
    store<f32>(term + at, <f32>(-factor * sum / count - line * mean));
    if (scaleGradient) store<f32>(scaleGradient + at, <f32>product);
    if (shiftGradient) store<f32>(shiftGradient + at, <f32>sum);
  }
  barrier(threads);

  if (isOther) applyGradient<T>(dx, x, 0, dx, 0, pixels, lanes, coefficients, 0, 0);
  else applyGradient<T>(dy, x, y, dx, residualGradient, pixels, lanes, coefficients, inner ? maskFactor : 0, maskTerm);
}

/** The sums behind an activation F of its own code, and d itself, in the input gradient's place for the second pass. */
export function sumsThrough<T, F>(call: usize): void {
  const dy = BatchNormGradient.outputGradient(call), x = BatchNormGradient.input(call), y = BatchNormGradient.output(call);
  const pixels = BatchNormGradient.pixels(call), lanes = BatchNormGradient.lanes(call), partialCount = BatchNormGradient.partialCount(call);
  const means = BatchNormGradient.mean(call), factors = BatchNormGradient.factor(call), terms = BatchNormGradient.term(call);
  const dx = BatchNormGradient.inputGradient(call), residualGradient = BatchNormGradient.residualGradient(call);
  const partials = BatchNormGradient.partials(call), mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, partialBytes = row << 2;
  const atOnce = pixelsAtOnce(lanes), setting = splat(BatchNormGradient.setting(call));
  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + partialBytes * partial, products = sums + (row << 1);
    memory.fill(sums, 0, partialBytes);
    const end = cut(pixels, partial + 1, partialCount);
    for (let first = cut(pixels, partial, partialCount); first < end; first += atOnce) {
      const last = dy + mapRow * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        const m0 = firstAt<T>(means + channel), m1 = secondAt<T>(means + channel), start = mapRow * first + bytesOf<T>(channel >> 2);
        const f0 = firstAt<T>(factors + channel), f1 = secondAt<T>(factors + channel);
        const k0 = firstAt<T>(terms + channel), k1 = secondAt<T>(terms + channel);
        let s0 = splat(0), s1 = s0, t0 = s0, t1 = s0;
        let p = dy + start, q = x + start, r = y + start, w = dx + start, u = residualGradient + start;
        for (; p < last; p += mapRow, q += mapRow, r += mapRow, w += mapRow, u += mapRow) {
          const whole = y ? loadMasked<T>(p, r) : v128.load(p), rest = y ? restMasked<T>(p, r, whole) : restOf<T>(p, whole);
          if (residualGradient) storeWhole<T>(u, whole, rest);
          const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
          const d0 = f32x4.mul(firstIn<T>(whole), changetype<F>(0).slope(fma(x0, f0, k0), setting));
          const d1 = f32x4.mul(secondIn<T>(rest), changetype<F>(0).slope(fma(x1, f1, k1), setting));
          storeNear<T>(w, d0, d1);
          s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
          t0 = fma(d0, overMean<T>(x0, m0), t0); t1 = fma(d1, overMean<T>(x1, m1), t1);
        }
        addBothToDoubles<T>(sums + (channel << 1), s0, s1);
        addBothToDoubles<T>(products + (channel << 1), t0, t1);
      }
    }
  }
}

/** x' = d·factor + x·slope + term with d = dy behind the outer mask and, where there are `maskFactors`, which are the factors then, the inner one. */
function applyGradient<T>(
  dy: usize, x: usize, y: usize, dx: usize, dr: usize, pixels: i32, lanes: i32, factors: usize, maskFactors: usize, maskTerms: usize,
): void {
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, slope = factors + row, term = slope + row, inUnit = pixelsInUnit(lanes), zero = splat(0);
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const first = unit * inUnit, last = dy + mapRow * min(pixels, first + inUnit);
    for (let channel: usize = 0; channel < row; channel += 32) {
      const f0 = firstAt<T>(factors + channel), f1 = secondAt<T>(factors + channel);
      const l0 = firstAt<T>(slope + channel), l1 = secondAt<T>(slope + channel);
      const k0 = firstAt<T>(term + channel), k1 = secondAt<T>(term + channel), start = mapRow * first + bytesOf<T>(channel >> 2);
      let p = dy + start, q = x + start, r = y + start, w = dx + start, u = dr + start;
      if (maskFactors) {
        const g0 = firstAt<T>(maskFactors + channel), g1 = secondAt<T>(maskFactors + channel);
        const h0 = firstAt<T>(maskTerms + channel), h1 = secondAt<T>(maskTerms + channel);
        if (!y && !dr) {
          for (; p < last; p += mapRow, q += mapRow, w += mapRow) {
            const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
            const whole = v128.load(p), rest = restOf<T>(p, whole);
            const i0 = v128.and(firstIn<T>(whole), f32x4.gt(fma(x0, g0, h0), zero)), i1 = v128.and(secondIn<T>(rest), f32x4.gt(fma(x1, g1, h1), zero));
            storeNear<T>(w, fma(i0, g0, fma(x0, l0, k0)), fma(i1, g1, fma(x1, l1, k1)));
          }
        } else for (; p < last; p += mapRow, q += mapRow, r += mapRow, w += mapRow, u += mapRow) {
          const whole = y ? loadMasked<T>(p, r) : v128.load(p), rest = y ? restMasked<T>(p, r, whole) : restOf<T>(p, whole);
          const d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
          const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
          const i0 = v128.and(d0, f32x4.gt(fma(x0, g0, h0), zero)), i1 = v128.and(d1, f32x4.gt(fma(x1, g1, h1), zero));
          storeNear<T>(w, fma(i0, g0, fma(x0, l0, k0)), fma(i1, g1, fma(x1, l1, k1)));
          if (dr) storeWhole<T>(u, whole, rest);
        }
      } else if (y && dr) {
        for (; p < last; p += mapRow, q += mapRow, r += mapRow, w += mapRow, u += mapRow) {
          const whole = loadMasked<T>(p, r), rest = restMasked<T>(p, r, whole), d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
          const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
          storeNear<T>(w, fma(d0, f0, fma(x0, l0, k0)), fma(d1, f1, fma(x1, l1, k1)));
          storeWhole<T>(u, whole, rest);
        }
      } else if (y) {
        for (; p < last; p += mapRow, q += mapRow, r += mapRow, w += mapRow) {
          const whole = loadMasked<T>(p, r), rest = restMasked<T>(p, r, whole), d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
          const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
          storeNear<T>(w, fma(d0, f0, fma(x0, l0, k0)), fma(d1, f1, fma(x1, l1, k1)));
        }
      } else {
        for (; p < last; p += mapRow, q += mapRow, w += mapRow, u += mapRow) {
          const whole = v128.load(p), rest = restOf<T>(p, whole), d0 = firstIn<T>(whole), d1 = secondIn<T>(rest);
          const here = v128.load(q), x0 = firstIn<T>(here), x1 = secondIn<T>(restOf<T>(q, here));
          storeNear<T>(w, fma(d0, f0, fma(x0, l0, k0)), fma(d1, f1, fma(x1, l1, k1)));
          if (dr) storeWhole<T>(u, whole, rest);
        }
      }
    }
  }
}

/** Σ over pixels of the gradient, a channel at a time. */
export function biasGradient<T>(call: usize, thread: i32, threads: i32): void {
  const dy = BiasGradient.outputGradient(call), pixels = BiasGradient.pixels(call), lanes = BiasGradient.lanes(call);
  const partialCount = BiasGradient.partialCount(call), partials = BiasGradient.partials(call);
  const mapRow = bytesOf<T>(lanes), row = <usize>lanes << 2, partialBytes = row << 1, atOnce = pixelsAtOnce(lanes);
  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + partialBytes * partial, end = cut(pixels, partial + 1, partialCount);
    memory.fill(sums, 0, partialBytes);
    for (let first = cut(pixels, partial, partialCount); first < end; first += atOnce) {
      const last = dy + mapRow * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        let s0 = splat(0), s1 = s0;
        for (let p = dy + mapRow * first + bytesOf<T>(channel >> 2); p < last; p += mapRow) {
          const whole = v128.load(p);
          s0 = f32x4.add(s0, firstIn<T>(whole)); s1 = f32x4.add(s1, secondIn<T>(restOf<T>(p, whole)));
        }
        addBothToDoubles<T>(sums + (channel << 1), s0, s1);
      }
    }
  }
  barrier(threads);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0;
    for (let partial = 0; partial < partialCount; partial++) sum += load<f64>(partials + partialBytes * partial + (<usize>channel << 3));
    store<f32>(BiasGradient.biasGradient(call) + (<usize>channel << 2), <f32>sum);
  }
}
