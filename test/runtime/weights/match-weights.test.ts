// Which tensor of a file becomes which of a network: the dialects, prefixes, the order of both, and what is left without a partner.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { pytorchShapes } from "../../../src/compiler/targets/pytorch-layout.js";
import { referenceName, references } from "../../../src/compiler/targets/reference-names.js";
import { compile } from "../../../src/index.js";
import { placeOfPreset } from "../../../src/runtime/source/presets.js";
import { readBase } from "../../../src/runtime/source/read-base.js";
import { sourceOf } from "../../../src/runtime/weights/formats/byte-source.js";
import type { StoredTensor } from "../../../src/runtime/weights/formats/weights-file.js";
import { matchFaults } from "../../../src/runtime/weights/match-faults.js";
import { matchWeights } from "../../../src/runtime/weights/match-weights.js";
import { readWeights } from "../../../src/runtime/weights/open-weights.js";
import { residualFile } from "./residual-file.js";

const folder = fileURLToPath(new URL("../../oracle/weights/", import.meta.url));
const ALL = { head: "kept", new: [], skip: [] } as const;

async function match(file: string, wishes: Parameters<typeof matchWeights>[2] = ALL, text = residualFile()) {
  const weights = await readWeights(sourceOf(readFileSync(folder + file)));
  return matchWeights(compile(text).graph, weights, wishes);
}

describe("a whole file meets a whole network", () => {
  it.each([
    ["torchvision.pth", "by name, as torchvision, timm and mmpretrain have them"],
    ["checkpoint.pth", "by name, as torchvision, timm and mmpretrain have them, behind `module.`"],
    ["legacy.pt", "by name, as torchvision, timm and mmpretrain have them, behind `model.`"],
    ["backbone.safetensors", "by name, as torchvision, timm and mmpretrain have them, behind `backbone.`"],
    ["mmpretrain.pth", "by name, as torchvision, timm and mmpretrain have them"],
    ["hugging-face.safetensors", "by name, as Hugging Face has them"],
    ["foreign.pth", "in the order of both, since every shape agrees and the names are of no known kind"],
  ])("%s", async (file, how) => {
    const found = await match(file);
    expect(found.how).toBe(how);
    expect(found.pairs).toHaveLength(32);
    expect([found.missing, found.surplus, found.fresh]).toEqual([[], [], []]);
    expect(found.skipped.every(({ name }) => name.endsWith("num_batches_tracked") || file === "foreign.pth")).toBe(
      true,
    );
  });
});

it.each(Object.keys(references))("%s meets the names of its reference", (preset) => {
  const path = placeOfPreset(preset);
  const { value } = compileText(readFileSync(path, "utf8"), path, { readBase });
  const tensors = [...pytorchShapes(value!.graph)].map(([name, shape], at) => {
    return { name: `module.${referenceName(preset, name)}`, shape, dtype: "F32", at } as unknown as StoredTensor;
  });
  const found = matchWeights(value!.graph, { tensors: tensors.toReversed(), isInOrder: false }, ALL);
  expect(found.how).toMatch(/by name, as torchvision/);
  expect([found.missing, found.surplus]).toEqual([[], []]);
  const names = pytorchShapes(value!.graph);
  expect(found.pairs).toHaveLength(names.size);
  for (const { tensor, stored } of found.pairs) {
    expect(stored.name).toBe(`module.${referenceName(preset, tensor.name)}`);
  }
});

describe("what has no partner", () => {
  it("leaves a head behind that is to be new", async () => {
    for (const file of ["torchvision.pth", "mmpretrain.pth", "hugging-face.safetensors", "foreign.pth"]) {
      const found = await match(file, { ...ALL, head: "new" }, residualFile({ classes: 7 }));
      expect(found.fresh.map(({ name }) => name)).toEqual(["classifier.weight", "classifier.bias"]);
      expect(matchFaults(found, { weights: file, head: "new" })).toEqual([]);
    }
  });

  it("names both sides, and the nearest names", async () => {
    const faults = matchFaults(await match("torchvision.pth", ALL, residualFile({ classes: 7 })), {
      weights: "a.pth",
      head: "kept",
    });
    expect(faults.map(({ code }) => code)).toEqual(["start/missing-tensors", "start/surplus-tensors"]);
    expect(faults[0]!.message).toContain("classifier.weight [7, 6] (nearest: fc.weight); classifier.bias [7]");
    expect(faults[0]!.hint).toBe("write `head: new` to draw the classifier anew");
    expect(faults[1]!.message).toContain("fc.weight [5, 6] (nearest: classifier.weight); fc.bias [5]");
  });

  it("lets layers stay new and tensors be skipped, by their names", async () => {
    const wishes = { head: "kept", new: ["stages.1"], skip: ["layer2"] } as const;
    const found = await match("torchvision.pth", wishes);
    expect(found.fresh.every(({ name }) => name.startsWith("stages.1.blocks.0."))).toBe(true);
    expect(found.pairs).toHaveLength(17);
    expect(matchFaults(found, { weights: "a.pth", head: "kept" })).toEqual([]);
    const unknown = await match("torchvision.pth", { ...ALL, skip: ["layer3"] });
    expect(unknown.unknown).toEqual(["layer3"]);
  });

  it("never takes the order of a file that sorts its names", async () => {
    const weights = await readWeights(sourceOf(readFileSync(folder + "foreign.pth")));
    const { graph } = compile(residualFile());
    expect(matchWeights(graph, { ...weights, isInOrder: false }, ALL).missing).toHaveLength(32);
  });
});
