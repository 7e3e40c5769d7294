// Winograd's F(3×3, 3×3) for 3×3 convolutions of stride 1 and padding 1 over maps whose sides are multiples of three and not of four: 25
// frequencies at the points ±C, ±D and ∞ for 3×3 outputs, where F(4×4, 3×3) would fill up tiles of 36.
import { FREQUENCY_GAP, STRIP_BYTES } from "../generated/constants";
import { ConvolveWinogradF3, TransformWeightsF3, WeightGradientWinogradF3 } from "../generated/operands";
import { lowerBound } from "../maps/pointwise";
import { atLeast, fma, fnma, splat } from "../simd";
import { barrier, takeUnit } from "../threads";
import { columnsOfFive, rowAt, rowOfFive } from "./winograd-residues";
import { AT_C, AT_D, C, C2, D, D2 } from "./winograd-points";
import { accumulatePanels, multiplyPanel } from "./winograd";
import { clearColumn, STRIP_ROW } from "./winograd-strip";

/** Bᵀ d B of the 5×5 pixels around a tile of 3×3 at (y, x), which may overlap the border. */
export function transformInput(
  map: usize, y: i32, x: i32, height: i32, width: i32, lanes: i32, to: usize, fourStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << 2, row = pixel * width, left = x < 1 ? 1 : 0, inside = min(5 - left, width - x + 1 - left);
  const first = strip + (<usize>left << 4), ends = first + (<usize>inside << 4);
  let base = map + pixel * (x - 1 + left);
  for (let channel: usize = 0; channel < pixel; channel += 16) {
    if (left) clearColumn(strip);
    for (let column = ends; column < strip + 80; column += 16) clearColumn(column);
    columnsOfFive(
      rowAt(base, row, y - 1, height), base + row * y, rowAt(base, row, y + 1, height), rowAt(base, row, y + 2, height),
      rowAt(base, row, y + 3, height), pixel, inside, first,
    );
    for (let i = 0; i < 5; i++) rowOfFive(strip + STRIP_ROW * i, 1, to + frequency * (5 * i), 0, frequency);
    base += 16; to += fourStep;
  }
}

/** m A on five values. */
// @ts-ignore: decorator
@inline
function outputLine(m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, to: usize, step: usize): void {
  const sumC = f32x4.add(m0, m1), sumD = f32x4.add(m2, m3);
  v128.store(to, f32x4.add(sumC, sumD));
  v128.store(to + step, fma(splat(D), f32x4.sub(m2, m3), f32x4.mul(splat(C), f32x4.sub(m0, m1))));
  v128.store(to + 2 * step, fma(splat(D2), sumD, fma(splat(C2), sumC, m4)));
}

/** Aᵀ m A of one tile, plus the bias, plus the map at `added`, and at least `least`: up to 3×3 pixels at (y, x). */
export function transformOutput(
  from: usize, frequency: usize, map: usize, y: i32, x: i32, height: i32, width: i32, lanes: i32, strip: usize, bias: usize,
  added: usize, relu: i32,
): void {
  const least = lowerBound(relu);
  const pixel = <usize>lanes << 2, row = pixel * width, rows = min(3, height - y), columns = min(3, width - x), five = frequency * 5;
  const first = row * y + pixel * x;
  let to = map + first, plus = added + first;
  for (let channel: usize = 0; channel < pixel; channel += 16, from += 16, to += 16, plus += 16) {
    let line = from;
    for (let i = 0; i < 5; i++, line += five) {
      outputLine(
        v128.load(line), v128.load(line + frequency), v128.load(line + frequency * 2), v128.load(line + frequency * 3),
        v128.load(line + frequency * 4), strip + STRIP_ROW * i, 16,
      );
    }
    const b = bias ? v128.load(bias + channel) : splat(0);
    for (let j = 0; j < columns; j++) {
      const at = strip + (<usize>j << 4), done = at + 5 * STRIP_ROW;
      outputLine(
        v128.load(at), v128.load(at, STRIP_ROW), v128.load(at, 2 * STRIP_ROW), v128.load(at, 3 * STRIP_ROW), v128.load(at, 4 * STRIP_ROW),
        done, 64,
      );
      let q = to + pixel * j, r = plus + pixel * j;
      for (let i = 0; i < rows; i++, q += row, r += row) {
        let value = f32x4.add(b, v128.load(done + (<usize>i << 6)));
        if (added) value = f32x4.add(value, v128.load(r));
        v128.store(q, atLeast(value, least));
      }
    }
  }
}

/** G g on three values. */
// @ts-ignore: decorator
@inline
export function filterLine(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  const evenC = fma(splat(<f32>(AT_C * C2)), g2, f32x4.mul(splat(<f32>AT_C), g0)), oddC = f32x4.mul(splat(<f32>(AT_C * C)), g1);
  v128.store(to, f32x4.add(oddC, evenC));
  v128.store(to + step, f32x4.sub(oddC, evenC));
  const evenD = fma(splat(<f32>(AT_D * D2)), g2, f32x4.mul(splat(<f32>AT_D), g0)), oddD = f32x4.mul(splat(<f32>(AT_D * D)), g1);
  v128.store(to + 2 * step, f32x4.add(oddD, evenD));
  v128.store(to + 3 * step, f32x4.sub(oddD, evenD));
  v128.store(to + 4 * step, g2);
}

/** Filters [3][3][in][out] → 25 matrices [column / 8][depth][8]; for the input gradient turned by 180° and transposed. */
export function transformWeightsF3(call: usize, thread: i32): void {
  const weights = TransformWeightsF3.weights(call), transposed = TransformWeightsF3.transposed(call);
  const inLanes = TransformWeightsF3.inLanes(call), outLanes = TransformWeightsF3.outLanes(call);
  const tap = <usize>(inLanes * outLanes) << 2, frequency = tap + FREQUENCY_GAP, result = TransformWeightsF3.transformed(call);
  const taps = TransformWeightsF3.scratch(call) + <usize>TransformWeightsF3.scratchStride(call) * thread; // [4][9]
  const between = taps + 640; // [5][3]
  const depth = transposed ? outLanes : inLanes, columns = transposed ? inLanes : outLanes, row = <usize>outLanes << 2;
  // A unit is a tile of columns: its rows lie one behind the other in every frequency, so that writes go on in lines.
  for (let unit = takeUnit(); unit < columns >> 3; unit = takeUnit()) for (let half = 0; half < depth >> 1; half++) {
    const four = half >> 1, column = (unit << 3) + ((half & 1) << 2);
    for (let t: usize = 0; t < 9; t++) {
      const to = taps + (t << 4);
      if (!transposed) {
        const from = weights + tap * t + (<usize>(four * 4 * outLanes + column) << 2);
        for (let k: usize = 0; k < 4; k++) v128.store(to + k * 144, v128.load(from + row * k));
      } else {
        const from = weights + tap * (8 - t) + (<usize>(column * outLanes + four * 4) << 2);
        const a = v128.load(from), b = v128.load(from + row), c = v128.load(from + 2 * row), d = v128.load(from + 3 * row);
        const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
        const abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2)); v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 144);
        v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), 288); v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), 432);
      }
    }
    for (let k = 0; k < 4; k++) {
      for (let s: usize = 0; s < 3; s++) {
        const at = taps + k * 144 + (s << 4);
        filterLine(v128.load(at), v128.load(at, 48), v128.load(at, 96), between + (s << 4), 48);
      }
      const to = result + (<usize>((column >> 3) * depth * 8 + (four * 4 + k) * 8 + (column & 7)) << 2);
      for (let i: usize = 0; i < 5; i++) {
        const at = between + i * 48;
        filterLine(v128.load(at), v128.load(at, 16), v128.load(at, 32), to + i * 5 * frequency, frequency);
      }
    }
  }
}

export function convolveWinogradF3(call: usize, thread: i32): void {
  const input = ConvolveWinogradF3.input(call), filter = ConvolveWinogradF3.transformed(call), output = ConvolveWinogradF3.output(call);
  const bias = ConvolveWinogradF3.bias(call), relu = ConvolveWinogradF3.relu(call);
  const added = ConvolveWinogradF3.accumulate(call) ? output : ConvolveWinogradF3.residual(call);
  const height = ConvolveWinogradF3.height(call), width = ConvolveWinogradF3.width(call);
  const depth = ConvolveWinogradF3.depth(call), columns = ConvolveWinogradF3.columns(call);
  const atOnce = ConvolveWinogradF3.tilesAtOnce(call);
  const across = (width + 2) / 3, inImage = ((height + 2) / 3) * across, tiles = ConvolveWinogradF3.images(call) * inImage;
  const depthRow = <usize>depth << 2, columnRow = <usize>columns << 2;
  const inputImage = depthRow * (height * width), outputImage = columnRow * (height * width);
  const strip = ConvolveWinogradF3.scratch(call) + <usize>ConvolveWinogradF3.scratchStride(call) * thread;
  const from = strip + STRIP_BYTES, fromFrequency = depthRow * atOnce + FREQUENCY_GAP;
  const to = from + 25 * fromFrequency, toFrequency = columnRow * atOnce + FREQUENCY_GAP;
  const panel = depthRow << 3, filterFrequency = depthRow * columns + FREQUENCY_GAP;
  for (let unit = takeUnit(); unit * atOnce < tiles; unit = takeUnit()) {
    const first = unit * atOnce, count = min(atOnce, tiles - first), fours = (count + 3) >> 2;
    for (let t = 0; t < count; t++) {
      const at = first + t, image = at / inImage, place = at % inImage, y = (place / across) * 3, x = (place % across) * 3;
      transformInput(input + inputImage * image, y, x, height, width, depth, from + depthRow * t, 16, fromFrequency, strip);
    }
    for (let f = 0; f < 25; f++) for (let column = 0; column < columns >> 3; column++) {
      multiplyPanel(
        from + fromFrequency * f, depthRow, fours, filter + filterFrequency * f + panel * column, panel,
        to + toFrequency * f + (<usize>column << 5), columnRow,
      );
    }
    for (let t = 0; t < count; t++) {
      const at = first + t, image = at / inImage, place = at % inImage, y = (place / across) * 3, x = (place % across) * 3;
      transformOutput(
        to + columnRow * t, toFrequency, output + outputImage * image, y, x, height, width, columns, strip, bias,
        added ? added + outputImage * image : 0, relu,
      );
    }
  }
}

/** A y on three values. */
// @ts-ignore: decorator
@inline
function gradientLine(y0: v128, y1: v128, y2: v128, to: usize, step: usize): void {
  const evenC = fma(splat(C2), y2, y0), evenD = fma(splat(D2), y2, y0);
  v128.store(to, fma(splat(C), y1, evenC));
  v128.store(to + step, fnma(splat(C), y1, evenC));
  v128.store(to + 2 * step, fma(splat(D), y1, evenD));
  v128.store(to + 3 * step, fnma(splat(D), y1, evenD));
  v128.store(to + 4 * step, y2);
}

/** A dy Aᵀ of the 3×3 tile at (y, x), cut at the border; eight channels go to `to`, the next `eightStep` on. */
export function transformGradient(
  map: usize, y: i32, x: i32, height: i32, width: i32, lanes: i32, to: usize, eightStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << 2, row = pixel * width, columns = min(3, width - x);
  let base = map + pixel * x;
  for (let channel: usize = 0; channel < pixel; channel += 16, base += 16) {
    const r0 = base + row * y, r1 = rowAt(base, row, y + 1, height), r2 = rowAt(base, row, y + 2, height);
    for (let j = 0; j < 3; j++) {
      const at = pixel * j;
      if (j >= columns) clearColumn(strip + (<usize>j << 4));
      else gradientLine(v128.load(r0 + at), v128.load(r1 + at), v128.load(r2 + at), strip + (<usize>j << 4), STRIP_ROW);
    }
    const q = to + (channel & 16);
    if (channel & 16) to += eightStep;
    for (let i = 0; i < 5; i++) {
      const line = strip + STRIP_ROW * i;
      gradientLine(v128.load(line), v128.load(line, 16), v128.load(line, 32), q + frequency * (5 * i), frequency);
    }
  }
}

/** Gᵀ m on five values. */
// @ts-ignore: decorator
@inline
export function sumsLine(at: usize, step: usize, to: usize, toStep: usize): void {
  const m0 = v128.load(at), m1 = v128.load(at + step), m2 = v128.load(at + 2 * step), m3 = v128.load(at + 3 * step);
  const differenceC = f32x4.sub(m0, m1), differenceD = f32x4.sub(m2, m3);
  v128.store(to, fma(splat(<f32>AT_D), differenceD, f32x4.mul(splat(<f32>AT_C), differenceC)));
  v128.store(to + toStep, fma(splat(<f32>(AT_D * D)), f32x4.add(m2, m3), f32x4.mul(splat(<f32>(AT_C * C)), f32x4.add(m0, m1))));
  v128.store(to + 2 * toStep, fma(splat(<f32>(AT_D * D2)), differenceD, fma(splat(<f32>(AT_C * C2)), differenceC, v128.load(at + 4 * step))));
}

/** Chunk by chunk of tiles, as weightGradientWinogradStrided: no partial sums. */
export function weightGradientWinogradF3(call: usize, thread: i32, threads: i32): void {
  const input = WeightGradientWinogradF3.input(call), gradient = WeightGradientWinogradF3.outputGradient(call);
  const height = WeightGradientWinogradF3.height(call), width = WeightGradientWinogradF3.width(call);
  const inLanes = WeightGradientWinogradF3.inLanes(call), outLanes = WeightGradientWinogradF3.outLanes(call);
  const atOnce = WeightGradientWinogradF3.tilesAtOnce(call);
  const across = (width + 2) / 3, inImage = ((height + 2) / 3) * across, tiles = WeightGradientWinogradF3.images(call) * inImage;
  const inRow = <usize>inLanes << 2, outRow = <usize>outLanes << 2, tap = inRow * outLanes, sum = tap + FREQUENCY_GAP;
  const inputImage = inRow * (height * width), gradientImage = outRow * (height * width);
  const strip = WeightGradientWinogradF3.scratch(call) + STRIP_BYTES * thread;
  const fourStep = <usize>atOnce << 4, eightStep = <usize>atOnce << 5, columns = outLanes >> 3;
  const x = WeightGradientWinogradF3.inputTiles(call), xFrequency = fourStep * (inLanes >> 2) + FREQUENCY_GAP;
  const d = WeightGradientWinogradF3.gradientTiles(call), dFrequency = eightStep * columns + FREQUENCY_GAP;
  const sums = WeightGradientWinogradF3.sums(call);

  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first), whole = (count + 3) & ~3;
    for (let t = takeUnit(); t < whole; t = takeUnit()) {
      const xTile = x + (<usize>t << 4), dTile = d + (<usize>t << 5);
      if (t >= count) {
        const zero = splat(0);
        for (let f = 0; f < 25; f++) {
          for (let four = 0; four < inLanes >> 2; four++) v128.store(xTile + xFrequency * f + fourStep * four, zero);
          for (let eight = 0; eight < columns; eight++) {
            const to = dTile + dFrequency * f + eightStep * eight;
            v128.store(to, zero); v128.store(to, zero, 16);
          }
        }
        continue;
      }
      const at = first + t, image = at / inImage, place = at % inImage, row = (place / across) * 3, column = (place % across) * 3;
      transformInput(input + inputImage * image, row, column, height, width, inLanes, xTile, fourStep, xFrequency, strip);
      transformGradient(gradient + gradientImage * image, row, column, height, width, outLanes, dTile, eightStep, dFrequency, strip);
    }
    barrier(threads);
    for (let unit = takeUnit(); unit < 25 * columns; unit = takeUnit()) {
      const f = unit / columns, o = unit % columns;
      for (let c = 0; c < inLanes >> 2; c++) {
        const to = sums + sum * f + outRow * (<usize>c << 2) + (<usize>o << 5);
        if (first == 0) for (let row: usize = 0; row < 4; row++) {
          v128.store(to + outRow * row, splat(0)); v128.store(to + outRow * row, splat(0), 16);
        }
        accumulatePanels(x + xFrequency * f + fourStep * c, d + dFrequency * f + eightStep * o, whole, to, outRow);
      }
    }
    barrier(threads);
  }
  const result = WeightGradientWinogradF3.weightGradient(call), values = strip, between = strip + 400; // [5][5], [3][5]
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) {
    for (let at = outRow * channel; at < outRow * (channel + 1); at += 16) {
      for (let f = 0; f < 25; f++) v128.store(values + (<usize>f << 4), v128.load(sums + sum * f + at));
      for (let j: usize = 0; j < 5; j++) sumsLine(values + (j << 4), 80, between + (j << 4), 80);
      for (let i: usize = 0; i < 3; i++) sumsLine(between + i * 80, 16, result + tap * (i * 3) + at, tap);
    }
  }
}
