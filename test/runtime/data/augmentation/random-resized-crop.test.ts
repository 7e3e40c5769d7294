// Against torchvision's own boxes and Pillow's pixels: test/oracle/pillow/write_resized_crops.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createLoader } from "../../../../src/runtime/data/loader.js";
import { createRandomResizedCrop, drawBox } from "../../../../src/runtime/data/augmentation/random-resized-crop.js";
import { createCropResize } from "../../../../src/runtime/data/resize.js";
import type { Box } from "../../../../src/runtime/data/resize.js";
import { generateSynthetic } from "../../../../src/runtime/data/synthetic.js";
import { noise } from "../../../support/noise.js";
import { tinyConfig } from "../../../support/tiny-config.js";

interface Crop {
  readonly size: [height: number, width: number];
  readonly scale: number[];
  readonly ratio: number[];
  readonly draws: number[];
  readonly box: Box;
  readonly md5: string;
}

const path = new URL("../../../oracle/pillow/resized-crops.json", import.meta.url);
const { crops } = JSON.parse(readFileSync(path, "utf8")) as { crops: Crop[] };

describe("drawBox", () => {
  it.each(crops)("draws torchvision's box $box of $size", ({ size: [height, width], scale, ratio, draws, box }) => {
    const left = [...draws];
    const stream = { uniform: () => left.shift()!, integer: (bound: number) => Math.floor(left.shift()! * bound) };
    expect(drawBox(stream, { height, width }, { scale, ratio })).toEqual(box);
  });
});

describe("createCropResize", () => {
  it.each(crops)("gives torchvision's pixels for $box of $size", ({ size: [height, width], box, md5 }) => {
    const target = new Uint8Array(24 * 20 * 3);
    createCropResize({ height, width }, { height: 24, width: 20 }, 3)(noise(height, width, 3), 0, box, target, 0);
    expect(createHash("md5").update(target).digest("hex")).toBe(md5);
  });
});

describe("createRandomResizedCrop", () => {
  const settings = { scale: [0.2, 1], ratio: [0.75, 1.25] };
  const options = { from: { height: 30, width: 20 }, to: { height: 8, width: 8 }, channels: 3, seed: 3 };
  const image = noise(30, 20, 3);
  const cropped = (epoch: number, index: number): number[] => {
    const target = new Uint8Array(8 * 8 * 3);
    createRandomResizedCrop(settings, options)(image, 0, target, 0, epoch, index);
    return [...target];
  };

  it("draws anew for each epoch and image, and the same again for the same", () => {
    expect(cropped(1, 4)).toEqual(cropped(1, 4));
    expect(cropped(1, 4)).not.toEqual(cropped(2, 4));
    expect(cropped(1, 4)).not.toEqual(cropped(1, 5));
  });

  it("takes the place of resizing in a batch, and other changes come after it", () => {
    const config = tinyConfig({
      data: { resize: { height: 6, width: 6 }, augment: [{ random_resized_crop: settings }] },
    });
    const { dataset } = config.data;
    if (typeof dataset === "string" || !("synthetic" in dataset))
      throw new Error("the tiny network has generated images");
    const images = generateSynthetic(dataset.synthetic, config.seed);
    const batch = createLoader(images, config).train(0, 0);
    const mirrored = createLoader(images, {
      ...config,
      data: { ...config.data, augment: [...config.data.augment, { horizontal_flip: { probability: 1 } }] },
    }).train(0, 0);
    expect(batch.images).toHaveLength(12 * 6 * 6 * 3);
    const row = (pixels: Uint8Array): string[] =>
      Array.from({ length: 6 }, (_, x) => pixels.subarray(x * 3, x * 3 + 3).join());
    expect(row(mirrored.images)).toEqual(row(batch.images).toReversed());
    const plain = createLoader(images, { ...config, data: { ...config.data, augment: [] } }).train(0, 0);
    expect([...batch.images]).not.toEqual([...plain.images]);
  });
});
