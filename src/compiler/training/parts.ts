// How a batch is cut where its gradients are accumulated: the images of each part, in the order they are worked on.
import type { TrainConfig } from "../config.js";

/**
 * As few parts as keep each within batch_size / accumulate images, of sizes that differ by one image at most: a whole
 * batch has `accumulate` parts of one size, the smaller last batch of an epoch fewer.
 */
export function partsOf(images: number, { batch_size, accumulate }: TrainConfig): number[] {
  if (accumulate === 1) return [images];
  const count = Math.ceil(images / Math.ceil(batch_size / accumulate));
  const start = (part: number): number => Math.floor((images * part) / count);
  return Array.from({ length: count }, (_, part) => start(part + 1) - start(part));
}
