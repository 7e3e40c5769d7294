// Augmentations with the parameters that netc draws for them, for torchvision to apply: augmentation-draws.json is what this
// file says, augmentations.json what write_augmentations.py made of it.
import type { Augmentation } from "../../src/compiler/config.js";
import { drawColorChange } from "../../src/runtime/data/augmentation/color-jitter.js";
import { randomStream, symmetricBeta } from "../../src/runtime/random/random-stream.js";
import { draw } from "./counter-random.js";
import { readFixture } from "./fixtures.js";

export interface AugmentationCase {
  readonly augmentation: Augmentation;
  readonly height: number;
  readonly width: number;
  readonly epoch: number;
  readonly index: number;
  /** What torchvision's functional API is given, by operation; drawn in the order that the augmentation draws in. */
  readonly parameters: object;
}

export const SEED = 21;
export const FILL = [125, 123, 114];

/** Images of noise [height, width, 3], every seventh pixel grey, with black and white among them. */
export function imageOf({ height, width, index }: Pick<AugmentationCase, "height" | "width" | "index">): Uint8Array {
  const image = Uint8Array.from(draw(SEED, index, height * width * 3), (bits) => bits >>> 24);
  for (let pixel = 0; pixel < height * width; pixel += 7) {
    const grey = pixel % 3 === 0 ? image[pixel * 3]! : pixel % 2 === 0 ? 0 : 255;
    image.fill(grey, pixel * 3, pixel * 3 + 3);
  }
  return image;
}

const amounts = { brightness: 0, contrast: 0, saturation: 0, hue: 0 };
const augmentations: readonly Augmentation[] = [
  { random_crop: { padding: 3, mode: "zero" } },
  { random_crop: { padding: 3, mode: "reflect" } },
  { horizontal_flip: { probability: 0.5 } },
  "alternating_flip",
  { translate: { pixels: 2, mode: "zero" } },
  { translate: { pixels: 2, mode: "reflect" } },
  { cutout: { size: 5 } },
  { color_jitter: { ...amounts, brightness: 0.8 } },
  { color_jitter: { ...amounts, contrast: 1.5 } },
  { color_jitter: { ...amounts, saturation: 1.5 } },
  { color_jitter: { ...amounts, hue: 0.5 } },
  { color_jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 } },
  { mixup: { alpha: 1, probability: 1 } },
  { cutmix: { alpha: 1, probability: 1 } },
];

export function augmentationCases(): AugmentationCase[] {
  const sizes = [
    { height: 12, width: 12 },
    { height: 9, width: 14 },
  ];
  return augmentations.flatMap((augmentation) =>
    sizes.flatMap((size) =>
      [0, 1].flatMap((epoch) =>
        [3, 4].map((index) => {
          const parameters = parametersOf(augmentation, { ...size, epoch, index });
          return { augmentation, ...size, epoch, index, parameters };
        }),
      ),
    ),
  );
}

/** Bytes of the image [height, width, 3], or of a blend the exact values, in the order of `augmentationCases`. */
export function augmentationRecords(): readonly (readonly number[])[] {
  return readFixture<{ images: number[][] }>("augmentations.json", "write_augmentations.py").images;
}

type Place = Pick<AugmentationCase, "height" | "width" | "epoch" | "index">;

function parametersOf(augmentation: Augmentation, { height, width, epoch, index }: Place): object {
  const stream = randomStream({ seed: SEED, purpose: "augmentation", epoch, index });
  if (augmentation === "alternating_flip") {
    const first = randomStream({ seed: SEED, purpose: "alternation", epoch: 0, index }).uint32() % 2;
    return { flip: (first + epoch) % 2 === 1 };
  }
  if ("random_crop" in augmentation) {
    const { padding, mode } = augmentation.random_crop;
    return { pad: padding, mode, top: stream.integer(2 * padding + 1), left: stream.integer(2 * padding + 1) };
  }
  if ("translate" in augmentation) {
    const { pixels, mode } = augmentation.translate;
    const [down, right] = [stream.integer(2 * pixels + 1) - pixels, stream.integer(2 * pixels + 1) - pixels];
    // What moves the window down and right moves the image up and left
    return { translate: [0 - right, 0 - down], mode };
  }
  if ("horizontal_flip" in augmentation) {
    return { flip: stream.uniform() < augmentation.horizontal_flip.probability };
  }
  if ("cutout" in augmentation) {
    const { size } = augmentation.cutout;
    const [top, left] = [stream.integer(height) - (size >> 1), stream.integer(width) - (size >> 1)];
    return { erase: [top, left, size], fill: FILL };
  }
  if ("color_jitter" in augmentation) return drawColorChange(augmentation.color_jitter, stream);
  const mixing = randomStream({ seed: SEED, purpose: "mixing", epoch, index });
  mixing.uniform(); // whether to mix
  if ("mixup" in augmentation) return { mixup: symmetricBeta(mixing, augmentation.mixup.alpha) };
  if (!("cutmix" in augmentation)) throw new Error("cases of random_resized_crop are in test/oracle/pillow");
  const share = symmetricBeta(mixing, augmentation.cutmix.alpha);
  return { cutmix: share, x: mixing.integer(width), y: mixing.integer(height) };
}
