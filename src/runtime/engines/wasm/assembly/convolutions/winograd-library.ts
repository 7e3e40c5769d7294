// Winograd's algorithm with its products by a provider, whose vectors may be longer than WebAssembly's four floats: the
// transforms are those of winograd.ts (6 points a side for tiles of 4×4), winograd-f3.ts (5, of 3×3) and winograd-whole.ts
// (4, for maps of 3×3), and a frequency is a matrix by rows, [tile][channel] or [input channel][output channel].
import { FILTER_SCRATCH_BYTES, FREQUENCY_GAP, STRIP_BYTES } from "../generated/constants";
import { ConvolveWinogradLibrary, TransformWeightsByRows, WeightGradientWinogradLibrary } from "../generated/operands";
import { barrier, takeUnit } from "../threads";
import {
  runLength, transformFilterLine, transformGradient as gradientF4, transformInput as inputF4, transformSumsLine,
} from "./winograd";
import { transformInputByEight as inputF4ByEight, transformOutput as outputF4 } from "./winograd-by-eight";
import {
  filterLine as filterLineF3, sumsLine as sumsLineF3, transformGradient as gradientF3,
  transformInput as inputF3, transformOutput as outputF3,
} from "./winograd-f3";
import { filterLineOfFour, sumsLineOfFour, transformWholeMap, transformWholeOutput } from "./winograd-whole";

/**
 * result[rows][columns] = left · right, or with `adds` += ; rows lie `…Row` floats apart. Where bit 0 of `transposed` is set
 * the left one lies by columns, with bit 1 the right one.
 */
// @ts-ignore: decorator
@external("env", "multiply")
declare function multiply(
  provider: i32, transposed: i32, rows: i32, columns: i32, depth: i32, left: usize, leftRow: i32, right: usize, rightRow: i32, adds: i32,
  result: usize, resultRow: i32,
): void;

const LEFT: i32 = 1, RIGHT: i32 = 2;

/** A product is cut into blocks of that many rows and columns, for threads to share. */
const BLOCK_ROWS: i32 = 128, BLOCK_COLUMNS: i32 = 256;

/** Tiles that a thread transforms at a time: not more than winograd-by-eight.ts takes. */
const TILES_OF_UNIT: i32 = 4;

// @ts-ignore: decorator
@inline
function parts(whole: i32, part: i32): i32 {
  return (whole + part - 1) / part;
}

// @ts-ignore: decorator
@inline
function sideOf(points: i32): i32 {
  return points == 6 ? 4 : 3;
}

/** Block `unit` of the products of all frequencies. */
function multiplyBlock(
  provider: i32, unit: i32, transposed: i32, rows: i32, columns: i32, depth: i32, left: usize, leftRow: i32, leftFrequency: usize,
  right: usize, rightRow: i32, rightFrequency: usize, adds: i32, result: usize, resultFrequency: usize,
): void {
  const across = parts(columns, BLOCK_COLUMNS), blocks = across * parts(rows, BLOCK_ROWS), f = unit / blocks, block = unit % blocks;
  const row = (block / across) * BLOCK_ROWS, column = (block % across) * BLOCK_COLUMNS;
  const leftStart = <usize>(transposed & LEFT ? row : row * leftRow) << 2;
  const rightStart = <usize>(transposed & RIGHT ? column * rightRow : column) << 2;
  multiply(
    provider, transposed, min(BLOCK_ROWS, rows - row), min(BLOCK_COLUMNS, columns - column), depth,
    left + leftFrequency * f + leftStart, leftRow, right + rightFrequency * f + rightStart, rightRow, adds,
    result + resultFrequency * f + (<usize>(row * columns + column) << 2), columns,
  );
}

// @ts-ignore: decorator
@inline
function blocksOf(points: i32, rows: i32, columns: i32): i32 {
  return points * points * parts(rows, BLOCK_ROWS) * parts(columns, BLOCK_COLUMNS);
}

/** Filters [3][3][in][out] → a matrix [in][out] a frequency; flipped for the input gradient, which reads it by columns. */
export function transformWeightsByRows(call: usize, thread: i32): void {
  const weights = TransformWeightsByRows.weights(call), flipped = TransformWeightsByRows.flipped(call), points = TransformWeightsByRows.points(call);
  const inLanes = TransformWeightsByRows.inLanes(call), row = <usize>TransformWeightsByRows.outLanes(call) << 2;
  const tap = row * inLanes, frequency = tap + FREQUENCY_GAP, across = frequency * points, result = TransformWeightsByRows.transformed(call);
  const between = TransformWeightsByRows.scratch(call) + FILTER_SCRATCH_BYTES * thread, step = flipped ? -tap : tap; // [points][3]
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) {
    if (channel == 0) { // what lies between frequencies is looked at where a tensor that is not finite is searched for
      for (let f: usize = 0; f < <usize>(points * points); f++) memory.fill(result + frequency * f + tap, 0, FREQUENCY_GAP);
    }
    const start = row * channel, first = weights + start + (flipped ? tap * 8 : 0);
    for (let at: usize = 0; at < row; at += 16) {
      for (let s: usize = 0; s < 3; s++) {
        const from = first + at + step * s, to = between + (s << 4);
        const g0 = v128.load(from), g1 = v128.load(from + 3 * step), g2 = v128.load(from + 6 * step);
        if (points == 4) filterLineOfFour(g0, g1, g2, to, 48);
        else if (points == 5) filterLineF3(g0, g1, g2, to, 48);
        else transformFilterLine(g0, g1, g2, to, 48);
      }
      for (let i = 0; i < points; i++) {
        const from = between + i * 48, to = result + across * i + start + at;
        const g0 = v128.load(from), g1 = v128.load(from, 16), g2 = v128.load(from, 32);
        if (points == 4) filterLineOfFour(g0, g1, g2, to, frequency);
        else if (points == 5) filterLineF3(g0, g1, g2, to, frequency);
        else transformFilterLine(g0, g1, g2, to, frequency);
      }
    }
  }
}

/** Tiles [first, first + count) of a map stored as T → `to`, where tile `at` is row `at`. bfloat16 has tiles of 4×4 only. */
function transformTiles<T>(
  points: i32, map: usize, first: i32, count: i32, height: i32, width: i32, lanes: i32, to: usize, frequency: usize,
  isGradient: bool, strip: usize,
): void {
  const side = sideOf(points), across = parts(width, side), inImage = parts(height, side) * across;
  const tile = <usize>lanes << 2, image = <usize>(lanes * height * width) << alignof<T>();
  for (let t = 0, run = 0; t < count; t += run) {
    const at = first + t, place = at % inImage, y = (place / across) * side, x = (place % across) * side;
    const from = map + image * (at / inImage), q = to + tile * t;
    run = points == 6 ? runLength(place, across, count - t, lanes) : 1;
    if (isFloat<T>() && points == 4) transformWholeMap(from, lanes, q, frequency, isGradient, strip);
    else if (isFloat<T>() && points == 5) {
      if (isGradient) gradientF3(from, y, x, height, width, lanes, q, 32, frequency, strip);
      else inputF3(from, y, x, height, width, lanes, q, 16, frequency, strip);
    } else {
      if (isGradient) gradientF4<T>(from, y, x, run, height, width, lanes, q, tile, 32, frequency, strip);
      else if (isFloat<T>() && lanes & 4) inputF4(from, y - 1, x - 1, run, height, width, lanes, q, tile, 16, frequency, strip);
      else inputF4ByEight<T>(from, y - 1, x - 1, run, height, width, lanes, q, tile, frequency, strip);
    }
  }
}

/** Chunk by chunk of tiles: their transforms, the products, the way back. */
export function convolveWinogradLibrary(call: usize, thread: i32, threads: i32): void {
  const input = ConvolveWinogradLibrary.input(call), filter = ConvolveWinogradLibrary.transformed(call), output = ConvolveWinogradLibrary.output(call);
  const bias = ConvolveWinogradLibrary.bias(call), relu = ConvolveWinogradLibrary.relu(call);
  const added = ConvolveWinogradLibrary.accumulate(call) ? output : ConvolveWinogradLibrary.residual(call);
  const height = ConvolveWinogradLibrary.height(call), width = ConvolveWinogradLibrary.width(call);
  const depth = ConvolveWinogradLibrary.depth(call), columns = ConvolveWinogradLibrary.columns(call);
  const transposed = ConvolveWinogradLibrary.transposed(call), points = ConvolveWinogradLibrary.points(call);
  const atOnce = ConvolveWinogradLibrary.tilesAtOnce(call), side = sideOf(points), across = parts(width, side);
  const inImage = parts(height, side) * across, tiles = ConvolveWinogradLibrary.images(call) * inImage;
  const depthRow = <usize>depth << 2, columnRow = <usize>columns << 2, outputImage = columnRow * (height * width);
  const from = ConvolveWinogradLibrary.inputTiles(call), fromFrequency = depthRow * atOnce + FREQUENCY_GAP;
  const to = ConvolveWinogradLibrary.outputTiles(call), toFrequency = columnRow * atOnce + FREQUENCY_GAP;
  const filterFrequency = depthRow * columns + FREQUENCY_GAP, strip = ConvolveWinogradLibrary.scratch(call) + STRIP_BYTES * thread;
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    for (let t = takeUnit() * TILES_OF_UNIT; t < count; t = takeUnit() * TILES_OF_UNIT) {
      transformTiles<f32>(
        points, input, first + t, min(TILES_OF_UNIT, count - t), height, width, depth, from + depthRow * t, fromFrequency, false, strip,
      );
    }
    barrier(threads);
    const blocks = blocksOf(points, count, columns);
    for (let unit = takeUnit(); unit < blocks; unit = takeUnit()) {
      multiplyBlock(
        ConvolveWinogradLibrary.provider(call), unit, transposed ? RIGHT : 0, count, columns, depth, from, depth, fromFrequency,
        filter, transposed ? depth : columns, filterFrequency, 0, to, toFrequency,
      );
    }
    barrier(threads);
    for (let t = takeUnit() * TILES_OF_UNIT; t < count; t = takeUnit() * TILES_OF_UNIT) {
      const end = min(count, t + TILES_OF_UNIT);
      for (let u = t, run = 0; u < end; u += run) {
        const at = first + u, place = at % inImage, y = (place / across) * side, x = (place % across) * side;
        const image = outputImage * (at / inImage), q = to + columnRow * u, plus = added ? added + image : 0;
        run = points == 6 ? runLength(place, across, end - u, 16) : 1;
        if (points == 4) transformWholeOutput(q, toFrequency, output + image, columns, bias, plus, relu, strip);
        else if (points == 5) outputF3(q, toFrequency, output + image, y, x, height, width, columns, strip, bias, plus, relu);
        else outputF4(q, columnRow, toFrequency, output + image, y, x, run, height, width, columns, strip, bias, plus, relu);
      }
    }
    if (first + atOnce < tiles) barrier(threads);
  }
}

/** Chunk by chunk of tiles of maps stored as T, summed in the transformed domain in their order. */
export function weightGradientWinogradLibrary<T>(call: usize, thread: i32, threads: i32): void {
  const input = WeightGradientWinogradLibrary.input(call), gradient = WeightGradientWinogradLibrary.outputGradient(call);
  const height = WeightGradientWinogradLibrary.height(call), width = WeightGradientWinogradLibrary.width(call);
  const inLanes = WeightGradientWinogradLibrary.inLanes(call), outLanes = WeightGradientWinogradLibrary.outLanes(call);
  const points = WeightGradientWinogradLibrary.points(call), atOnce = WeightGradientWinogradLibrary.tilesAtOnce(call), side = sideOf(points);
  const tiles = WeightGradientWinogradLibrary.images(call) * parts(height, side) * parts(width, side);
  const inRow = <usize>inLanes << 2, outRow = <usize>outLanes << 2, tap = inRow * outLanes, sum = tap + FREQUENCY_GAP;
  const strip = WeightGradientWinogradLibrary.scratch(call) + STRIP_BYTES * thread;
  const x = WeightGradientWinogradLibrary.inputTiles(call), xFrequency = inRow * atOnce + FREQUENCY_GAP;
  const d = WeightGradientWinogradLibrary.gradientTiles(call), dFrequency = outRow * atOnce + FREQUENCY_GAP;
  const sums = WeightGradientWinogradLibrary.sums(call);
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    for (let t = takeUnit() * TILES_OF_UNIT; t < count; t = takeUnit() * TILES_OF_UNIT) {
      const some = min(TILES_OF_UNIT, count - t);
      transformTiles<T>(points, input, first + t, some, height, width, inLanes, x + inRow * t, xFrequency, false, strip);
      transformTiles<T>(points, gradient, first + t, some, height, width, outLanes, d + outRow * t, dFrequency, true, strip);
    }
    barrier(threads);
    const blocks = blocksOf(points, inLanes, outLanes);
    for (let unit = takeUnit(); unit < blocks; unit = takeUnit()) {
      multiplyBlock(
        WeightGradientWinogradLibrary.provider(call), unit, LEFT, inLanes, outLanes, count, x, inLanes, xFrequency, d, outLanes, dFrequency, i32(first > 0), sums, sum,
      );
    }
    barrier(threads);
  }
  const result = WeightGradientWinogradLibrary.weightGradient(call), frequencies = points * points, line = <usize>points << 4;
  const between = strip + line * points; // [points][points], [3][points]
  for (let channel = takeUnit(); channel < inLanes; channel = takeUnit()) {
    for (let at = outRow * channel; at < outRow * (channel + 1); at += 16) {
      for (let f = 0; f < frequencies; f++) v128.store(strip + (<usize>f << 4), v128.load(sums + sum * f + at));
      for (let j = 0; j < points; j++) sumsOf(points, strip + (<usize>j << 4), line, between + (<usize>j << 4), line);
      for (let i = 0; i < 3; i++) sumsOf(points, between + line * i, 16, result + tap * (i * 3) + at, tap);
    }
  }
}

// @ts-ignore: decorator
@inline
function sumsOf(points: i32, at: usize, step: usize, to: usize, toStep: usize): void {
  if (points == 4) sumsLineOfFour(at, step, to, toStep);
  else if (points == 5) sumsLineF3(at, step, to, toStep);
  else transformSumsLine(at, step, to, toStep);
}
