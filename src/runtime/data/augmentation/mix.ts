// Mixup and cutmix: every image of a batch is mixed with the one before it, the first with the last, and keeps both labels.
// Images stay 8-bit: a blend is rounded by at most half of one of 256 steps.
import type { Augmentation, MixConfig } from "../../../compiler/config.js";
import { mixOf } from "../../../compiler/training/mixed-labels.js";
import type { MixedLabels } from "../../engines/engine.js";
import { RandomStream, symmetricBeta } from "../../random/random-stream.js";
import type { ImageSize } from "../resize.js";

export interface MixOptions extends ImageSize {
  readonly channels: number;
  readonly seed: number;
}

/** A batch whose images are augmented and not yet mixed; all of it is changed in place. */
export interface MixableBatch {
  readonly count: number;
  /** [count, height, width, channels] */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  readonly mixed: MixedLabels;
}

/** `indices` are the images' places in their set: the draws depend on them, the epoch and the seed alone. */
export type Mix = (batch: MixableBatch, epoch: number, indices: ArrayLike<number>) => void;

/** Null where the list has neither mixup nor cutmix, which is then its last entry. */
export function createMix(list: readonly Augmentation[], options: MixOptions): Mix | null {
  const last = list.at(-1);
  const settings = last && mixOf(last);
  if (!settings) return null;
  const { height, width, channels, seed } = options;
  const stream = new RandomStream(seed, "mixing");
  const bytes = height * width * channels;
  const lastImage = new Uint8Array(bytes); // before it is mixed: what the first image is mixed with
  const blend = typeof last === "object" && "mixup" in last ? mixup(bytes) : cutmix(options);
  return ({ count, images, labels, mixed }, epoch, indices) => {
    lastImage.set(images.subarray((count - 1) * bytes, count * bytes));
    const lastLabel = labels[count - 1]!;
    // From the end, so that the image before is still whole
    for (let i = count - 1; i >= 0; i--) {
      stream.restart(epoch, indices[i]!);
      const share = drawShare(stream, settings);
      const other = i === 0 ? lastImage : images;
      const kept = share === 1 ? 1 : blend(images, i * bytes, other, i === 0 ? 0 : (i - 1) * bytes, share, stream);
      setLabels(labels, mixed, i, i === 0 ? lastLabel : labels[i - 1]!, kept);
    }
  };
}

function drawShare(stream: RandomStream, { alpha, probability }: MixConfig): number {
  return stream.uniform() < probability ? symmetricBeta(stream, alpha) : 1;
}

/** The label of the larger share comes first. */
function setLabels(labels: Int32Array, mixed: MixedLabels, i: number, other: number, share: number): void {
  const isOwnLarger = share >= 0.5;
  mixed.labels[i] = isOwnLarger ? other : labels[i]!;
  mixed.shares[i] = isOwnLarger ? share : 1 - share;
  if (!isOwnLarger) labels[i] = other;
}

/** Changes the image at `offset` of `images` and returns how much of it is left. */
type Blend = (
  images: Uint8Array,
  offset: number,
  other: Uint8Array,
  otherOffset: number,
  share: number,
  stream: RandomStream,
) => number;

/** share · image + (1 − share) · other, rounded to the nearest (Zhang et al. 2017, eq. 1). */
function mixup(bytes: number): Blend {
  return (images, offset, other, otherOffset, share) => {
    const rest = 1 - share;
    for (let byte = 0; byte < bytes; byte++) {
      images[offset + byte] = (share * images[offset + byte]! + rest * other[otherOffset + byte]! + 0.5) | 0;
    }
    return share;
  };
}

/**
 * Pastes a box of the other image whose sides are those of the image times √(1 − share), centred anywhere and cut at the
 * border; what is left is counted in pixels (Yun et al. 2019, eq. 2). The box is torchvision's, to the pixel.
 */
function cutmix({ height, width, channels }: MixOptions): Blend {
  return (images, offset, other, otherOffset, share, stream) => {
    const [x, y] = [stream.integer(width), stream.integer(height)];
    const { top, left, bottom, right } = cutmixBox(height, width, share, x, y);
    const rowBytes = width * channels;
    for (let row = top; row < bottom; row++) {
      const from = otherOffset + row * rowBytes;
      const to = offset + row * rowBytes;
      for (let at = left * channels; at < right * channels; at++) images[to + at] = other[from + at]!;
    }
    return 1 - ((right - left) * (bottom - top)) / (height * width);
  };
}

/** The box about the pixel (x, y): rows from top to bottom, columns from left to right, the ends not among them. */
export function cutmixBox(height: number, width: number, share: number, x: number, y: number) {
  const half = 0.5 * Math.sqrt(1 - share);
  const [halfWidth, halfHeight] = [Math.trunc(half * width), Math.trunc(half * height)];
  return {
    top: Math.max(y - halfHeight, 0),
    left: Math.max(x - halfWidth, 0),
    bottom: Math.min(y + halfHeight, height),
    right: Math.min(x + halfWidth, width),
  };
}
