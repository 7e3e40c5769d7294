// Muon (Jordan et al. 2024): momentum whose direction is brought near an orthogonal matrix by Newton-Schulz iterations. The
// working matrix X is [height, width] with width the smaller side, so that XᵀX is the smaller square. Every element is summed
// by one thread in one order: the bits do not depend on the number of threads.
import { MUON_NORM_PARTIALS as PARTIALS, NEWTON_SCHULZ_A as A, NEWTON_SCHULZ_B as B, NEWTON_SCHULZ_C as C, NEWTON_SCHULZ_EPS as EPSILON } from "../generated/constants";
import { UpdateMuon } from "../generated/operands";
import { cut, fma, splat } from "../simd";
import { barrier, takeUnit } from "../threads";
import { rateOf } from "./update";

/** Rows that are multiplied at a time, few enough that a column of tiles stays in the first-level cache. */
const ROWS_AT_ONCE: i32 = 32;

export function updateMuon(call: usize, thread: i32, threads: i32): void {
  // Rows of zeros fill up the last tile: a filter in groups has as many as it needs
  const rows = UpdateMuon.rows(call), columns = UpdateMuon.columns(call), whole = (rows + 3) & ~3, size = <usize>(whole * columns) << 2;
  const isWide = columns > whole, height = max(whole, columns), width = min(whole, columns);
  const weights = UpdateMuon.parameters(call), partials = UpdateMuon.partials(call);
  let x = UpdateMuon.matrices(call), y = x + size;
  const gram = UpdateMuon.products(call), square = <usize>(width * width) << 2, gramSquared = gram + square, combined = gramSquared + square;

  accumulate(call, y, rows * columns >> 2);
  if (thread == 0) memory.fill(y + (<usize>(rows * columns) << 2), 0, <usize>((whole - rows) * columns) << 2);
  barrier(threads);
  const factor = <f32>(1 / (Math.sqrt(sumOf(partials, 0)) + EPSILON)), weightSquares = sumOf(partials, PARTIALS);
  if (isWide) transpose(y, x, whole, columns, factor, thread, threads);
  else scaleMatrix(y, x, whole * columns, factor, thread, threads);
  barrier(threads);

  for (let iteration = UpdateMuon.iterations(call); iteration > 0; iteration--) {
    multiplyTransposed(x, height, width, gram);
    barrier(threads);
    multiplyTransposed(gram, width, width, gramSquared); // symmetric: its square is also its transpose times itself
    barrier(threads);
    const last = cut(width * width >> 2, thread + 1, threads);
    for (let at = cut(width * width >> 2, thread, threads); at < last; at++) {
      const place = <usize>at << 4;
      v128.store(combined + place, fma(v128.load(gramSquared + place), splat(C), f32x4.mul(v128.load(gram + place), splat(B))));
    }
    barrier(threads);
    multiplyAndAdd(x, height, width, combined, y);
    barrier(threads);
    const other = x; x = y; y = other;
  }

  const rate = rateOf(UpdateMuon.group(call)), wanted = UpdateMuon.weightNorm(call), norm = Math.sqrt(weightSquares);
  const grown = wanted > 0 && norm > 0 ? <f32>(<f64>wanted / norm) : <f32>1;
  const shrink = grown * (1 - rate * UpdateMuon.decay(call)), step = -rate * UpdateMuon.step(call);
  if (isWide) {
    for (let row = cut(rows, thread, threads); row < cut(rows, thread + 1, threads); row++) {
      for (let column = 0; column < columns; column++) {
        const at = weights + (<usize>(row * columns + column) << 2);
        store<f32>(at, load<f32>(at) * shrink + step * load<f32>(x + (<usize>(column * whole + row) << 2)));
      }
    }
    return;
  }
  for (let at = cut(rows * columns >> 2, thread, threads); at < cut(rows * columns >> 2, thread + 1, threads); at++) {
    const place = <usize>at << 4, kept = f32x4.mul(v128.load(weights + place), splat(shrink));
    v128.store(weights + place, fma(v128.load(x + place), splat(step), kept));
  }
}

/** Moves the momentum, writes the direction to `out`, and sums the squares of direction and weights. */
function accumulate(call: usize, out: usize, vectors: i32): void {
  const w = UpdateMuon.parameters(call), g = UpdateMuon.gradients(call), m = UpdateMuon.momenta(call), partials = UpdateMuon.partials(call);
  const momentum = splat(UpdateMuon.momentum(call)), nesterov = UpdateMuon.nesterov(call);
  for (let partial = takeUnit(); partial < PARTIALS; partial = takeUnit()) {
    let directions = f64x2.splat(0), squares = directions;
    for (let at = cut(vectors, partial, PARTIALS); at < cut(vectors, partial + 1, PARTIALS); at++) {
      const place = <usize>at << 4, gradient = v128.load(g + place);
      const velocity = fma(v128.load(m + place), momentum, gradient);
      v128.store(m + place, velocity);
      const direction = nesterov ? fma(velocity, momentum, gradient) : velocity;
      v128.store(out + place, direction);
      directions = addSquares(directions, direction);
      squares = addSquares(squares, v128.load(w + place));
    }
    store<f64>(partials + (<usize>partial << 3), f64x2.extract_lane(directions, 0) + f64x2.extract_lane(directions, 1));
    store<f64>(partials + (<usize>(PARTIALS + partial) << 3), f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1));
  }
}

// @ts-ignore: decorator
@inline
function addSquares(sums: v128, values: v128): v128 {
  const low = f64x2.promote_low_f32x4(values), high = f64x2.promote_low_f32x4(v128.shuffle<i32>(values, values, 2, 3, 2, 3));
  return f64x2.add(f64x2.add(sums, f64x2.mul(low, low)), f64x2.mul(high, high));
}

function sumOf(partials: usize, first: i32): f64 {
  let sum: f64 = 0;
  for (let partial = 0; partial < PARTIALS; partial++) sum += load<f64>(partials + (<usize>(first + partial) << 3));
  return sum;
}

function scaleMatrix(from: usize, to: usize, count: i32, factor: f32, thread: i32, threads: i32): void {
  for (let at = cut(count >> 2, thread, threads); at < cut(count >> 2, thread + 1, threads); at++) {
    v128.store(to + (<usize>at << 4), f32x4.mul(v128.load(from + (<usize>at << 4)), splat(factor)));
  }
}

function transpose(from: usize, to: usize, rows: i32, columns: i32, factor: f32, thread: i32, threads: i32): void {
  for (let column = cut(columns, thread, threads); column < cut(columns, thread + 1, threads); column++) {
    for (let row = 0; row < rows; row++) {
      store<f32>(to + (<usize>(column * rows + row) << 2), load<f32>(from + (<usize>(row * columns + column) << 2)) * factor);
    }
  }
}

/** out [width, width] = XᵀX, in tiles of 4×4, over few rows of X [height, width] at a time. */
function multiplyTransposed(x: usize, height: i32, width: i32, out: usize): void {
  const row = <usize>width << 2;
  for (let unit = takeUnit(); unit * 4 < width; unit = takeUnit()) {
    const i = <usize>unit << 4, result = out + row * (unit << 2);
    memory.fill(result, 0, row << 2);
    for (let first = 0; first < height; first += ROWS_AT_ONCE) {
      const start = x + row * first, end = x + row * min(height, first + ROWS_AT_ONCE);
      for (let j: usize = 0; j < row; j += 16) {
        const at = result + j;
        let s0 = v128.load(at), s1 = v128.load(at + row), s2 = v128.load(at + 2 * row), s3 = v128.load(at + 3 * row);
        for (let p = start; p < end; p += row) {
          const values = v128.load(p + j);
          s0 = fma(v128.load32_splat(p + i), values, s0);
          s1 = fma(v128.load32_splat(p + i, 4), values, s1);
          s2 = fma(v128.load32_splat(p + i, 8), values, s2);
          s3 = fma(v128.load32_splat(p + i, 12), values, s3);
        }
        v128.store(at, s0); v128.store(at + row, s1); v128.store(at + 2 * row, s2); v128.store(at + 3 * row, s3);
      }
    }
  }
}

/** out = a·X + X·M for X [height, width] and M [width, width], in tiles of 4×4. */
function multiplyAndAdd(x: usize, height: i32, width: i32, matrix: usize, out: usize): void {
  const row = <usize>width << 2, a = splat(A);
  for (let unit = takeUnit(); unit * 4 < height; unit = takeUnit()) {
    const source = x + row * (unit << 2), result = out + row * (unit << 2);
    for (let j: usize = 0; j < row; j += 16) {
      let s0 = f32x4.mul(a, v128.load(source + j)), s1 = f32x4.mul(a, v128.load(source + row + j));
      let s2 = f32x4.mul(a, v128.load(source + 2 * row + j)), s3 = f32x4.mul(a, v128.load(source + 3 * row + j));
      let m = matrix + j;
      for (let p = source; p < source + row; p += 4, m += row) {
        const values = v128.load(m);
        s0 = fma(v128.load32_splat(p), values, s0);
        s1 = fma(v128.load32_splat(p + row), values, s1);
        s2 = fma(v128.load32_splat(p + 2 * row), values, s2);
        s3 = fma(v128.load32_splat(p + 3 * row), values, s3);
      }
      v128.store(result + j, s0); v128.store(result + row + j, s1); v128.store(result + 2 * row + j, s2); v128.store(result + 3 * row + j, s3);
    }
  }
}
