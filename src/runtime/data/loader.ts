// Batches for the trainer. A training batch is a pure function of (configuration, seed, epoch, batch index): the epoch's
// order, then resizing, then augmentation, image by image. Nothing large is allocated from batch to batch.
import type { EvaluationConfig, ResolvedConfig, TrainConfig } from "../../compiler/config.js";
import { invariant } from "../../compiler/diagnostics/diagnostic.js";
import { BATCHES_AT_ONCE, KEPT_TEST_BYTES } from "../../compiler/memory/memory-limits.js";
import type { Batch } from "../engines/engine.js";
import { permutation } from "../random/random-stream.js";
import { createAugment } from "./augmentation/augment.js";
import type { Dataset, ImageSet } from "./dataset.js";
import { createMix } from "./augmentation/mix.js";
import type { RandomResizedCrop } from "./augmentation/random-resized-crop.js";
import { createRandomResizedCrop, resizedCropOf } from "./augmentation/random-resized-crop.js";
import { createResize } from "./resize.js";

export interface Loader {
  readonly batchesPerEpoch: number;
  readonly testBatches: number;
  /**
   * Batch `batchIndex` of `epoch`, both from 0, in any order of calls. Its buffers are used again by the third call to
   * `train` after this one, so it stays valid while the next two are prepared.
   */
  train(epoch: number, batchIndex: number): Batch;
  /** Batch `batchIndex` of the test set in official order; valid as long as one of `train`, counted in calls to `test`. */
  test(batchIndex: number): Batch;
  /** As `testBatches` and `test`, of the validation images; 0 where there are none. */
  readonly validationBatches: number;
  validation(batchIndex: number): Batch;
  /** The first training images in their order, resized and otherwise as they are: [count, height, width, channels]. */
  plain(count: number): Uint8Array;
}

/** The part of a resolved configuration that batches depend on. */
export type LoaderConfig = Pick<ResolvedConfig, "seed" | "data"> & {
  readonly train: Pick<TrainConfig, "batch_size" | "drop_last"> & {
    readonly evaluation: Pick<EvaluationConfig, "batch_size">;
  };
};

export function createLoader(dataset: Dataset, config: LoaderConfig): Loader {
  const { train, validation, test } = dataset;
  const { batch_size: batchSize, drop_last: dropLast, evaluation } = config.train;
  const batches = train.count / batchSize;
  return {
    batchesPerEpoch: dropLast ? Math.floor(batches) : Math.ceil(batches),
    testBatches: Math.ceil(test.count / evaluation.batch_size),
    train: trainBatches(train, config),
    test: evaluationBatches(test, config),
    validationBatches: Math.ceil((validation?.count ?? 0) / evaluation.batch_size),
    validation: validation ? evaluationBatches(validation, config) : noValidation,
    plain: (count) => plainImages(train, config, count),
  };
}

function noValidation(): never {
  throw new Error("there are no validation images: data.validation keeps none");
}

function plainImages(set: ImageSet, { data }: LoaderConfig, count: number): Uint8Array {
  invariant(count <= set.count, "there are fewer training images");
  const sourceBytes = set.height * set.width * set.channels;
  if (data.resize === null) return set.images.slice(0, count * sourceBytes);
  const place = createResize(set, data.resize, set.channels);
  const bytes = data.resize.height * data.resize.width * set.channels;
  const images = new Uint8Array(count * bytes);
  for (let index = 0; index < count; index++) place(set.images, index * sourceBytes, images, index * bytes);
  return images;
}

function trainBatches(set: ImageSet, config: LoaderConfig): Loader["train"] {
  const { seed } = config;
  const { resize, augment, normalize } = config.data;
  const batchSize = config.train.batch_size;
  const size = { height: resize?.height ?? set.height, width: resize?.width ?? set.width };
  const { channels } = set;
  const sourceBytes = set.height * set.width * channels;
  const bytes = size.height * size.width * channels;
  const place = createResize(set, size, channels);
  // Cutout leaves the colour that normalisation turns to zero, as its authors' code does.
  const fill = normalize.mean.map((mean) => Math.round(mean * 255));
  const change = createAugment(augment, { ...size, channels, seed, fill });
  const cropSettings = resizedCropOf(augment);
  const crop = cropSettings && createRandomResizedCrop(cropSettings, { from: set, to: size, channels, seed });
  const bring: RandomResizedCrop = crop ?? place;
  const resized = resize === null && !crop ? null : new Uint8Array(bytes);
  const isChanged = augment.some((augmentation) => !resizedCropOf([augmentation]));
  const mix = createMix(augment, { ...size, channels, seed });
  const buffers = bufferRing(Math.min(batchSize, set.count), bytes, mix !== null);
  const orderOf = lastTwo((epoch) => permutation(seed, epoch, set.count));

  return (epoch, batchIndex) => {
    const order = orderOf(epoch);
    const first = batchIndex * batchSize;
    const batch = buffers(Math.min(batchSize, set.count - first));
    for (let i = 0; i < batch.count; i++) {
      const index = order[first + i]!;
      batch.labels[i] = set.labels[index]!;
      if (resized === null) {
        change(set.images, index * sourceBytes, batch.images, i * bytes, epoch, index);
      } else if (!isChanged) {
        bring(set.images, index * sourceBytes, batch.images, i * bytes, epoch, index);
      } else {
        bring(set.images, index * sourceBytes, resized, 0, epoch, index);
        change(resized, 0, batch.images, i * bytes, epoch, index);
      }
    }
    if (mix && batch.mixed) mix({ ...batch, mixed: batch.mixed }, epoch, order.subarray(first, first + batch.count));
    return batch;
  };
}

function evaluationBatches(set: ImageSet, config: LoaderConfig): Loader["test"] {
  const { resize } = config.data;
  const batchSize = config.train.evaluation.batch_size;
  const { channels } = set;
  const labels = Int32Array.from(set.labels);
  const sourceBytes = set.height * set.width * channels;
  const view = (images: Uint8Array, bytes: number, batchIndex: number): Batch => {
    const first = batchIndex * batchSize;
    const last = Math.min(first + batchSize, set.count);
    invariant(first >= 0 && first < last, `evaluation batch ${batchIndex} of a set of ${set.count}`);
    return {
      count: last - first,
      images: images.subarray(first * bytes, last * bytes),
      labels: labels.subarray(first, last),
    };
  };
  if (resize === null) return (batchIndex) => view(set.images, sourceBytes, batchIndex);

  const bytes = resize.height * resize.width * channels;
  const place = createResize(set, resize, channels);
  const fillBatch = (batchIndex: number, { count, images }: Batch) => {
    const first = batchIndex * batchSize;
    for (let i = 0; i < count; i++) place(set.images, (first + i) * sourceBytes, images, i * bytes);
  };
  if (set.count * bytes <= KEPT_TEST_BYTES) {
    let kept: Uint8Array | undefined; // made when first asked for: not every run evaluates
    const filled = new Set<number>();
    return (batchIndex) => {
      const batch = view((kept ??= new Uint8Array(set.count * bytes)), bytes, batchIndex);
      if (!filled.has(batchIndex)) fillBatch(batchIndex, batch);
      filled.add(batchIndex);
      return batch;
    };
  }
  const buffers = bufferRing(Math.min(batchSize, set.count), bytes);
  return (batchIndex) => {
    const batch = buffers(Math.min(batchSize, set.count - batchIndex * batchSize));
    batch.labels.set(labels.subarray(batchIndex * batchSize, batchIndex * batchSize + batch.count));
    fillBatch(batchIndex, batch);
    return batch;
  };
}

/** Hands out three buffers in turn, each cut to the count that is asked for; `isMixed`: with room for second labels. */
function bufferRing(capacity: number, imageBytes: number, isMixed = false): (count: number) => Batch {
  const ring = Array.from({ length: BATCHES_AT_ONCE }, (): Batch => {
    return {
      count: capacity,
      images: new Uint8Array(capacity * imageBytes),
      labels: new Int32Array(capacity),
      ...(isMixed ? { mixed: { labels: new Int32Array(capacity), shares: new Float32Array(capacity) } } : {}),
    };
  });
  let next = 0;
  return (count) => {
    invariant(count > 0 && count <= capacity, `a batch of ${count} images from buffers of ${capacity}`);
    const whole = ring[next]!;
    next = (next + 1) % ring.length;
    if (count === capacity) return whole;
    const { mixed } = whole;
    return {
      ...(mixed && { mixed: { labels: mixed.labels.subarray(0, count), shares: mixed.shares.subarray(0, count) } }),
      count,
      images: whole.images.subarray(0, count * imageBytes),
      labels: whole.labels.subarray(0, count),
    };
  };
}

/** Remembers the last two values: the first batches of an epoch are prepared while the last of the one before train. */
function lastTwo<T>(compute: (epoch: number) => T): (epoch: number) => T {
  const known = new Map<number, T>();
  return (epoch) => {
    const found = known.get(epoch);
    if (found !== undefined) return found;
    const value = compute(epoch);
    known.set(epoch, value);
    if (known.size > 2) known.delete(known.keys().next().value!);
    return value;
  };
}
