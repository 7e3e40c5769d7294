// The transforms of Winograd's F(4×4, 3×3) for maps of whole eights of channels: eight at a time, whose halves lie 16 bytes apart
// in every buffer, so that there are half as many addresses to compute as by four. The loops stay functions of their own: see
// winograd.ts.
import { ZEROS } from "../generated/constants";
import { lowerBound } from "../maps/pointwise";
import { atLeast, fma, fnma, loadFour, splat } from "../simd";
import { clearColumn, STRIP_ROW } from "./winograd-strip";
import { A, A2, A3, B, B2, B3 } from "./winograd-points";

/** Tiles of a row that are transformed together: their 34 pixels of eight channels fill a row of the strip. */
export const RUN_BY_EIGHT: i32 = 8;

/** Bᵀ d down the columns: `count` pixels from each of six rows of a map stored as T → a strip. */
function inputColumns<T>(r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, pixel: usize, count: i32, strip: usize): void {
  const end = strip + (<usize>count << 5), four: usize = 4 << alignof<T>();
  for (; strip < end; strip += 32) {
    {
      const d2 = loadFour<T>(r2), d4 = loadFour<T>(r4), evenB = fnma(splat(A2), d2, d4), evenA = fnma(splat(B2), d2, d4);
      v128.store(strip, fnma(splat(B2), fnma(splat(A2), loadFour<T>(r0), d2), evenB));
      const d1 = loadFour<T>(r1), d3 = loadFour<T>(r3), oddB = fnma(splat(A2), d1, d3), oddA = fnma(splat(B2), d1, d3);
      v128.store(strip, fnma(splat(B2), oddB, fnma(splat(A2), d3, loadFour<T>(r5))), 5 * STRIP_ROW);
      v128.store(strip, fma(splat(A), oddA, evenA), STRIP_ROW);
      v128.store(strip, fnma(splat(A), oddA, evenA), 2 * STRIP_ROW);
      v128.store(strip, fma(splat(B), oddB, evenB), 3 * STRIP_ROW);
      v128.store(strip, fnma(splat(B), oddB, evenB), 4 * STRIP_ROW);
    }
    {
      const d2 = loadFour<T>(r2 + four), d4 = loadFour<T>(r4 + four), evenB = fnma(splat(A2), d2, d4), evenA = fnma(splat(B2), d2, d4);
      v128.store(strip, fnma(splat(B2), fnma(splat(A2), loadFour<T>(r0 + four), d2), evenB), 16);
      const d1 = loadFour<T>(r1 + four), d3 = loadFour<T>(r3 + four), oddB = fnma(splat(A2), d1, d3), oddA = fnma(splat(B2), d1, d3);
      v128.store(strip, fnma(splat(B2), oddB, fnma(splat(A2), d3, loadFour<T>(r5 + four))), 5 * STRIP_ROW + 16);
      v128.store(strip, fma(splat(A), oddA, evenA), STRIP_ROW + 16);
      v128.store(strip, fnma(splat(A), oddA, evenA), 2 * STRIP_ROW + 16);
      v128.store(strip, fma(splat(B), oddB, evenB), 3 * STRIP_ROW + 16);
      v128.store(strip, fnma(splat(B), oddB, evenB), 4 * STRIP_ROW + 16);
    }
    r0 += pixel; r1 += pixel; r2 += pixel; r3 += pixel; r4 += pixel; r5 += pixel;
  }
}

/** d B along a row of the strip: tiles begin every four pixels → six frequencies of each tile. */
function inputRow(line: usize, tiles: i32, to: usize, tileStep: usize, frequency: usize): void {
  const end = line + (<usize>tiles << 7), to1 = frequency, to2 = frequency * 2, to3 = frequency * 3, to4 = frequency * 4, to5 = frequency * 5;
  for (; line < end; line += 128, to += tileStep) {
    const q1 = to + to1, q2 = to + to2, q3 = to + to3, q4 = to + to4, q5 = to + to5;
    {
      const d2 = v128.load(line, 64), d4 = v128.load(line, 128), evenB = fnma(splat(A2), d2, d4), evenA = fnma(splat(B2), d2, d4);
      v128.store(to, fnma(splat(B2), fnma(splat(A2), v128.load(line), d2), evenB));
      const d1 = v128.load(line, 32), d3 = v128.load(line, 96), oddB = fnma(splat(A2), d1, d3), oddA = fnma(splat(B2), d1, d3);
      v128.store(q5, fnma(splat(B2), oddB, fnma(splat(A2), d3, v128.load(line, 160))));
      v128.store(q1, fma(splat(A), oddA, evenA));
      v128.store(q2, fnma(splat(A), oddA, evenA));
      v128.store(q3, fma(splat(B), oddB, evenB));
      v128.store(q4, fnma(splat(B), oddB, evenB));
    }
    {
      const d2 = v128.load(line, 80), d4 = v128.load(line, 144), evenB = fnma(splat(A2), d2, d4), evenA = fnma(splat(B2), d2, d4);
      v128.store(to, fnma(splat(B2), fnma(splat(A2), v128.load(line, 16), d2), evenB), 16);
      const d1 = v128.load(line, 48), d3 = v128.load(line, 112), oddB = fnma(splat(A2), d1, d3), oddA = fnma(splat(B2), d1, d3);
      v128.store(q5, fnma(splat(B2), oddB, fnma(splat(A2), d3, v128.load(line, 176))), 16);
      v128.store(q1, fma(splat(A), oddA, evenA), 16);
      v128.store(q2, fnma(splat(A), oddA, evenA), 16);
      v128.store(q3, fma(splat(B), oddB, evenB), 16);
      v128.store(q4, fnma(splat(B), oddB, evenB), 16);
    }
  }
}

/** Bᵀ d B of `tiles` 6×6 tiles, at most RUN_BY_EIGHT, from (y0, x0) on of a map stored as T, which may overlap the border. */
export function transformInputByEight<T>(
  map: usize, y0: i32, x0: i32, tiles: i32, height: i32, width: i32, lanes: i32,
  to: usize, tileStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << alignof<T>(), row = pixel * width, left = x0 < 0 ? 1 : 0, eight: usize = 8 << alignof<T>();
  const columns = tiles * 4 + 2, inside = min(columns - left, width - x0 - left);
  const base = map + row * y0 + pixel * (x0 + left), padded = strip + (<usize>columns << 5), six = frequency * 6;
  let r0 = y0 >= 0 ? base : ZEROS, r1 = base + row, r2 = y0 + 2 < height ? base + 2 * row : ZEROS;
  let r3 = y0 + 3 < height ? base + 3 * row : ZEROS, r4 = y0 + 4 < height ? base + 4 * row : ZEROS;
  let r5 = y0 + 5 < height ? base + 5 * row : ZEROS;
  for (let channel: usize = 0; channel < pixel; channel += eight) {
    if (left) { clearColumn(strip); clearColumn(strip + 16); }
    inputColumns<T>(r0, r1, r2, r3, r4, r5, pixel, inside, strip + (<usize>left << 5));
    for (let column = strip + (<usize>(left + inside) << 5); column < padded; column += 16) clearColumn(column);
    inputRow(strip, tiles, to, tileStep, frequency);
    inputRow(strip + STRIP_ROW, tiles, to + six, tileStep, frequency);
    inputRow(strip + 2 * STRIP_ROW, tiles, to + 2 * six, tileStep, frequency);
    inputRow(strip + 3 * STRIP_ROW, tiles, to + 3 * six, tileStep, frequency);
    inputRow(strip + 4 * STRIP_ROW, tiles, to + 4 * six, tileStep, frequency);
    inputRow(strip + 5 * STRIP_ROW, tiles, to + 5 * six, tileStep, frequency);
    r0 += eight; r1 += eight; r2 += eight; r3 += eight; r4 += eight; r5 += eight; to += 32;
  }
}

/** m A: six frequencies of each tile → four pixels in a row of the strip. */
function outputRow(from: usize, tiles: i32, tileStep: usize, frequency: usize, line: usize): void {
  const end = line + (<usize>tiles << 7), from1 = frequency, from2 = frequency * 2, from3 = frequency * 3, from4 = frequency * 4, from5 = frequency * 5;
  for (; line < end; line += 128, from += tileStep) {
    const p1 = from + from1, p2 = from + from2, p3 = from + from3, p4 = from + from4, p5 = from + from5;
    {
      const m1 = v128.load(p1), m2 = v128.load(p2), m3 = v128.load(p3), m4 = v128.load(p4);
      const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
      v128.store(line, f32x4.add(v128.load(from), f32x4.add(s1, s2)));
      v128.store(line, fma(splat(B), d2, f32x4.mul(splat(A), d1)), 32);
      v128.store(line, fma(splat(B3), d2, fma(splat(A3), d1, v128.load(p5))), 96);
      v128.store(line, fma(splat(B2), s2, f32x4.mul(splat(A2), s1)), 64);
    }
    {
      const m1 = v128.load(p1, 16), m2 = v128.load(p2, 16), m3 = v128.load(p3, 16), m4 = v128.load(p4, 16);
      const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
      v128.store(line, f32x4.add(v128.load(from, 16), f32x4.add(s1, s2)), 16);
      v128.store(line, fma(splat(B), d2, f32x4.mul(splat(A), d1)), 48);
      v128.store(line, fma(splat(B3), d2, fma(splat(A3), d1, v128.load(p5, 16))), 112);
      v128.store(line, fma(splat(B2), s2, f32x4.mul(splat(A2), s1)), 80);
    }
  }
}

/**
 * Aᵀ m down the columns of the strip, plus the bias, and at least `least`: four pixels of each column, `row` bytes apart.
 */
function outputColumns(strip: usize, count: i32, bias: usize, to: usize, row: usize, pixel: usize, least: v128): void {
  const end = strip + (<usize>count << 5), o1 = row, o2 = row * 2, o3 = row * 3;
  const bias0 = bias ? v128.load(bias) : splat(0), bias1 = bias ? v128.load(bias, 16) : splat(0);
  for (; strip < end; strip += 32, to += pixel) {
    const p1 = to + o1, p2 = to + o2, p3 = to + o3;
    {
      const m1 = v128.load(strip, STRIP_ROW), m2 = v128.load(strip, 2 * STRIP_ROW);
      const m3 = v128.load(strip, 3 * STRIP_ROW), m4 = v128.load(strip, 4 * STRIP_ROW);
      const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
      v128.store(to, atLeast(f32x4.add(f32x4.add(bias0, v128.load(strip)), f32x4.add(s1, s2)), least));
      v128.store(p1, atLeast(fma(splat(B), d2, fma(splat(A), d1, bias0)), least));
      v128.store(p3, atLeast(fma(splat(B3), d2, fma(splat(A3), d1, f32x4.add(bias0, v128.load(strip, 5 * STRIP_ROW)))), least));
      v128.store(p2, atLeast(fma(splat(B2), s2, fma(splat(A2), s1, bias0)), least));
    }
    {
      const m1 = v128.load(strip, STRIP_ROW + 16), m2 = v128.load(strip, 2 * STRIP_ROW + 16);
      const m3 = v128.load(strip, 3 * STRIP_ROW + 16), m4 = v128.load(strip, 4 * STRIP_ROW + 16);
      const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
      v128.store(to, atLeast(f32x4.add(f32x4.add(bias1, v128.load(strip, 16)), f32x4.add(s1, s2)), least), 16);
      v128.store(p1, atLeast(fma(splat(B), d2, fma(splat(A), d1, bias1)), least), 16);
      v128.store(p3, atLeast(fma(splat(B3), d2, fma(splat(A3), d1, f32x4.add(bias1, v128.load(strip, 5 * STRIP_ROW + 16)))), least), 16);
      v128.store(p2, atLeast(fma(splat(B2), s2, fma(splat(A2), s1, bias1)), least), 16);
    }
  }
}

/** The same, and what lies at `added` is added. */
function outputColumnsAdded(strip: usize, count: i32, bias: usize, to: usize, row: usize, pixel: usize, added: usize, least: v128): void {
  const end = strip + (<usize>count << 5), o1 = row, o2 = row * 2, o3 = row * 3, other = added - to;
  const bias0 = bias ? v128.load(bias) : splat(0), bias1 = bias ? v128.load(bias, 16) : splat(0);
  for (; strip < end; strip += 32, to += pixel) {
    const p1 = to + o1, p2 = to + o2, p3 = to + o3, q0 = to + other, q1 = p1 + other, q2 = p2 + other, q3 = p3 + other;
    {
      const m1 = v128.load(strip, STRIP_ROW), m2 = v128.load(strip, 2 * STRIP_ROW);
      const m3 = v128.load(strip, 3 * STRIP_ROW), m4 = v128.load(strip, 4 * STRIP_ROW);
      const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
      v128.store(to, atLeast(f32x4.add(f32x4.add(f32x4.add(bias0, v128.load(strip)), f32x4.add(s1, s2)), v128.load(q0)), least));
      v128.store(p1, atLeast(fma(splat(B), d2, fma(splat(A), d1, f32x4.add(bias0, v128.load(q1)))), least));
      v128.store(p3, atLeast(f32x4.add(fma(splat(B3), d2, fma(splat(A3), d1, f32x4.add(bias0, v128.load(strip, 5 * STRIP_ROW)))), v128.load(q3)), least));
      v128.store(p2, atLeast(fma(splat(B2), s2, fma(splat(A2), s1, f32x4.add(bias0, v128.load(q2)))), least));
    }
    {
      const m1 = v128.load(strip, STRIP_ROW + 16), m2 = v128.load(strip, 2 * STRIP_ROW + 16);
      const m3 = v128.load(strip, 3 * STRIP_ROW + 16), m4 = v128.load(strip, 4 * STRIP_ROW + 16);
      const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
      v128.store(to, atLeast(f32x4.add(f32x4.add(f32x4.add(bias1, v128.load(strip, 16)), f32x4.add(s1, s2)), v128.load(q0, 16)), least), 16);
      v128.store(p1, atLeast(fma(splat(B), d2, fma(splat(A), d1, f32x4.add(bias1, v128.load(q1, 16)))), least), 16);
      v128.store(p3, atLeast(f32x4.add(fma(splat(B3), d2, fma(splat(A3), d1, f32x4.add(bias1, v128.load(strip, 5 * STRIP_ROW + 16)))), v128.load(q3, 16)), least), 16);
      v128.store(p2, atLeast(fma(splat(B2), s2, fma(splat(A2), s1, f32x4.add(bias1, v128.load(q2, 16)))), least), 16);
    }
  }
}

/** The same of four channels, of the first `rows` of a tile; `added` may be 0. */
function outputColumnsCut(
  strip: usize, count: i32, bias: usize, to: usize, row: usize, pixel: usize, rows: i32, added: usize, least: v128,
): void {
  const end = strip + (<usize>count << 5), o1 = row, o2 = row * 2, o3 = row * 3, isAdded = added != 0;
  const plus = bias ? v128.load(bias) : splat(0);
  for (; strip < end; strip += 32, to += pixel, added += pixel) {
    const m1 = v128.load(strip, STRIP_ROW), m2 = v128.load(strip, 2 * STRIP_ROW);
    const m3 = v128.load(strip, 3 * STRIP_ROW), m4 = v128.load(strip, 4 * STRIP_ROW);
    const s1 = f32x4.add(m1, m2), d1 = f32x4.sub(m1, m2), s2 = f32x4.add(m3, m4), d2 = f32x4.sub(m3, m4);
    let a0 = f32x4.add(f32x4.add(plus, v128.load(strip)), f32x4.add(s1, s2)), a1 = fma(splat(B), d2, fma(splat(A), d1, plus)), a2 = fma(splat(B2), s2, fma(splat(A2), s1, plus));
    let a3 = fma(splat(B3), d2, fma(splat(A3), d1, f32x4.add(plus, v128.load(strip, 5 * STRIP_ROW))));
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

/**
 * Aᵀ m A of `tiles` tiles, at most RUN_BY_EIGHT: 36 frequencies back to 4×4 pixels from (y0, x0) on, plus the bias, plus the map at
 * `added` where that is not 0, and at least `least`.
 */
export function transformOutput(
  from: usize, tileStep: usize, frequency: usize, map: usize, y0: i32, x0: i32, tiles: i32, height: i32, width: i32, lanes: i32,
  strip: usize, bias: usize, added: usize, relu: i32,
): void {
  const least = lowerBound(relu);
  const pixel = <usize>lanes << 2, row = pixel * width;
  const rows = min(4, height - y0), columns = min(tiles * 4, width - x0), six = frequency * 6;
  const first = row * y0 + pixel * x0;
  let to = map + first, plus = added ? added + first : 0;
  for (let channel: usize = 0; channel < pixel; channel += 32) {
    outputRow(from, tiles, tileStep, frequency, strip);
    outputRow(from + six, tiles, tileStep, frequency, strip + STRIP_ROW);
    outputRow(from + 2 * six, tiles, tileStep, frequency, strip + 2 * STRIP_ROW);
    outputRow(from + 3 * six, tiles, tileStep, frequency, strip + 3 * STRIP_ROW);
    outputRow(from + 4 * six, tiles, tileStep, frequency, strip + 4 * STRIP_ROW);
    outputRow(from + 5 * six, tiles, tileStep, frequency, strip + 5 * STRIP_ROW);
    const from8 = bias ? bias + channel : 0;
    if (rows < 4) {
      outputColumnsCut(strip, columns, from8, to, row, pixel, rows, plus, least);
      outputColumnsCut(strip + 16, columns, from8 ? from8 + 16 : 0, to + 16, row, pixel, rows, plus ? plus + 16 : 0, least);
    } else if (added) outputColumnsAdded(strip, columns, from8, to, row, pixel, plus, least);
    else outputColumns(strip, columns, from8, to, row, pixel, least);
    to += 32; from += 32;
    if (added) plus += 32;
  }
}
