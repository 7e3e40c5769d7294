// A folder of images → what there is to know before training on it: sizes, images that cannot be read, images that are there
// twice, how many each class has, and images of the test part that the training part shows too.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Diagnostic } from "../../../compiler/diagnostics/diagnostic.js";
import { UserError } from "../../process/user-error.js";
import type { OnDataProgress } from "../progress.js";
import type { ImageSize } from "../resize.js";
import type { BrokenFile } from "./broken-images.js";
import { rememberBroken, stampOf } from "./broken-images.js";
import { withChannels } from "./convert-channels.js";
import { BrokenImage, readPicture } from "./decode-image.js";
import type { PassedOver } from "./image-files.js";
import type { ListedImage } from "./list-images.js";
import { listImages } from "./list-images.js";
import type { ImageHash } from "./perceptual-hash.js";
import { hashing, lookAlike } from "./perceptual-hash.js";
import { folderFaults } from "./scan-images.js";

export interface ImagesReport {
  readonly folder: string;
  readonly hasSplit: boolean;
  readonly classes: readonly { readonly name: string; readonly train: number; readonly test: number }[];
  /** Images that can be read. */
  readonly images: number;
  /** By number of pixels; null where nothing can be read. */
  readonly sizes: { readonly smallest: ImageSize; readonly median: ImageSize; readonly largest: ImageSize } | null;
  readonly broken: readonly BrokenFile[];
  /** Images of the same pixels, two or more in a group. */
  readonly duplicates: readonly (readonly string[])[];
  /** Those of the groups whose images are of several classes. */
  readonly contradictions: readonly (readonly string[])[];
  /** Images to test on, each with one to train on that looks alike. Empty without a split: none is drawn here. */
  readonly leaks: readonly { readonly test: string; readonly train: string }[];
  /** Classes of the test part that the training part has not. */
  readonly strangers: readonly string[];
  /** Files and folders that are not read. */
  readonly passedOver: readonly PassedOver[];
  /** What `netc check` says of the folder, but for images that cannot be read. */
  readonly faults: readonly Pick<Diagnostic, "code" | "severity" | "message" | "hint">[];
}

interface Examined extends ListedImage, ImageSize {
  readonly digest: string;
  readonly hash: ImageHash;
}

/** Throws a UserError where there is no such folder, or no folder of a class in it. */
export async function examineImages(folder: string, onProgress: OnDataProgress): Promise<ImagesReport> {
  const listed = listImages(folder);
  if (!listed) throw new UserError(`there is no folder ${folder}; a path is relative to where netc runs`);
  const faults = folderFaults(listed, folder);
  if (listed.classes.length === 0)
    throw new UserError(faults.map(({ message, hint }) => `${message}; ${hint}`).join("\n"));
  const broken: BrokenFile[] = [];
  const stamps = new Map<string, string>();
  const unreadable = new Set(
    [...listed.train, ...(listed.test ?? [])].filter(({ fault }) => fault !== undefined).map(({ path }) => path),
  );
  const total = listed.train.length + (listed.test?.length ?? 0);
  const all = async (images: readonly ListedImage[], before: number): Promise<Examined[]> => {
    const examined: Examined[] = [];
    for (let first = 0; first < images.length; first += GROUP) {
      onProgress({ doing: `looking at ${folder}`, done: before + first, total, unit: "images" });
      const group = images.slice(first, first + GROUP);
      for (const { path } of group) stamps.set(path, stampOf(join(folder, path)));
      const found = await Promise.all(group.map((image) => examine(folder, image)));
      for (const [index, one] of found.entries()) {
        if (one instanceof BrokenImage) broken.push({ path: group[index]!.path, reason: one.message });
        else examined.push(one);
      }
    }
    return examined;
  };
  const train = await all(listed.train, 0);
  const test = await all(listed.test ?? [], listed.train.length);
  onProgress({ doing: `looking at ${folder}`, done: total, total, unit: "images" });
  const decoded = broken.filter(({ path }) => !unreadable.has(path));
  if (decoded.length > 0) await rememberBroken(folder, decoded, stamps).catch(() => undefined); // it is said all the same
  const counts = { train: countsOf(train, listed.classes.length), test: countsOf(test, listed.classes.length) };
  const groups = equalImages([...train, ...test]);
  const pathsOf = (group: readonly Examined[]): string[] => group.map(({ path }) => path);
  return {
    folder,
    hasSplit: listed.test !== null,
    classes: listed.classes.map((name, label) => ({ name, train: counts.train[label]!, test: counts.test[label]! })),
    images: train.length + test.length,
    sizes: sizesOf([...train, ...test]),
    broken,
    duplicates: groups.map(pathsOf),
    contradictions: groups.filter((group) => new Set(group.map(({ label }) => label)).size > 1).map(pathsOf),
    leaks: test.flatMap((image) => {
      const twin = train.find((other) => lookAlike(image.hash, other.hash));
      return twin ? [{ test: image.path, train: twin.path }] : [];
    }),
    strangers: listed.strangers,
    passedOver: listed.passedOver,
    faults,
  };
}

/** Decoded at a time. */
const GROUP = 32;
const ROWS_AT_ONCE = 64;

async function examine(folder: string, image: ListedImage): Promise<Examined | BrokenImage> {
  if (image.fault !== undefined) return new BrokenImage(image.fault);
  try {
    return await readPicture(join(folder, image.path), 3, ({ height, width }, given) => {
      const digest = createHash("sha256").update(`${height} ${width} `);
      const hash = hashing({ height, width }, 3);
      const bytesInRow = width * given;
      return {
        left: 0,
        width,
        bytes: hash.bytes,
        add: (strip, top, rows) => {
          // Some rows at a time, since grey ones become three times as large
          for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
            const count = Math.min(ROWS_AT_ONCE, rows - row);
            const colors = withChannels(strip.subarray(row * bytesInRow, (row + count) * bytesInRow), given, 3);
            digest.update(colors);
            hash.add(colors, top + row, count);
          }
        },
        result: () => ({ ...image, height, width, digest: digest.digest("hex"), hash: hash.result() }),
      };
    });
  } catch (error) {
    if (error instanceof BrokenImage) return error;
    throw error;
  }
}

function equalImages(images: readonly Examined[]): Examined[][] {
  const groups = new Map<string, Examined[]>();
  for (const image of images) {
    const group = groups.get(image.digest);
    if (group) group.push(image);
    else groups.set(image.digest, [image]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function countsOf(images: readonly Examined[], classes: number): Uint32Array {
  const counts = new Uint32Array(classes);
  for (const { label } of images) counts[label]!++;
  return counts;
}

function sizesOf(images: readonly Examined[]): ImagesReport["sizes"] {
  if (images.length === 0) return null;
  const sizes = images
    .map(({ height, width }) => ({ height, width }))
    .toSorted((one, other) => one.height * one.width - other.height * other.width);
  return { smallest: sizes[0]!, median: sizes[Math.floor(sizes.length / 2)]!, largest: sizes.at(-1)! };
}
