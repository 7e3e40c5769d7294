// Pictures of a folder → one file with all of them at one size, one after the other, and which of them cannot be read. Runs
// in a process of its own: see `prepareApart`.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImagesDataset, PictureFit } from "../../../compiler/config.js";
import { ifThere } from "../../files/if-there.js";
import { openPlainFile } from "../../files/read-plain-file.js";
import type { PreparationOptions } from "../progress.js";
import type { BrokenFile } from "./broken-images.js";
import { BrokenImage, readPicture } from "./decode-image.js";
import { PICTURES_AT_ONCE } from "./decoding-memory.js";
import { fitting } from "./fit-image.js";
import { PackingJournal } from "../packed/packing-journal.js";

export interface ImagesToDecode extends PictureFit, Pick<ImagesDataset, "folder" | "grayscale"> {
  /** Relative to the folder. */
  readonly paths: readonly string[];
  /** Is made, and flushed to the disk; removed again where this fails, but not where it is stopped. */
  readonly file: string;
}

/**
 * The file holds all but those that are returned, each as [height, width, channels], and behind them the SHA-256 of them all.
 * Where another process was stopped while it wrote the same file, this goes on behind what that one had flushed.
 */
export async function decodeImages(
  { folder, paths, grayscale, file, ...fit }: ImagesToDecode,
  { onProgress, signal }: PreparationOptions,
): Promise<BrokenFile[]> {
  const journal = await PackingJournal.open(file, paths.length);
  const progress = (done: number) =>
    onProgress({ doing: `decoding ${folder}`, done, total: paths.length, unit: "images" });
  // In a row, so that pictures are always being decoded however long the first of them takes
  const reading: Promise<Uint8Array | BrokenImage>[] = [];
  let begun = journal.done;
  try {
    progress(journal.done);
    while (journal.done < paths.length) {
      signal?.throwIfAborted();
      while (reading.length < PICTURES_AT_ONCE && begun < paths.length) {
        const next = pixelsOf(join(folder, paths[begun++]!), fit, grayscale ? 1 : 3);
        next.catch(() => undefined); // told when it is its turn
        reading.push(next);
      }
      const pixels = await reading.shift()!;
      const path = paths[journal.done]!;
      await journal.add(pixels instanceof BrokenImage ? { path, reason: pixels.message } : pixels);
      if (journal.done % PICTURES_AT_ONCE === 0) progress(journal.done);
    }
    progress(paths.length);
    return await journal.finish();
  } catch (error) {
    await journal.leave(signal?.aborted === true).catch(() => undefined);
    throw error;
  }
}

export const DIGEST_BYTES = 32;

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
