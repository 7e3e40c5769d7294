import { describe, expect, it } from "vitest";
import type { DataConfig } from "../../../src/compiler/config.js";
import { openDataset } from "../../../src/runtime/data/open-dataset.js";
import { generateSynthetic } from "../../../src/runtime/data/synthetic.js";

const synthetic = { train_images: 6, test_images: 3, height: 4, width: 4, channels: 1, classes: 2 };
const rest = { resize: null, normalize: { mean: [0.5], std: [0.25] }, augment: [] } as const;
const silent = () => undefined;

describe("openDataset", () => {
  it("generates what the file describes", async () => {
    const config: DataConfig = { dataset: { synthetic }, path: null, validation: null, ...rest };
    expect(await openDataset(config, 4, silent)).toEqual(generateSynthetic(synthetic, 4));
  });

  it("reads CIFAR-10 at the path that the file names, and fetches nothing when it is wrong", async () => {
    const config: DataConfig = { dataset: "cifar10", path: "/there/is/nothing", validation: null, ...rest };
    await expect(openDataset(config, 4, silent)).rejects.toThrow(/cannot be read at \/there\/is\/nothing/);
  });
});
