// What timm's and Hugging Face's files beside weights say of pictures: excerpts of resnet50.tv2_in1k's, convnext_tiny's and
// microsoft/resnet-50's.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { preprocessingBeside } from "../../../src/runtime/weights/preprocessing-beside.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

async function beside(name: string, told: unknown) {
  const folder = await temporaryFolder();
  await writeFile(join(folder, name), typeof told === "string" ? told : JSON.stringify(told));
  const { from, ...found } = await preprocessingBeside(join(folder, "model.safetensors"));
  return { from: from && from.slice(folder.length + 1), ...found };
}

describe("what lies beside weights", () => {
  it("is timm's config.json: the square is a share of the shorter side", async () => {
    const told = {
      pretrained_cfg: { input_size: [3, 224, 224], interpolation: "bicubic", crop_pct: 0.95, ...IMAGENET },
    };
    const found = { size: 224, resize: 235, interpolation: "bicubic", ...IMAGENET };
    expect(await beside("config.json", told)).toEqual({ from: "config.json", ...found });
  });

  it("is Hugging Face's preprocessor_config.json: resized, then cut where it says so", async () => {
    const colors = { image_mean: IMAGENET.mean, image_std: IMAGENET.std };
    const told = { ...colors, resample: 3, size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 } };
    const found = { size: 224, resize: 256, interpolation: "bicubic", ...IMAGENET };
    expect(await beside("preprocessor_config.json", told)).toEqual({ from: "preprocessor_config.json", ...found });
    const whole = { ...colors, resample: 2, do_center_crop: false, size: 224 };
    expect(await beside("preprocessor_config.json", whole)).toMatchObject({
      size: 224,
      resize: 224,
      interpolation: "bilinear",
    });
  });

  it("is taken for ImageNet's where nothing is said, or nothing that can be read", async () => {
    const torchvision = { from: null, size: 224, resize: 256, interpolation: "bilinear", ...IMAGENET };
    expect(await beside("other.json", {})).toEqual(torchvision);
    expect(await beside("config.json", "{")).toEqual(torchvision);
    expect(await beside("config.json", { mean: [1, 2], std: [0, 0, 0] })).toEqual(torchvision);
  });
});
