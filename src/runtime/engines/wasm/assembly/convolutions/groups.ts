// Convolutions in groups, forward and backward, without products between groups: depthwise ones, where a channel is joined with
// itself, and groups whose outputs are whole vectors, each of which meets one input value at a time. Any window, stride and
// dilation. A tile is four pixels of a row and eight channels; where a tap leaves the map, it reads zeros.
import { ZEROS } from "../generated/constants";
import { ConvolveGroups, TransposeGroups, WeightGradientGroups } from "../generated/operands";
import { atLeast, cut, fma, splat } from "../simd";
import { barrier, takeUnit } from "../threads";
import { addPartials } from "./weight-gradient";

/** A tap of a tile: where its four pixels read, and its weights. */
const TAP: usize = 20;

/**
 * The taps that meet the map from row `row` of the written map and its columns `column`, `column` + step, …, `count` of them: written
 * to `taps`, one after the other; returns where they end. Forward, pixel p reads p · stride + tap · dilation − padding; transposed,
 * it reads what is there where that is p.
 */
// @ts-ignore: decorator
@inline
function collectTaps(
  taps: usize, transposed: bool, row: i32, column: i32, step: i32, count: i32, map: usize, weights: usize,
  height: i32, width: i32, pixelBytes: usize, tapBytes: usize,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, paddingTop: i32, paddingLeft: i32,
): usize {
  for (let r = 0; r < kernelHeight; r++) {
    let y = transposed ? row + paddingTop - r * dilationHeight : row * strideHeight + r * dilationHeight - paddingTop;
    if (transposed) {
      if (y % strideHeight != 0) continue;
      y /= strideHeight;
    }
    if (y < 0 || y >= height) continue;
    const line = map + pixelBytes * (y * width);
    for (let s = 0; s < kernelWidth; s++) {
      let x = transposed ? column + paddingLeft - s * dilationWidth : column * strideWidth + s * dilationWidth - paddingLeft;
      if (transposed) {
        if (x % strideWidth != 0) continue;
        x /= strideWidth;
      }
      const next = transposed ? step / strideWidth : step * strideWidth;
      let isMet = false;
      for (let pixel = 0; pixel < 4; pixel++, x += next) {
        const isInside = pixel < count && x >= 0 && x < width;
        store<usize>(taps + (<usize>pixel << 2), isInside ? line + pixelBytes * x : ZEROS);
        isMet = isMet || isInside;
      }
      if (!isMet) continue;
      store<usize>(taps, weights + tapBytes * (r * kernelWidth + s), 16);
      taps += TAP;
    }
  }
  return taps;
}

export function convolveGroups(call: usize, thread: i32): void {
  const height = ConvolveGroups.height(call), width = ConvolveGroups.width(call);
  const outHeight = ConvolveGroups.outHeight(call), outWidth = ConvolveGroups.outWidth(call);
  const inRow = <usize>ConvolveGroups.inLanes(call) << 2, outLanes = ConvolveGroups.outLanes(call), outRow = <usize>outLanes << 2;
  const kernelHeight = ConvolveGroups.kernelHeight(call), kernelWidth = ConvolveGroups.kernelWidth(call);
  const strideHeight = ConvolveGroups.strideHeight(call), strideWidth = ConvolveGroups.strideWidth(call);
  const dilationHeight = ConvolveGroups.dilationHeight(call), dilationWidth = ConvolveGroups.dilationWidth(call);
  const paddingTop = ConvolveGroups.paddingTop(call), paddingLeft = ConvolveGroups.paddingLeft(call);
  const depth = ConvolveGroups.depth(call), columns = ConvolveGroups.columns(call), groups = ConvolveGroups.groups(call);
  const transposed = ConvolveGroups.transposed(call) != 0, weights = ConvolveGroups.weights(call);
  const bias = ConvolveGroups.bias(call), residual = ConvolveGroups.residual(call);
  const relu = ConvolveGroups.relu(call) != 0, accumulate = ConvolveGroups.accumulate(call) != 0;
  const atOnce = ConvolveGroups.lanesAtOnce(call), chunks = (outLanes + atOnce - 1) / atOnce;
  const taps = ConvolveGroups.scratch(call) + <usize>ConvolveGroups.scratchStride(call) * thread;
  const step = transposed ? strideWidth : 1, apart = inRow * <usize>(transposed ? 1 : strideWidth);
  const isDepthwise = depth == 1 && columns == 1;

  for (let unit = takeUnit(); unit < ConvolveGroups.images(call) * chunks; unit = takeUnit()) {
    const image = unit / chunks, first = unit % chunks * atOnce, end = min(outLanes, first + atOnce);
    const map = ConvolveGroups.input(call) + inRow * (<usize>image * (height * width));
    for (let row = 0; row < outHeight; row++) for (let residue = 0; residue < min(step, outWidth); residue++) {
      let known = -1, knownEnd = taps; // the column of which the taps lie there, where all are inside
      for (let column = residue; column < outWidth; column += step << 2) {
        const count = min(4, (outWidth - column + step - 1) / step);
        const span = (kernelWidth - 1) * dilationWidth, low = transposed ? column + paddingLeft - span : column * strideWidth - paddingLeft;
        const high = transposed ? (column + 3 * step + paddingLeft) / strideWidth : low + 3 * strideWidth + span;
        const isInside = count == 4 && low >= 0 && high < width;
        let ends = knownEnd, shift: usize = 0;
        if (isInside && known >= 0) shift = apart * <usize>((column - known) / step);
        else {
          ends = collectTaps(
            taps, transposed, row, column, step, count, map, weights, height, width, inRow, outRow * depth,
            kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, paddingTop, paddingLeft,
          );
          known = isInside ? column : -1;
          knownEnd = ends;
        }
        const at = outRow * ((<usize>image * outHeight + row) * outWidth + column), next = outRow * step;
        for (let lane = first; lane < end; lane += 8) {
          const offset = <usize>lane << 2;
          let a0 = bias ? v128.load(bias + offset) : splat(0), b0 = bias ? v128.load(bias + offset, 16) : splat(0);
          let a1 = a0, a2 = a0, a3 = a0, b1 = b0, b2 = b0, b3 = b0;
          if (isDepthwise) {
            for (let tap = taps; tap < ends; tap += TAP) {
              const w = load<usize>(tap, 16) + offset, u = v128.load(w), v = v128.load(w, 16);
              let p = load<usize>(tap) + offset + shift;
              let q: usize, r: usize, s: usize;
              if (isInside) { q = p + apart; r = q + apart; s = r + apart; }
              else { q = load<usize>(tap, 4) + offset; r = load<usize>(tap, 8) + offset; s = load<usize>(tap, 12) + offset; }
              a0 = fma(v128.load(p), u, a0); b0 = fma(v128.load(p, 16), v, b0);
              a1 = fma(v128.load(q), u, a1); b1 = fma(v128.load(q, 16), v, b1);
              a2 = fma(v128.load(r), u, a2); b2 = fma(v128.load(r, 16), v, b2);
              a3 = fma(v128.load(s), u, a3); b3 = fma(v128.load(s, 16), v, b3);
            }
          } else {
            // Lanes beyond the channels have no group; their weights are zero
            const a = <usize>(min(lane / columns, groups - 1) * depth) << 2, b = <usize>(min((lane + 4) / columns, groups - 1) * depth) << 2;
            for (let tap = taps; tap < ends; tap += TAP) {
              const w = load<usize>(tap, 16) + offset;
              const p = load<usize>(tap) + shift, q = load<usize>(tap, 4) + shiftOf(isInside, shift);
              const r = load<usize>(tap, 8) + shiftOf(isInside, shift), s = load<usize>(tap, 12) + shiftOf(isInside, shift);
              for (let j: usize = 0; j < <usize>depth << 2; j += 4) {
                const u = v128.load(w + (j >> 2) * outRow), v = v128.load(w + (j >> 2) * outRow, 16);
                a0 = fma(v128.load32_splat(p + a + j), u, a0); b0 = fma(v128.load32_splat(p + b + j), v, b0);
                a1 = fma(v128.load32_splat(q + a + j), u, a1); b1 = fma(v128.load32_splat(q + b + j), v, b1);
                a2 = fma(v128.load32_splat(r + a + j), u, a2); b2 = fma(v128.load32_splat(r + b + j), v, b2);
                a3 = fma(v128.load32_splat(s + a + j), u, a3); b3 = fma(v128.load32_splat(s + b + j), v, b3);
              }
            }
          }
          let to = at + offset;
          finish(call, to, a0, b0, residual, relu, accumulate);
          if (count > 1) finish(call, to += next, a1, b1, residual, relu, accumulate);
          if (count > 2) finish(call, to += next, a2, b2, residual, relu, accumulate);
          if (count > 3) finish(call, to += next, a3, b3, residual, relu, accumulate);
        }
      }
    }
  }
}

/** What is outside reads zeros, which do not move on. */
// @ts-ignore: decorator
@inline
function shiftOf(isInside: bool, shift: usize): usize {
  return isInside ? shift : 0;
}

// @ts-ignore: decorator
@inline
function finish(call: usize, at: usize, a: v128, b: v128, residual: usize, relu: bool, accumulate: bool): void {
  const to = ConvolveGroups.output(call) + at;
  if (residual) { a = f32x4.add(a, v128.load(residual + at)); b = f32x4.add(b, v128.load(residual + at, 16)); }
  if (relu) { a = atLeast(a, splat(0)); b = atLeast(b, splat(0)); }
  if (accumulate) { a = f32x4.add(v128.load(to), a); b = f32x4.add(v128.load(to, 16), b); }
  v128.store(to, a);
  v128.store(to, b, 16);
}

/** [tap][input of a group][outLanes] → [tap][output of a group][inLanes], zero beyond the channels. */
export function transposeGroups(call: usize): void {
  const inLanes = TransposeGroups.inLanes(call), outLanes = TransposeGroups.outLanes(call);
  const inputs = TransposeGroups.inputs(call), outputs = TransposeGroups.outputs(call), channels = TransposeGroups.groups(call) * inputs;
  for (let tap = takeUnit(); tap < TransposeGroups.taps(call); tap = takeUnit()) {
    const from = TransposeGroups.weights(call) + (<usize>(tap * inputs * outLanes) << 2);
    const to = TransposeGroups.transposed(call) + (<usize>(tap * outputs * inLanes) << 2);
    for (let output = 0; output < outputs; output++) for (let channel = 0; channel < inLanes; channel++) {
      const at = channel % inputs * outLanes + channel / inputs * outputs + output;
      store<f32>(to + (<usize>(output * inLanes + channel) << 2), channel < channels ? load<f32>(from + (<usize>at << 2)) : 0);
    }
  }
}

/**
 * Each partial sums its share of the images, image by image into a filter of its own; then the partialCount are added in order.
 * Eight channels' gradients of a row's four pixels stay in registers while the taps go by.
 */
export function weightGradientGroups(call: usize, thread: i32, threads: i32): void {
  const images = WeightGradientGroups.images(call), partialCount = WeightGradientGroups.partialCount(call);
  const height = WeightGradientGroups.height(call), width = WeightGradientGroups.width(call);
  const outHeight = WeightGradientGroups.outHeight(call), outWidth = WeightGradientGroups.outWidth(call);
  const inRow = <usize>WeightGradientGroups.inLanes(call) << 2, outLanes = WeightGradientGroups.outLanes(call), outRow = <usize>outLanes << 2;
  const kernelHeight = WeightGradientGroups.kernelHeight(call), kernelWidth = WeightGradientGroups.kernelWidth(call);
  const strideHeight = WeightGradientGroups.strideHeight(call), strideWidth = WeightGradientGroups.strideWidth(call);
  const dilationHeight = WeightGradientGroups.dilationHeight(call), dilationWidth = WeightGradientGroups.dilationWidth(call);
  const paddingTop = WeightGradientGroups.paddingTop(call), paddingLeft = WeightGradientGroups.paddingLeft(call);
  const depth = WeightGradientGroups.depth(call), columns = WeightGradientGroups.columns(call), groups = WeightGradientGroups.groups(call);
  const atOnce = WeightGradientGroups.lanesAtOnce(call), isDepthwise = depth == 1 && columns == 1;
  const filter = outRow * (kernelHeight * kernelWidth * depth), partials = WeightGradientGroups.partials(call);
  const sums = WeightGradientGroups.scratch(call) + <usize>WeightGradientGroups.scratchStride(call) * thread, taps = sums + filter;
  const zero = splat(0);

  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const total = partials + filter * partial, from = cut(images, partial, partialCount), end = cut(images, partial + 1, partialCount);
    for (let image = from; image < end; image++) {
      const map = WeightGradientGroups.input(call) + inRow * (<usize>image * (height * width));
      memory.fill(sums, 0, filter);
      for (let first = 0; first < outLanes; first += atOnce) for (let row = 0; row < outHeight; row++) {
        for (let column = 0; column < outWidth; column += 4) {
          const count = min(4, outWidth - column);
          const ends = collectTaps(
            taps, false, row, column, 1, count, map, sums, height, width, inRow, outRow * depth,
            kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, paddingTop, paddingLeft,
          );
          const above = WeightGradientGroups.outputGradient(call) + outRow * ((<usize>image * outHeight + row) * outWidth + column);
          for (let lane = first; lane < min(outLanes, first + atOnce); lane += 8) {
            const offset = <usize>lane << 2;
            let d = above + offset;
            const a0 = v128.load(d), b0 = v128.load(d, 16);
            const a1 = count > 1 ? v128.load(d += outRow) : zero, b1 = count > 1 ? v128.load(d, 16) : zero;
            const a2 = count > 2 ? v128.load(d += outRow) : zero, b2 = count > 2 ? v128.load(d, 16) : zero;
            const a3 = count > 3 ? v128.load(d += outRow) : zero, b3 = count > 3 ? v128.load(d, 16) : zero;
            if (isDepthwise) {
              for (let tap = taps; tap < ends; tap += TAP) {
                const to = load<usize>(tap, 16) + offset, p = load<usize>(tap) + offset, q = load<usize>(tap, 4) + offset;
                const r = load<usize>(tap, 8) + offset, s = load<usize>(tap, 12) + offset;
                const u = fma(v128.load(s), a3, fma(v128.load(r), a2, fma(v128.load(q), a1, fma(v128.load(p), a0, v128.load(to)))));
                const v = fma(
                  v128.load(s, 16), b3, fma(v128.load(r, 16), b2, fma(v128.load(q, 16), b1, fma(v128.load(p, 16), b0, v128.load(to, 16)))),
                );
                v128.store(to, u);
                v128.store(to, v, 16);
              }
            } else {
              const a = <usize>(min(lane / columns, groups - 1) * depth) << 2, b = <usize>(min((lane + 4) / columns, groups - 1) * depth) << 2;
              for (let tap = taps; tap < ends; tap += TAP) {
                let to = load<usize>(tap, 16) + offset;
                const p = load<usize>(tap), q = load<usize>(tap, 4), r = load<usize>(tap, 8), s = load<usize>(tap, 12);
                for (let j: usize = 0; j < <usize>depth << 2; j += 4, to += outRow) {
                  let u = v128.load(to), v = v128.load(to, 16);
                  u = fma(v128.load32_splat(p + a + j), a0, u); v = fma(v128.load32_splat(p + b + j), b0, v);
                  u = fma(v128.load32_splat(q + a + j), a1, u); v = fma(v128.load32_splat(q + b + j), b1, v);
                  u = fma(v128.load32_splat(r + a + j), a2, u); v = fma(v128.load32_splat(r + b + j), b2, v);
                  u = fma(v128.load32_splat(s + a + j), a3, u); v = fma(v128.load32_splat(s + b + j), b3, v);
                  v128.store(to, u);
                  v128.store(to, v, 16);
                }
              }
            }
          }
        }
      }
      for (let at: usize = 0; at < filter; at += 16) {
        v128.store(total + at, image == from ? v128.load(sums + at) : f32x4.add(v128.load(total + at), v128.load(sums + at)));
      }
    }
  }
  barrier(threads);
  addPartials(partials, filter, partialCount, WeightGradientGroups.weightGradient(call), thread, threads);
}
