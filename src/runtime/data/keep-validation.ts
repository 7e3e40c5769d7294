// Training images → those to train on and those to validate by: a share of every class, drawn by the seed.
import { randomStream } from "../random/random-stream.js";
import type { Dataset, ImageSet } from "./dataset.js";
import { packedSet } from "./dataset.js";

/**
 * `count` of the training images become the validation images. Each class gives its share, rounded down; what is then still
 * missing comes from the classes that were rounded down most. Images keep their order. Where they are in memory, that of
 * the training images is used again: those to validate by move to its end.
 */
export function keepValidation(dataset: Dataset, count: number, seed: number): Dataset {
  if (count === 0) return dataset;
  const { train } = dataset;
  const isKept = drawn(train.labels, dataset.classes.length, count, seed);
  const order: number[] = [];
  const keptOrder: number[] = [];
  const label = (image: number): number => train.labels[image]!;
  const factsOf = (images: readonly number[]): Omit<ImageSet, "images" | "packed"> => {
    const { height, width, channels, labels, files } = train;
    const own = labels.constructor === Uint8Array ? Uint8Array.from(images, label) : Uint16Array.from(images, label);
    const named = files && { files: images.map((image) => files[image]!) };
    return { count: images.length, height, width, channels, labels: own, ...named };
  };
  const { packed } = train;
  if (packed) {
    for (let image = 0; image < train.count; image++) (isKept[image] ? keptOrder : order).push(image);
    const part = (images: readonly number[]) => packedSet(factsOf(images), packed.select(images));
    return { ...dataset, train: part(order), validation: part(keptOrder) };
  }
  const bytes = train.height * train.width * train.channels;
  const kept = new Uint8Array(count * bytes);
  for (let image = 0; image < train.count; image++) {
    const from = train.images.subarray(image * bytes, (image + 1) * bytes);
    if (isKept[image]) kept.set(from, keptOrder.push(image) * bytes - bytes);
    else train.images.set(from, order.push(image) * bytes - bytes);
  }
  train.images.set(kept, order.length * bytes);
  const part = (images: readonly number[], first: number): ImageSet => ({
    ...factsOf(images),
    images: train.images.subarray(first * bytes, (first + images.length) * bytes),
  });
  return { ...dataset, train: part(order, 0), validation: part(keptOrder, order.length) };
}

/** 1 for each image that is kept. */
function drawn(labels: ImageSet["labels"], classes: number, count: number, seed: number): Uint8Array {
  const groups: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((label, image) => groups[label]!.push(image));
  const exact = groups.map((group) => (group.length * count) / labels.length);
  const shares = exact.map(Math.floor);
  const byRemainder = exact
    .map((share, label) => ({ label, rest: share - Math.floor(share) }))
    .toSorted((one, other) => other.rest - one.rest || one.label - other.label);
  const missing = count - shares.reduce((sum, share) => sum + share, 0);
  for (const { label } of byRemainder.slice(0, missing)) shares[label]!++;
  const isKept = new Uint8Array(labels.length);
  groups.forEach((group, label) => {
    const stream = randomStream({ seed, purpose: "validation", epoch: 0, index: label });
    // The first steps of Fisher and Yates' shuffle
    for (let at = 0; at < shares[label]!; at++) {
      const other = at + stream.integer(group.length - at);
      [group[at], group[other]] = [group[other]!, group[at]!];
      isKept[group[at]!] = 1;
    }
  });
  return isKept;
}
