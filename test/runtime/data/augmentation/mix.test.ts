import { describe, expect, it } from "vitest";
import type { Augmentation } from "../../../../src/compiler/config.js";
import { createMix, cutmixBox } from "../../../../src/runtime/data/augmentation/mix.js";
import type { MixableBatch } from "../../../../src/runtime/data/augmentation/mix.js";
import { draw } from "../../../oracle/counter-random.js";

const size = { height: 6, width: 8, channels: 3 };
const bytes = 6 * 8 * 3;
const options = { ...size, seed: 3 };
const indices = [40, 7, 12, 3, 25];

/** Five images of noise, labelled 0 to 4. */
function batch(): MixableBatch {
  const images = Uint8Array.from(draw(1, 2, indices.length * bytes), (bits) => bits >>> 24);
  const count = indices.length;
  const mixed = { labels: new Int32Array(count), shares: new Float32Array(count) };
  return { count, images, labels: Int32Array.from(indices.keys()), mixed };
}

function mixedBy(augmentation: Augmentation, epoch = 0): MixableBatch {
  const made = batch();
  createMix([augmentation], options)!(made, epoch, indices);
  return made;
}

const mixup: Augmentation = { mixup: { alpha: 1, probability: 1 } };
const cutmix: Augmentation = { cutmix: { alpha: 1, probability: 1 } };

describe.each([mixup, cutmix])("%j", (augmentation) => {
  it("gives each image the labels of itself and the one before it, the larger share first", () => {
    const { labels, mixed } = mixedBy(augmentation);
    labels.forEach((label, image) => {
      const before = (image + 4) % 5;
      expect(new Set([label, mixed.labels[image]!])).toEqual(new Set([image, before]));
      expect(mixed.shares[image]).toBeGreaterThanOrEqual(0.5);
      expect(mixed.shares[image]).toBeLessThanOrEqual(1);
    });
  });

  it("draws by seed, epoch and the image's index alone", () => {
    expect(mixedBy(augmentation)).toEqual(mixedBy(augmentation));
    expect(mixedBy(augmentation, 1)).not.toEqual(mixedBy(augmentation));
    const shorter = batch();
    const part = { ...shorter, count: 4 };
    createMix([augmentation], options)!(part, 0, indices);
    // All but the first, whose neighbour is another, are as in the longer batch
    expect(part.images.subarray(bytes, 4 * bytes)).toEqual(mixedBy(augmentation).images.subarray(bytes, 4 * bytes));
  });

  it("mixes about as many images as the probability says", () => {
    const [name, settings] = Object.entries(augmentation)[0] as [string, object];
    const rare = { [name]: { ...settings, probability: 0.25 } } as unknown as Augmentation;
    const mix = createMix([rare], options)!;
    let mixed = 0;
    for (let epoch = 0; epoch < 400; epoch++) {
      const made = batch();
      mix(made, epoch, indices);
      mixed += made.mixed.shares.filter((share) => share < 1).length;
    }
    // 2000 draws: four standard deviations are 78; a box of no pixels leaves one cutmix in some ten unmixed
    expect(mixed).toBeGreaterThan("cutmix" in augmentation ? 372 : 422);
    expect(mixed).toBeLessThan(578);
  });
});

describe("mixup", () => {
  it("blends two images by the share that it hands to the loss, to the nearest value", () => {
    const [before, { images, labels, mixed }] = [batch(), mixedBy(mixup)];
    for (let image = 0; image < 5; image++) {
      const own = labels[image] === image ? mixed.shares[image]! : 1 - mixed.shares[image]!;
      for (let at = 0; at < bytes; at++) {
        const other = before.images[((image + 4) % 5) * bytes + at]!;
        const exact = own * before.images[image * bytes + at]! + (1 - own) * other;
        expect(Math.abs(images[image * bytes + at]! - exact)).toBeLessThanOrEqual(0.5 + 1e-4); // a share is a float32
      }
    }
  });
});

describe("cutmix", () => {
  it("takes every pixel from one of two images, in the shares that it hands to the loss", () => {
    const [before, { images, labels, mixed }] = [batch(), mixedBy(cutmix)];
    for (let image = 0; image < 5; image++) {
      let own = 0;
      for (let pixel = 0; pixel < 48; pixel++) {
        const colour = (source: Uint8Array, of: number) =>
          source.slice(of * bytes + pixel * 3, of * bytes + pixel * 3 + 3).join();
        const found = colour(images, image);
        if (found === colour(before.images, image)) own++;
        else expect(found).toBe(colour(before.images, (image + 4) % 5));
      }
      expect(own / 48).toBeCloseTo(labels[image] === image ? mixed.shares[image]! : 1 - mixed.shares[image]!, 6);
    }
  });

  it("cuts its box at the border", () => {
    expect(cutmixBox(6, 8, 0.75, 0, 5)).toEqual({ top: 4, left: 0, bottom: 6, right: 2 });
    expect(cutmixBox(6, 8, 0, 4, 3)).toEqual({ top: 0, left: 0, bottom: 6, right: 8 });
    const { top, left, bottom, right } = cutmixBox(6, 8, 1, 4, 3);
    expect((bottom - top) * (right - left)).toBe(0);
  });
});

it("mixes nothing where the list asks for neither", () => {
  expect(createMix([], options)).toBeNull();
  expect(createMix([{ horizontal_flip: { probability: 0.5 } }], options)).toBeNull();
});
