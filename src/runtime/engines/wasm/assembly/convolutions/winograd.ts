// Winograd's F(4×4, 3×3) (Lavin & Gray, arXiv 1509.09308 §4): 3×3 convolutions of stride 1 and padding 1 with a
// quarter of the multiplications. A tile is 4×4 output pixels from 6×6 inputs; in the transformed domain each of the
// 36 frequencies is a matrix product over channels.
import { FREQUENCY_GAP, STRIP_BYTES, ZERO_FLOATS, ZEROS } from "../generated/constants";
import { ConvolveWinograd, TransformWeights, WeightGradientWinograd, WeightGradientWinogradByFrequency } from "../generated/operands";
import { cut, fma, fnma, loadFour, splat } from "../simd";
import { barrier, takeUnit } from "../threads";
import { RUN_BY_EIGHT, transformInputByEight, transformOutput } from "./winograd-by-eight";
import { A, A2, AT_A, AT_B, AT_ZERO, B, B2 } from "./winograd-points";
import { clearColumn, STRIP_ROW } from "./winograd-strip";

/** Tiles of a row that are transformed together: neighbours share two columns of their input. */
const RUN: i32 = 16;

/** The tiles from `place` on in a row of `across`, of `count` left: a run whose pixels fit into the zeros of a row outside the map. */
// @ts-ignore: decorator
@inline
export function runLength(place: i32, across: i32, count: i32, lanes: i32): i32 {
  return min(min(count, across - place % across), min(RUN, (ZERO_FLOATS / lanes - 2) >> 2));
}

// The transforms below have four constants each, since V8 makes constants anew within a loop where registers run out.
// The loops stay functions of their own, since each is called in more than one place: V8 computes what a loop needs
// within the loop where registers run out, and arguments are all that it does not compute again.

/** Bᵀ d down the columns: four channels of `count` pixels from each of six rows → a strip. */
function inputColumns(r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, pixel: usize, count: i32, strip: usize): void {
  const end = strip + (<usize>count << 4);
  for (; strip < end; strip += 16) {
    const d2 = v128.load(r2), d4 = v128.load(r4), evenB = fnma(splat(A2), d2, d4), evenA = fnma(splat(B2), d2, d4);
    v128.store(strip, fnma(splat(B2), fnma(splat(A2), v128.load(r0), d2), evenB));
    const d1 = v128.load(r1), d3 = v128.load(r3), oddB = fnma(splat(A2), d1, d3), oddA = fnma(splat(B2), d1, d3);
    v128.store(strip, fnma(splat(B2), oddB, fnma(splat(A2), d3, v128.load(r5))), 5 * STRIP_ROW);
    v128.store(strip, fma(splat(A), oddA, evenA), STRIP_ROW);
    v128.store(strip, fnma(splat(A), oddA, evenA), 2 * STRIP_ROW);
    v128.store(strip, fma(splat(B), oddB, evenB), 3 * STRIP_ROW);
    v128.store(strip, fnma(splat(B), oddB, evenB), 4 * STRIP_ROW);
    r0 += pixel; r1 += pixel; r2 += pixel; r3 += pixel; r4 += pixel; r5 += pixel;
  }
}

/** d B along a row of the strip: tiles begin every four pixels → six frequencies of each tile. */
function inputRow(line: usize, tiles: i32, to: usize, tileStep: usize, frequency: usize): void {
  const end = line + (<usize>tiles << 6), to1 = frequency, to2 = frequency * 2, to3 = frequency * 3, to4 = frequency * 4, to5 = frequency * 5;
  for (; line < end; line += 64, to += tileStep) {
    const d2 = v128.load(line, 32), d4 = v128.load(line, 64), evenB = fnma(splat(A2), d2, d4), evenA = fnma(splat(B2), d2, d4);
    v128.store(to, fnma(splat(B2), fnma(splat(A2), v128.load(line), d2), evenB));
    const d1 = v128.load(line, 16), d3 = v128.load(line, 48), oddB = fnma(splat(A2), d1, d3), oddA = fnma(splat(B2), d1, d3);
    v128.store(to + to5, fnma(splat(B2), oddB, fnma(splat(A2), d3, v128.load(line, 80))));
    v128.store(to + to1, fma(splat(A), oddA, evenA));
    v128.store(to + to2, fnma(splat(A), oddA, evenA));
    v128.store(to + to3, fma(splat(B), oddB, evenB));
    v128.store(to + to4, fnma(splat(B), oddB, evenB));
  }
}

/** Bᵀ d B of `tiles` 6×6 tiles from (y0, x0) on, which may overlap the border; four channels go to `to`, the next `fourStep` on. */
export function transformInput(
  map: usize, y0: i32, x0: i32, tiles: i32, height: i32, width: i32, lanes: i32,
  to: usize, tileStep: usize, fourStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << 2, row = pixel * width, left = x0 < 0 ? 1 : 0;
  const columns = tiles * 4 + 2, inside = min(columns - left, width - x0 - left);
  const base = map + row * y0 + pixel * (x0 + left), padded = strip + (<usize>columns << 4), six = frequency * 6;
  let r0 = y0 >= 0 ? base : ZEROS, r1 = base + row, r2 = y0 + 2 < height ? base + 2 * row : ZEROS;
  let r3 = y0 + 3 < height ? base + 3 * row : ZEROS, r4 = y0 + 4 < height ? base + 4 * row : ZEROS;
  let r5 = y0 + 5 < height ? base + 5 * row : ZEROS;
  for (let channel: usize = 0; channel < pixel; channel += 16) {
    if (left) {
      clearColumn(strip);
      inputColumns(r0, r1, r2, r3, r4, r5, pixel, inside, strip + 16);
    } else inputColumns(r0, r1, r2, r3, r4, r5, pixel, inside, strip);
    for (let column = strip + (<usize>(left + inside) << 4); column < padded; column += 16) clearColumn(column);
    inputRow(strip, tiles, to, tileStep, frequency);
    inputRow(strip + STRIP_ROW, tiles, to + six, tileStep, frequency);
    inputRow(strip + 2 * STRIP_ROW, tiles, to + 2 * six, tileStep, frequency);
    inputRow(strip + 3 * STRIP_ROW, tiles, to + 3 * six, tileStep, frequency);
    inputRow(strip + 4 * STRIP_ROW, tiles, to + 4 * six, tileStep, frequency);
    inputRow(strip + 5 * STRIP_ROW, tiles, to + 5 * six, tileStep, frequency);
    r0 += 16; r1 += 16; r2 += 16; r3 += 16; r4 += 16; r5 += 16; to += fourStep;
  }
}

/** A y down the columns: four channels of `count` pixels from each of four rows of a map stored as T → a strip. */
function gradientColumns<T>(r0: usize, r1: usize, r2: usize, r3: usize, pixel: usize, count: i32, strip: usize): void {
  const end = strip + (<usize>count << 4);
  for (; strip < end; strip += 16) {
    const y0 = loadFour<T>(r0), y1 = loadFour<T>(r1), y2 = loadFour<T>(r2), y3 = loadFour<T>(r3);
    v128.store(strip, y0);
    const evenA = fma(splat(A2), y2, y0), oddA = fma(splat(A2), y3, y1);
    v128.store(strip, fma(splat(A), oddA, evenA), STRIP_ROW);
    v128.store(strip, fnma(splat(A), oddA, evenA), 2 * STRIP_ROW);
    const evenB = fma(splat(B2), y2, y0), oddB = fma(splat(B2), y3, y1);
    v128.store(strip, fma(splat(B), oddB, evenB), 3 * STRIP_ROW);
    v128.store(strip, fnma(splat(B), oddB, evenB), 4 * STRIP_ROW);
    v128.store(strip, y3, 5 * STRIP_ROW);
    r0 += pixel; r1 += pixel; r2 += pixel; r3 += pixel;
  }
}

/** y Aᵀ along a row of the strip → six frequencies of each tile. */
function gradientRow(line: usize, tiles: i32, to: usize, tileStep: usize, frequency: usize): void {
  const end = line + (<usize>tiles << 6), to1 = frequency, to2 = frequency * 2, to3 = frequency * 3, to4 = frequency * 4, to5 = frequency * 5;
  for (; line < end; line += 64, to += tileStep) {
    const y0 = v128.load(line), y1 = v128.load(line, 16), y2 = v128.load(line, 32), y3 = v128.load(line, 48);
    v128.store(to, y0);
    const evenA = fma(splat(A2), y2, y0), oddA = fma(splat(A2), y3, y1);
    v128.store(to + to1, fma(splat(A), oddA, evenA));
    v128.store(to + to2, fnma(splat(A), oddA, evenA));
    const evenB = fma(splat(B2), y2, y0), oddB = fma(splat(B2), y3, y1);
    v128.store(to + to3, fma(splat(B), oddB, evenB));
    v128.store(to + to4, fnma(splat(B), oddB, evenB));
    v128.store(to + to5, y3);
  }
}

/** A dy Aᵀ of `tiles` 4×4 tiles from (y0, x0) on of a map stored as T, cut at the border; eight channels go to `to`, the next `eightStep` on. */
export function transformGradient<T>(
  map: usize, y0: i32, x0: i32, tiles: i32, height: i32, width: i32, lanes: i32,
  to: usize, tileStep: usize, eightStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << alignof<T>(), row = pixel * width, inside = min(tiles * 4, width - x0), six = frequency * 6;
  const padded = strip + (<usize>tiles << 6), ends = strip + (<usize>inside << 4);
  let r0 = map + row * y0 + pixel * x0;
  let r1 = y0 + 1 < height ? r0 + row : ZEROS, r2 = y0 + 2 < height ? r0 + 2 * row : ZEROS, r3 = y0 + 3 < height ? r0 + 3 * row : ZEROS;
  const four: usize = 4 << alignof<T>();
  for (let channel = 0; channel < lanes; channel += 4) {
    if (ends == padded) gradientColumns<T>(r0, r1, r2, r3, pixel, tiles << 2, strip);
    else {
      gradientColumns<T>(r0, r1, r2, r3, pixel, inside, strip);
      for (let column = ends; column < padded; column += 16) clearColumn(column);
    }
    const q = to + (<usize>(channel & 4) << 2);
    if (channel & 4) to += eightStep;
    gradientRow(strip, tiles, q, tileStep, frequency);
    gradientRow(strip + STRIP_ROW, tiles, q + six, tileStep, frequency);
    gradientRow(strip + 2 * STRIP_ROW, tiles, q + 2 * six, tileStep, frequency);
    gradientRow(strip + 3 * STRIP_ROW, tiles, q + 3 * six, tileStep, frequency);
    gradientRow(strip + 4 * STRIP_ROW, tiles, q + 4 * six, tileStep, frequency);
    gradientRow(strip + 5 * STRIP_ROW, tiles, q + 5 * six, tileStep, frequency);
    r0 += four; r1 += four; r2 += four; r3 += four;
  }
}

/** result[4·fours][8] = a[.][depth] · panel[depth][8]; row strides in bytes. */
export function multiplyPanel(a: usize, aRow: usize, fours: i32, panel: usize, panelBytes: usize, result: usize, resultRow: usize): void {
  const end = panel + panelBytes, e1 = end - 32, e2 = end - 64, e3 = end - 96, e4 = end - 128;
  for (let four = 0; four < fours; four++) {
    let a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow, b = panel;
    let c00 = splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
    while (true) { // four basic blocks, for V8's register allocation; see convolve-direct.ts
      {
        const b0 = v128.load(b), b1 = v128.load(b, 16);
        const t0 = v128.load_splat<f32>(a0); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (b == e1) break;
      {
        const b0 = v128.load(b, 32), b1 = v128.load(b, 48);
        const t0 = v128.load_splat<f32>(a0, 4); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1, 4); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2, 4); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3, 4); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (b == e2) break;
      {
        const b0 = v128.load(b, 64), b1 = v128.load(b, 80);
        const t0 = v128.load_splat<f32>(a0, 8); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1, 8); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2, 8); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3, 8); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (b == e3) break;
      {
        const b0 = v128.load(b, 96), b1 = v128.load(b, 112);
        const t0 = v128.load_splat<f32>(a0, 12); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1, 12); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2, 12); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3, 12); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (b == e4) break;
      a0 += 16; a1 += 16; a2 += 16; a3 += 16; b += 128;
    }
    v128.store(result, c00); v128.store(result, c01, 16);
    const r1 = result + resultRow; v128.store(r1, c10); v128.store(r1, c11, 16);
    const r2 = r1 + resultRow; v128.store(r2, c20); v128.store(r2, c21, 16);
    const r3 = r2 + resultRow; v128.store(r3, c30); v128.store(r3, c31, 16);
    result = r3 + resultRow; a += 4 * aRow;
  }
}

/** G g on three values: the filter's transform along one side. */
// @ts-ignore: decorator
@inline
export function transformFilterLine(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  v128.store(to, f32x4.mul(splat(<f32>AT_ZERO), g0));
  const evenA = fma(splat(<f32>(AT_A * A2)), g2, f32x4.mul(splat(<f32>AT_A), g0)), oddA = f32x4.mul(splat(<f32>(AT_A * A)), g1);
  v128.store(to + step, f32x4.add(evenA, oddA));
  v128.store(to + 2 * step, f32x4.sub(evenA, oddA));
  const evenB = fma(splat(<f32>(AT_B * B2)), g2, f32x4.mul(splat(<f32>AT_B), g0)), oddB = f32x4.mul(splat(<f32>(AT_B * B)), g1);
  v128.store(to + 3 * step, f32x4.add(evenB, oddB));
  v128.store(to + 4 * step, f32x4.sub(evenB, oddB));
  v128.store(to + 5 * step, g2);
}

/** Filters [3][3][in][out] → [36][column / 8][depth][8]; for the input gradient turned by 180° and transposed. */
export function transformWeights(call: usize, thread: i32): void {
  const weights = TransformWeights.weights(call), transposed = TransformWeights.transposed(call);
  const inLanes = TransformWeights.inLanes(call), outLanes = TransformWeights.outLanes(call);
  const depth = transposed ? outLanes : inLanes, columns = transposed ? inLanes : outLanes;
  const frequency = (<usize>(depth * columns) << 2) + FREQUENCY_GAP, tap = <usize>(inLanes * outLanes) << 2, row = <usize>outLanes << 2;
  const taps = TransformWeights.scratch(call) + <usize>TransformWeights.scratchStride(call) * thread; // [4 k][9][4 columns]
  const between = taps + 640; // [6][3]
  // A unit is a tile of columns: its rows lie one behind the other in every frequency, so that writes go on in lines.
  for (let unit = takeUnit(); unit < columns >> 3; unit = takeUnit()) {
    for (let half = 0; half < depth >> 1; half++) {
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
        const nine = taps + k * 144;
        for (let s: usize = 0; s < 3; s++) {
          const at = nine + (s << 4);
          transformFilterLine(v128.load(at), v128.load(at, 48), v128.load(at, 96), between + (s << 4), 48);
        }
        const to = TransformWeights.transformed(call) + (<usize>((column >> 3) * depth * 8 + (four * 4 + k) * 8 + (column & 7)) << 2);
        for (let i: usize = 0; i < 6; i++) {
          const at = between + i * 48;
          transformFilterLine(v128.load(at), v128.load(at, 16), v128.load(at, 32), to + i * 6 * frequency, frequency);
        }
      }
    }
  }
}

export function convolveWinograd(call: usize, thread: i32): void {
  const input = ConvolveWinograd.input(call), filter = ConvolveWinograd.transformed(call), output = ConvolveWinograd.output(call);
  const bias = ConvolveWinograd.bias(call), relu = ConvolveWinograd.relu(call);
  const added = ConvolveWinograd.accumulate(call) ? output : ConvolveWinograd.residual(call);
  const height = ConvolveWinograd.height(call), width = ConvolveWinograd.width(call);
  const depth = ConvolveWinograd.depth(call), columns = ConvolveWinograd.columns(call);
  const atOnce = ConvolveWinograd.tilesAtOnce(call);
  const across = (width + 3) >> 2, inImage = ((height + 3) >> 2) * across, tiles = ConvolveWinograd.images(call) * inImage;
  const depthRow = <usize>depth << 2, columnRow = <usize>columns << 2;
  const inputImage = depthRow * (height * width), outputImage = columnRow * (height * width);
  const tile = ConvolveWinograd.scratch(call) + <usize>ConvolveWinograd.scratchStride(call) * thread;
  const from = tile + STRIP_BYTES, fromFrequency = <usize>(atOnce * depth * 4) + FREQUENCY_GAP;
  const to = from + 36 * fromFrequency, toFrequency = <usize>(atOnce * columns * 4) + FREQUENCY_GAP;
  const panel = depthRow << 3, filterFrequency = depthRow * columns + FREQUENCY_GAP;
  for (let unit = takeUnit(); unit * atOnce < tiles; unit = takeUnit()) {
    const first = unit * atOnce, count = min(atOnce, tiles - first), fours = (count + 3) >> 2;
    for (let t = 0, run = 0; t < count; t += run) {
      const at = first + t, image = at / inImage, place = at % inImage;
      const y = (place / across) * 4 - 1, x = (place % across) * 4 - 1;
      run = runLength(place, across, count - t, depth);
      const map = input + inputImage * image, firstTile = from + depthRow * t;
      if (depth & 4) transformInput(map, y, x, run, height, width, depth, firstTile, depthRow, 16, fromFrequency, tile);
      else {
        run = min(run, RUN_BY_EIGHT);
        transformInputByEight<f32>(map, y, x, run, height, width, depth, firstTile, depthRow, fromFrequency, tile);
      }
    }
    for (let f = 0; f < 36; f++) for (let column = 0; column < columns >> 3; column++) {
      multiplyPanel(
        from + fromFrequency * f, depthRow, fours, filter + filterFrequency * f + panel * column, panel,
        to + toFrequency * f + (<usize>column << 5), columnRow,
      );
    }
    for (let t = 0, run = 0; t < count; t += run) {
      const at = first + t, image = at / inImage, place = at % inImage;
      const y = (place / across) * 4, x = (place % across) * 4;
      run = min(runLength(place, across, count - t, 16), RUN_BY_EIGHT);
      transformOutput(
        to + columnRow * t, columnRow, toFrequency, output + outputImage * image, y, x, run, height, width, columns, tile, bias,
        added ? added + outputImage * image : 0, relu,
      );
    }
  }
}

/** Gᵀ m on six values: from the transformed domain back to a filter's side of three. */
// @ts-ignore: decorator
@inline
export function transformSumsLine(at: usize, step: usize, to: usize, toStep: usize): void {
  const m1 = v128.load(at + step), m2 = v128.load(at + 2 * step), m3 = v128.load(at + 3 * step), m4 = v128.load(at + 4 * step);
  const sumA = f32x4.add(m1, m2), sumB = f32x4.add(m3, m4);
  v128.store(to, fma(splat(<f32>AT_ZERO), v128.load(at), fma(splat(<f32>AT_B), sumB, f32x4.mul(splat(<f32>AT_A), sumA))));
  v128.store(to + toStep, fma(splat(<f32>(AT_B * B)), f32x4.sub(m3, m4), f32x4.mul(splat(<f32>(AT_A * A)), f32x4.sub(m1, m2))));
  v128.store(to + 2 * toStep, fma(splat(<f32>(AT_B * B2)), sumB, fma(splat(<f32>(AT_A * A2)), sumA, v128.load(at + 5 * step))));
}

/** sums[4][8] += Σ over `count` (a multiple of 4) of x[4] ⊗ d[8], both packed; `row` is the stride of a row of sums. */
export function accumulatePanels(x: usize, d: usize, count: i32, sums: usize, row: usize): void {
  const s1 = sums + row, s2 = s1 + row, s3 = s2 + row, end = d + (<usize>count << 5);
  let c00 = v128.load(sums), c01 = v128.load(sums, 16), c10 = v128.load(s1), c11 = v128.load(s1, 16);
  let c20 = v128.load(s2), c21 = v128.load(s2, 16), c30 = v128.load(s3), c31 = v128.load(s3, 16);
  const e1 = end - 32, e2 = end - 64, e3 = end - 96, e4 = end - 128;
  while (true) { // four basic blocks, for V8's register allocation; see convolve-direct.ts
    {
      const b0 = v128.load(d), b1 = v128.load(d, 16);
      const t0 = v128.load_splat<f32>(x); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
      const t1 = v128.load_splat<f32>(x, 4); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
      const t2 = v128.load_splat<f32>(x, 8); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
      const t3 = v128.load_splat<f32>(x, 12); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
    }
    if (d == e1) break;
    {
      const b0 = v128.load(d, 32), b1 = v128.load(d, 48);
      const t0 = v128.load_splat<f32>(x, 16); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
      const t1 = v128.load_splat<f32>(x, 20); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
      const t2 = v128.load_splat<f32>(x, 24); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
      const t3 = v128.load_splat<f32>(x, 28); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
    }
    if (d == e2) break;
    {
      const b0 = v128.load(d, 64), b1 = v128.load(d, 80);
      const t0 = v128.load_splat<f32>(x, 32); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
      const t1 = v128.load_splat<f32>(x, 36); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
      const t2 = v128.load_splat<f32>(x, 40); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
      const t3 = v128.load_splat<f32>(x, 44); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
    }
    if (d == e3) break;
    {
      const b0 = v128.load(d, 96), b1 = v128.load(d, 112);
      const t0 = v128.load_splat<f32>(x, 48); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
      const t1 = v128.load_splat<f32>(x, 52); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
      const t2 = v128.load_splat<f32>(x, 56); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
      const t3 = v128.load_splat<f32>(x, 60); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
    }
    if (d == e4) break;
    x += 64; d += 128;
  }
  v128.store(sums, c00); v128.store(sums, c01, 16); v128.store(s1, c10); v128.store(s1, c11, 16);
  v128.store(s2, c20); v128.store(s2, c21, 16); v128.store(s3, c30); v128.store(s3, c31, 16);
}

/** Zeros in place of tiles [first, end) in panels of `lanes` channels by `width` bytes a tile. */
function clearTiles(panels: usize, frequency: usize, panelStep: usize, panelCount: i32, width: usize, first: i32, end: i32): void {
  for (let f: usize = 0; f < 36; f++) for (let panel = 0; panel < panelCount; panel++) {
    memory.fill(panels + frequency * f + panelStep * panel + width * first, 0, width * (end - first));
  }
}

/** The filter gradient [3][3][in][out] of input channel `channel` from `partialCount` partial sums, in their order. */
function transformSums(partials: usize, partialCount: i32, tap: usize, outRow: usize, channel: i32, result: usize, tile: usize): void {
  const between = tile + 36 * 16, frequency = tap + FREQUENCY_GAP; // [3][6]
  for (let at = outRow * channel; at < outRow * (channel + 1); at += 16) {
    for (let f = 0; f < 36; f++) {
      let sum = v128.load(partials + frequency * f + at);
      for (let partial = 1; partial < partialCount; partial++) sum = f32x4.add(sum, v128.load(partials + frequency * (36 * partial + f) + at));
      v128.store(tile + (<usize>f << 4), sum);
    }
    for (let j: usize = 0; j < 6; j++) transformSumsLine(tile + (j << 4), 96, between + (j << 4), 96);
    for (let i: usize = 0; i < 3; i++) transformSumsLine(between + i * 96, 16, result + tap * (i * 3) + at, tap);
  }
}

/** Each partial sums its share of the tiles in the transformed domain; the partialCount are added in order, then transformed back. */
export function weightGradientWinograd(call: usize, thread: i32, threads: i32): void {
  const input = WeightGradientWinograd.input(call), gradient = WeightGradientWinograd.outputGradient(call);
  const height = WeightGradientWinograd.height(call), width = WeightGradientWinograd.width(call);
  const inLanes = WeightGradientWinograd.inLanes(call), outLanes = WeightGradientWinograd.outLanes(call);
  const atOnce = WeightGradientWinograd.tilesAtOnce(call), partialCount = WeightGradientWinograd.partialCount(call);
  const across = (width + 3) >> 2, inImage = ((height + 3) >> 2) * across, tiles = WeightGradientWinograd.images(call) * inImage;
  const inRow = <usize>inLanes << 2, outRow = <usize>outLanes << 2, tap = inRow * outLanes;
  const inputImage = inRow * (height * width), gradientImage = outRow * (height * width);
  const tile = WeightGradientWinograd.scratch(call) + <usize>WeightGradientWinograd.scratchStride(call) * thread;
  const fourStep = <usize>atOnce << 4, eightStep = <usize>atOnce << 5; // panels [channel / 4][tile][4] and [channel / 8][tile][8]
  const x = tile + STRIP_BYTES, xFrequency = fourStep * (inLanes >> 2) + FREQUENCY_GAP;
  const d = x + 36 * xFrequency, dFrequency = eightStep * (outLanes >> 3) + FREQUENCY_GAP;
  const partials = WeightGradientWinograd.partials(call);

  for (let partial = takeUnit(); partial < partialCount; partial = takeUnit()) {
    const sums = partials + 36 * (tap + FREQUENCY_GAP) * partial, end = cut(tiles, partial + 1, partialCount);
    memory.fill(sums, 0, 36 * (tap + FREQUENCY_GAP));
    for (let first = cut(tiles, partial, partialCount); first < end; first += atOnce) {
      const count = min(atOnce, end - first), whole = (count + 3) & ~3;
      for (let t = 0, run = 0; t < count; t += run) {
        const at = first + t, image = at / inImage, place = at % inImage, row = (place / across) * 4, column = (place % across) * 4;
        const xTile = x + (<usize>t << 4), dTile = d + (<usize>t << 5);
        run = runLength(place, across, count - t, max(inLanes, outLanes));
        transformInput(input + inputImage * image, row - 1, column - 1, run, height, width, inLanes, xTile, 16, fourStep, xFrequency, tile);
        transformGradient<f32>(gradient + gradientImage * image, row, column, run, height, width, outLanes, dTile, 32, eightStep, dFrequency, tile);
      }
      if (whole > count) {
        clearTiles(x, xFrequency, fourStep, inLanes >> 2, 16, count, whole);
        clearTiles(d, dFrequency, eightStep, outLanes >> 3, 32, count, whole);
      }
      for (let f = 0; f < 36; f++) for (let o = 0; o < outLanes >> 3; o++) for (let c = 0; c < inLanes >> 2; c++) {
        const to = sums + (tap + FREQUENCY_GAP) * f + outRow * (<usize>c << 2) + (<usize>o << 5);
        accumulatePanels(x + xFrequency * f + fourStep * c, d + dFrequency * f + eightStep * o, whole, to, outRow);
      }
    }
  }
  barrier(threads);
  const result = WeightGradientWinograd.weightGradient(call);
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) {
    transformSums(partials, partialCount, tap, outRow, channel, result, tile);
  }
}

/**
 * The same for many channels on small maps, where partial sums would be larger than the maps: every tile is transformed
 * first, then each frequency is one product over all tiles, so that there are no partial sums.
 */
export function weightGradientWinogradByFrequency(call: usize, thread: i32, threads: i32): void {
  const input = WeightGradientWinogradByFrequency.input(call), gradient = WeightGradientWinogradByFrequency.outputGradient(call);
  const height = WeightGradientWinogradByFrequency.height(call), width = WeightGradientWinogradByFrequency.width(call);
  const inLanes = WeightGradientWinogradByFrequency.inLanes(call), outLanes = WeightGradientWinogradByFrequency.outLanes(call);
  const across = (width + 3) >> 2, inImage = ((height + 3) >> 2) * across;
  const tiles = WeightGradientWinogradByFrequency.images(call) * inImage, whole = (tiles + 3) & ~3;
  const inRow = <usize>inLanes << 2, outRow = <usize>outLanes << 2, tap = inRow * outLanes;
  const inputImage = inRow * (height * width), gradientImage = outRow * (height * width);
  const tile = WeightGradientWinogradByFrequency.scratch(call) + STRIP_BYTES * thread;
  const fourStep = <usize>whole << 4, eightStep = <usize>whole << 5;
  const x = WeightGradientWinogradByFrequency.inputTiles(call), xFrequency = fourStep * (inLanes >> 2) + FREQUENCY_GAP;
  const d = WeightGradientWinogradByFrequency.gradientTiles(call), dFrequency = eightStep * (outLanes >> 3) + FREQUENCY_GAP;
  const sums = WeightGradientWinogradByFrequency.sums(call);

  for (let unit = takeUnit(); unit * RUN < whole; unit = takeUnit()) {
    const end = min(tiles, (unit + 1) * RUN);
    for (let t = unit * RUN, run = 0; t < end; t += run) {
      const image = t / inImage, place = t % inImage, row = (place / across) * 4, column = (place % across) * 4;
      const xTile = x + (<usize>t << 4), dTile = d + (<usize>t << 5);
      run = runLength(place, across, end - t, max(inLanes, outLanes));
      transformInput(input + inputImage * image, row - 1, column - 1, run, height, width, inLanes, xTile, 16, fourStep, xFrequency, tile);
      transformGradient<f32>(gradient + gradientImage * image, row, column, run, height, width, outLanes, dTile, 32, eightStep, dFrequency, tile);
    }
    if ((unit + 1) * RUN >= whole) {
      clearTiles(x, xFrequency, fourStep, inLanes >> 2, 16, tiles, whole);
      clearTiles(d, dFrequency, eightStep, outLanes >> 3, 32, tiles, whole);
    }
  }
  barrier(threads);
  const columns = outLanes >> 3;
  for (let unit = takeUnit(); unit < 36 * columns; unit = takeUnit()) {
    const f = unit / columns, o = unit % columns;
    for (let c = 0; c < inLanes >> 2; c++) {
      const to = sums + (tap + FREQUENCY_GAP) * f + outRow * (<usize>c << 2) + (<usize>o << 5);
      for (let row: usize = 0; row < 4; row++) {
        v128.store(to + outRow * row, splat(0)); v128.store(to + outRow * row, splat(0), 16);
      }
      accumulatePanels(x + xFrequency * f + fourStep * c, d + dFrequency * f + eightStep * o, whole, to, outRow);
    }
  }
  barrier(threads);
  const result = WeightGradientWinogradByFrequency.weightGradient(call);
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) {
    transformSums(sums, 1, tap, outRow, channel, result, tile);
  }
}
