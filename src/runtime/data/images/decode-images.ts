// Pictures of a folder → one file with all of them at one size, one after the other, and which of them cannot be read. Runs
// in a process of its own: see `prepareApart`.
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ImagesDataset } from "../../../compiler/config.js";
import type { PreparationOptions } from "../progress.js";
import type { BrokenFile } from "./broken-images.js";
import { BrokenImage, readPicture } from "./decode-image.js";
import { PICTURES_AT_ONCE } from "./decoding-memory.js";
import { fitting } from "./fit-image.js";

export interface ImagesToDecode extends Pick<ImagesDataset, "folder" | "size" | "grayscale"> {
  /** Relative to the folder. */
  readonly paths: readonly string[];
  /** Is made, and flushed to the disk; removed again where this fails. */
  readonly file: string;
}

/** The file holds all but those that are returned, each as [height, width, channels]. */
export async function decodeImages(
  { folder, paths, size, grayscale, file }: ImagesToDecode,
  { onProgress, signal }: PreparationOptions,
): Promise<BrokenFile[]> {
  const progress = (done: number) =>
    onProgress({ doing: `decoding ${folder}`, done, total: paths.length, unit: "images" });
  const broken: BrokenFile[] = [];
  const handle = await open(file, "wx");
  try {
    for (let first = 0; first < paths.length; first += PICTURES_AT_ONCE) {
      signal?.throwIfAborted();
      progress(first);
      const group = paths.slice(first, first + PICTURES_AT_ONCE);
      const read = await Promise.all(group.map((path) => pixelsOf(join(folder, path), size, grayscale ? 1 : 3)));
      for (const [index, pixels] of read.entries()) {
        if (pixels instanceof BrokenImage) broken.push({ path: group[index]!, reason: pixels.message });
        else await handle.writeFile(pixels);
      }
    }
    progress(paths.length);
    await handle.sync();
    await handle.close();
    return broken;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(file, { force: true });
    throw error;
  }
}

async function pixelsOf(path: string, size: ImagesDataset["size"], channels: 1 | 3): Promise<Uint8Array | BrokenImage> {
  try {
    return await readPicture(path, channels, fitting(size, channels));
  } catch (error) {
    if (error instanceof BrokenImage) return error;
    throw error;
  }
}
