// Training that starts from weights: the logits of the network that they were saved of, and what a run keeps of where it began.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compile, open } from "../../../src/index.js";

import { residualFile } from "./residual-file.js";

const folder = fileURLToPath(new URL("../../oracle/weights/", import.meta.url));
const { images, logits: expected } = JSON.parse(readFileSync(`${folder}logits.json`, "utf8")) as {
  images: number[];
  logits: number[];
};
const batch = { count: 4, images: Uint8Array.from(images), labels: new Int32Array(4) };
const from = (file: string, rest = "") => residualFile({ train: `  start: {weights: ${folder}${file}${rest}}` });

/** Float32 sums of up to 54 products through seven layers, in another order than PyTorch's. */
const TOLERANCE = 1e-5;

describe("logits are those of PyTorch", () => {
  it.each([
    "torchvision.pth",
    "checkpoint.pth",
    "legacy.pt",
    "mmpretrain.pth",
    "hugging-face.safetensors",
    "backbone.safetensors",
    "foreign.pth",
  ])("from %s", async (file) => {
    const session = await open(compile(from(file)), { engine: "wasm" });
    const { logits } = await session.evaluate(batch);
    await session.dispose();
    const scale = Math.max(...expected.map(Math.abs));
    expect(Math.max(...logits.map((value, index) => Math.abs(value - expected[index]!)))).toBeLessThan(
      TOLERANCE * scale,
    );
  });
});

describe("what cannot be started from", () => {
  it("is said by name, and the session is closed", async () => {
    await expect(open(compile(from("torchvision.pth", ", skip: [fc]")), { engine: "wasm" })).rejects.toThrow(
      /has nothing for 2 tensors of the network: classifier\.weight \[5, 6\]; classifier\.bias \[5\]/,
    );
    await expect(
      open(compile(from("torchvision.pth", `, sha256: ${"f".repeat(64)}`)), { engine: "wasm" }),
    ).rejects.toThrow(/has the SHA-256 [0-9a-f]{64}, expected f{64}/);
  });
});
