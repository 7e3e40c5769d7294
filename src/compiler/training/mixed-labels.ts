// Augmentations that mix two images give an image two labels: what the loss of training is then computed from.
import type { Augmentation, DataConfig, MixConfig } from "../config.js";

/** Whether training images may have a second label. */
export function mixesLabels({ augment }: Pick<DataConfig, "augment">): boolean {
  return augment.some((augmentation) => mixOf(augmentation) !== null);
}

/** The settings of an augmentation that mixes two images; null for any other. */
export function mixOf(augmentation: Augmentation): MixConfig | null {
  if (augmentation === "alternating_flip") return null;
  if ("mixup" in augmentation) return augmentation.mixup;
  return "cutmix" in augmentation ? augmentation.cutmix : null;
}
