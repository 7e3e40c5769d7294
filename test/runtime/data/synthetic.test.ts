import { describe, expect, it } from "vitest";
import type { ImageSet } from "../../../src/runtime/data/dataset.js";
import { generateSynthetic } from "../../../src/runtime/data/synthetic.js";

const config = {
  train_images: 300,
  test_images: 100,
  height: 12,
  width: 10,
  channels: 3,
  classes: 5,
};

describe("generateSynthetic", () => {
  const dataset = generateSynthetic(config, 1);

  it("gives the sizes that were asked for, every class equally often", () => {
    expect(dataset.classes).toHaveLength(5);
    expect(dataset.train).toMatchObject({ count: 300, height: 12, width: 10, channels: 3 });
    expect(dataset.train.images).toHaveLength(300 * 12 * 10 * 3);
    for (let label = 0; label < 5; label++) {
      expect(dataset.train.labels.filter((found) => found === label)).toHaveLength(60);
      expect(dataset.test.labels.filter((found) => found === label)).toHaveLength(20);
    }
  });

  it("is the same for the same seed and another for another", () => {
    expect(generateSynthetic(config, 1)).toEqual(dataset);
    expect(generateSynthetic(config, 2).train.images).not.toEqual(dataset.train.images);
  });

  it("never repeats an image", () => {
    const all = [dataset.train, dataset.test].flatMap((set) =>
      Array.from({ length: set.count }, (_, index) => pixels(set, index).join()),
    );
    expect(new Set(all).size).toBe(400);
  });

  it("has about the mean and deviation that the compiler assumes", () => {
    const values = [...dataset.train.images].map((value) => value / 255);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    // The colours of five classes are few draws; what matters is the scale of normalised inputs.
    expect(mean).toBeCloseTo(0.5, 1);
    expect(Math.sqrt(variance)).toBeCloseTo(0.25, 1);
  });

  it("can be learnt: the nearest class mean of the training images names most test images", () => {
    const [train, test] = [dataset.train, dataset.test].map((set) =>
      Array.from({ length: set.count }, (_, index) => pixels(set, index)),
    );
    const means = dataset.classes.map((_, label) => {
      const members = train!.filter((_, index) => dataset.train.labels[index] === label);
      return members[0]!.map((_, at) => members.reduce((sum, image) => sum + image[at]!, 0) / members.length);
    });
    const right = test!.filter((image, index) => {
      const distances = means.map((mean) => mean.reduce((sum, value, at) => sum + (value - image[at]!) ** 2, 0));
      return distances.indexOf(Math.min(...distances)) === dataset.test.labels[index];
    });
    expect(right.length).toBeGreaterThan(90);
  });
});

function pixels(set: ImageSet, index: number): number[] {
  const bytes = set.height * set.width * set.channels;
  return [...set.images.subarray(index * bytes, (index + 1) * bytes)];
}
