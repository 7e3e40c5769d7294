// Files that PyTorch and safetensors wrote (test/oracle/write_weights.py) → the tensors that Python sees in them.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { sourceOf } from "../../../src/runtime/weights/formats/byte-source.js";
import { openWeights, readWeights } from "../../../src/runtime/weights/open-weights.js";

const folder = fileURLToPath(new URL("../../oracle/weights/", import.meta.url));
const read = (file: string) => readFileSync(folder + file);
const expected = JSON.parse(read("types.json").toString()) as Record<string, { shape: number[]; values: number[] }>;

describe("tensors of every type and layout", () => {
  it.each(["types.pt", "types-legacy.pt", "types.safetensors"])("%s holds what PyTorch saved", async (file) => {
    const { tensors } = await readWeights(sourceOf(read(file)));
    expect(tensors.map(({ name }) => name).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const tensor of tensors) {
      const { shape, values } = expected[tensor.name]!;
      expect([tensor.name, ...tensor.shape]).toEqual([tensor.name, ...shape]);
      expect([tensor.name, ...(await tensor.read())]).toEqual([tensor.name, ...Float32Array.from(values)]);
    }
  });

  it("names the types as safetensors does", async () => {
    const { tensors } = await readWeights(sourceOf(read("types.pt")));
    for (const { name, dtype } of tensors.slice(0, 10)) expect(dtype).toBe(name);
  });
});

describe("what lies around the weights", () => {
  it("takes them out of a checkpoint and counts what is left", async () => {
    const { tensors, wrappers, others } = await readWeights(sourceOf(read("checkpoint.pth")));
    expect(wrappers).toEqual(["state_dict"]);
    expect(tensors[0]!.name).toBe("module.conv1.weight");
    expect(others).toBe(0); // an optimizer that has not stepped holds no tensors
  });

  it("refuses a model that was pickled whole, and says how to save it", async () => {
    await expect(openWeights(folder + "whole.pth")).rejects.toThrow(
      /whole\.pth holds a whole object of Python \(__main__\.ResNet\).*torch\.save\(model\.state_dict\(\)/,
    );
  });

  it("says what a file is that holds no weights", async () => {
    const of = (text: string) => readWeights(sourceOf(Buffer.from(text, "latin1")));
    await expect(of("<!DOCTYPE html>")).rejects.toThrow("is a page of the web");
    await expect(of("\u0089HDF\r\n")).rejects.toThrow("is an HDF5 file");
    await expect(of("version https://git-lfs.github.com/spec/v1")).rejects.toThrow("is only a pointer");
    await expect(of("")).rejects.toThrow("is neither a safetensors file nor one of torch.save");
    await expect(of("PK\u0003\u0004 but no more")).rejects.toThrow("is a damaged zip file: its directory is missing");
    await expect(of("\u0080\u0002K\u0001.")).rejects.toThrow("is a pickle, but not one of torch.save");
    await expect(openWeights(folder + "none.pth")).rejects.toThrow("there is no file of weights at");
  });
});

describe("every beginning of a file", () => {
  it.each(["torchvision.pth", "legacy.pt", "backbone.safetensors"])("%s is refused in a sentence", async (file) => {
    const bytes = read(file);
    for (let length = 0; length < bytes.length; length += 97) {
      await expect(readWeights(sourceOf(bytes.subarray(0, length)))).rejects.toMatchObject({
        name: "UnreadableWeights",
      });
    }
  });
});
