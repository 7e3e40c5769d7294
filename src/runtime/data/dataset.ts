// A data set, in memory or in a file: 8-bit images [count, height, width, channels] with their labels, in official order.

import type { PackedImages } from "./packed/packed-images.js";

export interface ImageSet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Throws where they lie in a file. */
  readonly images: Uint8Array;
  /** Where they are not held in memory. */
  readonly packed?: PackedImages;
  readonly labels: Uint8Array | Uint16Array;
  /** Where each image comes from, as a path that its user knows; absent where images have no files of their own. */
  readonly files?: readonly string[];
}

export interface Dataset {
  readonly classes: readonly string[];
  readonly train: ImageSet;
  /** Kept from the training images, where the configuration says so. */
  readonly validation?: ImageSet;
  readonly test: ImageSet;
}

/** A set whose images are read from a file when they are needed. */
export function packedSet(facts: Omit<ImageSet, "images" | "packed">, packed: PackedImages): ImageSet {
  return {
    ...facts,
    packed,
    get images(): never {
      throw new Error("these images are not in memory: read them with `packed`");
    },
  };
}

/** Images `first` to `end`, the latter not included: [end − first, height, width, channels]. */
export function imagesOf(set: ImageSet, first: number, end: number): Uint8Array {
  const bytes = set.height * set.width * set.channels;
  if (!set.packed) return set.images.subarray(first * bytes, end * bytes);
  return set.packed.readNow(Array.from({ length: end - first }, (_, index) => first + index));
}
