// Gradient of a convolution's filter: for each tap a product over pixels, 4 input × 8 output channels a tile.
import { WeightGradientByChannel, WeightGradientByImage } from "../generated/operands";
import { cut, fma, splat } from "../simd";
import { barrier, takeUnit } from "../threads";

/**
 * sums[4][8] += Σ over `planes` × `rows` × `columns` of x[4] ⊗ d[8]; strides in bytes, `stride` that of a row of sums.
 * The columns are the inner loop: contiguous in both packed operands.
 */
function accumulateOuterProducts(
  x: usize, d: usize, planes: i32, rows: i32, columns: i32,
  xColumn: usize, xRow: usize, xPlane: usize, dColumn: usize, dRow: usize, dPlane: usize, sums: usize, stride: usize,
): void {
  const s1 = sums + stride, s2 = s1 + stride, s3 = s2 + stride;
  let c00 = v128.load(sums), c01 = v128.load(sums, 16), c10 = v128.load(s1), c11 = v128.load(s1, 16);
  let c20 = v128.load(s2), c21 = v128.load(s2, 16), c30 = v128.load(s3), c31 = v128.load(s3, 16);
  const length = dColumn * columns;
  for (let plane = 0; plane < planes; plane++) {
    let xr = x, dr = d;
    for (let row = 0; row < rows; row++) {
      let a = xr, b = dr;
      const end = dr + length;
      while (true) { // two basic blocks, for V8's register allocation; see convolve-direct.ts
        {
          const b0 = v128.load(b), b1 = v128.load(b, 16);
          const t0 = v128.load_splat<f32>(a); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
          const t1 = v128.load_splat<f32>(a, 4); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
          const t2 = v128.load_splat<f32>(a, 8); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
          const t3 = v128.load_splat<f32>(a, 12); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
        }
        a += xColumn; b += dColumn;
        if (b == end) break;
        {
          const b0 = v128.load(b), b1 = v128.load(b, 16);
          const t0 = v128.load_splat<f32>(a); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
          const t1 = v128.load_splat<f32>(a, 4); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
          const t2 = v128.load_splat<f32>(a, 8); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
          const t3 = v128.load_splat<f32>(a, 12); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
        }
        a += xColumn; b += dColumn;
        if (b == end) break;
      }
      xr += xRow; dr += dRow;
    }
    x += xPlane; d += dPlane;
  }
  v128.store(sums, c00); v128.store(sums, c01, 16); v128.store(s1, c10); v128.store(s1, c11, 16);
  v128.store(s2, c20); v128.store(s2, c21, 16); v128.store(s3, c30); v128.store(s3, c31, 16);
}

// @ts-ignore: decorator
@inline
function divideUp(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}

/** First output position whose window's element `tap` falls inside the map. */
// @ts-ignore: decorator
@inline
function firstInside(tap: i32, padding: i32, stride: i32): i32 {
  return tap >= padding ? 0 : divideUp(padding - tap, stride);
}

/** One past the last output position whose window's element `tap` falls inside the map of `size`. */
// @ts-ignore: decorator
@inline
function endInside(tap: i32, padding: i32, stride: i32, size: i32, outSize: i32): i32 {
  const last = size - 1 + padding - tap;
  return last < 0 ? 0 : min(outSize, last / stride + 1);
}

/** [pixels][channels] → [channels / 4][pixels][4] */
function packFours(from: usize, to: usize, pixels: i32, lanes: i32): void {
  const pixelBytes = <usize>lanes << 2;
  for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
    let source = from + channel;
    for (let pixel = 0; pixel < pixels; pixel++) {
      v128.store(to, v128.load(source));
      to += 16; source += pixelBytes;
    }
  }
}

/** [pixels][channels] → [channels / 8][pixels][8] */
function packEights(from: usize, to: usize, pixels: i32, lanes: i32): void {
  const pixelBytes = <usize>lanes << 2;
  for (let channel: usize = 0; channel < pixelBytes; channel += 32) {
    let source = from + channel;
    for (let pixel = 0; pixel < pixels; pixel++) {
      v128.store(to, v128.load(source));
      v128.store(to, v128.load(source, 16), 16);
      to += 32; source += pixelBytes;
    }
  }
}

/** Each partial sums its share of the images into filters of its own; then the partialCount are added in order. */
export function weightGradientByImage(call: usize, thread: i32, threads: i32): void {
  const images = WeightGradientByImage.images(call), partialCount = WeightGradientByImage.partialCount(call);
  const height = WeightGradientByImage.height(call), width = WeightGradientByImage.width(call);
  const outHeight = WeightGradientByImage.outHeight(call), outWidth = WeightGradientByImage.outWidth(call);
  const inLanes = WeightGradientByImage.inLanes(call), outLanes = WeightGradientByImage.outLanes(call);
  const kernelHeight = WeightGradientByImage.kernelHeight(call), kernelWidth = WeightGradientByImage.kernelWidth(call);
  const strideHeight = WeightGradientByImage.strideHeight(call), strideWidth = WeightGradientByImage.strideWidth(call);
  const paddingTop = WeightGradientByImage.paddingTop(call), paddingLeft = WeightGradientByImage.paddingLeft(call);
  const atOnce = WeightGradientByImage.imagesAtOnce(call);
  const input = WeightGradientByImage.input(call), gradient = WeightGradientByImage.outputGradient(call);
  const partials = WeightGradientByImage.partials(call);
  const pixels = height * width, outPixels = outHeight * outWidth;
  const inputImage = <usize>(pixels * inLanes) << 2, gradientImage = <usize>(outPixels * outLanes) << 2;
  const filter = <usize>(kernelHeight * kernelWidth * inLanes * outLanes) << 2, row = <usize>outLanes << 2;
  const x = WeightGradientByImage.scratch(call) + <usize>WeightGradientByImage.scratchStride(call) * thread;
  const d = x + inputImage * atOnce;

  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + filter * partial, end = cut(images, partial + 1, partialCount);
    memory.fill(sums, 0, filter);
    for (let image = cut(images, partial, partialCount); image < end; image += atOnce) {
      const count = min(atOnce, end - image);
      packFours(input + inputImage * image, x, count * pixels, inLanes);
      packEights(gradient + gradientImage * image, d, count * outPixels, outLanes);
      const xTile = <usize>(count * pixels) << 4, dTile = <usize>(count * outPixels) << 5;
      for (let r = 0; r < kernelHeight; r++) {
        const y0 = firstInside(r, paddingTop, strideHeight), y1 = endInside(r, paddingTop, strideHeight, height, outHeight);
        if (y0 >= y1) continue;
        for (let s = 0; s < kernelWidth; s++) {
          const x0 = firstInside(s, paddingLeft, strideWidth), x1 = endInside(s, paddingLeft, strideWidth, width, outWidth);
          if (x0 >= x1) continue;
          const xTap = x + (<usize>((y0 * strideHeight + r - paddingTop) * width + x0 * strideWidth + s - paddingLeft) << 4);
          const dTap = d + (<usize>(y0 * outWidth + x0) << 5);
          const tap = sums + row * (<usize>(r * kernelWidth + s) * inLanes);
          for (let o = 0; o < outLanes >> 3; o++) for (let c = 0; c < inLanes >> 2; c++) {
            accumulateOuterProducts(
              xTap + xTile * c, dTap + dTile * o, count, y1 - y0, x1 - x0,
              <usize>strideWidth << 4, <usize>(width * strideHeight) << 4, <usize>pixels << 4,
              32, <usize>outWidth << 5, <usize>outPixels << 5,
              tap + row * (<usize>c << 2) + (<usize>o << 5), row,
            );
          }
        }
      }
    }
  }
  barrier(threads);
  addPartials(partials, filter, partialCount, WeightGradientByImage.weightGradient(call), thread, threads);
}

/** result = Σ partialCount, in their order; each thread adds a part of the extent. */
export function addPartials(partials: usize, bytes: usize, partialCount: i32, result: usize, thread: i32, threads: i32): void {
  const vectors = <i32>(bytes >> 4);
  const end = <usize>cut(vectors, thread + 1, threads) << 4;
  for (let at = <usize>cut(vectors, thread, threads) << 4; at < end; at += 16) {
    let sum = v128.load(partials + at);
    for (let partial = 1; partial < partialCount; partial++) sum = f32x4.add(sum, v128.load(partials + bytes * partial + at));
    v128.store(result + at, sum);
  }
}

/**
 * Large filters over small maps: a unit of work is 16 input channels with every pixel, so nothing is summed twice.
 * Pixels are packed image-minor ([pixel][image]), which keeps the inner loop long where the map is small.
 */
export function weightGradientByChannel(call: usize, thread: i32, threads: i32): void {
  const images = WeightGradientByChannel.images(call);
  const height = WeightGradientByChannel.height(call), width = WeightGradientByChannel.width(call);
  const outHeight = WeightGradientByChannel.outHeight(call), outWidth = WeightGradientByChannel.outWidth(call);
  const inLanes = WeightGradientByChannel.inLanes(call), outLanes = WeightGradientByChannel.outLanes(call);
  const kernelHeight = WeightGradientByChannel.kernelHeight(call), kernelWidth = WeightGradientByChannel.kernelWidth(call);
  const strideHeight = WeightGradientByChannel.strideHeight(call), strideWidth = WeightGradientByChannel.strideWidth(call);
  const paddingTop = WeightGradientByChannel.paddingTop(call), paddingLeft = WeightGradientByChannel.paddingLeft(call);
  const input = WeightGradientByChannel.input(call), gradient = WeightGradientByChannel.outputGradient(call);
  const result = WeightGradientByChannel.weightGradient(call), d = WeightGradientByChannel.packedGradient(call);
  const pixels = height * width, outPixels = outHeight * outWidth;
  const row = <usize>outLanes << 2, dTile = <usize>(outPixels * images) << 5, xTile = <usize>(pixels * images) << 4;

  for (let o = takeUnit(); o < outLanes >> 3; o = takeUnit()) {
    let to = d + dTile * o;
    for (let pixel = 0; pixel < outPixels; pixel++) {
      let from = gradient + row * pixel + (<usize>o << 5);
      for (let image = 0; image < images; image++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += 32; from += row * outPixels;
      }
    }
  }
  barrier(threads);

  const x = WeightGradientByChannel.scratch(call) + <usize>WeightGradientByChannel.scratchStride(call) * thread;
  const inputRow = <usize>inLanes << 2, inputImage = inputRow * pixels, zero = splat(0);
  for (let block = takeUnit(); block < inLanes >> 4; block = takeUnit()) {
    let to = x;
    for (let four: usize = 0; four < 4; four++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        let from = input + inputRow * pixel + (<usize>block << 6) + (four << 4);
        for (let image = 0; image < images; image++) {
          v128.store(to, v128.load(from));
          to += 16; from += inputImage;
        }
      }
    }
    for (let r = 0; r < kernelHeight; r++) {
      const y0 = firstInside(r, paddingTop, strideHeight), y1 = endInside(r, paddingTop, strideHeight, height, outHeight);
      for (let s = 0; s < kernelWidth; s++) {
        const x0 = firstInside(s, paddingLeft, strideWidth), x1 = endInside(s, paddingLeft, strideWidth, width, outWidth);
        const tap = result + row * (<usize>(r * kernelWidth + s) * inLanes + (<usize>block << 4));
        for (let at: usize = 0; at < row << 4; at += 16) v128.store(tap + at, zero);
        if (y0 >= y1 || x0 >= x1) continue;
        const xTap = x + (<usize>(((y0 * strideHeight + r - paddingTop) * width + x0 * strideWidth + s - paddingLeft) * images) << 4);
        const dTap = d + (<usize>((y0 * outWidth + x0) * images) << 5);
        for (let o = 0; o < outLanes >> 3; o++) for (let c: usize = 0; c < 4; c++) {
          accumulateOuterProducts(
            xTap + xTile * c, dTap + dTile * o, y1 - y0, x1 - x0, images,
            16, <usize>(strideWidth * images) << 4, <usize>(width * strideHeight * images) << 4,
            32, <usize>images << 5, <usize>(outWidth * images) << 5,
            tap + row * (c << 2) + (<usize>o << 5), row,
          );
        }
      }
    }
  }
}
