// What has to be made of a data set before it can be opened, and the memory that this takes.
import type { DataConfig } from "../../compiler/config.js";
import type { PreparationNeeds } from "./progress.js";
import { CIFAR10_NEEDS, hasCifar10 } from "./cifar10/fetch-cifar10.js";
import { decodingNeeds } from "./images/decoding-memory.js";

/** Undefined where nothing has to be done first. Looks at names, sizes and times of files alone. */
export async function preparationNeeds({ dataset, path }: DataConfig): Promise<PreparationNeeds | undefined> {
  if (dataset === "cifar10") return path !== null || (await hasCifar10()) ? undefined : CIFAR10_NEEDS;
  if (!("images" in dataset)) return undefined;
  const { isDecoded } = await import("./images/open-images.js");
  return (await isDecoded(dataset.images)) ? undefined : decodingNeeds(dataset.images);
}
