// Batches for the trainer. A training batch is a pure function of (configuration, seed, epoch, batch index): the epoch's
// order, then resizing, then augmentation, image by image. Nothing large is allocated from batch to batch.
import type { EvaluationConfig, ResolvedConfig, TrainConfig } from "../../compiler/config.js";
import { invariant } from "../../compiler/diagnostics/diagnostic.js";
import { BATCHES_AT_ONCE, KEPT_TEST_BYTES, READ_AHEAD } from "../../compiler/memory/memory-limits.js";
import type { Batch } from "../engines/engine.js";
import { permutation } from "../random/random-stream.js";
import { createAugment } from "./augmentation/augment.js";
import type { Dataset, ImageSet } from "./dataset.js";
import { imagesOf } from "./dataset.js";
import { createMix } from "./augmentation/mix.js";
import type { RandomResizedCrop } from "./augmentation/random-resized-crop.js";
import { createRandomResizedCrop, resizedCropOf } from "./augmentation/random-resized-crop.js";
import { ReadAhead } from "./packed/packed-images.js";
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
  /**
   * Begins to read the pixels of a batch that is asked for next, and of those behind it. Settles when that batch's are there;
   * undefined where all images are in memory. Batches that were not begun are read when they are made.
   */
  readonly begin?: {
    (set: "train", epoch: number, batchIndex: number): Promise<void> | undefined;
    (set: "test" | "validation", batchIndex: number): Promise<void> | undefined;
  };
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
  const batchesPerEpoch = dropLast ? Math.floor(batches) : Math.ceil(batches);
  const toTrain = trainBatches(train, config, batchesPerEpoch);
  const toTest = evaluationBatches(test, config);
  const begin = (set: "train" | "test" | "validation", first: number, batchIndex = 0): Promise<void> | undefined => {
    if (set === "train") return toTrain.begin(first, batchIndex);
    return (set === "test" ? toTest : toValidate)?.begin(first);
  };
  const toValidate = validation && evaluationBatches(validation, config);
  return {
    batchesPerEpoch,
    testBatches: Math.ceil(test.count / evaluation.batch_size),
    train: toTrain.batch,
    test: toTest.batch,
    validationBatches: Math.ceil((validation?.count ?? 0) / evaluation.batch_size),
    validation: toValidate?.batch ?? noValidation,
    begin,
    plain: (count) => plainImages(train, config, count),
  };
}

function noValidation(): never {
  throw new Error("there are no validation images: data.validation keeps none");
}

function plainImages(set: ImageSet, { data }: LoaderConfig, count: number): Uint8Array {
  invariant(count <= set.count, "there are fewer training images");
  const sourceBytes = set.height * set.width * set.channels;
  const first = imagesOf(set, 0, count);
  if (data.resize === null) return first.slice();
  const place = createResize(set, data.resize, set.channels);
  const bytes = data.resize.height * data.resize.width * set.channels;
  const images = new Uint8Array(count * bytes);
  for (let index = 0; index < count; index++) place(first, index * sourceBytes, images, index * bytes);
  return images;
}

interface TrainBatches {
  readonly batch: Loader["train"];
  readonly begin: (epoch: number, batchIndex: number) => Promise<void> | undefined;
}

function trainBatches(set: ImageSet, config: LoaderConfig, batchesPerEpoch: number): TrainBatches {
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

  const { packed } = set;
  const reading = packed && new ReadAhead(packed, Math.min(batchSize, set.count));
  const imagesIn = (step: number): Uint32Array => {
    const first = (step % batchesPerEpoch) * batchSize;
    return orderOf(Math.floor(step / batchesPerEpoch)).subarray(first, Math.min(first + batchSize, set.count));
  };
  const begin = (epoch: number, batchIndex: number): Promise<void> | undefined => {
    if (!reading || batchesPerEpoch === 0) return undefined;
    const step = epoch * batchesPerEpoch + batchIndex;
    return readingAhead(reading, step, step + READ_AHEAD, imagesIn);
  };

  const makeBatch = (epoch: number, batchIndex: number): Batch => {
    const order = orderOf(epoch);
    const first = batchIndex * batchSize;
    const read = reading?.take(
      epoch * batchesPerEpoch + batchIndex,
      order.subarray(first, Math.min(first + batchSize, set.count)),
    );
    const source = read ?? set.images;
    const batch = buffers(Math.min(batchSize, set.count - first));
    for (let i = 0; i < batch.count; i++) {
      const index = order[first + i]!;
      batch.labels[i] = set.labels[index]!;
      const from = (read ? i : index) * sourceBytes;
      if (resized === null) {
        change(source, from, batch.images, i * bytes, epoch, index);
      } else if (!isChanged) {
        bring(source, from, batch.images, i * bytes, epoch, index);
      } else {
        bring(source, from, resized, 0, epoch, index);
        change(resized, 0, batch.images, i * bytes, epoch, index);
      }
    }
    if (mix && batch.mixed) mix({ ...batch, mixed: batch.mixed }, epoch, order.subarray(first, first + batch.count));
    return batch;
  };
  return { batch: makeBatch, begin };
}

/** Begins batches `key` to `last`; settles when the first is there. */
function readingAhead(
  reading: ReadAhead,
  key: number,
  last: number,
  imagesIn: (key: number) => ArrayLike<number>,
): Promise<void> {
  const first = reading.begin(key, () => imagesIn(key));
  for (let next = key + 1; next <= last; next++) void reading.begin(next, () => imagesIn(next)).catch(() => undefined);
  return first;
}

interface EvaluationBatches {
  readonly batch: Loader["test"];
  readonly begin: (batchIndex: number) => Promise<void> | undefined;
}

function evaluationBatches(set: ImageSet, config: LoaderConfig): EvaluationBatches {
  const { resize } = config.data;
  const batchSize = config.train.evaluation.batch_size;
  const { channels } = set;
  const labels = Int32Array.from(set.labels);
  const sourceBytes = set.height * set.width * channels;
  const rangeOf = (batchIndex: number): { first: number; last: number } => {
    const first = batchIndex * batchSize;
    const last = Math.min(first + batchSize, set.count);
    invariant(first >= 0 && first < last, `evaluation batch ${batchIndex} of a set of ${set.count}`);
    return { first, last };
  };
  const view = (images: Uint8Array, bytes: number, batchIndex: number): Batch => {
    const { first, last } = rangeOf(batchIndex);
    return {
      count: last - first,
      images: images.subarray(first * bytes, last * bytes),
      labels: labels.subarray(first, last),
    };
  };
  const { packed } = set;
  const reading = packed && new ReadAhead(packed, Math.min(batchSize, set.count));
  const imagesIn = (batchIndex: number): number[] => {
    const { first, last } = rangeOf(batchIndex);
    return Array.from({ length: last - first }, (_, index) => first + index);
  };
  const lastBatch = Math.ceil(set.count / batchSize) - 1;
  const begin = (batchIndex: number): Promise<void> | undefined =>
    reading && readingAhead(reading, batchIndex, Math.min(batchIndex + READ_AHEAD, lastBatch), imagesIn);
  /** Where the batch's pixels are, and which image is the first there. */
  const sourceOf = (batchIndex: number): { images: Uint8Array; start: number } =>
    reading
      ? { images: reading.take(batchIndex, imagesIn(batchIndex)), start: batchIndex * batchSize }
      : { images: set.images, start: 0 };
  if (resize === null) {
    if (!reading) return { begin, batch: (batchIndex) => view(set.images, sourceBytes, batchIndex) };
    const batch = (batchIndex: number): Batch => {
      const { first, last } = rangeOf(batchIndex);
      return { count: last - first, images: sourceOf(batchIndex).images, labels: labels.subarray(first, last) };
    };
    return { begin, batch };
  }

  const bytes = resize.height * resize.width * channels;
  const place = createResize(set, resize, channels);
  const fillBatch = (batchIndex: number, { count, images }: Batch) => {
    const source = sourceOf(batchIndex);
    const first = batchIndex * batchSize - source.start;
    for (let i = 0; i < count; i++) place(source.images, (first + i) * sourceBytes, images, i * bytes);
  };
  if (!reading && set.count * bytes <= KEPT_TEST_BYTES) {
    let kept: Uint8Array | undefined; // made when first asked for: not every run evaluates
    const filled = new Set<number>();
    const keptBatch = (batchIndex: number): Batch => {
      const batch = view((kept ??= new Uint8Array(set.count * bytes)), bytes, batchIndex);
      if (!filled.has(batchIndex)) fillBatch(batchIndex, batch);
      filled.add(batchIndex);
      return batch;
    };
    return { begin, batch: keptBatch };
  }
  const buffers = bufferRing(Math.min(batchSize, set.count), bytes);
  const resizedBatch = (batchIndex: number): Batch => {
    const batch = buffers(Math.min(batchSize, set.count - batchIndex * batchSize));
    batch.labels.set(labels.subarray(batchIndex * batchSize, batchIndex * batchSize + batch.count));
    fillBatch(batchIndex, batch);
    return batch;
  };
  return { begin, batch: resizedBatch };
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
