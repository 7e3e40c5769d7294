// The input's side of Winograd's algorithm at the five points ±C, ±D and ∞: Bᵀ d B of tiles, of neighbouring pixels or of the odd
// and even pixels apart. The loops stay functions of their own: see winograd.ts.
import { ZEROS } from "../generated/constants";
import { fma, fnma, splat } from "../simd";
import { clearColumn, STRIP_ROW } from "./winograd-strip";
import { C, C2, D, D2 } from "./winograd-points";

/** Bᵀ d down the columns: four channels of `count` pixels from each of five rows → a strip. */
export function columnsOfFive(r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, pixel: usize, count: i32, strip: usize): void {
  const end = strip + (<usize>count << 4);
  for (; strip < end; strip += 16) {
    const d0 = v128.load(r0), d1 = v128.load(r1), d2 = v128.load(r2), d3 = v128.load(r3);
    const oddC = fnma(splat(D2), d1, d3), evenC = fnma(splat(D2), d0, d2);
    v128.store(strip, fma(splat(C), evenC, oddC));
    v128.store(strip, fnma(splat(C), evenC, oddC), STRIP_ROW);
    const oddD = fnma(splat(C2), d1, d3), evenD = fnma(splat(C2), d0, d2);
    v128.store(strip, fma(splat(D), evenD, oddD), 2 * STRIP_ROW);
    v128.store(strip, fnma(splat(D), evenD, oddD), 3 * STRIP_ROW);
    v128.store(strip, fnma(splat(D2), evenD, fnma(splat(C2), d2, v128.load(r4))), 4 * STRIP_ROW);
    r0 += pixel; r1 += pixel; r2 += pixel; r3 += pixel; r4 += pixel;
  }
}

/** The same of four rows, without ∞. */
function columnsOfFour(r0: usize, r1: usize, r2: usize, r3: usize, pixel: usize, count: i32, strip: usize): void {
  const end = strip + (<usize>count << 4);
  for (; strip < end; strip += 16) {
    const d0 = v128.load(r0), d1 = v128.load(r1), d2 = v128.load(r2), d3 = v128.load(r3);
    const oddC = fnma(splat(D2), d1, d3), evenC = fnma(splat(D2), d0, d2);
    v128.store(strip, fma(splat(C), evenC, oddC));
    v128.store(strip, fnma(splat(C), evenC, oddC), STRIP_ROW);
    const oddD = fnma(splat(C2), d1, d3), evenD = fnma(splat(C2), d0, d2);
    v128.store(strip, fma(splat(D), evenD, oddD), 2 * STRIP_ROW);
    v128.store(strip, fnma(splat(D), evenD, oddD), 3 * STRIP_ROW);
    r0 += pixel; r1 += pixel; r2 += pixel; r3 += pixel;
  }
}

/** d B along a row of the strip, tiles of eight pixels: the odd pixels → five frequencies, the even ones → four. */
function rowOfResidues(line: usize, tiles: i32, odd: usize, last: usize, even: usize, tileStep: usize, frequency: usize): void {
  const end = line + (<usize>tiles << 7), to1 = frequency, to2 = frequency * 2, to3 = frequency * 3;
  for (; line < end; line += 128) {
    {
      const d0 = v128.load(line), d1 = v128.load(line, 32), d2 = v128.load(line, 64), d3 = v128.load(line, 96);
      const oddC = fnma(splat(D2), d1, d3), evenC = fnma(splat(D2), d0, d2);
      v128.store(odd, fma(splat(C), evenC, oddC));
      v128.store(odd + to1, fnma(splat(C), evenC, oddC));
      const oddD = fnma(splat(C2), d1, d3), evenD = fnma(splat(C2), d0, d2);
      v128.store(odd + to2, fma(splat(D), evenD, oddD));
      v128.store(odd + to3, fnma(splat(D), evenD, oddD));
      v128.store(last, fnma(splat(D2), evenD, fnma(splat(C2), d2, v128.load(line, 128))));
    }
    {
      const d0 = v128.load(line, 16), d1 = v128.load(line, 48), d2 = v128.load(line, 80), d3 = v128.load(line, 112);
      const oddC = fnma(splat(D2), d1, d3), evenC = fnma(splat(D2), d0, d2);
      v128.store(even, fma(splat(C), evenC, oddC));
      v128.store(even + to1, fnma(splat(C), evenC, oddC));
      const oddD = fnma(splat(C2), d1, d3), evenD = fnma(splat(C2), d0, d2);
      v128.store(even + to2, fma(splat(D), evenD, oddD));
      v128.store(even + to3, fnma(splat(D), evenD, oddD));
    }
    odd += tileStep; last += tileStep; even += tileStep;
  }
}

/** d B along a row of the strip, tiles of four pixels → five frequencies. */
export function rowOfFive(line: usize, tiles: i32, to: usize, tileStep: usize, frequency: usize): void {
  const end = line + (<usize>tiles << 6), to1 = frequency, to2 = frequency * 2, to3 = frequency * 3, to4 = frequency * 4;
  for (; line < end; line += 64, to += tileStep) {
    const d0 = v128.load(line), d1 = v128.load(line, 16), d2 = v128.load(line, 32), d3 = v128.load(line, 48);
    const oddC = fnma(splat(D2), d1, d3), evenC = fnma(splat(D2), d0, d2);
    v128.store(to, fma(splat(C), evenC, oddC));
    v128.store(to + to1, fnma(splat(C), evenC, oddC));
    const oddD = fnma(splat(C2), d1, d3), evenD = fnma(splat(C2), d0, d2);
    v128.store(to + to2, fma(splat(D), evenD, oddD));
    v128.store(to + to3, fnma(splat(D), evenD, oddD));
    v128.store(to + to4, fnma(splat(D2), evenD, fnma(splat(C2), d2, v128.load(line, 64))));
  }
}

/** A row of the map, or zeros where it lies outside. */
// @ts-ignore: decorator
@inline
export function rowAt(base: usize, row: usize, y: i32, height: i32): usize {
  return y >= 0 && y < height ? base + row * y : ZEROS;
}

/**
 * The input of `tiles` tiles of 4×4 outputs, from pixel (y0, x0) on, both odd or −1; a residue's channels lie `residueStep` apart,
 * four of them `fourStep`, tiles `tileStep`.
 */
export function transformResidues(
  map: usize, y0: i32, x0: i32, tiles: i32, height: i32, width: i32, lanes: i32,
  to: usize, tileStep: usize, fourStep: usize, residueStep: usize, frequency: usize, strip: usize,
): void {
  const pixel = <usize>lanes << 2, row = pixel * width, left = x0 < 0 ? 1 : 0, columns = tiles * 8 + 1;
  const inside = min(columns - left, width - x0 - left), padded = strip + (<usize>columns << 4);
  const five = frequency * 5, infinity = frequency * 4, first = strip + (<usize>left << 4), ends = first + (<usize>inside << 4);
  const residue2 = residueStep * 2, residue3 = residueStep * 3;
  let base = map + pixel * (x0 + left);
  for (let channel: usize = 0; channel < pixel; channel += 16) {
    if (left) clearColumn(strip);
    for (let column = ends; column < padded; column += 16) clearColumn(column);
    columnsOfFive(
      rowAt(base, row, y0, height), rowAt(base, row, y0 + 2, height), rowAt(base, row, y0 + 4, height),
      rowAt(base, row, y0 + 6, height), rowAt(base, row, y0 + 8, height), pixel, inside, first,
    );
    rowOfResidues(strip, tiles, to, to + infinity, to + residueStep, tileStep, frequency);
    let line = strip + STRIP_ROW, at = to + five;
    for (let i = 1; i < 5; i++, line += STRIP_ROW, at += five) {
      rowOfResidues(line, tiles, at, at + infinity, at + residueStep, tileStep, frequency);
    }
    columnsOfFour(
      rowAt(base, row, y0 + 1, height), rowAt(base, row, y0 + 3, height), rowAt(base, row, y0 + 5, height),
      rowAt(base, row, y0 + 7, height), pixel, inside, first,
    );
    line = strip; at = to;
    for (let i = 0; i < 4; i++, line += STRIP_ROW, at += five) {
      rowOfResidues(line, tiles, at + residue2, at + infinity + residueStep, at + residue3, tileStep, frequency);
    }
    base += 16; to += fourStep;
  }
}
