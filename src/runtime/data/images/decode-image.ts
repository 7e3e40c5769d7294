// A picture's bytes or its file → 8-bit pixels [height, width, channels]: PNG, JPEG, WebP, GIF, TIFF or AVIF. Pixels come in
// strips, and decoders wait for one another, so that memory is bounded whatever headers say.
import type { Metadata, Sharp } from "sharp";
import { openPlainFile } from "../../files/read-plain-file.js";
import type { ImageSize } from "../resize.js";
import { columnsOf } from "../resize.js";
import type { DecodedSize } from "./decoding-memory.js";
import { ByteBudget, MOST_DECODING_BYTES, STRIP_BYTES, decodingBytes } from "./decoding-memory.js";
import { fromCmyk, toGrey, upperBytes, withChannels } from "./convert-channels.js";
import { collectDiscarded, noteDiscarded } from "./discarded-pixels.js";
import { loadSharp } from "./load-sharp.js";
import type { PictureFormat } from "./picture-formats.js";
import { READABLE, formatOf } from "./picture-formats.js";

export interface DecodedImage {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [height, width, channels] */
  readonly pixels: Uint8Array;
}

/** Why a file cannot be used as a picture, as a clause. */
export class BrokenImage extends Error {
  override readonly name = "BrokenImage";
}

/** Grey or colour; images of other numbers of channels have no pictures. */
export function isDecodable(channels: number): channels is 1 | 3 {
  return channels === 1 || channels === 3;
}

/** What makes something of a picture that comes in strips. */
export interface StripReader<T> {
  /** The columns that it wants. */
  readonly left: number;
  readonly width: number;
  /** Bytes that it holds. */
  readonly bytes: number;
  /** Whole rows of those columns, from `top` on: [rows, width, channels] with as many channels as it was told of. */
  readonly add: (strip: Uint8Array, top: number, rows: number) => void;
  readonly result: () => T;
}

/** All pixels at once. Throws what `readPicture` throws. */
export async function decodeImage(source: string | Uint8Array, channels: 1 | 3): Promise<DecodedImage> {
  return await readPicture(source, channels, ({ height, width }, given) => {
    const bytes = height * width * given;
    let pixels: Uint8Array | undefined; // not before it is known that they may be had
    return {
      left: 0,
      width,
      bytes: given === channels ? bytes : bytes + bytes * channels,
      add: (strip, top) => (pixels ??= new Uint8Array(bytes)).set(strip, top * width * given),
      result: () => ({ height, width, channels, pixels: withChannels(pixels!, given, channels) }),
    };
  });
}

/**
 * Upright as its Exif orientation says, at 8 bits: of 16 the upper eight are kept. Transparency is dropped and colour profiles
 * are left alone, as Pillow's `convert("RGB")` does (`convert("L")` where `channels` is 1), and CMYK becomes RGB by its formula.
 * Of several frames the first is read. A picture without colours comes with one channel whatever `channels` is, which
 * `withChannels` repeats: that spares memory and time. Throws a BrokenImage, or a UserError where sharp is missing.
 */
export async function readPicture<T>(
  source: string | Uint8Array,
  channels: 1 | 3,
  readerOf: (size: ImageSize, channels: 1 | 3) => StripReader<T>,
): Promise<T> {
  const sharp = await loadSharp();
  const open = (bytes: Uint8Array): Sharp =>
    sharp(bytes, { failOn: "error", ignoreIcc: true, sequentialRead: true, limitInputPixels: false });
  const length = await bytesOf(source);
  let taken = Math.max(length, SMALLEST);
  await budget.take(taken);
  try {
    let bytes = await readBytes(source);
    const header = await headerOf(bytes, open);
    const layout = layoutOf(header, channels);
    const upright = header.isTurned ? { height: header.width, width: header.height } : header;
    checkSize(header, decodingBytes(header, { fileBytes: length, ...layout.least, resultBytes: 0 }));
    const given = layout.given;
    const reader = readerOf({ height: upright.height, width: upright.width }, given);
    const stripWidth = header.isTurned ? upright.width : reader.width;
    const rowBytes = stripWidth * layout.bytesPerPixel;
    const { stripCopies } = layout.least;
    const parts = { fileBytes: length, stripCopies, resultBytes: reader.bytes };
    // Where the decoder holds much by itself, strips are smaller
    const room = (MOST_DECODING_BYTES - decodingBytes(header, { ...parts, stripBytes: 0 })) / stripCopies;
    const fitting = Math.min(upright.height, Math.floor(Math.min(STRIP_BYTES, room) / rowBytes));
    const rows = Math.max(Math.ceil(upright.height / MOST_STRIPS), fitting);
    const needed = decodingBytes(header, { ...parts, stripBytes: rows * rowBytes });
    checkSize(header, needed);
    if (!budget.tryTake(needed - taken)) {
      // Nobody waits while holding what another waits for
      bytes = NONE;
      budget.give(taken);
      taken = 0;
      await budget.take(needed);
    }
    taken = needed;
    if (bytes === NONE) bytes = await readBytes(source);
    // A function of its own, whose strip is not held while the next one is decoded
    const read = async (picture: Sharp, box: Box, top: number, count: number): Promise<void> => {
      const converted = layout.convert(await stripOf(picture, header, layout, box));
      reader.add(header.isTurned ? columnsOf(converted, box, reader, given) : converted, top, count);
    };
    for (let top = 0; top < upright.height; top += rows) {
      const count = Math.min(rows, upright.height - top);
      const box = header.isTurned
        ? { top, left: 0, height: count, width: upright.width }
        : { top, left: reader.left, height: count, width: reader.width };
      await read(open(bytes), box, top, count);
    }
    return reader.result();
  } finally {
    budget.give(taken);
  }
}

const budget = new ByteBudget(MOST_DECODING_BYTES);
/** Each is decoded from the beginning of the file. */
const MOST_STRIPS = 24;
const NONE = new Uint8Array(0);
/** What is taken before the header is known. */
const SMALLEST = 1024 * 1024;
/** 16,383 × 16,383, sharp's own bound. */
const MOST_PIXELS = 0x3fff * 0x3fff;
const MEBIBYTE = 1024 * 1024;

async function bytesOf(source: string | Uint8Array): Promise<number> {
  if (typeof source !== "string") return source.length;
  return await fromFile(source, async (file) => (await file.stat()).size);
}

async function readBytes(source: string | Uint8Array): Promise<Uint8Array> {
  return typeof source === "string" ? await fromFile(source, (file) => file.readFile()) : source;
}

async function fromFile<T>(
  path: string,
  read: (file: Awaited<ReturnType<typeof openPlainFile>>) => Promise<T>,
): Promise<T> {
  try {
    const file = await openPlainFile(path);
    try {
      const { size } = await file.stat();
      if (size > MOST_DECODING_BYTES / 2) {
        const [found, most] = [size, MOST_DECODING_BYTES / 2].map((bytes) => Math.round(bytes / MEBIBYTE));
        throw new BrokenImage(`is a file of ${found} MiB, and at most ${most} MiB are read; save it smaller`);
      }
      return await read(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BrokenImage) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new BrokenImage("is not there");
    throw new BrokenImage(message.startsWith("is ") ? message : `cannot be read (${code ?? message})`);
  }
}

interface Header extends DecodedSize {
  readonly space: Metadata["space"];
  /** How the picture as it is stored is turned to be upright: first by the angle, clockwise, then mirrored left to right. */
  readonly angle: number;
  readonly isMirrored: boolean;
  /** By a quarter or three. */
  readonly isTurned: boolean;
}

/** Of the Exif orientations 1 to 8. */
const TURNS: readonly (readonly [angle: number, isMirrored: boolean])[] = [
  [0, false],
  [0, true],
  [180, false],
  [180, true],
  [90, true],
  [90, false],
  [270, true],
  [270, false],
];

async function headerOf(bytes: Uint8Array, open: (bytes: Uint8Array) => Sharp): Promise<Header> {
  const format = formatOf(bytes);
  if (format === undefined) throw new BrokenImage(`is not a ${READABLE} picture`);
  if (typeof format !== "string") throw new BrokenImage(`is a ${format.kind}, expected ${READABLE}; ${format.way}`);
  const metadata = await open(bytes)
    .metadata()
    .catch((error: Error) => {
      throw damageOf(error);
    });
  const {
    width,
    pageHeight,
    height,
    channels,
    depth,
    space,
    isProgressive,
    chromaSubsampling,
    orientation = 1,
  } = metadata;
  const bytesPerSample = SAMPLE_BYTES[depth];
  if (bytesPerSample === undefined) throw new BrokenImage(`has samples of the kind ${depth}; 8 and 16 bits are read`);
  if (space === "lab" || (space === "cmyk" && bytesPerSample > 1)) {
    throw new BrokenImage(`has ${space.toUpperCase()} colours of ${8 * bytesPerSample} bits; convert it to RGB`);
  }
  const [angle, isMirrored] = TURNS[orientation - 1] ?? TURNS[0]!;
  return {
    format,
    height: pageHeight ?? height,
    width,
    channels,
    bytesPerSample,
    isProgressive: isProgressive || (format === "jpeg" && hasSeveralScans(bytes)),
    hasQuarterColors: chromaSubsampling === "4:2:0",
    space,
    angle,
    isMirrored,
    isTurned: angle % 180 !== 0,
  };
}

/**
 * Whether a JPEG's first scan has fewer components than the picture, so that others follow, for which a decoder keeps all
 * coefficients as for progressive ones. Segments go marker, length, content (ITU-T T.81, annex B).
 */
function hasSeveralScans(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let components = 0;
  for (let at = 2; at + 10 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++; // filled up
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) components = bytes[at + 9]!;
    if (marker === 0xda) return bytes[at + 4]! < components;
    at += 2 + view.getUint16(at + 2);
  }
  return false;
}

const SAMPLE_BYTES: Readonly<Record<string, number | undefined>> = { uchar: 1, ushort: 2 };

const FORMAT_NAMES: Readonly<Record<PictureFormat, string>> = {
  png: "PNG",
  jpeg: "JPEG",
  webp: "WebP",
  gif: "GIF",
  tiff: "TIFF",
  avif: "AVIF",
};

function checkSize({ height, width, format, isProgressive }: Header, bytes: number): void {
  const pixels = height * width;
  const megapixels = (count: number): string => (count / 1e6).toFixed(count < 10e6 ? 1 : 0);
  if (pixels > MOST_PIXELS) {
    throw new BrokenImage(`has ${megapixels(pixels)} megapixels, and at most ${megapixels(MOST_PIXELS)} are read`);
  }
  if (bytes <= MOST_DECODING_BYTES) return;
  const kind = `${isProgressive && format === "jpeg" ? "progressive or multi-scan " : ""}${FORMAT_NAMES[format]}`;
  const [found, most] = [bytes, MOST_DECODING_BYTES].map((count) => Math.round(count / MEBIBYTE));
  throw new BrokenImage(
    `takes ${found} MiB to decode (${kind} of ${megapixels(pixels)} megapixels), and at most ${most} MiB are allowed; save it smaller`,
  );
}

/** How pixels leave sharp, and what makes those that are asked for of them. */
interface Layout {
  readonly space: "b-w" | "grey16" | "cmyk" | "srgb" | "rgb16";
  readonly depth: "uchar" | "ushort";
  readonly bytesPerPixel: number;
  /** What a reader is given. */
  readonly given: 1 | 3;
  readonly convert: (pixels: Uint8Array) => Uint8Array;
  /** What the smallest strip takes. */
  readonly least: { readonly stripBytes: number; readonly stripCopies: number };
}

function layoutOf({ space: stored, bytesPerSample, isTurned, width, height }: Header, to: 1 | 3): Layout {
  const isGrey = stored === "b-w" || stored === "grey16";
  const isDeep = bytesPerSample > 1;
  const space = stored === "cmyk" ? "cmyk" : isGrey ? (isDeep ? "grey16" : "b-w") : isDeep ? "rgb16" : "srgb";
  const bytesPerPixel = (space === "cmyk" ? 4 : isGrey ? 1 : 3) * bytesPerSample;
  const given = isGrey ? 1 : to;
  const convert = (pixels: Uint8Array): Uint8Array => {
    const bytes = isDeep ? upperBytes(pixels) : pixels;
    const colors = space === "cmyk" ? fromCmyk(bytes) : bytes;
    return !isGrey && given === 1 ? toGrey(colors) : colors;
  };
  // A strip, its copy where it is turned, and what it is converted to
  const stripCopies = 1 + (isTurned ? 1 : 0) + (given < bytesPerPixel ? 1 : 0);
  const stripBytes = (isTurned ? height : width) * bytesPerPixel;
  return {
    space,
    depth: isDeep ? "ushort" : "uchar",
    bytesPerPixel,
    given,
    convert,
    least: { stripBytes, stripCopies },
  };
}

/** The box of the upright picture, as it leaves sharp. */
async function stripOf(picture: Sharp, header: Header, { space, depth }: Layout, box: Box): Promise<Uint8Array> {
  try {
    collectDiscarded();
    const { angle, isMirrored } = header;
    let cut = picture.extract(storedBox(box, header));
    if (isMirrored) cut = cut.flop();
    // sharp mirrors first, so that turning goes the other way round
    if (angle !== 0) cut = cut.rotate(isMirrored ? 360 - angle : angle);
    if (space === "cmyk") cut = cut.pipelineColourspace("cmyk");
    else cut = cut.removeAlpha();
    const { data } = await cut.toColourspace(space).raw({ depth }).toBuffer({ resolveWithObject: true });
    noteDiscarded(data.length);
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  } catch (error) {
    throw damageOf(error as Error);
  }
}

interface Box extends ImageSize {
  readonly top: number;
  readonly left: number;
}

/** Where a box of the upright picture lies in the stored one. */
function storedBox({ top, left, height, width }: Box, { angle, isMirrored, ...stored }: Header): Box {
  const uprightWidth = angle % 180 === 0 ? stored.width : stored.height;
  const x = isMirrored ? uprightWidth - left - width : left; // before it was mirrored
  if (angle === 0) return { top, left: x, height, width };
  if (angle === 180) return { top: stored.height - top - height, left: stored.width - x - width, height, width };
  return angle === 90
    ? { top: stored.height - x - width, left: top, height: width, width: height }
    : { top: x, left: stored.width - top - height, height: width, width: height };
}

/** libvips's messages name its own functions, and often no reason. */
function damageOf({ message }: Error): BrokenImage {
  const isOther = /unsupported image format|unknown file type|Input Buffer is empty/i.test(message);
  return new BrokenImage(isOther ? `is not a ${READABLE} picture` : "is truncated or damaged");
}
