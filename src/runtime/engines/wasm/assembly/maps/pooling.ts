// Max and average pooling over windows; a unit of work is an image. T is how maps are stored (see simd.ts).
import { AveragePool, AveragePoolGradient, MaxPool, MaxPoolGradient } from "../generated/operands";
import { bytesOf, loadFirst, loadFour, loadSecond, splat, storeBoth, storeFour, storeNear } from "../simd";
import { takeUnit } from "../threads";

/** NaN where the mask is set, and nothing elsewhere. */
// @ts-ignore: decorator
@inline
function nanWhere(mask: v128): v128 {
  return v128.and(mask, i32x4.splat(0x7fc00000));
}

export function maxPool<T>(call: usize): void {
  const height = MaxPool.height(call), width = MaxPool.width(call);
  const outHeight = MaxPool.outHeight(call), outWidth = MaxPool.outWidth(call);
  const lanes = <usize>MaxPool.lanes(call), row = bytesOf<T>(lanes), images = MaxPool.images(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const x = MaxPool.input(call) + row * (<usize>image * (height * width));
    let y = MaxPool.output(call) + row * (<usize>image * (outHeight * outWidth));
    for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++) {
      const top = oy * MaxPool.strideHeight(call) - MaxPool.paddingTop(call), left = ox * MaxPool.strideWidth(call) - MaxPool.paddingLeft(call);
      const y0 = max(0, top), y1 = min(height, top + MaxPool.kernelHeight(call));
      const x0 = max(0, left), x1 = min(width, left + MaxPool.kernelWidth(call));
      let channel: usize = 0;
      for (; channel + 8 <= lanes; channel += 8) {
        // pmax passes over what is no number, which is therefore kept in a mask: three instructions where f32x4.max is nine
        let a = splat(-Infinity), b = a, noA = splat(0), noB = noA;
        for (let iy = y0; iy < y1; iy++) {
          let p = x + row * (iy * width + x0) + bytesOf<T>(channel);
          for (let ix = x0; ix < x1; ix++, p += row) {
            const u = loadFirst<T>(p), v = loadSecond<T>(p);
            a = f32x4.pmax(a, u); b = f32x4.pmax(b, v);
            noA = v128.or(noA, f32x4.ne(u, u)); noB = v128.or(noB, f32x4.ne(v, v));
          }
        }
        storeNear<T>(y + bytesOf<T>(channel), v128.or(a, nanWhere(noA)), v128.or(b, nanWhere(noB)));
      }
      if (channel < lanes) { // images have a multiple of four
        let best = splat(-Infinity);
        for (let iy = y0; iy < y1; iy++) {
          let p = x + row * (iy * width + x0) + bytesOf<T>(channel);
          for (let ix = x0; ix < x1; ix++, p += row) best = f32x4.max(best, loadFour<T>(p));
        }
        storeFour<T>(y + bytesOf<T>(channel), best);
      }
      y += row;
    }
  }
}

/** The gradient goes to the first largest element of each window in row order, as PyTorch's does. */
export function maxPoolGradient<T>(call: usize): void {
  const height = MaxPoolGradient.height(call), width = MaxPoolGradient.width(call);
  const outHeight = MaxPoolGradient.outHeight(call), outWidth = MaxPoolGradient.outWidth(call);
  const lanes = <usize>MaxPoolGradient.lanes(call), row = bytesOf<T>(lanes), images = MaxPoolGradient.images(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const input = row * (<usize>image * (height * width)), output = row * (<usize>image * (outHeight * outWidth));
    const x = MaxPoolGradient.input(call) + input, dx = MaxPoolGradient.inputGradient(call) + input;
    const y = MaxPoolGradient.output(call) + output, dy = MaxPoolGradient.outputGradient(call) + output;
    memory.fill(dx, 0, row * (height * width));
    for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++) {
      const top = oy * MaxPoolGradient.strideHeight(call) - MaxPoolGradient.paddingTop(call);
      const left = ox * MaxPoolGradient.strideWidth(call) - MaxPoolGradient.paddingLeft(call);
      const y0 = max(0, top), y1 = min(height, top + MaxPoolGradient.kernelHeight(call));
      const x0 = max(0, left), x1 = min(width, left + MaxPoolGradient.kernelWidth(call));
      const at = row * (oy * outWidth + ox);
      let channel: usize = 0;
      for (; channel + 8 <= lanes; channel += 8) {
        const to = at + bytesOf<T>(channel), bestA = loadFirst<T>(y + to), bestB = loadSecond<T>(y + to);
        let leftA = loadFirst<T>(dy + to), leftB = loadSecond<T>(dy + to); // what has not found its element yet
        for (let iy = y0; iy < y1; iy++) {
          let p = row * (iy * width + x0) + bytesOf<T>(channel);
          for (let ix = x0; ix < x1; ix++, p += row) {
            const hereA = f32x4.eq(loadFirst<T>(x + p), bestA), hereB = f32x4.eq(loadSecond<T>(x + p), bestB);
            storeBoth<T>(
              dx + p, f32x4.add(loadFirst<T>(dx + p), v128.and(leftA, hereA)), f32x4.add(loadSecond<T>(dx + p), v128.and(leftB, hereB)),
            );
            leftA = v128.andnot(leftA, hereA); leftB = v128.andnot(leftB, hereB);
          }
        }
      }
      if (channel < lanes) {
        const to = at + bytesOf<T>(channel), best = loadFour<T>(y + to);
        let left = loadFour<T>(dy + to);
        for (let iy = y0; iy < y1; iy++) {
          let p = row * (iy * width + x0) + bytesOf<T>(channel);
          for (let ix = x0; ix < x1; ix++, p += row) {
            const here = f32x4.eq(loadFour<T>(x + p), best);
            storeFour<T>(dx + p, f32x4.add(loadFour<T>(dx + p), v128.and(left, here)));
            left = v128.andnot(left, here);
          }
        }
      }
    }
  }
}

/** Padding counts in the divisor, as in PyTorch's AvgPool2d by default. Results are float32, however the input is stored. */
export function averagePool<T>(call: usize): void {
  const height = AveragePool.height(call), width = AveragePool.width(call);
  const outHeight = AveragePool.outHeight(call), outWidth = AveragePool.outWidth(call);
  const lanes = <usize>AveragePool.lanes(call), row = bytesOf<T>(lanes), images = AveragePool.images(call);
  const area = splat(<f32>(AveragePool.kernelHeight(call) * AveragePool.kernelWidth(call)));
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const x = AveragePool.input(call) + row * (<usize>image * (height * width));
    let y = AveragePool.output(call) + (lanes << 2) * (<usize>image * (outHeight * outWidth));
    for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++) {
      const top = oy * AveragePool.strideHeight(call) - AveragePool.paddingTop(call);
      const left = ox * AveragePool.strideWidth(call) - AveragePool.paddingLeft(call);
      const y0 = max(0, top), y1 = min(height, top + AveragePool.kernelHeight(call));
      const x0 = max(0, left), x1 = min(width, left + AveragePool.kernelWidth(call));
      for (let channel: usize = 0; channel < lanes; channel += 4) {
        let sum = splat(0);
        for (let iy = y0; iy < y1; iy++) {
          let p = x + row * (iy * width + x0) + bytesOf<T>(channel);
          for (let ix = x0; ix < x1; ix++, p += row) sum = f32x4.add(sum, loadFour<T>(p));
        }
        v128.store(y + (channel << 2), f32x4.div(sum, area));
      }
      y += lanes << 2;
    }
  }
}

export function averagePoolGradient<T>(call: usize): void {
  const height = AveragePoolGradient.height(call), width = AveragePoolGradient.width(call);
  const outHeight = AveragePoolGradient.outHeight(call), outWidth = AveragePoolGradient.outWidth(call);
  const lanes = <usize>AveragePoolGradient.lanes(call), row = bytesOf<T>(lanes), images = AveragePoolGradient.images(call);
  const area = splat(<f32>(AveragePoolGradient.kernelHeight(call) * AveragePoolGradient.kernelWidth(call)));
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const dx = AveragePoolGradient.inputGradient(call) + row * (<usize>image * (height * width));
    let dy = AveragePoolGradient.outputGradient(call) + (lanes << 2) * (<usize>image * (outHeight * outWidth));
    memory.fill(dx, 0, row * (height * width));
    for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++) {
      const top = oy * AveragePoolGradient.strideHeight(call) - AveragePoolGradient.paddingTop(call);
      const left = ox * AveragePoolGradient.strideWidth(call) - AveragePoolGradient.paddingLeft(call);
      const y0 = max(0, top), y1 = min(height, top + AveragePoolGradient.kernelHeight(call));
      const x0 = max(0, left), x1 = min(width, left + AveragePoolGradient.kernelWidth(call));
      for (let channel: usize = 0; channel < lanes; channel += 4) {
        const share = f32x4.div(v128.load(dy + (channel << 2)), area);
        for (let iy = y0; iy < y1; iy++) {
          let p = dx + row * (iy * width + x0) + bytesOf<T>(channel);
          for (let ix = x0; ix < x1; ix++, p += row) storeFour<T>(p, f32x4.add(loadFour<T>(p), share));
        }
      }
      dy += lanes << 2;
    }
  }
}
