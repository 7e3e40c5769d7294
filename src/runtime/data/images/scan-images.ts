// Looks into a folder of images for the compiler: which classes there are and how many images, and what is wrong with it.
import { isAbsolute, join } from "node:path";
import type { Diagnostic, Result } from "../../../compiler/diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "../../../compiler/diagnostics/diagnostic.js";
import type { ImagesRequest, ImagesScan } from "../../../compiler/front/scan-images.js";
import { withoutBroken } from "./broken-images.js";
import type { ListedImages } from "./list-images.js";
import { listImages } from "./list-images.js";
import { splitImages } from "./split-images.js";

/** Compiling is synchronous, and so is this. `base` is what the folder is relative to. */
export function scanImages(request: ImagesRequest, base = "."): Result<ImagesScan> {
  const folder = isAbsolute(request.folder) ? request.folder : join(base, request.folder);
  const listed = listImages(folder);
  if (!listed) {
    return failed([
      fault("data/no-images", `there is no folder ${request.folder}`, "a path is relative to where netc runs"),
    ]);
  }
  const usable = request.broken === "skip" ? readable(folder, listed) : listed;
  const diagnostics = [...classFaults(usable, request.folder)];
  if (hasErrors(diagnostics)) return failed(diagnostics);
  const { train, test } = splitImages(usable, request);
  if (test.length === 0) {
    return failed([
      fault("data/no-images", `${request.folder} has no images to test on`, "give each class two images at least"),
    ]);
  }
  return ok({ classes: usable.classes, train_images: train.length, test_images: test.length }, diagnostics);
}

export function readable(folder: string, listed: ListedImages): ListedImages {
  const { train, test } = listed;
  return { ...listed, train: withoutBroken(folder, train), test: test && withoutBroken(folder, test) };
}

function classFaults({ classes, train, strangers }: ListedImages, folder: string): Diagnostic[] {
  if (classes.length < 2) {
    const found = classes.length === 0 ? "no folders" : `only the folder ${classes[0]}`;
    return [
      fault(
        "data/no-images",
        `${folder} holds ${found}, expected one for each of two or more classes`,
        `make them: ${folder}/cat, ${folder}/dog`,
      ),
    ];
  }
  const counts = classes.map((_, label) => train.filter((image) => image.label === label).length);
  const empty = classes.filter((_, label) => counts[label] === 0);
  return [
    ...empty.map((name) =>
      fault(
        "data/empty-class",
        `class ${name} of ${folder} has no PNG, JPEG or WebP image to train on`,
        "put images into its folder, or remove it",
      ),
    ),
    ...strangers.map((name) =>
      fault(
        "data/unknown-class",
        `${folder}/${name} is to be tested on, but train has no such class`,
        `remove it, or give the class images in ${folder}/train`,
      ),
    ),
  ];
}

function fault(code: Diagnostic["code"], message: string, hint: string): Diagnostic {
  return { code, severity: "error", message, hint };
}
