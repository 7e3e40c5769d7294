// The data set that a configuration names, in memory.
import type { DataConfig } from "../../compiler/config.js";
import { trainingSplit } from "../../compiler/datasets.js";
import type { Dataset } from "./dataset.js";
import { openCifar10 } from "./cifar10/open-cifar10.js";
import { keepValidation } from "./keep-validation.js";
import type { OnDataProgress } from "./progress.js";
import { generateSynthetic } from "./synthetic.js";

/**
 * Fetches the data set first if it must; `onProgress` hears of that alone. `seed` draws generated images and the split of a folder. Throws a
 * UserError with the way on where the data cannot be had.
 */
export async function openDataset(
  data: DataConfig,
  seed: number,
  onProgress: OnDataProgress = () => {},
  signal?: AbortSignal,
): Promise<Dataset> {
  return keepValidation(await openWhole(data, seed, onProgress, signal), trainingSplit(data).validationImages, seed);
}

async function openWhole(
  { dataset, path }: DataConfig,
  seed: number,
  onProgress: OnDataProgress,
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  if (dataset === "cifar10") return openCifar10({ path, onProgress, signal });
  if ("images" in dataset) {
    const { openImages } = await import("./images/open-images.js");
    return openImages(dataset.images, seed, onProgress, signal);
  }
  return generateSynthetic(dataset.synthetic, seed);
}
