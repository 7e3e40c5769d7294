// What decoding takes: the bytes of one picture's decoder, told from its header before it begins, and a bound that all decoders
// together keep within.
import type { ImagesDataset } from "../../../compiler/config.js";
import type { PreparationNeeds } from "../progress.js";
import type { PictureFormat } from "./picture-formats.js";

/**
 * The most bytes that all pictures decoded at a time take together, whatever they are. A picture that needs more by itself is
 * not read.
 */
export const MOST_DECODING_BYTES = 256 * 1024 * 1024;

/**
 * What the process that decodes a folder of pictures takes: at most all of the above, pixels that wait to be collected, what
 * freed memory the C library keeps, and what has been decoded until it is written. Measured beside Node.js and sharp: 370 MiB
 * while six pictures of 256 megapixels and six progressive JPEGs of 24 are decoded; 270 MiB for photographs of 24 megapixels.
 */
export function decodingNeeds({
  folder,
  size,
  grayscale,
}: Pick<ImagesDataset, "folder" | "size" | "grayscale">): PreparationNeeds {
  const written = PICTURES_AT_ONCE * size.height * size.width * (grayscale ? 1 : 3) + 2 * WRITTEN_TOGETHER;
  return {
    doing: `decoding ${folder}`,
    most: DECODER_BYTES + MOST_DECODING_BYTES + 128 * MEBIBYTE + written,
    least: DECODER_BYTES + written,
    wayOn: "let it have more, or make the pictures smaller",
  };
}

const MEBIBYTE = 1024 * 1024;
/** Node.js with sharp, before the first picture. Measured by `node bench/process-memory.mjs --cold`, with Node 20. */
const DECODER_BYTES = 66 * MEBIBYTE;

/** Of a folder, decoded at a time: sharp hands them to Node's threads. */
export const PICTURES_AT_ONCE = 32;

/** Decoded pixels are written when there are so many bytes of them. */
export const WRITTEN_TOGETHER = 4 * 1024 * 1024;

/** Pixels are decoded into strips of at most so many bytes. */
export const STRIP_BYTES = 48 * 1024 * 1024;

/** What a header says that decides how much a decoder holds. */
export interface DecodedSize {
  readonly format: PictureFormat;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bytesPerSample: number;
  /** JPEG in several scans, progressive or not, or interlaced PNG. */
  readonly isProgressive: boolean;
  /** Whether colours are kept at a quarter of the pixels, as JPEG says: "4:2:0". */
  readonly hasQuarterColors: boolean;
}

/**
 * Bytes a pixel that a decoder holds of a whole picture whatever part of it is asked for; those that go row by row hold none.
 * Measured with sharp 0.35 (libvips 8.18) on pictures of 24 megapixels: 3.0 and 6.0 of progressive JPEG (coefficients of two
 * bytes), 2.8 of interlaced PNG, 7.5 of WebP, 4.1 of GIF, 17.2 of AVIF.
 */
const HELD: Readonly<Record<PictureFormat, (size: DecodedSize) => number>> = {
  jpeg: ({ isProgressive, hasQuarterColors, channels }) => (isProgressive ? (hasQuarterColors ? 3 : 2 * channels) : 0),
  png: ({ isProgressive, channels, bytesPerSample }) => (isProgressive ? channels * bytesPerSample : 0),
  webp: () => 8,
  gif: () => 5,
  tiff: ({ channels, bytesPerSample }) => channels * bytesPerSample, // one strip may be all of it
  avif: ({ bytesPerSample }) => 18 * bytesPerSample,
};

/** What every decoder takes beside, whatever the picture: its tables, and the rows that it is at. */
const EACH = 8 * 1024 * 1024;
const ROWS_AT_ONCE = 64;

/**
 * Bytes that decoding one picture takes at most: its file, what the decoder holds, a strip of its pixels, twice or three times
 * where it is turned or its colours are converted, and what is made of it.
 */
export function decodingBytes(
  size: DecodedSize,
  parts: {
    readonly fileBytes: number;
    readonly stripBytes: number;
    readonly stripCopies: number;
    readonly resultBytes: number;
  },
): number {
  const held = Math.ceil(size.height * size.width * HELD[size.format](size));
  const rows = size.width * size.channels * size.bytesPerSample * ROWS_AT_ONCE;
  return EACH + parts.fileBytes + held + rows + parts.stripBytes * parts.stripCopies + parts.resultBytes;
}

/** Bytes that are shared: whoever asks for more than are left waits, in the order of asking. */
export class ByteBudget {
  private readonly waiting: { readonly bytes: number; readonly start: () => void }[] = [];

  constructor(private left: number) {}

  /** Asks for no more than there are in all. */
  async take(bytes: number): Promise<void> {
    if (this.waiting.length === 0 && this.tryTake(bytes)) return;
    await new Promise<void>((start) => this.waiting.push({ bytes, start }));
  }

  tryTake(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.left += bytes;
    while (this.waiting.length > 0 && this.tryTake(this.waiting[0]!.bytes)) this.waiting.shift()!.start();
  }
}
