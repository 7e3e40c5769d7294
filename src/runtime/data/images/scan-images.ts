// Looks into a folder of images for the compiler: which classes there are and how many images, and what is wrong with it.
import { isAbsolute, join } from "node:path";
import type { Diagnostic, Result } from "../../../compiler/diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "../../../compiler/diagnostics/diagnostic.js";
import type { ImagesRequest, ImagesScan } from "../../../compiler/front/scan-images.js";
import { machineMemoryBytes } from "../../process/machine-memory.js";
import type { BrokenFile } from "./broken-images.js";
import { knownBroken, withoutBroken } from "./broken-images.js";
import type { ListedImage, ListedImages } from "./list-images.js";
import { LETTERS, listImages } from "./list-images.js";
import { READABLE } from "./picture-formats.js";
import { splitImages } from "./split-images.js";

/** Compiling is synchronous, and so is this. `base` is what the folder is relative to. */
export function scanImages(request: ImagesRequest, base = "."): Result<ImagesScan> {
  const folder = isAbsolute(request.folder) ? request.folder : join(base, request.folder);
  let listed: ListedImages | undefined;
  try {
    listed = listImages(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = `${request.folder} cannot be read (${code ?? message})`;
    return failed([fault("data/no-images", reason, "give yourself permission to read it and the folders in it")]);
  }
  if (!listed) {
    return failed([
      fault("data/no-images", `there is no folder ${request.folder}`, "a path is relative to where netc runs"),
    ]);
  }
  const broken = knownBroken(folder, all(listed));
  const usable = request.broken === "skip" ? readable(folder, listed) : listed;
  const diagnostics = [
    ...folderFaults(usable, request.folder),
    ...(broken.length > 0 ? [brokenFault(broken, request)] : []),
  ];
  if (hasErrors(diagnostics)) return failed(diagnostics);
  const { train, test } = splitImages(usable, request);
  if (test.length === 0) {
    const message = `${request.folder} has no images to test on`;
    return failed([...diagnostics, fault("data/no-images", message, "give each class at least two images")]);
  }
  const counts = { train_images: train.length, test_images: test.length };
  return ok(
    { classes: usable.classes, ...counts, held_in: placeFor(train.length + test.length, request) },
    diagnostics,
  );
}

/** Half of the memory is left to the engine, its batches and everybody else. */
function placeFor(count: number, { size, grayscale }: ImagesRequest): "memory" | "disk" {
  const bytes = count * size.height * size.width * (grayscale ? 1 : 3);
  return bytes > machineMemoryBytes() / 2 ? "disk" : "memory";
}

export function readable(folder: string, listed: ListedImages): ListedImages {
  const { train, test } = listed;
  return { ...listed, train: withoutBroken(folder, train), test: test && withoutBroken(folder, test) };
}

export function all({ train, test }: Pick<ListedImages, "train" | "test">): ListedImage[] {
  return test ? [...train, ...test] : [...train];
}

/** What a listing of the folder shows to be wrong or odd, however well its images can be read. */
export function folderFaults(listed: ListedImages, folder: string): Diagnostic[] {
  const { classes, strangers, trainFolder, testFolder, passedOver, unclear } = listed;
  const training = trainFolder === null ? folder : `${folder}/${trainFolder}`;
  if (classes.length < 2) {
    const found = classes.length === 0 ? "no folders" : `only the folder ${classes[0]}`;
    return [
      fault(
        "data/no-images",
        `${training} holds ${found}, expected one for each of two or more classes`,
        `make them: ${training}/cat, ${training}/dog`,
      ),
      ...passedOverWarning(passedOver, folder),
    ];
  }
  const counts = new Uint32Array(classes.length);
  for (const { label } of listed.train) counts[label]!++;
  const plain = new Map(classes.map((name) => [name.normalize("NFC"), name]));
  return [
    ...classes
      .filter((_, label) => counts[label] === 0)
      .map((name) =>
        fault(
          "data/empty-class",
          `class ${name} of ${folder} has no ${READABLE} image to train on`,
          "put images into its folder, or remove it",
        ),
      ),
    ...strangers.map((path) => {
      const known = plain.get(path.slice(path.indexOf("/") + 1).normalize("NFC"));
      return known === undefined
        ? fault(
            "data/unknown-class",
            `${folder}/${path} is to be tested on, but ${trainFolder} has no such class`,
            `remove it, or give the class images in ${training}`,
          )
        : fault(
            "data/unknown-class",
            `${folder}/${path} is to be tested on, but ${trainFolder} spells the class differently: ${LETTERS}`,
            `rename one of the folders, so that both are called ${known.normalize("NFC")} in composed letters`,
          );
    }),
    ...(listed.test?.length === 0 && strangers.length === 0
      ? [
          fault(
            "data/no-images",
            `${folder}/${testFolder} holds no image in the folder of a class to test on`,
            `put images into ${folder}/${testFolder}/${classes[0]} and so on, or remove ${folder}/${testFolder}: ` +
              "a share of each class is then tested on",
          ),
        ]
      : []),
    ...unclear.map((message) =>
      warning(
        "data/unclear-folders",
        `in ${folder}, ${message}`,
        "if that is intended, leave it; otherwise rename a folder",
      ),
    ),
    ...passedOverWarning(passedOver, folder),
  ];
}

function passedOverWarning(passedOver: ListedImages["passedOver"], folder: string): Diagnostic[] {
  const loud = passedOver.filter(({ isQuiet }) => !isQuiet);
  if (loud.length === 0) return [];
  const kinds = loud.map(
    ({ count, kind, first }) => `${countedKind(count, kind)} (${count === 1 ? "" : "as "}${first})`,
  );
  const ways = loud.map(({ kind, way }) => `${kind}: ${way}`);
  return [warning("data/passed-over", `not everything in ${folder} is read: ${kinds.join(", ")}`, ways.join("; "))];
}

/** "3 HEIC pictures": the noun of a kind is its last word, or stands before "to", "that", "without", "outside" or "beside". */
export function countedKind(count: number, kind: string): string {
  if (count === 1) return `1 ${kind}`;
  return `${count} ${kind.replace(/^(.*?)( to | that | without | outside | beside |$)/, "$1s$2")}`;
}

const NAMED = 3;

function brokenFault(broken: readonly BrokenFile[], { folder, broken: treatment }: ImagesRequest): Diagnostic {
  const names = broken.slice(0, NAMED).map(({ path, reason }) => `${path} ${reason}`);
  const rest = broken.length > NAMED ? `, and ${broken.length - NAMED} more` : "";
  const many = broken.length === 1 ? "1 image that cannot be read" : `${broken.length} images that cannot be read`;
  const found = `${many}: ${names.join(", ")}${rest}`;
  return treatment === "skip"
    ? warning("data/passed-over", `${folder} holds ${found}`, "left out, as `broken: skip` says")
    : fault("data/broken-image", `${folder} holds ${found}`, "remove them, or leave them out with `broken: skip`");
}

function fault(code: Diagnostic["code"], message: string, hint: string): Diagnostic {
  return { code, severity: "error", message, hint };
}

function warning(code: Diagnostic["code"], message: string, hint: string): Diagnostic {
  return { code, severity: "warning", message, hint };
}
