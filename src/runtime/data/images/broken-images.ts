// Which images of a folder are known not to be readable: found while they were decoded, kept in the cache, so that a file
// that leaves them out can be checked without decoding anything. One that has changed since is looked at anew.
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheFolder, makeInCache } from "../../files/cache-folder.js";
import { sha256Of } from "../../files/digest.js";
import { readPlainFileSync } from "../../files/read-plain-file.js";
import { writeFileAtomically } from "../../files/write-file-atomically.js";
import type { ListedImage } from "./list-images.js";

export interface BrokenFile {
  /** Relative to the folder, as it is listed. */
  readonly path: string;
  /** A clause: "is truncated or damaged". */
  readonly reason: string;
}

type Known = Readonly<Record<string, { readonly stamp: string; readonly reason: string }>>;

/** Where what is made of a folder of images is kept. */
export function imagesCache(folder: string): string {
  const name = sha256Of(resolve(folder)).slice(0, 16);
  return join(cacheFolder(), "images", name);
}

/**
 * Changes when the file does, and when another file takes its place: its size, the times that its content and its place or
 * rights changed, and its number on the disk. Of a file that is not there, nothing.
 */
export function stampOf(path: string): string {
  try {
    const { size, mtimeNs, ctimeNs, ino } = statSync(path, { bigint: true });
    return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}

export function withoutBroken<Image extends ListedImage>(folder: string, images: readonly Image[]): Image[] {
  const known = readKnown(folder);
  return images.filter(({ path, fault }) => fault === undefined && !isKnown(folder, path, known));
}

/** Those that are known already, of all that are listed: by their names alone, or because they were decoded before. */
export function knownBroken(folder: string, images: readonly ListedImage[]): BrokenFile[] {
  const known = readKnown(folder);
  return images.flatMap(({ path, fault }) => {
    if (fault !== undefined) return [{ path, reason: fault }];
    return isKnown(folder, path, known) ? [{ path, reason: known[path]!.reason }] : [];
  });
}

/** `stamps` has what the files were when they were read, by path. */
export async function rememberBroken(
  folder: string,
  broken: readonly BrokenFile[],
  stamps: ReadonlyMap<string, string>,
): Promise<void> {
  const added = broken.map(({ path, reason }) => [path, { stamp: stamps.get(path)!, reason }] as const);
  await makeInCache(imagesCache(folder));
  await writeFileAtomically(fileOf(folder), JSON.stringify({ ...readKnown(folder), ...Object.fromEntries(added) }));
}

function isKnown(folder: string, path: string, known: Known): boolean {
  return Object.hasOwn(known, path) && known[path]?.stamp === stampOf(join(folder, path));
}

function readKnown(folder: string): Known {
  try {
    const known: unknown = JSON.parse(readPlainFileSync(fileOf(folder)).toString("utf8"));
    return typeof known === "object" && known !== null ? (known as Known) : {};
  } catch {
    return {}; // nothing is known yet, or not to be read: they will be found again
  }
}

function fileOf(folder: string): string {
  return join(imagesCache(folder), "broken.json");
}
