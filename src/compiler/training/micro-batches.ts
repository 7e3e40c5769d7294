// How a batch is cut where its gradients are accumulated: the images of each micro-batch, in the order they are worked on.
import type { TrainConfig } from "../config.js";

/**
 * As few micro-batches as keep each within batch_size / accumulate images, of sizes that differ by one image at most: a whole
 * batch has `accumulate` of one size, the smaller last batch of an epoch fewer.
 */
export function microBatchSizes(images: number, { batch_size, accumulate }: TrainConfig): number[] {
  if (accumulate === 1) return [images];
  const count = Math.ceil(images / Math.ceil(batch_size / accumulate));
  const start = (index: number): number => Math.floor((images * index) / count);
  return Array.from({ length: count }, (_, index) => start(index + 1) - start(index));
}
