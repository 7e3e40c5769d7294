import { describe, expect, it } from "vitest";
import { datasetFacts } from "../../src/compiler/datasets.js";

describe("datasetFacts", () => {
  it("knows CIFAR-10", () => {
    expect(datasetFacts("cifar10")).toMatchObject({
      height: 32,
      width: 32,
      channels: 3,
      classes: 10,
      trainImages: 50_000,
      testImages: 10_000,
    });
  });

  it("takes generated images as the file describes them, with one mean and deviation a channel", () => {
    const synthetic = {
      train_images: 8,
      test_images: 4,
      height: 5,
      width: 6,
      channels: 2,
      classes: 3,
    };
    expect(datasetFacts({ synthetic })).toEqual({
      height: 5,
      width: 6,
      channels: 2,
      classes: 3,
      trainImages: 8,
      testImages: 4,
      mean: [0.5, 0.5],
      std: [0.25, 0.25],
    });
  });
});
