// A folder of images → what there is to know before training on it: sizes, images that cannot be read, images that are there
// twice, how many each class has, and images of the test part that the training part shows too.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { UserError } from "../../process/user-error.js";
import type { OnDataProgress } from "../progress.js";
import type { ImageSize } from "../resize.js";
import type { BrokenFile } from "./broken-images.js";
import { BrokenImage, decodeImage } from "./decode-image.js";
import type { ListedImage } from "./list-images.js";
import { listImages } from "./list-images.js";
import type { ImageHash } from "./perceptual-hash.js";
import { hashOf, lookAlike } from "./perceptual-hash.js";

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
}

interface Examined extends ListedImage, ImageSize {
  readonly digest: string;
  readonly hash: ImageHash;
}

/** Throws a UserError where there is no such folder, or no folder of a class in it. */
export async function examineImages(folder: string, onProgress: OnDataProgress): Promise<ImagesReport> {
  const listed = listImages(folder);
  if (!listed) throw new UserError(`there is no folder ${folder}; a path is relative to where netc runs`);
  if (listed.classes.length === 0) {
    throw new UserError(`${folder} holds no folders, expected one for each class, such as ${join(folder, "cat")}`);
  }
  const broken: BrokenFile[] = [];
  const total = listed.train.length + (listed.test?.length ?? 0);
  const all = async (images: readonly ListedImage[], before: number): Promise<Examined[]> => {
    const examined: Examined[] = [];
    for (let first = 0; first < images.length; first += GROUP) {
      onProgress({ doing: `looking at ${folder}`, done: before + first, total, unit: "images" });
      const group = images.slice(first, first + GROUP);
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
  const groups = equalImages([...train, ...test]);
  const pathsOf = (group: readonly Examined[]): string[] => group.map(({ path }) => path);
  return {
    folder,
    hasSplit: listed.test !== null,
    classes: listed.classes.map((name, label) => ({ name, train: countOf(train, label), test: countOf(test, label) })),
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
  };
}

/** Decoded at a time. */
const GROUP = 32;

async function examine(folder: string, image: ListedImage): Promise<Examined | BrokenImage> {
  try {
    const decoded = await decodeImage(join(folder, image.path), 3);
    const { height, width, pixels } = decoded;
    const digest = createHash("sha256").update(`${height} ${width} `).update(pixels).digest("hex");
    return { ...image, height, width, digest, hash: hashOf(decoded) };
  } catch (error) {
    if (error instanceof BrokenImage) return error;
    throw error;
  }
}

function equalImages(images: readonly Examined[]): Examined[][] {
  const groups = new Map<string, Examined[]>();
  for (const image of images) groups.set(image.digest, [...(groups.get(image.digest) ?? []), image]);
  return [...groups.values()].filter((group) => group.length > 1);
}

function countOf(images: readonly Examined[], label: number): number {
  return images.filter((image) => image.label === label).length;
}

function sizesOf(images: readonly Examined[]): ImagesReport["sizes"] {
  if (images.length === 0) return null;
  const sizes = images
    .map(({ height, width }) => ({ height, width }))
    .toSorted((one, other) => one.height * one.width - other.height * other.width);
  return { smallest: sizes[0]!, median: sizes[Math.floor(sizes.length / 2)]!, largest: sizes.at(-1)! };
}
