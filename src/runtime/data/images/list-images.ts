// A folder with a folder for each class → its pictures with their classes, the split that it may come with, and all that is
// passed over or unclear.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Entry, FoundPicture, PassedOver } from "./image-files.js";
import { PassedOverFiles, entriesOf, picturesIn, unreadableKind } from "./image-files.js";
import type { OtherKind } from "./picture-formats.js";
import { otherKindOf, systemKindOf } from "./picture-formats.js";

export interface ListedImage extends FoundPicture {
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
  /** The folders of the split, as they are called; null where it has none, or only one to train on. */
  readonly trainFolder: string | null;
  readonly testFolder: string | null;
  /** Folders of classes in the test part that the training part has not, whose images are not listed. */
  readonly strangers: readonly string[];
  readonly passedOver: readonly PassedOver[];
  /** What is taken for something that it may not be meant to be, as sentences without their end. */
  readonly unclear: readonly string[];
}

/** Names of the parts of a split, without regard to capitals and to endings such as `_set`. */
const TRAIN_NAMES: ReadonlySet<string> = new Set(["train", "training", "trn"]);
/** Where several are there, the first is what a run is evaluated on, and the others are left alone. */
const TEST_NAMES = ["val", "valid", "validation", "dev", "development", "eval", "evaluation", "test", "testing", "tst"];

function partName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]*(set|data|images|split)$/, "");
}

/** Undefined where there is no such folder. Looks at names alone, so that a check of a file takes no time. */
export function listImages(folder: string): ListedImages | undefined {
  if (!(statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false)) return undefined;
  const passedOver = new PassedOverFiles();
  const unclear: string[] = [];
  const top = foldersIn(folder, "", passedOver);
  const split = splitOf(folder, top, unclear);
  for (const name of split.aside) passedOver.add(ASIDE, `${name}/`);
  const { trainFolder, testFolder } = split;
  const classes = trainFolder === null ? top : foldersIn(join(folder, trainFolder), trainFolder, passedOver);
  unclear.push(...lookAlikes(classes));
  const labels = new Map(classes.map((name, label) => [name, label]));
  const listed = (parent: string | null, names: readonly string[]): ListedImage[] =>
    names.flatMap((name) => {
      const label = labels.get(name)!;
      const place = parent === null ? name : `${parent}/${name}`;
      return picturesIn(join(folder, place), place, passedOver).map((found) => ({ ...found, label }));
    });
  const train = listed(trainFolder, classes);
  const others = testFolder === null ? [] : foldersIn(join(folder, testFolder), testFolder, passedOver);
  return {
    classes,
    train,
    test:
      testFolder === null
        ? null
        : listed(
            testFolder,
            others.filter((name) => labels.has(name)),
          ),
    trainFolder,
    testFolder,
    strangers: others.filter((name) => !labels.has(name)).map((name) => `${testFolder}/${name}`),
    passedOver: passedOver.list(),
    unclear,
  };
}

const ASIDE: OtherKind = { kind: "folder outside the split", way: "move what belongs to the split into it" };
const LEFT_ALONE: OtherKind = {
  kind: "picture outside the folder of a class",
  way: "put each into the folder of its class",
};

interface Split {
  readonly trainFolder: string | null;
  readonly testFolder: string | null;
  /** Folders that are neither a part of the split nor left alone on purpose. */
  readonly aside: readonly string[];
}

const NO_SPLIT: Split = { trainFolder: null, testFolder: null, aside: [] };

/** A class may be called `train` or `test` too: what is in a folder decides. */
function splitOf(folder: string, top: readonly string[], unclear: string[]): Split {
  const trains = top.filter((name) => TRAIN_NAMES.has(partName(name)));
  const tests = TEST_NAMES.flatMap((wanted) => top.filter((name) => partName(name) === wanted));
  const rest = top.filter((name) => !trains.includes(name) && !tests.includes(name));
  const trainFolder = trains.find((name) => holdsFolders(join(folder, name)));
  if (trainFolder === undefined) {
    const parts = [...trains, ...tests];
    if (parts.length > 0 && rest.length === 0) {
      unclear.push(
        `${parts.join(" and ")} ${parts.length === 1 ? "is" : "are"} taken for classes, not for parts of a split: ` +
          (trains.length === 0 ? "there is no folder train next to it" : `${trains[0]} holds no folders of classes`),
      );
    }
    return NO_SPLIT;
  }
  const sibling = rest.find((name) => holdsPictures(join(folder, name)));
  if (tests.length === 0 && sibling !== undefined) {
    unclear.push(
      `${trainFolder} is taken for a class, not for the training images: ${sibling} next to it holds pictures`,
    );
    return NO_SPLIT;
  }
  return {
    trainFolder,
    testFolder: tests[0] ?? null,
    aside: [...trains.filter((name) => name !== trainFolder), ...rest],
  };
}

/** Folders, and no picture beside them. */
function holdsFolders(folder: string): boolean {
  const entries = readableEntries(folder);
  return entries.some(({ kind }) => kind === "folder") && !entries.some(isPicture);
}

function holdsPictures(folder: string): boolean {
  return readableEntries(folder).some(isPicture);
}

function isPicture({ name, kind }: Entry): boolean {
  return kind === "other" && otherKindOf(name) === undefined;
}

/** What is not hidden; a folder that cannot be read is told of when its pictures are listed. */
function readableEntries(folder: string): Entry[] {
  try {
    return entriesOf(folder).filter(({ name }) => !systemKindOf(name));
  } catch {
    return [];
  }
}

/** Names of the folders in one; what else is in it is passed over. */
function foldersIn(folder: string, place: string, passedOver: PassedOverFiles): string[] {
  const folders: string[] = [];
  for (const entry of entriesOf(folder)) {
    const { name, kind, fault } = entry;
    const path = place === "" ? name : `${place}/${name}`;
    const system = systemKindOf(name);
    if (system) passedOver.add(system, path);
    else if (kind === "folder") folders.push(name);
    else if (fault !== undefined) passedOver.add(unreadableKind(fault), path);
    else passedOver.add(otherKindOf(name) ?? LEFT_ALONE, path);
  }
  return folders;
}

/** Two classes whose names look the same: é is one letter, or e and an accent. */
function lookAlikes(classes: readonly string[]): string[] {
  const known = new Map<string, string>();
  return classes.flatMap((name) => {
    const composed = name.normalize("NFC");
    const other = known.get(composed);
    known.set(composed, name);
    return other === undefined ? [] : [`two classes are called ${name}: ${LETTERS}`];
  });
}

export const LETTERS =
  "one name is written with composed letters (é), the other with decomposed ones (e and an accent), which look the same";
