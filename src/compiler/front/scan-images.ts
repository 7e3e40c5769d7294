// A folder of images in a file → its classes and counts, filled in where the file leaves them out. The compiler looks into
// no folder itself: whoever calls it hands in how that is done, as with the files that a file extends.
import type { ImagesDataset } from "../config.js";
import type { Diagnostic, Result } from "../diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "../diagnostics/diagnostic.js";
import { withDefaults } from "./resolve.js";
import type { NetConfig } from "./validate/validate.js";

/** What of a file decides which images there are. */
export type ImagesRequest = Pick<ImagesDataset, "folder" | "validation_share" | "broken"> &
  Pick<ImagesDataset, "size" | "grayscale"> & { readonly seed: number };

export type ImagesScan = Pick<ImagesDataset, "classes" | "train_images" | "test_images"> & {
  /** Where `auto` holds so many images here. */
  readonly held_in?: "memory" | "disk";
};

/** Looks into a folder; its diagnostics are without a place. */
export type ScanImages = (request: ImagesRequest) => Result<ImagesScan>;

/** The same config where it names no folder of images. */
export function withImages(config: NetConfig, scan: ScanImages | undefined): Result<NetConfig> {
  const { data, seed } = withDefaults(config);
  const { dataset } = data;
  if (typeof dataset === "string" || !("images" in dataset)) return ok(config);
  const written: Partial<Pick<ImagesScan, (typeof KEYS)[number]>> = dataset.images;
  const isWritten = KEYS.every((key) => written[key] !== undefined);
  if (!scan) return isWritten ? ok(config) : failed([placed(UNKNOWN)]);
  const { folder, validation_share, broken, size, grayscale, held_in } = dataset.images;
  const { value: found, diagnostics } = scan({ folder, validation_share, broken, size, grayscale, seed });
  if (!found || hasErrors(diagnostics)) return failed(diagnostics.map((one) => placed(one)));
  const changed = KEYS.flatMap((key) => changeOf(key, written[key], found[key]));
  const own = config["data"] as Readonly<Record<string, unknown>>;
  const images = {
    ...(own["dataset"] as { readonly images: object }).images,
    ...found,
    ...(held_in !== "auto" && { held_in }),
  };
  return ok({ ...config, data: { ...own, dataset: { images } } }, [
    ...diagnostics.map((one) => placed(one)),
    ...changed,
  ]);
}

const PATH = ["data", "dataset", "images"];
const KEYS = ["classes", "train_images", "test_images"] as const;

const UNKNOWN: Diagnostic = {
  code: "data/no-images",
  severity: "error",
  message: "what the folder of images holds is not known here",
  hint: "check the file on the machine that has the images",
};

function placed(diagnostic: Diagnostic, key = "folder"): Diagnostic {
  return { ...diagnostic, path: [...PATH, key] };
}

function changeOf(key: (typeof KEYS)[number], written: unknown, found: unknown): Diagnostic[] {
  if (written === undefined || String(written) === String(found)) return [];
  const diagnostic: Diagnostic = {
    code: "data/images-changed",
    severity: "error",
    message: `${key} is ${String(written)}, the folder has ${String(found)}`,
    hint: `take \`${key}\` out: it is found in the folder`,
  };
  return [placed(diagnostic, key)];
}
