// Pillow's `Image.resize(size, BILINEAR or BICUBIC)` on 8-bit images, bit for bit: a filter, widened when it shrinks, in fixed point, first along rows and then along columns, rounded to 8 bits after each.
// Source: src/libImaging/Resample.c of Pillow (precompute_coeffs, normalize_coeffs_8bpc, ImagingResample*_8bpc).

export type Interpolation = "bilinear" | "bicubic";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Reads one image [height, width, channels] at `sourceOffset` and writes the resized one at `targetOffset`. */
export type Resize = (source: Uint8Array, sourceOffset: number, target: Uint8Array, targetOffset: number) => void;

/** Prepares the coefficients and scratch once; the function that comes back allocates nothing. */
export function createResize(
  from: ImageSize,
  to: ImageSize,
  channels: number,
  interpolation: Interpolation = "bilinear",
): Resize {
  const along = (length: number, wanted: number): Taps | null =>
    length === wanted ? null : taps(length, wanted, 0, wanted, interpolation);
  const rows = along(from.width, to.width);
  const columns = along(from.height, to.height);
  if (rows === null && columns === null) {
    const bytes = from.height * from.width * channels;
    return (source, sourceOffset, target, targetOffset) => {
      for (let i = 0; i < bytes; i++) target[targetOffset + i] = source[sourceOffset + i]!;
    };
  }
  if (columns === null) {
    return (source, sourceOffset, target, targetOffset) =>
      resampleRows(source, sourceOffset, target, targetOffset, from.height, from.width, channels, rows!);
  }
  const bytesInRow = to.width * channels;
  if (rows === null) {
    return (source, sourceOffset, target, targetOffset) =>
      resampleColumns(source, sourceOffset, target, targetOffset, bytesInRow, columns);
  }
  const between = new Uint8Array(from.height * bytesInRow); // [from.height, to.width, channels]
  return (source, sourceOffset, target, targetOffset) => {
    resampleRows(source, sourceOffset, between, 0, from.height, from.width, channels, rows);
    resampleColumns(between, 0, target, targetOffset, bytesInRow, columns);
  };
}

/** A part of an image. */
export interface Box extends ImageSize {
  readonly top: number;
  readonly left: number;
}

/** Resizes the part of one image [height, width, channels] within `box`, as if it had been cut out before. */
export type CropResize = (
  source: Uint8Array,
  sourceOffset: number,
  box: Box,
  target: Uint8Array,
  targetOffset: number,
) => void;

/** Coefficients are kept for each size of a box that comes up. */
export function createCropResize(from: ImageSize, to: ImageSize, channels: number): CropResize {
  const rowTaps = remembered((length) => taps(length, to.width));
  const columnTaps = remembered((length) => taps(length, to.height));
  const bytesInRow = to.width * channels;
  const between = new Uint8Array(from.height * bytesInRow); // [from.height, to.width, channels]
  return (source, sourceOffset, { top, left, height, width }, target, targetOffset) => {
    const start = sourceOffset + (top * from.width + left) * channels;
    resampleRows(source, start, between, 0, height, from.width, channels, rowTaps(width));
    resampleColumns(between, 0, target, targetOffset, bytesInRow, columnTaps(height));
  };
}

/** Resizes an image that comes in strips, and keeps a part of what it would become. */
export interface StripResize {
  /** The columns of the image that are needed. */
  readonly left: number;
  readonly width: number;
  /** Bytes that it holds. */
  readonly bytes: number;
  /** Takes whole rows of those columns, from `top` on, one after the other or not. */
  readonly add: (strip: Uint8Array, top: number, rows: number) => void;
  /** [box.height, box.width, channels], once every row has come. */
  readonly result: () => Uint8Array;
}

/** `to` is the size that the whole image would be resized to, `box` the part of it that is kept. */
export function createStripResize(
  from: ImageSize,
  to: ImageSize,
  box: Box,
  channels: number,
  interpolation: Interpolation = "bilinear",
): StripResize {
  const rows = taps(from.width, to.width, box.left, box.width, interpolation);
  const columns = taps(from.height, to.height, box.top, box.height, interpolation);
  const [left, right] = reachOf(rows);
  const [top, bottom] = reachOf(columns);
  const width = right - left;
  const bytesInRow = box.width * channels;
  const between = new Uint8Array((bottom - top) * bytesInRow);
  const fromLeft: Taps = { ...rows, first: rows.first.map((first) => first - left) };
  const fromTop: Taps = { ...columns, first: columns.first.map((first) => first - top) };
  return {
    left,
    width,
    bytes: between.length + box.height * bytesInRow,
    add: (strip, stripTop, stripRows) => {
      const [first, end] = [Math.max(top, stripTop), Math.min(bottom, stripTop + stripRows)];
      if (first >= end) return;
      const source = (first - stripTop) * width * channels;
      resampleRows(strip, source, between, (first - top) * bytesInRow, end - first, width, channels, fromLeft);
    },
    result: () => {
      const resized = new Uint8Array(box.height * bytesInRow);
      resampleColumns(between, 0, resized, 0, bytesInRow, fromTop);
      return resized;
    },
  };
}

/** The inputs that any output takes. Not always the first's and the last's own: an output in the place of an input takes it alone. */
function reachOf({ first, count, length }: Taps): [begin: number, end: number] {
  let [begin, end] = [Infinity, 0];
  for (let output = 0; output < length; output++) {
    begin = Math.min(begin, first[output]!);
    end = Math.max(end, first[output]! + count[output]!);
  }
  return [begin, end];
}

function remembered(compute: (length: number) => Taps): (length: number) => Taps {
  const known: Taps[] = [];
  return (length) => (known[length] ??= compute(length));
}

/** For each of `length` outputs, the inputs first … first + count − 1 with their weights at `start` in `weights`. */
interface Taps {
  readonly length: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly start: Int32Array;
  readonly weights: Int32Array;
  /** No weight is negative, so that no sum is either, and none of two is above 255. */
  readonly isConvex: boolean;
}

interface Filter {
  /** How far it reaches, in source pixels where it enlarges. */
  readonly support: number;
  readonly at: (x: number) => number;
}

const FILTERS: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: cubic },
};

/** Keys 1981, with a = -0.5, in the order of operations that Pillow has. */
function cubic(value: number): number {
  const a = -0.5;
  const x = Math.abs(value);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

// Two bits are kept free for sums beyond 255 and the sign; the rest of 32 bits beside the 8 of a pixel is fraction.
const PRECISION_BITS = 32 - 8 - 2;
const ONE = 1 << PRECISION_BITS;
const HALF = ONE / 2;

/** Of all `to` outputs, those from `begin` on, `length` of them. */
function taps(from: number, to: number, begin = 0, length = to, interpolation: Interpolation = "bilinear"): Taps {
  const filter = FILTERS[interpolation];
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const inverse = 1 / filterScale;
  const support = filter.support * filterScale; // in target pixels when shrinking
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const start = new Int32Array(length);
  const weights: number[] = [];
  for (let output = 0; output < length; output++) {
    const center = (begin + output + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(from, Math.trunc(center + support + 0.5));
    const exact: number[] = [];
    for (let x = 0; x < high - low; x++) exact.push(filter.at((x + low - center + 0.5) * inverse));
    const sum = exact.reduce((total, weight) => total + weight, 0);
    const fixed = exact.map((weight) => {
      const share = (sum === 0 ? weight : weight / sum) * ONE;
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    // Weights of zero at either end change nothing but the time.
    const zeros = Math.max(
      0,
      fixed.findIndex((weight) => weight !== 0),
    );
    const end = fixed.findLastIndex((weight) => weight !== 0) + 1;
    first[output] = low + zeros;
    count[output] = end - zeros;
    start[output] = weights.length;
    for (let tap = zeros; tap < end; tap++) weights.push(fixed[tap]!);
  }
  const isConvex = weights.every((weight) => weight >= 0);
  return { length, first, count, start, weights: Int32Array.from(weights), isConvex };
}

/** The first columns of [height, width, channels] that the taps reach → [height, taps.length, channels] */
function resampleRows(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  height: number,
  width: number,
  channels: number,
  { length, first, count, start, weights, isConvex }: Taps,
): void {
  let to = targetOffset;
  for (let y = 0; y < height; y++) {
    const row = sourceOffset + y * width * channels;
    for (let x = 0; x < length; x++) {
      const from = row + first[x]! * channels;
      const end = from + channels;
      const taps = count[x]!;
      const at = start[x]!;
      const w0 = weights[at]!;
      // Enlarging needs one tap or two; those are written out, since the loop over taps takes three times as long.
      if (taps === 1 && w0 === ONE) {
        for (let c = from; c < end; c++) target[to++] = source[c]!;
      } else if (taps === 2 && isConvex) {
        const w1 = weights[at + 1]!;
        for (let c = from; c < end; c++) {
          target[to++] = (source[c]! * w0 + source[c + channels]! * w1 + HALF) >> PRECISION_BITS;
        }
      } else {
        for (let c = from; c < end; c++) {
          let sum = HALF;
          for (let k = 0; k < taps; k++) sum += source[c + k * channels]! * weights[at + k]!;
          target[to++] = clip(sum >> PRECISION_BITS);
        }
      }
    }
  }
}

/** [height, bytesInRow] → [taps.length, bytesInRow] */
function resampleColumns(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  bytesInRow: number,
  { length, first, count, start, weights, isConvex }: Taps,
): void {
  let to = targetOffset;
  for (let y = 0; y < length; y++) {
    const row = sourceOffset + first[y]! * bytesInRow;
    const end = row + bytesInRow;
    const taps = count[y]!;
    const at = start[y]!;
    const w0 = weights[at]!;
    if (taps === 1 && w0 === ONE) {
      for (let i = row; i < end; i++) target[to++] = source[i]!;
    } else if (taps === 2 && isConvex) {
      const w1 = weights[at + 1]!;
      for (let i = row; i < end; i++) {
        target[to++] = (source[i]! * w0 + source[i + bytesInRow]! * w1 + HALF) >> PRECISION_BITS;
      }
    } else {
      for (let i = row; i < end; i++) {
        let sum = HALF;
        for (let k = 0; k < taps; k++) sum += source[i + k * bytesInRow]! * weights[at + k]!;
        target[to++] = clip(sum >> PRECISION_BITS);
      }
    }
  }
}

/** Rounded weights may sum to a little more than one, and some are negative. */
function clip(value: number): number {
  return value > 255 ? 255 : value < 0 ? 0 : value;
}

/** The columns that are wanted of pixels that have all. */
export function columnsOf(
  pixels: Uint8Array,
  { height, width }: ImageSize,
  wanted: Pick<Box, "left" | "width">,
  channels: number,
): Uint8Array {
  if (wanted.width === width) return pixels;
  const bytes = wanted.width * channels;
  const cut = new Uint8Array(height * bytes);
  for (let y = 0; y < height; y++) {
    const start = (y * width + wanted.left) * channels;
    cut.set(pixels.subarray(start, start + bytes), y * bytes);
  }
  return cut;
}
