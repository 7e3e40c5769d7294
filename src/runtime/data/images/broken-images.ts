// Which images of a folder are known not to be readable: found while they were decoded, kept in the cache, so that a file
// that leaves them out can be checked without decoding anything. One that has changed since is looked at anew.
import { readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { cacheFolder } from "../../files/cache-folder.js";
import { sha256Of } from "../../files/digest.js";
import { writeFileAtomically } from "../../files/write-file-atomically.js";
import type { ListedImage } from "./list-images.js";

export interface BrokenFile {
  /** Relative to the folder, as it is listed. */
  readonly path: string;
  /** A clause: "is cut off or damaged". */
  readonly reason: string;
}

type Known = Readonly<Record<string, { readonly stamp: string; readonly reason: string }>>;

/** Where what is made of a folder of images is kept. */
export function imagesCache(folder: string): string {
  const name = sha256Of(resolve(folder)).slice(0, 16);
  return join(cacheFolder(), "images", name);
}

/** Changes when the file does: its size and the time it was written. */
export function stampOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size} ${mtimeMs}`;
}

export function withoutBroken<Image extends ListedImage>(folder: string, images: readonly Image[]): Image[] {
  const known = readKnown(folder);
  return images.filter(({ path }) => !isKnown(folder, path, known));
}

/** Those that are known already, of all that are listed. */
export function knownBroken(folder: string, images: readonly ListedImage[]): BrokenFile[] {
  const known = readKnown(folder);
  return images.flatMap(({ path }) => (isKnown(folder, path, known) ? [{ path, reason: known[path]!.reason }] : []));
}

export async function rememberBroken(folder: string, broken: readonly BrokenFile[]): Promise<void> {
  const added = broken.map(({ path, reason }) => [path, { stamp: stampOf(join(folder, path)), reason }] as const);
  await mkdir(imagesCache(folder), { recursive: true });
  await writeFileAtomically(fileOf(folder), JSON.stringify({ ...readKnown(folder), ...Object.fromEntries(added) }));
}

function isKnown(folder: string, path: string, known: Known): boolean {
  return Object.hasOwn(known, path) && known[path]!.stamp === stampOf(join(folder, path));
}

function readKnown(folder: string): Known {
  try {
    return JSON.parse(readFileSync(fileOf(folder), "utf8")) as Known;
  } catch {
    return {}; // nothing is known yet, or not to be read: they will be found again
  }
}

function fileOf(folder: string): string {
  return join(imagesCache(folder), "broken.json");
}
