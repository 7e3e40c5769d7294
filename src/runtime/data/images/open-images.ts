// A folder of images as a data set: decoded once, in a process of its own, into a file of the cache that is named for what the
// images were, and read from there: into memory, or batch by batch.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, readdir, rm, stat, statfs, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ImagesDataset } from "../../../compiler/config.js";
import { makeInCache } from "../../files/cache-folder.js";
import { withLock } from "../../files/with-lock.js";
import { ifThere } from "../../files/if-there.js";
import { renameInTime } from "../../files/write-file-atomically.js";
import { UserError } from "../../process/user-error.js";
import type { Dataset, ImageSet } from "../dataset.js";
import { packedSet } from "../dataset.js";
import { PackedImages } from "../packed/packed-images.js";
import { prepareApart } from "../preparation.js";
import type { OnDataProgress } from "../progress.js";
import type { BrokenFile } from "./broken-images.js";
import { imagesCache, knownBroken, rememberBroken, stampOf } from "./broken-images.js";
import { decodingNeeds } from "./decoding-memory.js";
import type { ListedImage, ListedImages } from "./list-images.js";
import { DIGEST_BYTES, hasItsLength, holdsItsImages } from "./decode-images.js";
import { listImages } from "./list-images.js";
import { journalOf } from "../packed/packing-journal.js";
import { all, readable } from "./scan-images.js";
import { splitImages } from "./split-images.js";

/**
 * The images that the settings count. Throws a UserError that names images which cannot be read, where they are not to be
 * left out, and one where the folder has changed since it was counted.
 */
export async function openImages(
  settings: ImagesDataset,
  seed: number,
  onProgress: OnDataProgress,
  signal?: AbortSignal,
): Promise<Dataset> {
  const { file, images } = await decodeOnce(settings, onProgress, signal);
  const { folder, classes } = settings;
  const listed = readable(folder, list(folder));
  const split = splitImages(listed, { validation_share: settings.validation_share, seed });
  const isSame =
    listed.classes.join("/") === classes.join("/") &&
    split.train.length === settings.train_images &&
    split.test.length === settings.test_images;
  if (!isSame) {
    const found = `${listed.classes.length} classes with ${split.train.length} images to train and ${split.test.length} to test on`;
    const wayOn =
      settings.broken === "skip"
        ? "compile the file again, now that it is known which cannot be read, or put back what was there"
        : "put back what was there, or start a new run";
    throw new UserError(
      `${folder} now holds ${found}, expected ${classes.length} with ${settings.train_images} and ${settings.test_images}; ${wayOn}`,
    );
  }
  const places = new Map(images.map(({ path }, place) => [path, place]));
  if (settings.held_in === "disk") {
    const whole = PackedImages.open(
      file,
      imageBytes(settings),
      Uint32Array.from(images, (_, place) => place),
    );
    const set = (part: readonly ListedImage[]): ImageSet =>
      packedSet(factsOf(part, settings), whole.select(part.map(({ path }) => places.get(path)!)));
    return { classes, train: set(split.train), test: set(split.test) };
  }
  const handle = await open(file, "r");
  try {
    const set = (part: readonly ListedImage[]): Promise<ImageSet> => readSet(handle, part, places, settings);
    return { classes, train: await set(split.train), test: await set(split.test) };
  } finally {
    await handle.close();
  }
}

/** The images that are left out, after those that were not decoded yet have been. */
export async function findBroken(
  settings: ImagesDataset,
  onProgress: OnDataProgress,
  signal?: AbortSignal,
): Promise<BrokenFile[]> {
  await decodeOnce(settings, onProgress, signal);
  return knownBroken(settings.folder, all(list(settings.folder)));
}

/** Whether the cache seems to hold the images as they are now: what is in the file is looked at when it is opened. */
export async function isDecoded(settings: ImagesDataset): Promise<boolean> {
  return (await decodedBefore(settings, hasItsLength).catch(() => undefined)) !== undefined;
}

interface Decoded {
  /** The images one after the other, each [height, width, channels]. */
  readonly file: string;
  readonly images: readonly ListedImage[];
}

/** How many sizes or states of each folder are kept. */
const KEPT = 4;

async function decodeOnce(settings: ImagesDataset, onProgress: OnDataProgress, signal?: AbortSignal): Promise<Decoded> {
  const { folder } = settings;
  const found = await decodedBefore(settings);
  if (found) return found;
  const cache = imagesCache(folder);
  await makeInCache(cache);
  const onWait = (owner: { readonly pid: number } | null): void => {
    const who = owner === null ? "another process" : `process ${owner.pid}`;
    onProgress({ doing: `waiting for ${who}, which is decoding ${folder}`, done: 0, total: 0, unit: "images" });
  };
  return await withLock(
    join(cache, "lock"),
    async () => {
      await removeLeftovers(cache, settings);
      return (await decodedBefore(settings)) ?? (await decode(settings, cache, onProgress, signal));
    },
    { onWait, signal },
  );
}

/** Undefined where the cache does not hold the images as they are now, or not as they were written. */
async function decodedBefore(settings: ImagesDataset, isWhole = holdsItsImages): Promise<Decoded | undefined> {
  const { folder } = settings;
  const listed = list(folder);
  const known = settings.broken === "error" ? knownBroken(folder, all(listed)) : [];
  if (known.length > 0) throw brokenError(folder, known);
  const images = all(readable(folder, listed));
  const file = cacheFile(settings, images, stampsOf(folder, images));
  if (!(await isWhole(file, images.length * imageBytes(settings)))) return undefined;
  await utimes(file, new Date(), new Date()).catch(() => undefined); // the newest are kept
  return { file, images };
}

async function decode(
  settings: ImagesDataset,
  cache: string,
  onProgress: OnDataProgress,
  signal: AbortSignal | undefined,
): Promise<Decoded> {
  const { folder, size, resize, interpolation, grayscale } = settings;
  const images = all(readable(folder, list(folder)));
  const stamps = stampsOf(folder, images); // before they are read: one that changes meanwhile is read again the next time
  const partial = partialFile(settings, images, stamps); // stays where decoding is stopped, and is gone on with
  await checkRoom(cache, partial, images.length * imageBytes(settings) + DIGEST_BYTES, folder);
  const paths = images.map(({ path }) => path);
  const task = { kind: "decode-images", folder, paths, size, resize, interpolation, grayscale, file: partial } as const;
  const broken = await prepareApart(task, decodingNeeds(settings), { onProgress, signal });
  if (broken.length > 0) await rememberBroken(folder, broken, stamps);
  if (broken.length > 0 && settings.broken === "error") {
    await Promise.all([partial, journalOf(partial)].map((file) => rm(file, { force: true })));
    throw brokenError(folder, broken);
  }
  const isBroken = new Set(broken.map(({ path }) => path));
  const good = images.filter(({ path }) => !isBroken.has(path));
  const place = cacheFile(settings, good, stamps);
  await renameInTime(partial, place);
  await rm(journalOf(partial), { force: true });
  await prune(cache);
  return { file: place, images: good };
}

/** While it is being written. */
function partialFile(settings: ImagesDataset, images: readonly ListedImage[], stamps: Stamps): string {
  return `${cacheFile(settings, images, stamps)}.partial`;
}

/** @throws UserError where the disk has less than what is still to be written. */
async function checkRoom(cache: string, partial: string, bytes: number, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(cache);
  const written = (await ifThere(partial, stat(partial)))?.size ?? 0;
  const [needs, has] = [bytes - written, bavail * bsize];
  if (needs <= has) return;
  const text = (count: number): string => `${Math.ceil(count / 2 ** 20)} MiB`;
  throw new UserError(
    `the decoded images of ${folder} take ${text(needs)} in ${cache}, and its disk has ${text(has)} left`,
    ["make room, make `size` smaller, or set NETC_CACHE to a folder on another disk"],
  );
}

/**
 * What a killed process left, but for what the images as they are now can be gone on with. Only the owner of the lock calls
 * this.
 */
async function removeLeftovers(cache: string, settings: ImagesDataset): Promise<void> {
  const { folder } = settings;
  const images = all(readable(folder, list(folder)));
  const partial = basename(partialFile(settings, images, stampsOf(folder, images)));
  const isLeft = (name: string): boolean =>
    name.endsWith(".tmp") || (/\.partial(\.journal)?$/.test(name) && !name.startsWith(partial));
  const names = (await readdir(cache)).filter(isLeft);
  await Promise.all(names.map((name) => rm(join(cache, name), { recursive: true, force: true })));
}

const NAMED = 10;

function brokenError(folder: string, broken: readonly BrokenFile[]): UserError {
  const names = broken.slice(0, NAMED).map(({ path, reason }) => `  ${path} ${reason}`);
  const rest = broken.length > NAMED ? [`  and ${broken.length - NAMED} more`] : [];
  const many = broken.length === 1 ? "1 image cannot be read" : `${broken.length} images cannot be read`;
  const details = [...names, ...rest, "remove them, or leave them out with `broken: skip`"];
  return new UserError(`${many} in ${folder}:`, details);
}

/** By path. */
type Stamps = ReadonlyMap<string, string>;

function stampsOf(folder: string, images: readonly ListedImage[]): Stamps {
  return new Map(images.map(({ path }) => [path, stampOf(join(folder, path))]));
}

/** Named for the images' names and stamps, and for what is made of them. */
function cacheFile(settings: ImagesDataset, images: readonly ListedImage[], stamps: Stamps): string {
  const { folder, size, resize, interpolation, grayscale } = settings;
  const made = `${size.height} ${size.width} ${grayscale} ${JSON.stringify(resize)} ${interpolation}`;
  const hash = createHash("sha256").update(`${FORMAT} ${made}\n`);
  for (const { path } of images) hash.update(`${path}\n${stamps.get(path)}\n`);
  return join(imagesCache(folder), `${hash.digest("hex").slice(0, 32)}.pixels`);
}

/** Another one whenever the same file becomes other pixels than before. */
const FORMAT = 3;

async function prune(cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => name.endsWith(".pixels"));
  const files = await Promise.all(names.map(async (name) => ({ name, time: (await stat(join(cache, name))).mtimeMs })));
  const old = files.toSorted((one, other) => other.time - one.time).slice(KEPT);
  await Promise.all(old.map(({ name }) => rm(join(cache, name), { force: true })));
}

/** Reads images that lie one after the other at once. */
async function readSet(
  handle: FileHandle,
  part: readonly ListedImage[],
  places: ReadonlyMap<string, number>,
  settings: ImagesDataset,
): Promise<ImageSet> {
  const bytes = imageBytes(settings);
  const images = new Uint8Array(part.length * bytes);
  for (let first = 0; first < part.length;) {
    const place = places.get(part[first]!.path)!;
    let end = first + 1;
    while (end < part.length && end - first < MOST_AT_ONCE && places.get(part[end]!.path) === place + end - first)
      end++;
    await handle.read(images, first * bytes, (end - first) * bytes, place * bytes);
    first = end;
  }
  return { ...factsOf(part, settings), images };
}

function factsOf(part: readonly ListedImage[], settings: ImagesDataset): Omit<ImageSet, "images" | "packed"> {
  const files = part.map(({ path }) => join(settings.folder, path));
  const labels = Uint16Array.from(part, ({ label }) => label);
  return { count: part.length, ...settings.size, channels: settings.grayscale ? 1 : 3, labels, files };
}

const MOST_AT_ONCE = 1024;

function imageBytes({ size, grayscale }: ImagesDataset): number {
  return size.height * size.width * (grayscale ? 1 : 3);
}

function list(folder: string): ListedImages {
  const listed = listImages(folder);
  if (!listed) throw new UserError(`there is no folder ${folder}; a path is relative to where netc runs`);
  return listed;
}
