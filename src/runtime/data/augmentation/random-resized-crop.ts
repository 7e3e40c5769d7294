// A random part of an image, brought to one size: torchvision's RandomResizedCrop, with Pillow's bilinear.
import type { Augmentation, ResizedCropConfig } from "../../../compiler/config.js";
import { RandomStream } from "../../random/random-stream.js";
import type { Box, ImageSize } from "../resize.js";
import { createCropResize } from "../resize.js";

/** The settings of the one that a list asks for; undefined where it asks for none. */
export function resizedCropOf(list: readonly Augmentation[]): ResizedCropConfig | undefined {
  for (const augmentation of list) {
    if (typeof augmentation === "object" && "random_resized_crop" in augmentation)
      return augmentation.random_resized_crop;
  }
  return undefined;
}

export interface ResizedCropOptions {
  readonly from: ImageSize;
  readonly to: ImageSize;
  readonly channels: number;
  readonly seed: number;
}

/** Reads one image and writes the part of it that is drawn for its place in its set, the epoch and the seed. */
export type RandomResizedCrop = (
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  epoch: number,
  index: number,
) => void;

export function createRandomResizedCrop(
  settings: ResizedCropConfig,
  { from, to, channels, seed }: ResizedCropOptions,
): RandomResizedCrop {
  const stream = new RandomStream(seed, "cropping");
  const cropResize = createCropResize(from, to, channels);
  return (source, sourceOffset, target, targetOffset, epoch, index) => {
    const box = drawBox(stream.restart(epoch, index), from, settings);
    cropResize(source, sourceOffset, box, target, targetOffset);
  };
}

/** Attempts at a box that lies within the image, before the middle is taken: torchvision's number. */
const ATTEMPTS = 10;

/** torchvision's RandomResizedCrop.get_params; draws area, proportion, row and column. */
export function drawBox(
  stream: Pick<RandomStream, "uniform" | "integer">,
  { height, width }: ImageSize,
  { scale, ratio }: ResizedCropConfig,
): Box {
  const [smallest, largest] = scale as readonly [number, number];
  const [narrowest, widest] = ratio as readonly [number, number];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = height * width * between(smallest, largest, stream.uniform());
    const proportion = Math.exp(between(Math.log(narrowest), Math.log(widest), stream.uniform()));
    const box = { height: Math.round(Math.sqrt(area / proportion)), width: Math.round(Math.sqrt(area * proportion)) };
    if (box.width === 0 || box.height === 0 || box.width > width || box.height > height) continue;
    const top = stream.integer(height - box.height + 1);
    return { ...box, top, left: stream.integer(width - box.width + 1) };
  }
  return middleBox({ height, width }, narrowest, widest);
}

/** The largest box in the middle whose proportion is allowed. */
function middleBox({ height, width }: ImageSize, narrowest: number, widest: number): Box {
  const proportion = width / height;
  const box =
    proportion < narrowest
      ? { height: Math.min(height, Math.round(width / narrowest)), width }
      : proportion > widest
        ? { height, width: Math.min(width, Math.round(height * widest)) }
        : { height, width };
  return { ...box, top: Math.floor((height - box.height) / 2), left: Math.floor((width - box.width) / 2) };
}

function between(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
