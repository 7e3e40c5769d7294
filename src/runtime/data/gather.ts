// Copies an image while moving whole rows and columns: the inner loop of augmentation.

/** A place in an index map that shows black instead of a row or column of the source. */
export const BLACK = -1;

/**
 * Target row y shows row rows[y] of the source image [height, width, channels], target column x its column columns[x].
 * The two images must not overlap.
 */
export type Gather = (
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  rows: Int32Array,
  columns: Int32Array,
) => void;

/**
 * The place that a place outside 0 … length − 1 mirrors. The border itself is not repeated, as in torchvision; a place further
 * out than the image is long is mirrored again.
 */
export function reflected(place: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return within < length ? within : period - within;
}

export function createGather(channels: number): Gather {
  let words: Uint32Array = new Uint32Array(0); // over the last target: one a batch is made, not one an image
  return (source, sourceOffset, target, targetOffset, rows, columns) => {
    const start = target.byteOffset + targetOffset;
    if (channels === 3 && columns.length % 4 === 0 && start % 4 === 0) {
      if (words.buffer !== target.buffer) words = new Uint32Array(target.buffer, 0, target.buffer.byteLength >> 2);
      gatherFourPixels(source, sourceOffset, words, start / 4, rows, columns);
    } else {
      gatherBytes(source, sourceOffset, target, targetOffset, rows, columns, channels);
    }
    blacken(target, targetOffset, rows, columns, channels);
  };
}

/** Four pixels of three bytes fill three words; writing those takes two thirds of the time of writing bytes. */
function gatherFourPixels(
  source: Uint8Array,
  sourceOffset: number,
  words: Uint32Array,
  firstWord: number,
  rows: Int32Array,
  columns: Int32Array,
): void {
  const [height, width] = [rows.length, columns.length];
  let to = firstWord;
  for (let y = 0; y < height; y++) {
    const row = sourceOffset + Math.max(0, rows[y]!) * width * 3;
    for (let x = 0; x < width; x += 4, to += 3) {
      const a = row + Math.max(0, columns[x]!) * 3;
      const b = row + Math.max(0, columns[x + 1]!) * 3;
      const c = row + Math.max(0, columns[x + 2]!) * 3;
      const d = row + Math.max(0, columns[x + 3]!) * 3;
      words[to] = source[a]! | (source[a + 1]! << 8) | (source[a + 2]! << 16) | (source[b]! << 24);
      words[to + 1] = source[b + 1]! | (source[b + 2]! << 8) | (source[c]! << 16) | (source[c + 1]! << 24);
      words[to + 2] = source[c + 2]! | (source[d]! << 8) | (source[d + 1]! << 16) | (source[d + 2]! << 24);
    }
  }
}

function gatherBytes(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  rows: Int32Array,
  columns: Int32Array,
  channels: number,
): void {
  const [height, width] = [rows.length, columns.length];
  let to = targetOffset;
  for (let y = 0; y < height; y++) {
    const row = sourceOffset + Math.max(0, rows[y]!) * width * channels;
    for (let x = 0; x < width; x++) {
      const from = row + Math.max(0, columns[x]!) * channels;
      for (let c = 0; c < channels; c++) target[to++] = source[from + c]!;
    }
  }
}

/** After the copy, so that its loops need not ask at every pixel. */
function blacken(
  target: Uint8Array,
  targetOffset: number,
  rows: Int32Array,
  columns: Int32Array,
  channels: number,
): void {
  const bytesInRow = columns.length * channels;
  for (let y = 0; y < rows.length; y++) {
    if (rows[y] !== BLACK) continue;
    const row = targetOffset + y * bytesInRow;
    for (let i = row; i < row + bytesInRow; i++) target[i] = 0;
  }
  for (let x = 0; x < columns.length; x++) {
    if (columns[x] !== BLACK) continue;
    const first = targetOffset + x * channels;
    const end = first + rows.length * bytesInRow;
    for (let pixel = first; pixel < end; pixel += bytesInRow) {
      for (let c = 0; c < channels; c++) target[pixel + c] = 0;
    }
  }
}
