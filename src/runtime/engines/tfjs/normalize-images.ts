// 8-bit images → normalised float32 images, ((x / 255) − mean) / std with every operation rounded to float32 as PyTorch does.
import type { DataConfig } from "../../../compiler/config.js";

/** Channels last; one mean and one std a channel. */
export function normalizeImages(images: Uint8Array, { mean, std }: DataConfig["normalize"]): Float32Array {
  const channels = mean.length;
  const tables = mean.map((centre, channel) => valuesOf(centre, std[channel]!));
  const normalized = new Float32Array(images.length);
  for (let at = 0; at < images.length; at++) normalized[at] = tables[at % channels]![images[at]!]!;
  return normalized;
}

/** The normalised value of each of the 256 that a pixel can have. */
function valuesOf(mean: number, std: number): Float32Array {
  const table = new Float32Array(256);
  for (let pixel = 0; pixel < 256; pixel++) {
    const centred = Math.fround(Math.fround(pixel / 255) - Math.fround(mean));
    table[pixel] = centred / Math.fround(std);
  }
  return table;
}
