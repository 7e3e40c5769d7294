// Crops against Pillow and PyTorch at every place (test/oracle/pillow/make-fixtures.py), lists of several entries against a
// plain description of what they mean; test/oracle/augmentations.test.ts holds each entry to torchvision.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Augmentation } from "../../../../src/compiler/config.js";
import { createAugment } from "../../../../src/runtime/data/augmentation/augment.js";
import { changeColors, drawColorChange } from "../../../../src/runtime/data/augmentation/color-jitter.js";
import { randomStream } from "../../../../src/runtime/random/random-stream.js";
import type { RandomStream } from "../../../../src/runtime/random/random-stream.js";

const oracle = new URL("../../../oracle/pillow/", import.meta.url);
const crops = JSON.parse(readFileSync(new URL("crops.json", oracle), "utf8")) as Record<string, string>;
const images = new Uint8Array(readFileSync(new URL("images.bin", oracle)));
const imageBytes = 32 * 32 * 3;
const seed = 11;
const cifar = { height: 32, width: 32, channels: 3, seed, fill: [125, 123, 114] };

describe("createAugment", () => {
  it.each(["zero", "reflect"] as const)("crops with %s padding and mirrors as torchvision does", (mode) => {
    const list = [{ random_crop: { padding: 4, mode } }, { horizontal_flip: { probability: 0.5 } }];
    const augment = createAugment(list, cifar);
    const seen = new Set<string>();
    for (let index = 0; index < 600; index++) {
      const stream = draws(2, index);
      const [top, left] = [stream.integer(9), stream.integer(9)];
      const name = `${mode} ${top} ${left} ${stream.uniform() < 0.5 ? "mirrored" : "straight"}`;
      const target = new Uint8Array(imageBytes);
      augment(images, imageBytes, target, 0, 2, index);
      expect(md5Of(target), name).toBe(crops[name]);
      seen.add(name);
    }
    expect(seen.size).toBeGreaterThan(150); // of 162 places, a few stay unseen by chance
  });

  it("erases a square around any pixel, cut off at the border, in the colour given", () => {
    const augment = createAugment([{ cutout: { size: 8 } }], cifar);
    for (let index = 0; index < 200; index++) {
      const stream = draws(0, index);
      const [centreRow, centreColumn] = [stream.integer(32), stream.integer(32)];
      const expected = images.slice(0, imageBytes);
      eachByte(cifar, (y, x, c, at) => {
        const inside = y >= centreRow - 4 && y < centreRow + 4 && x >= centreColumn - 4 && x < centreColumn + 4;
        if (inside) expected[at] = cifar.fill[c]!;
      });
      const target = new Uint8Array(imageBytes);
      augment(images, 0, target, 0, 0, index);
      expect(md5Of(target)).toBe(md5Of(expected));
    }
  });

  it("translates as a crop does whose padding is as wide", () => {
    for (const mode of ["zero", "reflect"] as const) {
      const [moved, cropped] = [new Uint8Array(imageBytes), new Uint8Array(imageBytes)];
      createAugment([{ translate: { pixels: 3, mode } }], cifar)(images, 0, moved, 0, 1, 5);
      createAugment([{ random_crop: { padding: 3, mode } }], cifar)(images, 0, cropped, 0, 1, 5);
      expect(md5Of(moved)).toBe(md5Of(cropped));
    }
  });

  it("alternates: each image is mirrored in every second epoch, half of them in the first", () => {
    const augment = createAugment(["alternating_flip"], cifar);
    const mirrored = new Uint8Array(imageBytes);
    createAugment([{ horizontal_flip: { probability: 1 } }], cifar)(images, 0, mirrored, 0, 0, 0);
    const isMirrored = (epoch: number, index: number): boolean => {
      const target = new Uint8Array(imageBytes);
      augment(images, 0, target, 0, epoch, index);
      return md5Of(target) === md5Of(mirrored);
    };
    let first = 0;
    for (let index = 0; index < 400; index++) {
      const [one, ...others] = [0, 1, 2, 3].map((epoch) => isMirrored(epoch, index));
      expect(others).toEqual([!one, one, !one]);
      if (one) first++;
    }
    expect(Math.abs(first - 200)).toBeLessThan(40); // four standard deviations of 400 fair draws
  });

  const lists: readonly (readonly [string, readonly Augmentation[]])[] = [
    ["nothing", []],
    [
      "a crop, jitter and a crop again",
      [
        { random_crop: { padding: 2, mode: "zero" } },
        { color_jitter: { brightness: 0.5, contrast: 0, saturation: 0, hue: 0 } },
        { random_crop: { padding: 1, mode: "reflect" } },
      ],
    ],
    ["a certain flip", [{ horizontal_flip: { probability: 1 } }]],
    ["a flip, then a crop", [{ horizontal_flip: { probability: 0.5 } }, { random_crop: { padding: 3, mode: "zero" } }]],
    [
      "two crops with different borders",
      [{ random_crop: { padding: 3, mode: "zero" } }, { random_crop: { padding: 2, mode: "reflect" } }],
    ],
    [
      "cutout before a crop, so that the patch moves",
      [{ cutout: { size: 3 } }, { random_crop: { padding: 2, mode: "reflect" } }, { cutout: { size: 4 } }],
    ],
    ["a crop wider than the image", [{ random_crop: { padding: 15, mode: "reflect" } }]],
    ["cutout larger than the image", [{ cutout: { size: 50 } }]],
  ];
  const sizes = [
    { height: 8, width: 12, channels: 3 },
    { height: 5, width: 7, channels: 3 },
    { height: 6, width: 4, channels: 1 },
    { height: 1, width: 1, channels: 2 },
  ];

  it.each(lists)("applies %s one after the other on images of any size", (_, list) => {
    for (const size of sizes) {
      const options = { ...size, seed, fill: Array.from({ length: size.channels }, () => 9) };
      const augment = createAugment(list, options);
      const bytes = size.height * size.width * size.channels;
      const source = Uint8Array.from({ length: bytes }, (_, at) => 10 + ((at * 37) % 240));
      for (let index = 0; index < 40; index++) {
        const target = new Uint8Array(bytes + 5).fill(1);
        augment(source, 0, target, 4, 3, index);
        const expected = oneByOne(source, list, options, draws(3, index));
        expect([...target], `${JSON.stringify(size)}, image ${index}`).toEqual([1, 1, 1, 1, ...expected, 1]);
      }
    }
  });

  it("draws the same for the same seed, epoch and index, whatever was drawn before", () => {
    const list: Augmentation[] = [{ random_crop: { padding: 4, mode: "zero" } }, { cutout: { size: 8 } }];
    const [one, other] = [new Uint8Array(imageBytes), new Uint8Array(imageBytes)];
    const augment = createAugment(list, cifar);
    augment(images, 0, one, 0, 7, 123);
    createAugment(list, cifar)(images, 0, other, 0, 7, 123);
    expect(md5Of(other)).toBe(md5Of(one));
    augment(images, 0, other, 0, 8, 123);
    expect(md5Of(other)).not.toBe(md5Of(one));
    augment(images, 0, other, 0, 7, 123);
    expect(md5Of(other)).toBe(md5Of(one));
  });
});

interface Options {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly fill: readonly number[];
}

function draws(epoch: number, index: number): RandomStream {
  return randomStream({ seed, purpose: "augmentation", epoch, index });
}

/** What the list means, pixel by pixel, one augmentation after the other. */
function oneByOne(source: Uint8Array, list: readonly Augmentation[], options: Options, stream: RandomStream): number[] {
  let image = [...source];
  const { height, width, channels } = options;
  const show = (find: (y: number, x: number) => readonly [number, number]) => {
    const before = image;
    image = [...image];
    eachByte(options, (y, x, c, at) => {
      const [fromY, fromX] = find(y, x);
      const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
      image[at] = inside ? before[(fromY * width + fromX) * channels + c]! : 0;
    });
  };
  for (const augmentation of list) {
    if (augmentation === "alternating_flip") continue; // has tests of its own
    if ("random_crop" in augmentation) {
      const { padding, mode } = augmentation.random_crop;
      const [top, left] = [stream.integer(2 * padding + 1) - padding, stream.integer(2 * padding + 1) - padding];
      const border = mode === "zero" ? (place: number) => place : reflect;
      show((y, x) => [border(y + top, height), border(x + left, width)]);
    } else if ("horizontal_flip" in augmentation) {
      const flipped = stream.uniform() < augmentation.horizontal_flip.probability;
      show((y, x) => [y, flipped ? width - 1 - x : x]);
    } else if ("color_jitter" in augmentation) {
      const changed = Uint8Array.from(image);
      changeColors(changed, 0, height * width, channels, drawColorChange(augmentation.color_jitter, stream));
      changed.forEach((value, at) => (image[at] = value));
    } else if ("cutout" in augmentation) {
      const { size } = augmentation.cutout;
      const [top, left] = [stream.integer(height) - Math.floor(size / 2), stream.integer(width) - Math.floor(size / 2)];
      eachByte(options, (y, x, c, at) => {
        if (y >= top && y < top + size && x >= left && x < left + size) image[at] = options.fill[c]!;
      });
    }
  }
  return image;
}

function reflect(place: number, length: number): number {
  if (length === 1) return 0;
  let inside = place;
  while (inside < 0 || inside >= length) inside = inside < 0 ? -inside : 2 * (length - 1) - inside;
  return inside;
}

function eachByte(
  { height, width, channels }: Omit<Options, "fill">,
  visit: (y: number, x: number, c: number, at: number) => void,
): void {
  for (let at = 0; at < height * width * channels; at++) {
    visit(Math.floor(at / (width * channels)), Math.floor(at / channels) % width, at % channels, at);
  }
}

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
