// A picture's bytes or its file → 8-bit pixels [height, width, channels]: PNG, JPEG or WebP.
import { readFile } from "node:fs/promises";
import { loadSharp } from "./load-sharp.js";

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

/**
 * Upright as its Exif orientation says; transparency is dropped and colour profiles are left alone, as Pillow's
 * `convert("RGB")` does (`convert("L")` where `channels` is 1). Throws a BrokenImage, or a UserError where sharp is missing.
 */
export async function decodeImage(source: string | Uint8Array, channels: 1 | 3): Promise<DecodedImage> {
  const sharp = await loadSharp();
  const bytes = typeof source === "string" ? await readBytes(source) : source;
  try {
    const picture = sharp(bytes, { failOn: "error", ignoreIcc: true });
    const { format } = await picture.metadata();
    if (!FORMATS.has(format)) throw new Error(`is ${format}, expected PNG, JPEG or WebP`);
    const { data, info } = await picture.autoOrient().removeAlpha().toColourspace("srgb").raw().toBuffer({
      resolveWithObject: true,
    });
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
    const { height, width } = info;
    return { height, width, channels, pixels: withChannels(pixels, height * width, info.channels, channels) };
  } catch (error) {
    throw new BrokenImage(reasonOf(error as Error));
  }
}

const FORMATS: ReadonlySet<string> = new Set(["png", "jpeg", "webp"]);

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new BrokenImage(code === "ENOENT" ? "is not there" : `cannot be read (${code ?? message})`);
  }
}

/** Grey from colour by Pillow's integer formula (src/libImaging/Convert.c, L24); colour from grey by repetition. */
function withChannels(pixels: Uint8Array, count: number, from: number, to: 1 | 3): Uint8Array {
  if (from === to) return pixels;
  const converted = new Uint8Array(count * to);
  for (let pixel = 0; pixel < count; pixel++) {
    if (to === 3) converted.fill(pixels[pixel * from]!, pixel * 3, pixel * 3 + 3);
    else {
      const [red, green, blue] = [pixels[pixel * from]!, pixels[pixel * from + 1]!, pixels[pixel * from + 2]!];
      converted[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    }
  }
  return converted;
}

/** libvips's messages name its own functions, and often no reason. */
function reasonOf({ message }: Error): string {
  if (message.startsWith("is ")) return message;
  const isOther = /unsupported image format|unknown file type|Input Buffer is empty/i.test(message);
  return isOther ? "is not a PNG, JPEG or WebP picture" : "is cut off or damaged";
}
