// A picture of any size → one of the size that is wanted: the shorter side resized, the middle of the longer one kept.
// torchvision's Resize (of one number) and CenterCrop, with Pillow's bilinear between.
import type { ImageSize } from "../resize.js";
import { createResize } from "../resize.js";
import type { DecodedImage } from "./decode-image.js";

/** [height, width, channels] of `size`; the picture's own pixels where it has that size. */
export function fitImage({ pixels, channels, ...from }: DecodedImage, size: ImageSize): Uint8Array {
  const cover = coveringSize(from, size);
  const resized = new Uint8Array(cover.height * cover.width * channels);
  createResize(from, cover, channels)(pixels, 0, resized, 0);
  const top = roundHalfToEven((cover.height - size.height) / 2);
  const left = roundHalfToEven((cover.width - size.width) / 2);
  const fitted = new Uint8Array(size.height * size.width * channels);
  const bytesInRow = size.width * channels;
  for (let y = 0; y < size.height; y++) {
    const start = ((top + y) * cover.width + left) * channels;
    fitted.set(resized.subarray(start, start + bytesInRow), y * bytesInRow);
  }
  return fitted;
}

/** The smallest size of the picture's own proportions that covers what is wanted; the longer side is cut to whole pixels. */
export function coveringSize(from: ImageSize, size: ImageSize): ImageSize {
  const isTall = from.height * size.width >= from.width * size.height;
  return isTall
    ? { height: Math.trunc((size.width * from.height) / from.width), width: size.width }
    : { height: size.height, width: Math.trunc((size.height * from.width) / from.height) };
}

/** As Python rounds. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
