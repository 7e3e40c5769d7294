// A picture of any size → one of the size that is wanted: resized, and its middle kept. torchvision's Resize and CenterCrop, with
// Pillow's filters between; only what is kept is computed.
import type { PictureFit } from "../../../compiler/config.js";
import type { Box, ImageSize } from "../resize.js";
import { columnsOf, createStripResize } from "../resize.js";
import { withChannels } from "./convert-channels.js";
import type { DecodedImage, StripReader } from "./decode-image.js";

/** [height, width, channels] of the wanted size; the picture's own pixels where it has that size. */
export function fitImage({ pixels, channels, ...from }: DecodedImage, fit: PictureFit): Uint8Array {
  const reader = fitting(fit, channels)(from, channels);
  reader.add(columnsOf(pixels, from, reader, channels), 0, from.height);
  return reader.result();
}

/** The same of a picture that comes in strips, as `readPicture` takes it. */
export function fitting(
  { size, resize: wanted, interpolation }: PictureFit,
  channels: number,
): (from: ImageSize, given: number) => StripReader<Uint8Array> {
  return (from, given) => {
    const isSquashed = typeof wanted === "object" && wanted !== null;
    const part = isSquashed ? { ...from, top: 0, left: 0 } : middleOf(from);
    const cover = isSquashed ? wanted : coveringSize(part, wanted === null ? size : { height: wanted, width: wanted });
    const top = roundHalfToEven((cover.height - size.height) / 2);
    const left = roundHalfToEven((cover.width - size.width) / 2);
    const resize = createStripResize(part, cover, { top, left, ...size }, given, interpolation);
    return {
      ...resize,
      left: part.left + resize.left,
      add: (strip, stripTop, rows) => resize.add(strip, stripTop - part.top, rows),
      result: () => withChannels(resize.result(), given, channels),
    };
  };
}

/**
 * Of a picture longer than 64 times its shorter side, the middle of that length, or a pixel more so that it stays the middle:
 * what would become of all of it is too large to compute, and nothing else of it is kept.
 */
export function middleOf({ height, width }: ImageSize): Box {
  const kept = (long: number, short: number): number => {
    const most = LONGEST * short;
    return long <= most ? long : most + ((long - most) % 2);
  };
  const size = { height: kept(height, width), width: kept(width, height) };
  return { ...size, top: (height - size.height) / 2, left: (width - size.width) / 2 };
}

const LONGEST = 64;

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
