// Every augmentation yields what torchvision's functions yield with the parameters that netc draws.
import { describe, expect, it } from "vitest";
import type { Augmentation } from "../../src/compiler/config.js";
import { createAugment } from "../../src/runtime/data/augmentation/augment.js";
import { createMix } from "../../src/runtime/data/augmentation/mix.js";
import type { AugmentationCase } from "./augmentations.js";
import { augmentationCases, augmentationRecords, FILL, imageOf, SEED } from "./augmentations.js";

const cases = augmentationCases();

it("gives torchvision the parameters that are drawn (run vitest with -u, then write_augmentations.py, to renew them)", async () => {
  const lines = cases.map((one) => JSON.stringify(one)).join(",\n");
  await expect(`{"seed":${SEED},"cases":[\n${lines}\n]}\n`).toMatchFileSnapshot("augmentation-draws.json");
  expect(augmentationRecords()).toHaveLength(cases.length);
});

describe.each([...new Set(cases.map(({ augmentation }) => JSON.stringify(augmentation)))])("%s", (name) => {
  it("changes images as torchvision does", () => {
    cases.forEach((one, at) => {
      if (JSON.stringify(one.augmentation) !== name) return;
      const expected = augmentationRecords()[at]!;
      const { image, tolerance } = apply(one);
      const distances = expected.map((value, byte) => Math.abs(value - image[byte]!));
      expect(Math.max(...distances), JSON.stringify(one)).toBeLessThanOrEqual(tolerance);
    });
  });
});

/** To the byte, but for a blend, which netc rounds to 8 bits and torchvision does not. */
function apply(one: AugmentationCase): { image: Uint8Array; tolerance: number } {
  const { augmentation, height, width, epoch, index } = one;
  const list: Augmentation[] = [augmentation];
  const options = { height, width, channels: 3, seed: SEED, fill: FILL };
  const image = imageOf(one);
  const mix = createMix(list, options);
  if (!mix) {
    const target = new Uint8Array(image.length);
    createAugment(list, options)(image, 0, target, 0, epoch, index);
    return { image: target, tolerance: 0 };
  }
  const images = new Uint8Array([...imageOf({ height, width, index: index + 100 }), ...image]);
  const mixed = { labels: new Int32Array(2), shares: new Float32Array(2) };
  mix({ count: 2, images, labels: Int32Array.of(0, 1), mixed }, epoch, [index + 100, index]);
  const isBlend = typeof augmentation === "object" && "mixup" in augmentation;
  // A record has six digits
  return { image: images.subarray(image.length), tolerance: isBlend ? 0.5 + 1e-3 : 0 };
}
