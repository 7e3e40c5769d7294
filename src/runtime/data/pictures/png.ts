// 8-bit pixels → a PNG file's bytes, and back. The one place where the PNG library is loaded.
import type { DecodedPng } from "fast-png";

export interface Pixels {
  readonly height: number;
  readonly width: number;
  /** 1 is grey, 3 colour; of others the first is kept. */
  readonly channels: number;
  /** [height, width, channels] */
  readonly pixels: Uint8Array;
}

export async function encodePng({ height, width, channels, pixels }: Pixels): Promise<Uint8Array> {
  const { encode } = await import("fast-png");
  if (channels === 1 || channels === 3) return encode({ width, height, channels, data: pixels });
  const first = Uint8Array.from({ length: height * width }, (_, pixel) => pixels[pixel * channels]!);
  return encode({ width, height, channels: 1, data: first });
}

export type DecodePng = (bytes: Uint8Array) => DecodedPng;

export async function loadPngDecoder(): Promise<DecodePng> {
  const { decode } = await import("fast-png");
  return decode;
}
