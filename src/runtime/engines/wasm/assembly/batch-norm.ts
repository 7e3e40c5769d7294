// Batch norm over all pixels (Ioffe & Szegedy, arXiv 1502.03167) with what follows it in a residual network, in one
// pass: y = outer(inner(scale·(x − mean)/deviation + shift) + residual). Sums are float32 over short runs of pixels and
// double beyond, in a fixed number of parts.
import { BatchNorm, BatchNormGradient, BatchNormInference, BiasGradient } from "./generated/operands";
import { gelu, geluSlope } from "./gelu";
import { INNER_GELU, INNER_RELU, lowerBound, OUTER_RELU } from "./pointwise";
import { addToDoubles, atLeast, cut, fma, splat } from "./simd";
import { barrier, takeUnit } from "./threads";

/** Pixels that are swept at once, channel block by channel block, out of the first-level cache. */
// @ts-ignore: decorator
@inline
function pixelsAtOnce(lanes: i32): i32 {
  return max(16, min(64, 4096 / lanes));
}

/** Units of work of the elementwise passes: about 64 KiB of a map each. */
// @ts-ignore: decorator
@inline
function pixelsInUnit(lanes: i32): i32 {
  return max(16, 16384 / lanes);
}

export function batchNorm(call: usize, thread: i32, threads: i32): void {
  const x = BatchNorm.input(call), pixels = BatchNorm.pixels(call), lanes = BatchNorm.lanes(call);
  const slots = BatchNorm.slots(call), partials = BatchNorm.partials(call);
  const row = <usize>lanes << 2, slotBytes = row << 2, atOnce = pixelsAtOnce(lanes);
  const factors = BatchNorm.factor(call), terms = BatchNorm.term(call);
  // Sums are of what is left over a pivot near the mean, so that the mean's square does not cancel in the variance.
  const pivots = factors, sample = min(8, pixels);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f32 = 0;
    for (let pixel = 0; pixel < sample; pixel++) sum += load<f32>(x + row * pixel + (<usize>channel << 2));
    store<f32>(pivots + (<usize>channel << 2), sum / <f32>sample);
  }
  barrier(threads);
  for (let slot = takeUnit(); slot < slots; slot = takeUnit()) {
    const sums = partials + slotBytes * slot, squares = sums + (row << 1);
    memory.fill(sums, 0, slotBytes);
    const end = cut(pixels, slot + 1, slots);
    for (let first = cut(pixels, slot, slots); first < end; first += atOnce) {
      const last = x + row * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        const pivot0 = v128.load(pivots + channel), pivot1 = v128.load(pivots + channel, 16);
        let s0 = splat(0), s1 = s0, q0 = s0, q1 = s0;
        for (let p = x + row * first + channel; p < last; p += row) {
          const a = f32x4.sub(v128.load(p), pivot0), b = f32x4.sub(v128.load(p, 16), pivot1);
          s0 = f32x4.add(s0, a); s1 = f32x4.add(s1, b);
          q0 = fma(a, a, q0); q1 = fma(b, b, q1);
        }
        addToDoubles(sums + (channel << 1), s0); addToDoubles(sums + (channel << 1) + 32, s1);
        addToDoubles(squares + (channel << 1), q0); addToDoubles(squares + (channel << 1) + 32, q1);
      }
    }
  }
  barrier(threads);

  const count = <f64>pixels, momentum = <f64>BatchNorm.momentum(call), scales = BatchNorm.scale(call);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0, square: f64 = 0;
    for (let slot = 0; slot < slots; slot++) {
      const at = partials + slotBytes * slot + (<usize>channel << 3);
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
  apply(x, BatchNorm.residual(call), BatchNorm.output(call), pixels, lanes, factors, terms, BatchNorm.flags(call));
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
  apply(
    BatchNormInference.input(call), BatchNormInference.residual(call), BatchNormInference.output(call),
    BatchNormInference.pixels(call), lanes, coefficients, coefficients + row, BatchNormInference.flags(call),
  );
}

/** y = outer(inner(x·factor + term) + residual), channel block by channel block over short runs of pixels. */
function apply(x: usize, residual: usize, y: usize, pixels: i32, lanes: i32, factors: usize, terms: usize, flags: i32): void {
  const row = <usize>lanes << 2, atOnce = pixelsInUnit(lanes);
  const isGelu = flags & INNER_GELU, inner = lowerBound(flags & INNER_RELU);
  const outer = lowerBound(residual ? flags & OUTER_RELU : flags & (INNER_RELU | OUTER_RELU));
  for (let unit = takeUnit(); unit * atOnce < pixels; unit = takeUnit()) {
    const first = unit * atOnce, end = x + row * min(pixels, first + atOnce);
    for (let channel: usize = 0; channel < row; channel += 32) {
      const f0 = v128.load(factors + channel), f1 = v128.load(factors + channel, 16);
      const t0 = v128.load(terms + channel), t1 = v128.load(terms + channel, 16);
      const start = row * first + channel;
      let p = x + start, q = y + start;
      if (isGelu) {
        let r = residual + start;
        for (; p < end; p += row, q += row, r += row) {
          let n0 = gelu(fma(v128.load(p), f0, t0)), n1 = gelu(fma(v128.load(p, 16), f1, t1));
          if (residual) { n0 = f32x4.add(v128.load(r), n0); n1 = f32x4.add(v128.load(r, 16), n1); }
          v128.store(q, atLeast(n0, outer)); v128.store(q, atLeast(n1, outer), 16);
        }
      } else if (residual) {
        let r = residual + start;
        for (; p < end; p += row, q += row, r += row) {
          const n0 = atLeast(fma(v128.load(p), f0, t0), inner), n1 = atLeast(fma(v128.load(p, 16), f1, t1), inner);
          v128.store(q, atLeast(f32x4.add(v128.load(r), n0), outer));
          v128.store(q, atLeast(f32x4.add(v128.load(r, 16), n1), outer), 16);
        }
      } else {
        for (; p < end; p += row, q += row) {
          v128.store(q, atLeast(fma(v128.load(p), f0, t0), outer));
          v128.store(q, atLeast(fma(v128.load(p, 16), f1, t1), outer), 16);
        }
      }
    }
  }
}

/**
 * With d the gradient behind both activations' masks: shift' = Σ d, scale' = Σ d·x̂,
 * x' = scale/deviation · (d − shift'/n − x̂·scale'/n); the residual gets d before the inner mask.
 */
export function batchNormGradient(call: usize, thread: i32, threads: i32): void {
  const dy = BatchNormGradient.outputGradient(call), x = BatchNormGradient.input(call), y = BatchNormGradient.output(call);
  const pixels = BatchNormGradient.pixels(call), lanes = BatchNormGradient.lanes(call), slots = BatchNormGradient.slots(call);
  const means = BatchNormGradient.mean(call), reciprocals = BatchNormGradient.reciprocalDeviation(call);
  const scales = BatchNormGradient.scale(call), flags = BatchNormGradient.flags(call), isGelu = flags & INNER_GELU, inner = flags & INNER_RELU;
  const dx = BatchNormGradient.inputGradient(call), residualGradient = BatchNormGradient.residualGradient(call);
  const partials = BatchNormGradient.partials(call), row = <usize>lanes << 2, slotBytes = row << 2, zero = splat(0);
  // The inner mask is x·factor + term > 0, as it was in the forward pass.
  const maskFactor = BatchNormGradient.factor(call), maskTerm = BatchNormGradient.term(call);
  const atOnce = pixelsAtOnce(lanes);
  for (let slot = takeUnit(); slot < slots; slot = takeUnit()) {
    const sums = partials + slotBytes * slot, products = sums + (row << 1);
    memory.fill(sums, 0, slotBytes);
    const end = cut(pixels, slot + 1, slots);
    for (let first = cut(pixels, slot, slots); first < end; first += atOnce) {
      const last = dy + row * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        const m0 = v128.load(means + channel), m1 = v128.load(means + channel, 16), start = row * first + channel;
        let s0 = zero, s1 = zero, t0 = zero, t1 = zero;
        let p = dy + start, q = x + start, r = y + start;
        if (isGelu) {
          // The slope is dear: d is kept in the input gradient's place for the second pass.
          const f0 = v128.load(maskFactor + channel), f1 = v128.load(maskFactor + channel, 16);
          const k0 = v128.load(maskTerm + channel), k1 = v128.load(maskTerm + channel, 16);
          let w = dx + start, u = residualGradient + start;
          for (; p < last; p += row, q += row, r += row, w += row, u += row) {
            let d0 = v128.load(p), d1 = v128.load(p, 16);
            if (y) { d0 = v128.and(d0, f32x4.gt(v128.load(r), zero)); d1 = v128.and(d1, f32x4.gt(v128.load(r, 16), zero)); }
            if (residualGradient) { v128.store(u, d0); v128.store(u, d1, 16); }
            const x0 = v128.load(q), x1 = v128.load(q, 16);
            d0 = f32x4.mul(d0, geluSlope(fma(x0, f0, k0))); d1 = f32x4.mul(d1, geluSlope(fma(x1, f1, k1)));
            v128.store(w, d0); v128.store(w, d1, 16);
            s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
            t0 = fma(d0, f32x4.sub(x0, m0), t0); t1 = fma(d1, f32x4.sub(x1, m1), t1);
          }
        } else if (inner) {
          const f0 = v128.load(maskFactor + channel), f1 = v128.load(maskFactor + channel, 16);
          const k0 = v128.load(maskTerm + channel), k1 = v128.load(maskTerm + channel, 16);
          if (y) {
            for (; p < last; p += row, q += row, r += row) {
              const x0 = v128.load(q), x1 = v128.load(q, 16);
              const o0 = v128.and(v128.load(p), f32x4.gt(v128.load(r), zero)), o1 = v128.and(v128.load(p, 16), f32x4.gt(v128.load(r, 16), zero));
              const d0 = v128.and(o0, f32x4.gt(fma(x0, f0, k0), zero)), d1 = v128.and(o1, f32x4.gt(fma(x1, f1, k1), zero));
              s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
              t0 = fma(d0, f32x4.sub(x0, m0), t0); t1 = fma(d1, f32x4.sub(x1, m1), t1);
            }
          } else {
            for (; p < last; p += row, q += row) {
              const x0 = v128.load(q), x1 = v128.load(q, 16);
              const d0 = v128.and(v128.load(p), f32x4.gt(fma(x0, f0, k0), zero)), d1 = v128.and(v128.load(p, 16), f32x4.gt(fma(x1, f1, k1), zero));
              s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
              t0 = fma(d0, f32x4.sub(x0, m0), t0); t1 = fma(d1, f32x4.sub(x1, m1), t1);
            }
          }
        } else if (y) {
          for (; p < last; p += row, q += row, r += row) {
            const d0 = v128.and(v128.load(p), f32x4.gt(v128.load(r), zero)), d1 = v128.and(v128.load(p, 16), f32x4.gt(v128.load(r, 16), zero));
            s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
            t0 = fma(d0, f32x4.sub(v128.load(q), m0), t0); t1 = fma(d1, f32x4.sub(v128.load(q, 16), m1), t1);
          }
        } else {
          for (; p < last; p += row, q += row) {
            const d0 = v128.load(p), d1 = v128.load(p, 16);
            s0 = f32x4.add(s0, d0); s1 = f32x4.add(s1, d1);
            t0 = fma(d0, f32x4.sub(v128.load(q), m0), t0); t1 = fma(d1, f32x4.sub(v128.load(q, 16), m1), t1);
          }
        }
        addToDoubles(sums + (channel << 1), s0); addToDoubles(sums + (channel << 1) + 32, s1);
        addToDoubles(products + (channel << 1), t0); addToDoubles(products + (channel << 1) + 32, t1);
      }
    }
  }
  barrier(threads);

  const coefficients = BatchNormGradient.coefficients(call); // [3][lanes]: x' = d·factor + x·slope + term
  const slope = coefficients + row, term = slope + row, count = <f64>pixels;
  const scaleGradient = BatchNormGradient.scaleGradient(call), shiftGradient = BatchNormGradient.shiftGradient(call);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0, product: f64 = 0;
    for (let slot = 0; slot < slots; slot++) {
      const at = partials + slotBytes * slot + (<usize>channel << 3);
      sum += load<f64>(at); product += load<f64>(at + (row << 1));
    }
    const at = <usize>channel << 2, reciprocal = <f64>load<f32>(reciprocals + at), mean = <f64>load<f32>(means + at);
    product *= reciprocal; // Σ d·x̂
    const factor = scales ? <f64>load<f32>(scales + at) * reciprocal : reciprocal, line = -factor * reciprocal * product / count;
    store<f32>(coefficients + at, <f32>factor);
    store<f32>(slope + at, <f32>line);
    store<f32>(term + at, <f32>(-factor * sum / count - line * mean));
    if (scaleGradient) store<f32>(scaleGradient + at, <f32>product);
    if (shiftGradient) store<f32>(shiftGradient + at, <f32>sum);
  }
  barrier(threads);

  if (isGelu) applyGradient(dx, x, 0, dx, 0, pixels, lanes, coefficients, 0, 0);
  else applyGradient(dy, x, y, dx, residualGradient, pixels, lanes, coefficients, inner ? maskFactor : 0, maskTerm);
}

/** x' = d·factor + x·slope + term with d = dy behind the outer mask and, where there are `maskFactors`, the inner one. */
function applyGradient(
  dy: usize, x: usize, y: usize, dx: usize, dr: usize, pixels: i32, lanes: i32, factors: usize, maskFactors: usize, maskTerms: usize,
): void {
  const row = <usize>lanes << 2, slope = factors + row, term = slope + row, inUnit = pixelsInUnit(lanes), zero = splat(0);
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const first = unit * inUnit, last = dy + row * min(pixels, first + inUnit);
    for (let channel: usize = 0; channel < row; channel += 32) {
      const f0 = v128.load(factors + channel), f1 = v128.load(factors + channel, 16);
      const l0 = v128.load(slope + channel), l1 = v128.load(slope + channel, 16);
      const k0 = v128.load(term + channel), k1 = v128.load(term + channel, 16), start = row * first + channel;
      let p = dy + start, q = x + start, r = y + start, w = dx + start, u = dr + start;
      if (maskFactors) {
        const g0 = v128.load(maskFactors + channel), g1 = v128.load(maskFactors + channel, 16);
        const h0 = v128.load(maskTerms + channel), h1 = v128.load(maskTerms + channel, 16);
        if (!y && !dr) {
          for (; p < last; p += row, q += row, w += row) {
            const x0 = v128.load(q), x1 = v128.load(q, 16);
            const i0 = v128.and(v128.load(p), f32x4.gt(fma(x0, g0, h0), zero)), i1 = v128.and(v128.load(p, 16), f32x4.gt(fma(x1, g1, h1), zero));
            v128.store(w, fma(i0, f0, fma(x0, l0, k0))); v128.store(w, fma(i1, f1, fma(x1, l1, k1)), 16);
          }
        } else for (; p < last; p += row, q += row, r += row, w += row, u += row) {
          let d0 = v128.load(p), d1 = v128.load(p, 16);
          if (y) { d0 = v128.and(d0, f32x4.gt(v128.load(r), zero)); d1 = v128.and(d1, f32x4.gt(v128.load(r, 16), zero)); }
          const x0 = v128.load(q), x1 = v128.load(q, 16);
          const i0 = v128.and(d0, f32x4.gt(fma(x0, g0, h0), zero)), i1 = v128.and(d1, f32x4.gt(fma(x1, g1, h1), zero));
          v128.store(w, fma(i0, f0, fma(x0, l0, k0))); v128.store(w, fma(i1, f1, fma(x1, l1, k1)), 16);
          if (dr) { v128.store(u, d0); v128.store(u, d1, 16); }
        }
      } else if (y && dr) {
        for (; p < last; p += row, q += row, r += row, w += row, u += row) {
          const d0 = v128.and(v128.load(p), f32x4.gt(v128.load(r), zero)), d1 = v128.and(v128.load(p, 16), f32x4.gt(v128.load(r, 16), zero));
          v128.store(w, fma(d0, f0, fma(v128.load(q), l0, k0))); v128.store(w, fma(d1, f1, fma(v128.load(q, 16), l1, k1)), 16);
          v128.store(u, d0); v128.store(u, d1, 16);
        }
      } else if (y) {
        for (; p < last; p += row, q += row, r += row, w += row) {
          const d0 = v128.and(v128.load(p), f32x4.gt(v128.load(r), zero)), d1 = v128.and(v128.load(p, 16), f32x4.gt(v128.load(r, 16), zero));
          v128.store(w, fma(d0, f0, fma(v128.load(q), l0, k0))); v128.store(w, fma(d1, f1, fma(v128.load(q, 16), l1, k1)), 16);
        }
      } else {
        for (; p < last; p += row, q += row, w += row, u += row) {
          const d0 = v128.load(p), d1 = v128.load(p, 16);
          v128.store(w, fma(d0, f0, fma(v128.load(q), l0, k0))); v128.store(w, fma(d1, f1, fma(v128.load(q, 16), l1, k1)), 16);
          if (dr) { v128.store(u, d0); v128.store(u, d1, 16); }
        }
      }
    }
  }
}

/** Σ over pixels of the gradient, a channel at a time. */
export function biasGradient(call: usize, thread: i32, threads: i32): void {
  const dy = BiasGradient.outputGradient(call), pixels = BiasGradient.pixels(call), lanes = BiasGradient.lanes(call);
  const slots = BiasGradient.slots(call), partials = BiasGradient.partials(call);
  const row = <usize>lanes << 2, slotBytes = row << 1, atOnce = pixelsAtOnce(lanes);
  for (let slot = takeUnit(); slot < slots; slot = takeUnit()) {
    const sums = partials + slotBytes * slot, end = cut(pixels, slot + 1, slots);
    memory.fill(sums, 0, slotBytes);
    for (let first = cut(pixels, slot, slots); first < end; first += atOnce) {
      const last = dy + row * min(end, first + atOnce);
      for (let channel: usize = 0; channel < row; channel += 32) {
        let s0 = splat(0), s1 = s0;
        for (let p = dy + row * first + channel; p < last; p += row) {
          s0 = f32x4.add(s0, v128.load(p)); s1 = f32x4.add(s1, v128.load(p, 16));
        }
        addToDoubles(sums + (channel << 1), s0); addToDoubles(sums + (channel << 1) + 32, s1);
      }
    }
  }
  barrier(threads);
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0;
    for (let slot = 0; slot < slots; slot++) sum += load<f64>(partials + slotBytes * slot + (<usize>channel << 3));
    store<f32>(BiasGradient.biasGradient(call) + (<usize>channel << 2), <f32>sum);
  }
}
