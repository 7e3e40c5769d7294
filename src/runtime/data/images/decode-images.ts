// Pictures of a folder → one file with all of them at one size, one after the other, and which of them cannot be read. Runs
// in a process of its own: see `prepareApart`.
import { createHash } from "node:crypto";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImagesDataset, PictureFit } from "../../../compiler/config.js";
import { ifThere } from "../../files/if-there.js";
import { openPlainFile } from "../../files/read-plain-file.js";
import type { PreparationOptions } from "../progress.js";
import type { BrokenFile } from "./broken-images.js";
import { BrokenImage, readPicture } from "./decode-image.js";
import { PICTURES_AT_ONCE } from "./decoding-memory.js";
import { fitting } from "./fit-image.js";

export interface ImagesToDecode extends PictureFit, Pick<ImagesDataset, "folder" | "grayscale"> {
  /** Relative to the folder. */
  readonly paths: readonly string[];
  /** Is made, and flushed to the disk; removed again where this fails. */
  readonly file: string;
}

/** The file holds all but those that are returned, each as [height, width, channels], and behind them the SHA-256 of them all. */
export async function decodeImages(
  { folder, paths, grayscale, file, ...fit }: ImagesToDecode,
  { onProgress, signal }: PreparationOptions,
): Promise<BrokenFile[]> {
  const progress = (done: number) =>
    onProgress({ doing: `decoding ${folder}`, done, total: paths.length, unit: "images" });
  const broken: BrokenFile[] = [];
  const hash = createHash("sha256");
  const handle = await open(file, "wx");
  try {
    for (let first = 0; first < paths.length; first += PICTURES_AT_ONCE) {
      signal?.throwIfAborted();
      progress(first);
      const group = paths.slice(first, first + PICTURES_AT_ONCE);
      const read = await Promise.all(group.map((path) => pixelsOf(join(folder, path), fit, grayscale ? 1 : 3)));
      for (const [index, pixels] of read.entries()) {
        if (pixels instanceof BrokenImage) broken.push({ path: group[index]!, reason: pixels.message });
        else {
          hash.update(pixels);
          await handle.writeFile(pixels);
        }
      }
    }
    progress(paths.length);
    await handle.writeFile(hash.digest());
    await handle.sync();
    await handle.close();
    return broken;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(file, { force: true });
    throw error;
  }
}

const DIGEST_BYTES = 32;

/** Whether a file is as long as `bytes` of pixels and their digest. */
export async function hasItsLength(file: string, bytes: number): Promise<boolean> {
  return (await ifThere(file, stat(file)))?.size === bytes + DIGEST_BYTES;
}

/** Whether a file still holds what it was written with: `bytes` of pixels, and their digest. */
export async function holdsItsImages(file: string, bytes: number): Promise<boolean> {
  const handle = await ifThere(file, openPlainFile(file));
  if (!handle) return false;
  try {
    if ((await handle.stat()).size !== bytes + DIGEST_BYTES) return false;
    const hash = createHash("sha256");
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let at = 0; at < bytes;) {
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, bytes - at), at);
      if (bytesRead === 0) return false;
      hash.update(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
    const { buffer } = await handle.read(Buffer.alloc(DIGEST_BYTES), 0, DIGEST_BYTES, bytes);
    return hash.digest().equals(buffer);
  } finally {
    await handle.close();
  }
}

const PIECE_BYTES = 1 << 20;

async function pixelsOf(path: string, fit: PictureFit, channels: 1 | 3): Promise<Uint8Array | BrokenImage> {
  try {
    return await readPicture(path, channels, fitting(fit, channels));
  } catch (error) {
    if (error instanceof BrokenImage) return error;
    throw error;
  }
}
