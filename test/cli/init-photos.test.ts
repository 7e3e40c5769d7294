// `netc init photos`: a file for a folder of pictures, with weights and without, that `netc check` finds no fault in.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { toPytorch } from "../../src/compiler/targets/pytorch-layout.js";
import { compile } from "../../src/index.js";
import { encodeSafetensors } from "../../src/runtime/files/safetensors.js";
import { initialize } from "../../src/runtime/training/initialize.js";
import { netc } from "../support/netc.js";
import { writePhotos } from "../support/photos.js";
import { temporaryFolder } from "../support/temporary-folder.js";

/** A folder with pictures of two classes in it. */
async function prepared(): Promise<string> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "my pets"), 12, 40);
  return folder;
}

const init = (folder: string, ...args: string[]) =>
  netc(["init", "photos", "--folder", "my pets", ...args], { folder });

describe("netc init photos", () => {
  it("writes a small network for the folder, with a batch that it fills", async () => {
    const folder = await prepared();
    expect((await init(folder)).output).toContain("wrote photos.yaml");
    const text = await readFile(join(folder, "photos.yaml"), "utf8");
    expect(text).toContain('folder: "my pets"');
    expect(text).toContain("batch_size: 16"); // of 20 or so training pictures
    const { output, errors } = await netc(["check", "photos.yaml"], { folder });
    expect([output, errors]).toEqual(["photos.yaml: no faults\n", ""]);
  });

  it("writes the network that weights fit, prepared as they were, frozen at first", async () => {
    const folder = await prepared();
    const stages =
      "[{channels: 16, blocks: 3}, {channels: 32, blocks: 3, stride: 2, projection: true}, {channels: 64, blocks: 3, stride: 2, projection: true}]";
    const { graph, config } = compile(`
name: cifar
data: {dataset: cifar10}
model: {stem: {channels: 16}, stages: ${stages}}
train: {epochs: 1, batch_size: 128, learning_rate: 0.1}
`);
    await mkdir(join(folder, "trained"));
    const pieces = encodeSafetensors(toPytorch(graph, initialize(graph, config)));
    await writeFile(join(folder, "trained/model.safetensors"), Buffer.concat(pieces));
    const told = { pretrained_cfg: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], input_size: [3, 32, 32] } };
    await writeFile(join(folder, "trained/config.json"), JSON.stringify(told));
    const { output } = await init(folder, "--weights", "trained/model.safetensors", "-o", "tuned.yaml");
    expect(output).toContain("wrote tuned.yaml");
    const text = await readFile(join(folder, "tuned.yaml"), "utf8");
    expect(text).toContain("extends: netc:resnet-20");
    expect(text).toContain("size: 32, resize: 36 }"); // of timm's share of 0.875
    expect(text).toContain(
      'normalize: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } # as "trained/config.json" says',
    );
    expect(text).toContain("{ layers: [stem, stages], from_epoch: 1, rate_factor: 0.02 }");
    expect((await netc(["check", "tuned.yaml"], { folder })).output).toBe("tuned.yaml: no faults\n");
  });

  it("says which networks it knows where weights fit none, and which folder is not there", async () => {
    const folder = await prepared();
    const weights = fileURLToPath(new URL("../oracle/weights/torchvision.pth", import.meta.url));
    await copyFile(weights, join(folder, "other.pth"));
    const { errors, exitCode } = await init(folder, "--weights", "other.pth", "-o", "none.yaml");
    expect([exitCode, errors]).toEqual([
      1,
      expect.stringContaining("other.pth fits none of the networks that come with netc"),
    ]);
    const missing = await netc(["init", "photos", "--folder", "nowhere", "-o", "none.yaml"], { folder });
    expect(missing.errors).toContain("there is no folder nowhere");
  });
});
