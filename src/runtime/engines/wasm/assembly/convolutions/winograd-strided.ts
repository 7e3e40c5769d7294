// Winograd's algorithm for 3×3 convolutions of stride 2. Along one side, outputs are the sum of a filter of two taps over the
// odd pixels and one of one tap over the even ones, both as F(4, 2) at the points ±C, ±D and ∞; the latter vanishes at ∞.
// So 4×4 outputs take 25 frequencies with up to four residues (odd or even along each side) each: 81 products a channel where the definition has 144.
import { FREQUENCY_GAP, STRIP_BYTES, ZERO_FLOATS, ZEROS } from "../generated/constants";
import {
  ConvolveWinogradStrided, InputGradientWinogradStrided, TransformWeightsStrided, WeightGradientWinogradStrided,
} from "../generated/operands";
import { lowerBound } from "../maps/pointwise";
import { atLeast, fma, fnma, splat } from "../simd";
import { barrier, takeUnit } from "../threads";
import { columnsOfFive, rowAt, rowOfFive, transformResidues } from "./winograd-residues";
import { AT_C, AT_D, C, C2, C3, D, D2, D3 } from "./winograd-points";
import { accumulatePanels, multiplyPanel } from "./winograd";
import { clearColumn, STRIP_ROW } from "./winograd-strip";

/** Tiles of a row that are transformed together: 65 pixels of a strip. */
const RUN: i32 = 8;

/** Residues that meet at frequency (i, j): the even ones vanish at ∞. */
// @ts-ignore: decorator
@inline
function residuesAt(i: i32, j: i32): i32 {
  return (i < 4 ? 2 : 1) * (j < 4 ? 2 : 1);
}

/** Tiles from `place` on in a row of `across`, of `count` left; a row outside the map reads `pixels` a tile from the zeros. */
// @ts-ignore: decorator
@inline
function runLength(place: i32, across: i32, count: i32, lanes: i32, pixels: i32): i32 {
  return min(min(count, across - place % across), min(RUN, (ZERO_FLOATS / lanes - 1) / pixels));
}

// The loops below stay functions of their own: see winograd.ts.

/** m A: five frequencies of each tile, or four where the last is absent → four pixels in a row of the strip. */
function outputRow(from: usize, last: usize, tiles: i32, tileStep: usize, frequency: usize, line: usize): void {
  const end = line + (<usize>tiles << 6), from1 = frequency, from2 = frequency * 2, from3 = frequency * 3, step = last ? tileStep : 0;
  if (!last) last = ZEROS;
  for (; line < end; line += 64, from += tileStep, last += step) {
    const m0 = v128.load(from), m1 = v128.load(from + from1), m2 = v128.load(from + from2), m3 = v128.load(from + from3);
    const sumC = f32x4.add(m0, m1), sumD = f32x4.add(m2, m3), differenceC = f32x4.sub(m0, m1), differenceD = f32x4.sub(m2, m3);
    v128.store(line, f32x4.add(sumC, sumD));
    v128.store(line, fma(splat(D), differenceD, f32x4.mul(splat(C), differenceC)), 16);
    v128.store(line, fma(splat(D2), sumD, f32x4.mul(splat(C2), sumC)), 32);
    v128.store(line, fma(splat(D3), differenceD, fma(splat(C3), differenceC, v128.load(last))), 48);
  }
}

/**
 * Aᵀ m down the columns of the strip, plus the bias, plus what lies at `added` where that is not 0, and at least `least`, to
 * `rows` rows `row` bytes apart; pixels go `pixel` bytes apart.
 */
function outputColumns(
  strip: usize, count: i32, bias: v128, to: usize, row: usize, pixel: usize, rows: i32, added: usize, least: v128,
): void {
  const end = strip + (<usize>count << 4), o1 = row, o2 = row * 2, o3 = row * 3, isAdded = added != 0;
  for (; strip < end; strip += 16, to += pixel, added += pixel) {
    const m0 = v128.load(strip), m1 = v128.load(strip, STRIP_ROW), m2 = v128.load(strip, 2 * STRIP_ROW), m3 = v128.load(strip, 3 * STRIP_ROW);
    const sumC = f32x4.add(m0, m1), sumD = f32x4.add(m2, m3), differenceC = f32x4.sub(m0, m1), differenceD = f32x4.sub(m2, m3);
    let a0 = f32x4.add(bias, f32x4.add(sumC, sumD)), a1 = fma(splat(D), differenceD, fma(splat(C), differenceC, bias));
    let a2 = fma(splat(D2), sumD, fma(splat(C2), sumC, bias));
    let a3 = fma(splat(D3), differenceD, fma(splat(C3), differenceC, f32x4.add(bias, v128.load(strip, 4 * STRIP_ROW))));
    if (isAdded) {
      a0 = f32x4.add(a0, v128.load(added));
      if (rows > 1) a1 = f32x4.add(a1, v128.load(added + o1));
      if (rows > 2) a2 = f32x4.add(a2, v128.load(added + o2));
      if (rows > 3) a3 = f32x4.add(a3, v128.load(added + o3));
    }
    v128.store(to, atLeast(a0, least));
    if (rows > 1) v128.store(to + o1, atLeast(a1, least));
    if (rows > 2) v128.store(to + o2, atLeast(a2, least));
    if (rows > 3) v128.store(to + o3, atLeast(a3, least));
  }
}

/** G g of the two taps over odd pixels: five values, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function oddTaps(g0: v128, g1: v128, to: usize, step: usize): void {
  const evenC = f32x4.mul(splat(<f32>AT_C), g0), oddC = f32x4.mul(splat(<f32>(AT_C * C)), g1);
  v128.store(to, f32x4.add(oddC, evenC));
  v128.store(to + step, f32x4.sub(oddC, evenC));
  const evenD = f32x4.mul(splat(<f32>AT_D), g0), oddD = f32x4.mul(splat(<f32>(AT_D * D)), g1);
  v128.store(to + 2 * step, f32x4.add(oddD, evenD));
  v128.store(to + 3 * step, f32x4.sub(oddD, evenD));
  v128.store(to + 4 * step, g1);
}

/** G g of the one tap over even pixels: four values. */
// @ts-ignore: decorator
@inline
function evenTap(g: v128, to: usize, step: usize): void {
  v128.store(to, f32x4.mul(splat(<f32>AT_C), g));
  v128.store(to + step, f32x4.mul(splat(<f32>(-AT_C)), g));
  v128.store(to + 2 * step, f32x4.mul(splat(<f32>AT_D), g));
  v128.store(to + 3 * step, f32x4.mul(splat(<f32>(-AT_D)), g));
}

/**
 * Filters [3][3][in][out] → 25 matrices [column / 8][depth][8]. Forward, a residue adds to the depth; for the input gradient
 * (transposed) the residues are columns, and the taps over odd pixels are turned.
 */
export function transformWeightsStrided(call: usize, thread: i32): void {
  const weights = TransformWeightsStrided.weights(call), transposed = TransformWeightsStrided.transposed(call);
  const inLanes = TransformWeightsStrided.inLanes(call), outLanes = TransformWeightsStrided.outLanes(call);
  const tap = <usize>(inLanes * outLanes) << 2, frequency = (tap << 2) + FREQUENCY_GAP, result = TransformWeightsStrided.transformed(call);
  const scratch = TransformWeightsStrided.scratch(call) + <usize>TransformWeightsStrided.scratchStride(call) * thread;
  const taps = scratch, rows = scratch + 256, values = rows + 512; // [9], [2 residues][5][3], [5]
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) for (let out = 0; out < outLanes; out += 4) {
    const from = weights + (<usize>(channel * outLanes + out) << 2);
    for (let t: usize = 0; t < 9; t++) {
      v128.store(taps + (t << 4), v128.load(from + tap * t));
    }
    for (let s: usize = 0; s < 3; s++) {
      const at = taps + (s << 4), top = v128.load(at), bottom = v128.load(at, 96);
      oddTaps(transposed ? bottom : top, transposed ? top : bottom, rows + (s << 4), 48);
      evenTap(v128.load(at, 48), rows + 240 + (s << 4), 48);
    }
    for (let r = 0; r < 2; r++) for (let i = 0; i < 5 - r; i++) {
      const line = rows + 240 * r + 48 * i, left = v128.load(line), right = v128.load(line, 32);
      oddTaps(transposed ? right : left, transposed ? left : right, values, 16);
      evenTap(v128.load(line, 16), values + 80, 16);
      for (let c = 0; c < 2; c++) for (let j = 0; j < 5 - c; j++) {
        const residue = r * (j < 4 ? 2 : 1) + c, value = v128.load(values + 80 * c + (j << 4));
        const matrix = result + frequency * (i * 5 + j);
        if (!transposed) {
          const depth = residuesAt(i, j) * inLanes;
          v128.store(matrix + (<usize>((out >> 3) * depth * 8 + (residue * inLanes + channel) * 8 + (out & 7)) << 2), value);
        } else {
          const column = residue * inLanes + channel, to = matrix + (<usize>((column >> 3) * outLanes * 8 + out * 8 + (column & 7)) << 2);
          store<f32>(to, f32x4.extract_lane(value, 0)); store<f32>(to, f32x4.extract_lane(value, 1), 32);
          store<f32>(to, f32x4.extract_lane(value, 2), 64); store<f32>(to, f32x4.extract_lane(value, 3), 96);
        }
      }
    }
  }
}

export function convolveWinogradStrided(call: usize, thread: i32): void {
  const input = ConvolveWinogradStrided.input(call), filter = ConvolveWinogradStrided.transformed(call);
  const output = ConvolveWinogradStrided.output(call), bias = ConvolveWinogradStrided.bias(call);
  const residual = ConvolveWinogradStrided.residual(call), least = lowerBound(ConvolveWinogradStrided.relu(call));
  const height = ConvolveWinogradStrided.height(call), width = ConvolveWinogradStrided.width(call);
  const outHeight = ConvolveWinogradStrided.outHeight(call), outWidth = ConvolveWinogradStrided.outWidth(call);
  const inLanes = ConvolveWinogradStrided.inLanes(call), outLanes = ConvolveWinogradStrided.outLanes(call);
  const atOnce = ConvolveWinogradStrided.tilesAtOnce(call);
  const across = (outWidth + 3) >> 2, inImage = ((outHeight + 3) >> 2) * across, tiles = ConvolveWinogradStrided.images(call) * inImage;
  const residueStep = <usize>inLanes << 2, inRow = residueStep << 2, outRow = <usize>outLanes << 2;
  const inputImage = residueStep * (height * width), outputImage = outRow * (outHeight * outWidth);
  const strip = ConvolveWinogradStrided.scratch(call) + <usize>ConvolveWinogradStrided.scratchStride(call) * thread;
  const from = strip + STRIP_BYTES, fromFrequency = inRow * atOnce + FREQUENCY_GAP;
  const to = from + 25 * fromFrequency, toFrequency = outRow * atOnce + FREQUENCY_GAP, filterFrequency = inRow * outLanes + FREQUENCY_GAP;
  for (let unit = takeUnit(); unit * atOnce < tiles; unit = takeUnit()) {
    const first = unit * atOnce, count = min(atOnce, tiles - first), fours = (count + 3) >> 2;
    for (let t = 0, run = 0; t < count; t += run) {
      const at = first + t, image = at / inImage, place = at % inImage;
      const y = (place / across) * 8 - 1, x = (place % across) * 8 - 1;
      run = runLength(place, across, count - t, inLanes, 8);
      transformResidues(input + inputImage * image, y, x, run, height, width, inLanes, from + inRow * t, inRow, 16, residueStep, fromFrequency, strip);
    }
    for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) {
      const f = i * 5 + j, panel = (residueStep << 3) * residuesAt(i, j);
      for (let column = 0; column < outLanes >> 3; column++) {
        multiplyPanel(
          from + fromFrequency * f, inRow, fours, filter + filterFrequency * f + panel * column, panel,
          to + toFrequency * f + (<usize>column << 5), outRow,
        );
      }
    }
    for (let t = 0, run = 0; t < count; t += run) {
      const at = first + t, image = at / inImage, place = at % inImage, y = (place / across) * 4, x = (place % across) * 4;
      run = runLength(place, across, count - t, 8, 4);
      const rows = min(4, outHeight - y), columns = min(run * 4, outWidth - x), row = outRow * outWidth;
      const start = outputImage * image + row * y + outRow * x, pixels = output + start, added = residual ? residual + start : 0;
      for (let channel: usize = 0; channel < outRow; channel += 16) {
        for (let i = 0; i < 5; i++) {
          const line = to + outRow * t + channel + toFrequency * (5 * i);
          outputRow(line, line + 4 * toFrequency, run, outRow, toFrequency, strip + STRIP_ROW * i);
        }
        outputColumns(
          strip, columns, bias ? v128.load(bias + channel) : splat(0), pixels + channel, row, outRow, rows, added ? added + channel : 0, least,
        );
      }
    }
  }
}

/** Tiles are of 4×4 output pixels; each gives 8×8 pixels of the input's gradient, residue by residue. */
export function inputGradientWinogradStrided(call: usize, thread: i32): void {
  const gradient = InputGradientWinogradStrided.outputGradient(call), filter = InputGradientWinogradStrided.transformed(call);
  const result = InputGradientWinogradStrided.inputGradient(call), accumulate = InputGradientWinogradStrided.accumulate(call);
  const height = InputGradientWinogradStrided.height(call), width = InputGradientWinogradStrided.width(call);
  const outHeight = InputGradientWinogradStrided.outHeight(call), outWidth = InputGradientWinogradStrided.outWidth(call);
  const inLanes = InputGradientWinogradStrided.inLanes(call), outLanes = InputGradientWinogradStrided.outLanes(call);
  const atOnce = InputGradientWinogradStrided.tilesAtOnce(call);
  const across = (outWidth + 3) >> 2, inImage = ((outHeight + 3) >> 2) * across, tiles = InputGradientWinogradStrided.images(call) * inImage;
  const residueStep = <usize>inLanes << 2, inRow = residueStep << 2, outRow = <usize>outLanes << 2, row = residueStep * width;
  const resultImage = residueStep * (height * width), gradientImage = outRow * (outHeight * outWidth);
  const strip = InputGradientWinogradStrided.scratch(call) + <usize>InputGradientWinogradStrided.scratchStride(call) * thread;
  const from = strip + STRIP_BYTES, fromFrequency = outRow * atOnce + FREQUENCY_GAP;
  const to = from + 25 * fromFrequency, toFrequency = inRow * atOnce + FREQUENCY_GAP, filterFrequency = inRow * outLanes + FREQUENCY_GAP;
  for (let unit = takeUnit(); unit * atOnce < tiles; unit = takeUnit()) {
    const first = unit * atOnce, count = min(atOnce, tiles - first), fours = (count + 3) >> 2;
    for (let t = 0, run = 0; t < count; t += run) {
      const at = first + t, image = at / inImage, place = at % inImage, y = (place / across) * 4, x = (place % across) * 4;
      run = runLength(place, across, count - t, outLanes, 4);
      transformGradientPatch(
        gradient + gradientImage * image, y, x, run, outHeight, outWidth, outRow, from + outRow * t, fromFrequency, strip,
      );
    }
    for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) {
      const f = i * 5 + j, panel = outRow << 3;
      for (let column = 0; column < residuesAt(i, j) * (inLanes >> 3); column++) {
        multiplyPanel(
          from + fromFrequency * f, outRow, fours, filter + filterFrequency * f + panel * column, panel,
          to + toFrequency * f + (<usize>column << 5), inRow,
        );
      }
    }
    for (let t = 0, run = 0; t < count; t += run) {
      const at = first + t, image = at / inImage, place = at % inImage, y = (place / across) * 8, x = (place % across) * 8;
      run = runLength(place, across, count - t, 8, 4);
      for (let r = 0; r < 2; r++) for (let c = 0; c < 2; c++) {
        // Residue 0 are the odd pixels: y + 1, y + 3, …
        const top = y + 1 - r, left = x + 1 - c, rows = min(4, (height - top + 1) >> 1), columns = min(run * 4, (width - left + 1) >> 1);
        if (rows <= 0 || columns <= 0) continue;
        const pixels = result + resultImage * image + row * top + residueStep * left;
        for (let channel: usize = 0; channel < residueStep; channel += 16) {
          const start = to + inRow * t + channel;
          for (let i = 0; i < 5 - r; i++) {
            const line = start + toFrequency * (5 * i), last: usize = c ? 0 : line + 4 * toFrequency + residueStep * r;
            outputRow(line + residueStep * (2 * r + c), last, run, inRow, toFrequency, strip + STRIP_ROW * i);
          }
          if (r) memory.fill(strip + 4 * STRIP_ROW, 0, <usize>columns << 4);
          outputColumns(strip, columns, splat(0), pixels + channel, row * 2, residueStep * 2, rows, accumulate ? pixels + channel : 0, splat(-Infinity));
        }
      }
    }
  }
}

/** Bᵀ d B of 5×5 pixels of the output's gradient for each of `tiles` tiles from (y, x) on. */
function transformGradientPatch(
  map: usize, y: i32, x: i32, tiles: i32, height: i32, width: i32, pixel: usize, to: usize, frequency: usize, strip: usize,
): void {
  const row = pixel * width, columns = tiles * 4 + 1, inside = min(columns, width - x), padded = strip + (<usize>columns << 4);
  let base = map + pixel * x;
  for (let channel: usize = 0; channel < pixel; channel += 16) {
    columnsOfFive(
      base + row * y, rowAt(base, row, y + 1, height), rowAt(base, row, y + 2, height), rowAt(base, row, y + 3, height),
      rowAt(base, row, y + 4, height), pixel, inside, strip,
    );
    for (let column = strip + (<usize>inside << 4); column < padded; column += 16) clearColumn(column);
    for (let i = 0; i < 5; i++) rowOfFive(strip + STRIP_ROW * i, tiles, to + frequency * (5 * i), pixel, frequency);
    base += 16; to += 16;
  }
}

/** A y on four values: the output gradient's transform along one side. */
// @ts-ignore: decorator
@inline
function gradientLine(y0: v128, y1: v128, y2: v128, y3: v128, to: usize, step: usize): void {
  const evenC = fma(splat(C2), y2, y0), oddC = fma(splat(C2), y3, y1);
  v128.store(to, fma(splat(C), oddC, evenC));
  v128.store(to + step, fnma(splat(C), oddC, evenC));
  const evenD = fma(splat(D2), y2, y0), oddD = fma(splat(D2), y3, y1);
  v128.store(to + 2 * step, fma(splat(D), oddD, evenD));
  v128.store(to + 3 * step, fnma(splat(D), oddD, evenD));
  v128.store(to + 4 * step, y3);
}

/** A dy Aᵀ of the 4×4 tile at (y, x), cut at the border; eight channels go to `to`, the next `eightStep` on. */
function transformGradientTile(
  map: usize, y: i32, x: i32, height: i32, width: i32, lanes: i32, to: usize, eightStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << 2, row = pixel * width, columns = min(4, width - x);
  let base = map + pixel * x;
  for (let channel: usize = 0; channel < pixel; channel += 16, base += 16) {
    const r0 = base + row * y, r1 = rowAt(base, row, y + 1, height), r2 = rowAt(base, row, y + 2, height), r3 = rowAt(base, row, y + 3, height);
    for (let j = 0; j < 4; j++) {
      const at = pixel * j;
      if (j >= columns) clearColumn(strip + (j << 4));
      else gradientLine(v128.load(r0 + at), v128.load(r1 + at), v128.load(r2 + at), v128.load(r3 + at), strip + (j << 4), STRIP_ROW);
    }
    const q = to + (channel & 16);
    if (channel & 16) to += eightStep;
    for (let i = 0; i < 5; i++) {
      const line = strip + STRIP_ROW * i;
      gradientLine(v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48), q + frequency * (5 * i), frequency);
    }
  }
}

/** Gᵀ m: sums at the five points back to the two taps over odd pixels, at `to` and `toStep` on. */
// @ts-ignore: decorator
@inline
function oddSums(at: usize, step: usize, to: usize, toStep: usize): void {
  const m0 = v128.load(at), m1 = v128.load(at + step), m2 = v128.load(at + 2 * step), m3 = v128.load(at + 3 * step);
  v128.store(to, evenSum(m0, m1, m2, m3));
  const rest = fma(splat(<f32>(AT_C * C)), f32x4.add(m0, m1), v128.load(at + 4 * step));
  v128.store(to + toStep, fma(splat(<f32>(AT_D * D)), f32x4.add(m2, m3), rest));
}

/** Gᵀ m of the one tap over even pixels. */
// @ts-ignore: decorator
@inline
function evenSum(m0: v128, m1: v128, m2: v128, m3: v128): v128 {
  return fma(splat(<f32>AT_C), f32x4.sub(m0, m1), f32x4.mul(splat(<f32>AT_D), f32x4.sub(m2, m3)));
}

/**
 * Chunk by chunk of tiles: all are transformed, then each frequency and residue adds its product to its sum, so that there are
 * no partial sums; at last the sums are transformed back.
 */
export function weightGradientWinogradStrided(call: usize, thread: i32, threads: i32): void {
  const input = WeightGradientWinogradStrided.input(call), gradient = WeightGradientWinogradStrided.outputGradient(call);
  const height = WeightGradientWinogradStrided.height(call), width = WeightGradientWinogradStrided.width(call);
  const outHeight = WeightGradientWinogradStrided.outHeight(call), outWidth = WeightGradientWinogradStrided.outWidth(call);
  const inLanes = WeightGradientWinogradStrided.inLanes(call), outLanes = WeightGradientWinogradStrided.outLanes(call);
  const atOnce = WeightGradientWinogradStrided.tilesAtOnce(call);
  const across = (outWidth + 3) >> 2, inImage = ((outHeight + 3) >> 2) * across, tiles = WeightGradientWinogradStrided.images(call) * inImage;
  const inRow = <usize>inLanes << 2, outRow = <usize>outLanes << 2, tap = inRow * outLanes, sum = tap + FREQUENCY_GAP;
  const inputImage = inRow * (height * width), gradientImage = outRow * (outHeight * outWidth);
  const strip = WeightGradientWinogradStrided.scratch(call) + STRIP_BYTES * thread;
  const fourStep = <usize>atOnce << 4, eightStep = <usize>atOnce << 5, residueStep = fourStep * (inLanes >> 2);
  const x = WeightGradientWinogradStrided.inputTiles(call), xFrequency = residueStep * 4 + FREQUENCY_GAP;
  const d = WeightGradientWinogradStrided.gradientTiles(call), dFrequency = eightStep * (outLanes >> 3) + FREQUENCY_GAP;
  const sums = WeightGradientWinogradStrided.sums(call), columns = outLanes >> 3; // [25][4 residues][in][out]

  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first), whole = (count + 3) & ~3;
    for (let unit = takeUnit(); unit * RUN < whole; unit = takeUnit()) {
      const end = min(count, (unit + 1) * RUN);
      for (let t = unit * RUN, run = 0; t < end; t += run) {
        const at = first + t, image = at / inImage, place = at % inImage, row = (place / across), column = (place % across);
        run = runLength(place, across, end - t, inLanes, 8);
        transformResidues(
          input + inputImage * image, row * 8 - 1, column * 8 - 1, run, height, width, inLanes,
          x + (<usize>t << 4), 16, fourStep, residueStep, xFrequency, strip,
        );
        for (let tile = 0; tile < run; tile++) {
          transformGradientTile(
            gradient + gradientImage * image, row * 4, (column + tile) * 4, outHeight, outWidth, outLanes,
            d + (<usize>(t + tile) << 5), eightStep, dFrequency, strip,
          );
        }
      }
      if ((unit + 1) * RUN >= whole && whole > count) {
        for (let f = 0; f < 25; f++) {
          for (let four = 0; four < inLanes; four++) {
            memory.fill(x + xFrequency * f + fourStep * four + (<usize>count << 4), 0, <usize>(whole - count) << 4);
          }
          for (let eight = 0; eight < columns; eight++) {
            memory.fill(d + dFrequency * f + eightStep * eight + (<usize>count << 5), 0, <usize>(whole - count) << 5);
          }
        }
      }
    }
    barrier(threads);
    for (let unit = takeUnit(); unit < 25 * columns; unit = takeUnit()) {
      const f = unit / columns, o = unit % columns, residues = residuesAt(f / 5, f % 5);
      for (let residue = 0; residue < residues; residue++) for (let c = 0; c < inLanes >> 2; c++) {
        const to = sums + sum * (f * 4 + residue) + outRow * (<usize>c << 2) + (<usize>o << 5);
        if (first == 0) for (let row: usize = 0; row < 4; row++) {
          v128.store(to + outRow * row, splat(0)); v128.store(to + outRow * row, splat(0), 16);
        }
        accumulatePanels(x + xFrequency * f + residueStep * residue + fourStep * c, d + dFrequency * f + eightStep * o, whole, to, outRow);
      }
    }
    barrier(threads);
  }
  const result = WeightGradientWinogradStrided.weightGradient(call), values = strip, taps = strip + 640; // [5][5], [5 rows][2]
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) {
    for (let at = outRow * channel; at < outRow * (channel + 1); at += 16) {
      for (let r = 0; r < 2; r++) for (let c = 0; c < 2; c++) {
        for (let i = 0; i < 5 - r; i++) {
          for (let j = 0; j < 5 - c; j++) {
            const residue = r * (j < 4 ? 2 : 1) + c;
            v128.store(values + <usize>((i * 5 + j) << 4), v128.load(sums + sum * ((i * 5 + j) * 4 + residue) + at));
          }
          const line = values + <usize>(i * 80), to = taps + <usize>(i << 4);
          if (c) v128.store(to, evenSum(v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48)));
          else oddSums(line, 16, to, 80);
        }
        for (let s = 0; s < 2 - c; s++) {
          const line = taps + <usize>(80 * s), to = result + tap * (c ? 1 : 2 * s) + at;
          if (r) v128.store(to + 3 * tap, evenSum(v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48)));
          else oddSums(line, 16, to, 6 * tap);
        }
      }
    }
  }
}
