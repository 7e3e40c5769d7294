// Images → small numbers that tell whether two look alike: the same picture saved again, in another size or format.
// The difference hash (Krawetz 2013: whether each pixel of a 9×8 picture is brighter than its right neighbour) finds what has
// the same outlines; colours of an 8×8 picture tell plain pictures apart, whose outlines say nothing.
import type { ImageSize, StripResize } from "../resize.js";
import { columnsOf, createStripResize } from "../resize.js";
import type { DecodedImage, StripReader } from "./decode-image.js";
import { middleOf } from "./fit-image.js";

export interface ImageHash {
  /** 64 bits in two words. */
  readonly high: number;
  readonly low: number;
  /** [8, 8, 3] */
  readonly colors: Uint8Array;
}

const SIDE = 8;
/** Bits of the hash, and the mean distance of a colour value, up to which two images are taken for the same picture. */
const MOST_BITS = 5;
const MOST_COLOR = 10;

/** The hash of an image in colour. */
export function hashOf({ pixels, channels, ...size }: DecodedImage): ImageHash {
  const { add, result } = hashing(size, channels);
  add(pixels, 0, size.height);
  return result();
}

/** The same of an image that comes in strips of whole rows; of one that is very long, of its middle. */
export function hashing(size: ImageSize, channels: number): Pick<StripReader<ImageHash>, "bytes" | "add" | "result"> {
  const part = middleOf(size);
  const outlines = wholeResize(part, { height: SIDE, width: SIDE + 1 }, channels);
  const plain = wholeResize(part, { height: SIDE, width: SIDE }, channels);
  return {
    bytes: outlines.bytes + plain.bytes,
    add: (strip, top, rows) => {
      const columns = columnsOf(strip, { height: rows, width: size.width }, part, channels);
      outlines.add(columns, top - part.top, rows);
      plain.add(columns, top - part.top, rows);
    },
    result: () => ({ ...bitsOf(outlines.result(), channels), colors: plain.result() }),
  };
}

/** Needs every column, since it keeps all. */
function wholeResize(from: ImageSize, to: ImageSize, channels: number): StripResize {
  return createStripResize(from, to, { top: 0, left: 0, ...to }, channels);
}

function bitsOf(small: Uint8Array, channels: number): Pick<ImageHash, "high" | "low"> {
  const grey = (y: number, x: number): number => {
    const at = (y * (SIDE + 1) + x) * channels;
    return small[at]! * 0.299 + small[at + 1]! * 0.587 + small[at + 2]! * 0.114; // ITU-R 601-2
  };
  const words = [0, 0];
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const word = y < SIDE / 2 ? 0 : 1;
      words[word] = (words[word]! << 1) | (grey(y, x) > grey(y, x + 1) ? 1 : 0);
    }
  }
  return { high: words[0]!, low: words[1]! };
}

export function lookAlike(one: ImageHash, other: ImageHash): boolean {
  if (bitsIn(one.high ^ other.high) + bitsIn(one.low ^ other.low) > MOST_BITS) return false;
  let distance = 0;
  for (let at = 0; at < one.colors.length; at++) distance += Math.abs(one.colors[at]! - other.colors[at]!);
  return distance <= MOST_COLOR * one.colors.length;
}

function bitsIn(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
