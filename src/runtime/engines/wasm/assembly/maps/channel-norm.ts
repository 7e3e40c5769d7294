// Norms of an image by itself: over the channels of each pixel (Ba et al. 2016, arXiv 1607.06450) and over groups of channels of the
// whole image (Wu and He 2018, arXiv 1803.08494). Mean and deviation are computed again for the gradient, from what lies in the
// caches: y = (x − mean)/deviation·scale + shift. T is how maps are stored (see simd.ts); all else is float32.
import { GroupNorm, GroupNormGradient, LayerNorm, LayerNormGradient } from "../generated/operands";
import { lanesWithin } from "./activation-parts";
import { addToDoubles, bytesOf, cut, fma, loadFour, splat, storeFour } from "../simd";
import { barrier, takeUnit } from "../threads";

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f64 {
  const pairs = f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3)));
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/** Pixels that a thread takes at a time: about 16 KiB of a float32 map. */
// @ts-ignore: decorator
@inline
function pixelsInUnit(lanes: i32): i32 {
  return max(1, 4096 / lanes);
}

/** Of one pixel's channels. */
// @ts-ignore: decorator
@inline
function pixelMean<T>(x: usize, lanes: i32, channels: i32): f32 {
  let low = splat(0), high = low;
  for (let lane = 0; lane < lanes; lane += 8) {
    low = f32x4.add(low, loadFour<T>(x + bytesOf<T>(lane))); high = f32x4.add(high, loadFour<T>(x + bytesOf<T>(lane + 4)));
  }
  return <f32>((sumOf(low) + sumOf(high)) / <f64>channels);
}

// @ts-ignore: decorator
@inline
function pixelReciprocal<T>(x: usize, mean: v128, lanes: i32, channels: i32, epsilon: f64): f32 {
  const there = i32x4.splat(channels), last = lanes - 8;
  let low = splat(0), high = low;
  for (let lane = 0; lane < last; lane += 8) {
    const a = f32x4.sub(loadFour<T>(x + bytesOf<T>(lane)), mean), b = f32x4.sub(loadFour<T>(x + bytesOf<T>(lane + 4)), mean);
    low = fma(a, a, low); high = fma(b, b, high);
  }
  const a = v128.and(f32x4.sub(loadFour<T>(x + bytesOf<T>(last)), mean), lanesWithin(last, there));
  const b = v128.and(f32x4.sub(loadFour<T>(x + bytesOf<T>(last + 4)), mean), lanesWithin(last + 4, there));
  return <f32>(1.0 / Math.sqrt((sumOf(fma(a, a, low)) + sumOf(fma(b, b, high))) / <f64>channels + epsilon));
}

export function layerNorm<T>(call: usize): void {
  const pixels = LayerNorm.pixels(call), lanes = LayerNorm.lanes(call), channels = LayerNorm.channels(call), row = bytesOf<T>(lanes);
  const scale = LayerNorm.scale(call), shift = LayerNorm.shift(call), epsilon = <f64>LayerNorm.epsilon(call), inUnit = pixelsInUnit(lanes);
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const end = min(pixels, (unit + 1) * inUnit);
    for (let pixel = unit * inUnit; pixel < end; pixel++) {
      const x = LayerNorm.input(call) + row * pixel, y = LayerNorm.output(call) + row * pixel;
      const mean = splat(pixelMean<T>(x, lanes, channels)), reciprocal = splat(pixelReciprocal<T>(x, mean, lanes, channels, epsilon));
      // In the lanes beyond the channels scale and shift are zero
      for (let lane = 0; lane < lanes; lane += 4) {
        const hat = f32x4.mul(f32x4.sub(loadFour<T>(x + bytesOf<T>(lane)), mean), reciprocal);
        storeFour<T>(y + bytesOf<T>(lane), fma(hat, v128.load(scale + (<usize>lane << 2)), v128.load(shift + (<usize>lane << 2))));
      }
    }
  }
}

/**
 * With d = dy·scale and x̂ = (x − mean)/deviation: dx = (d − mean(d) − x̂·mean(d·x̂))/deviation over each pixel's channels; scale' and
 * shift' are sums over all pixels, float32 over short runs of them and double beyond, in a fixed number of partial sums.
 */
export function layerNormGradient<T>(call: usize, thread: i32, threads: i32): void {
  const pixels = LayerNormGradient.pixels(call), lanes = LayerNormGradient.lanes(call), channels = LayerNormGradient.channels(call);
  const row = bytesOf<T>(lanes), vector = <usize>lanes << 2, scale = LayerNormGradient.scale(call), epsilon = <f64>LayerNormGradient.epsilon(call);
  const partialCount = LayerNormGradient.partialCount(call), partialBytes: usize = (vector << 2) + (vector << 1), there = i32x4.splat(channels), count = <f64>channels;
  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    // Doubles of shift' and scale', then floats of both
    const doubles = LayerNormGradient.partials(call) + partialBytes * partial, shifts = doubles + (vector << 2), scales = shifts + vector;
    memory.fill(doubles, 0, partialBytes);
    const end = cut(pixels, partial + 1, partialCount);
    for (let first = cut(pixels, partial, partialCount); first < end; first += 64) {
      const last = min(end, first + 64);
      for (let pixel = first; pixel < last; pixel++) {
        const x = LayerNormGradient.input(call) + row * pixel, dy = LayerNormGradient.outputGradient(call) + row * pixel;
        const dx = LayerNormGradient.inputGradient(call) + row * pixel;
        const mean = splat(pixelMean<T>(x, lanes, channels)), reciprocal = splat(pixelReciprocal<T>(x, mean, lanes, channels, epsilon));
        let sum = splat(0), product = sum;
        for (let lane = 0; lane < lanes; lane += 4) {
          const at = <usize>lane << 2, above = loadFour<T>(dy + bytesOf<T>(lane)), d = f32x4.mul(above, v128.load(scale + at));
          const hat = f32x4.mul(f32x4.sub(loadFour<T>(x + bytesOf<T>(lane)), mean), reciprocal);
          sum = f32x4.add(sum, d); product = fma(d, hat, product);
          v128.store(shifts + at, f32x4.add(v128.load(shifts + at), above));
          v128.store(scales + at, fma(above, hat, v128.load(scales + at)));
        }
        const share = splat(<f32>(sumOf(sum) / count)), slope = splat(<f32>(sumOf(product) / count));
        for (let lane = 0; lane < lanes; lane += 4) {
          const d = f32x4.mul(loadFour<T>(dy + bytesOf<T>(lane)), v128.load(scale + (<usize>lane << 2)));
          const hat = f32x4.mul(f32x4.sub(loadFour<T>(x + bytesOf<T>(lane)), mean), reciprocal);
          const result = f32x4.mul(f32x4.sub(f32x4.sub(d, share), f32x4.mul(hat, slope)), reciprocal);
          storeFour<T>(dx + bytesOf<T>(lane), lane + 8 < lanes ? result : v128.and(result, lanesWithin(lane, there)));
        }
      }
      for (let at: usize = 0; at < vector; at += 16) {
        addToDoubles(doubles + (at << 1), v128.load(shifts + at));
        addToDoubles(doubles + (vector << 1) + (at << 1), v128.load(scales + at));
      }
      memory.fill(shifts, 0, vector << 1);
    }
  }
  barrier(threads);
  addPartials(
    LayerNormGradient.partials(call), partialBytes, partialCount, lanes,
    LayerNormGradient.shiftGradient(call), LayerNormGradient.scaleGradient(call), thread, threads,
  );
}

/** Two vectors of doubles a part, summed in their order; where a sum is not asked for its address is 0. */
function addPartials(partials: usize, partialBytes: usize, partialCount: i32, lanes: i32, one: usize, other: usize, thread: i32, threads: i32): void {
  for (let channel = cut(lanes, thread, threads); channel < cut(lanes, thread + 1, threads); channel++) {
    let sum: f64 = 0, product: f64 = 0;
    for (let partial = 0; partial < partialCount; partial++) {
      const at = partials + partialBytes * partial + (<usize>channel << 3);
      sum += load<f64>(at); product += load<f64>(at + (<usize>lanes << 3));
    }
    if (one) store<f32>(one + (<usize>channel << 2), <f32>sum);
    if (other) store<f32>(other + (<usize>channel << 2), <f32>product);
  }
}

/** Mean and reciprocal deviation of each group of an image, by channel: `means` and `reciprocals`; `doubles` is scratch of [2][lanes]. */
function groupStatistics<T>(
  x: usize, pixels: i32, lanes: i32, channels: i32, groups: i32, epsilon: f64, means: usize, reciprocals: usize, doubles: usize,
): void {
  const each = channels / groups, count = <f64>each * <f64>pixels;
  memory.fill(means, 0, <usize>lanes << 2);
  memory.fill(reciprocals, 0, <usize>lanes << 2);
  channelSums<T>(x, pixels, lanes, 0, doubles);
  for (let group = 0; group < groups; group++) {
    let sum: f64 = 0;
    for (let channel = group * each; channel < (group + 1) * each; channel++) sum += load<f64>(doubles + (<usize>channel << 3));
    for (let channel = group * each; channel < (group + 1) * each; channel++) store<f32>(means + (<usize>channel << 2), <f32>(sum / count));
  }
  channelSums<T>(x, pixels, lanes, means, doubles);
  for (let group = 0; group < groups; group++) {
    let sum: f64 = 0;
    for (let channel = group * each; channel < (group + 1) * each; channel++) sum += load<f64>(doubles + (<usize>channel << 3));
    const reciprocal = <f32>(1.0 / Math.sqrt(sum / count + epsilon));
    for (let channel = group * each; channel < (group + 1) * each; channel++) store<f32>(reciprocals + (<usize>channel << 2), reciprocal);
  }
}

/** Σ x of each channel, or with means Σ (x − mean)². */
// @ts-ignore: decorator
@inline
function channelSums<T>(x: usize, pixels: i32, lanes: i32, means: usize, doubles: usize): void {
  const row = bytesOf<T>(lanes);
  memory.fill(doubles, 0, <usize>lanes << 3);
  for (let first = 0; first < pixels; first += 64) {
    const end = x + row * min(pixels, first + 64);
    for (let lane = 0; lane < lanes; lane += 4) {
      const mean = means ? v128.load(means + (<usize>lane << 2)) : splat(0);
      let sum = splat(0);
      for (let at = x + row * first + bytesOf<T>(lane); at < end; at += row) {
        const value = f32x4.sub(loadFour<T>(at), mean);
        sum = means ? fma(value, value, sum) : f32x4.add(sum, value);
      }
      addToDoubles(doubles + (<usize>lane << 3), sum);
    }
  }
}

/** `scratch` holds a mean and a factor of each channel, and doubles, an image. */
export function groupNorm<T>(call: usize): void {
  const images = GroupNorm.images(call), pixels = GroupNorm.pixels(call), lanes = GroupNorm.lanes(call), channels = GroupNorm.channels(call);
  const row = bytesOf<T>(lanes), vector = <usize>lanes << 2, scale = GroupNorm.scale(call), shift = GroupNorm.shift(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const means = GroupNorm.scratch(call) + (vector << 2) * image, factors = means + vector;
    const x = GroupNorm.input(call) + row * pixels * image, y = GroupNorm.output(call) + row * pixels * image;
    groupStatistics<T>(x, pixels, lanes, channels, GroupNorm.groups(call), <f64>GroupNorm.epsilon(call), means, factors, factors + vector);
    for (let at: usize = 0; at < vector; at += 16) v128.store(factors + at, f32x4.mul(v128.load(scale + at), v128.load(factors + at)));
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let lane = 0; lane < lanes; lane += 4) {
        const at = row * pixel + bytesOf<T>(lane), channel = <usize>lane << 2, centred = f32x4.sub(loadFour<T>(x + at), v128.load(means + channel));
        storeFour<T>(y + at, fma(centred, v128.load(factors + channel), v128.load(shift + channel)));
      }
    }
  }
}

/** As layerNormGradient, over each image's groups; `scratch` holds an image's two sums as doubles, and four floats and a double a channel. */
export function groupNormGradient<T>(call: usize, thread: i32, threads: i32): void {
  const images = GroupNormGradient.images(call), pixels = GroupNormGradient.pixels(call), lanes = GroupNormGradient.lanes(call);
  const channels = GroupNormGradient.channels(call), groups = GroupNormGradient.groups(call), each = channels / groups, count = <f64>each * <f64>pixels;
  const row = bytesOf<T>(lanes), vector = <usize>lanes << 2, scale = GroupNormGradient.scale(call), bytes: usize = (vector << 3) + (vector << 1);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const sums = GroupNormGradient.scratch(call) + bytes * image, products = sums + (vector << 1);
    const means = products + (vector << 1), reciprocals = means + vector, slopes = reciprocals + vector, terms = slopes + vector;
    const x = GroupNormGradient.input(call) + row * pixels * image, dy = GroupNormGradient.outputGradient(call) + row * pixels * image;
    const dx = GroupNormGradient.inputGradient(call) + row * pixels * image;
    groupStatistics<T>(x, pixels, lanes, channels, groups, <f64>GroupNormGradient.epsilon(call), means, reciprocals, terms + vector);
    memory.fill(sums, 0, vector << 2);
    memory.fill(slopes, 0, vector << 1);
    for (let first = 0; first < pixels; first += 64) {
      const end = row * min(pixels, first + 64);
      for (let lane = 0; lane < lanes; lane += 4) {
        const mean = v128.load(means + (<usize>lane << 2)), reciprocal = v128.load(reciprocals + (<usize>lane << 2));
        let sum = splat(0), product = sum;
        for (let at = row * first + bytesOf<T>(lane); at < end; at += row) {
          const d = loadFour<T>(dy + at);
          sum = f32x4.add(sum, d);
          product = fma(d, f32x4.mul(f32x4.sub(loadFour<T>(x + at), mean), reciprocal), product);
        }
        addToDoubles(sums + (<usize>lane << 3), sum);
        addToDoubles(products + (<usize>lane << 3), product);
      }
    }
    // dx = dy·scale·r + x·slope + term, whose slope and term are of the group
    for (let group = 0; group < groups; group++) {
      let sum: f64 = 0, product: f64 = 0;
      for (let channel = group * each; channel < (group + 1) * each; channel++) {
        const factor = <f64>load<f32>(scale + (<usize>channel << 2));
        sum += factor * load<f64>(sums + (<usize>channel << 3));
        product += factor * load<f64>(products + (<usize>channel << 3));
      }
      for (let channel = group * each; channel < (group + 1) * each; channel++) {
        const at = <usize>channel << 2, reciprocal = <f64>load<f32>(reciprocals + at), slope = -reciprocal * reciprocal * product / count;
        store<f32>(slopes + at, <f32>slope);
        store<f32>(terms + at, <f32>(-reciprocal * sum / count - slope * <f64>load<f32>(means + at)));
      }
    }
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let lane = 0; lane < lanes; lane += 4) {
        const at = row * pixel + bytesOf<T>(lane), channel = <usize>lane << 2;
        const factor = f32x4.mul(v128.load(scale + channel), v128.load(reciprocals + channel));
        const line = fma(loadFour<T>(x + at), v128.load(slopes + channel), v128.load(terms + channel));
        storeFour<T>(dx + at, fma(loadFour<T>(dy + at), factor, line));
      }
    }
  }
  barrier(threads);
  addPartials(
    GroupNormGradient.scratch(call), bytes, images, lanes,
    GroupNormGradient.shiftGradient(call), GroupNormGradient.scaleGradient(call), thread, threads,
  );
}
