// A folder with a folder for each class → its pictures with their classes, and the split that it may come with.
import type { Dirent } from "node:fs";
import { existsSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { entriesOf, imageFilesOf } from "./image-files.js";

export interface ListedImage {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  /** Place among the classes. */
  readonly label: number;
}

export interface ListedImages {
  /** Sorted by name. */
  readonly classes: readonly string[];
  /** Training images; all of them where the folder has no split of its own. */
  readonly train: readonly ListedImage[];
  /** Null where the folder has no split of its own. */
  readonly test: readonly ListedImage[] | null;
  /** Folders of classes in the test part that the training part has not, whose images are not listed. */
  readonly strangers: readonly string[];
}

/** Where both are there, `val` is what a run is evaluated on, and `test` is left alone. */
const TEST_FOLDERS = ["val", "valid", "validation", "test"] as const;

/** Undefined where there is no such folder. Looks at names alone, so that a check of a file takes no time. */
export function listImages(folder: string): ListedImages | undefined {
  if (!(statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false)) return undefined;
  const training = join(folder, "train");
  const hasSplit = existsSync(training);
  const trainFolder = hasSplit ? training : folder;
  const classes = foldersIn(trainFolder);
  const listed = (parent: string, names: readonly string[]): ListedImage[] =>
    names.flatMap((name) =>
      imageFilesOf(join(parent, name)).map((path) => ({
        path: relative(folder, path).split(sep).join("/"),
        label: classes.indexOf(name),
      })),
    );
  const testName = hasSplit ? TEST_FOLDERS.find((name) => existsSync(join(folder, name))) : undefined;
  const train = listed(trainFolder, classes);
  if (testName === undefined) return { classes, train, test: null, strangers: [] };
  const testFolder = join(folder, testName);
  const others = foldersIn(testFolder);
  const known = new Set(classes);
  return {
    classes,
    train,
    test: listed(
      testFolder,
      others.filter((name) => known.has(name)),
    ),
    strangers: others.filter((name) => !known.has(name)).map((name) => `${testName}/${name}`),
  };
}

function foldersIn(folder: string): string[] {
  const isFolder = (entry: Dirent): boolean =>
    entry.isDirectory() ||
    (entry.isSymbolicLink() && (statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false));
  return entriesOf(folder)
    .filter(isFolder)
    .map(({ name }) => name);
}
