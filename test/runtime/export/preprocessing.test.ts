// What exports say of preprocessing: one description from the configuration, the same in each export but for what the model
// does by itself. That it is all there is to do, Pillow and onnxruntime show in test/exports/preprocessing.exports.ts.
import { describe, expect, it } from "vitest";
import { compileConfig } from "../../../src/compiler/compile.js";
import { classLines } from "../../../src/runtime/export/class-lines.js";
import { onnxModel } from "../../../src/runtime/export/onnx/onnx-model.js";
import { preprocessingOf } from "../../../src/runtime/export/preprocessing.js";
import { pytorchSafetensors } from "../../../src/runtime/export/safetensors.js";
import { savedModelFiles } from "../../../src/runtime/export/saved-model.js";
import type { ExportSource } from "../../../src/runtime/export/source.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { plainFit } from "../../support/plain-fit.js";

const tiny = tinyConfig();
const images = {
  folder: "photos",
  ...plainFit({ height: 20, width: 30 }),
  grayscale: true,
  validation_share: 0.2,
  broken: "error" as const,
  held_in: "memory" as const,
  classes: ["a", "b"],
  train_images: 20,
  test_images: 4,
};
const photos = {
  ...tiny,
  data: {
    ...tiny.data,
    dataset: { images },
    resize: { height: 8, width: 10 },
    normalize: { mean: [0.25], std: [0.5] },
  },
  model: { ...tiny.model, input: { height: 8, width: 10, channels: 1 } },
  train: { ...tiny.train, evaluation: { ...tiny.train.evaluation, flip: true, translate: 1 } },
};

describe("the description", () => {
  it("has every step from a file to probabilities, with its numbers and a sentence, in order", () => {
    const { steps } = preprocessingOf(photos, { layout: "NCHW", type: "float32" });
    expect(steps.map(({ step }) => step)).toEqual([
      "decode",
      "resize_and_center_crop",
      "resize",
      "views",
      "scale",
      "normalize",
      "model",
      "average_views",
      "softmax",
    ]);
    for (const { step, means } of steps) expect(means, step).toMatch(/\w{3,}/);
    expect(steps).toMatchObject([
      { channels: "L", orientation: "exif", alpha: "drop" },
      { height: 20, width: 30, longer_side: "floor", crop_offset: "half_to_even", resampling: { antialias: true } },
      { height: 8, width: 10, resampling: { filter: "triangle", order: ["width", "height"], weight_bits: 22 } },
      { border: "reflect", views: { length: 6, 0: { shift: 0, mirror: false, weight: 0.25 } } },
      { divide_by: 255 },
      { mean: [0.25], std: [0.5] },
      { layout: "NCHW", type: "float32", shape: [null, 1, 8, 10], contains: [] },
      { weights: [0.25, 0.25, 0.125, 0.125, 0.125, 0.125] },
      {},
    ]);
  });

  it("moves what a model contains into its step", () => {
    const { steps } = preprocessingOf(photos, { layout: "NHWC", type: "uint8" });
    expect(steps.map(({ step }) => step)).not.toContain("normalize");
    expect(steps.find(({ step }) => step === "model")).toMatchObject({
      shape: [null, 8, 10, 1],
      contains: [{ step: "scale" }, { step: "normalize", mean: [0.25] }],
    });
  });

  it("decodes no picture for a network that none fits", () => {
    const config = tinyConfig({ model: { input: { height: 8, width: 8, channels: 2 } } });
    expect(preprocessingOf(config, { layout: "NHWC", type: "float32" }).steps[0]!.step).toBe("scale");
  });

  it("is in every export's own metadata, with the exact names of the classes", async () => {
    const program = compileConfig(tiny).value!;
    const state = initialize(program.graph, program.config);
    const classes = ["a\nb", 'quoted"', "back\\slash", "d"];
    const source = { program, classes, trained: { state } } as unknown as ExportSource;
    const eightBit = preprocessingOf(tiny, { layout: "NHWC", type: "uint8" });
    const saved = savedModelFiles(source);
    expect(JSON.parse(saved.get("assets/preprocessing.json") as string)).toEqual({ classes, preprocessing: eightBit });
    expect(saved.get("assets/classes.txt")).toBe(classLines(classes));
    const [onnx] = (await onnxModel(source, { foldBatchNorm: false })).get("model.onnx") as Uint8Array[];
    expect(Buffer.from(onnx!).includes(JSON.stringify(eightBit))).toBe(true);
    expect(Buffer.from(onnx!).includes(JSON.stringify(classes))).toBe(true);
    const [start] = pytorchSafetensors(program, state, 1);
    const { __metadata__: metadata } = JSON.parse(Buffer.from(start!.subarray(8)).toString());
    expect(JSON.parse(metadata.preprocessing)).toEqual(preprocessingOf(tiny, { layout: "NCHW", type: "float32" }));
  });
});

it("names of classes have a line each, whatever is in them, and can be had back", () => {
  const names = ["cat", "a\nb", "c\r\n", "\u2028\u2029\u0085\u0000\u007f", "back\\n", 'quoted "', "", "ä 网 😀"];
  const text = classLines(names);
  const lines = text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/u);
  expect(lines.pop()).toBe("");
  expect(lines[1]).toBe("a\\nb");
  expect(lines.map((line) => JSON.parse(`"${line.replaceAll('"', '\\"')}"`))).toEqual(names);
});
