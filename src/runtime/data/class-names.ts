// What the classes of a configuration's data set are called, in the order of the logits, without loading any image.
import type { ResolvedConfig } from "../../compiler/config.js";
import { CLASSES } from "./cifar10/facts.js";

export function classNames({ data, model }: ResolvedConfig): readonly string[] {
  if (data.dataset === "cifar10") return CLASSES;
  if (typeof data.dataset === "object" && "images" in data.dataset) return data.dataset.images.classes;
  return Array.from({ length: model.classifier.classes }, (_, index) => `class ${index}`);
}
