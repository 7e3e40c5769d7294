// The ONNX model, norms folded or not: accepted by ONNX's checker, and the same logits in onnxruntime of Python and of Node.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onnxModel } from "../../src/runtime/export/onnx/onnx-model.js";
import { writeExport } from "../../src/runtime/export/write-export.js";
import { networkTexts } from "./networks.js";
import { execute, peerPackage, toolsPython } from "./peers.js";
import type { Trained } from "./trained.js";
import { distance, folderOf, trainShortly } from "./trained.js";

let parent: string;
const exported: { readonly title: string; readonly folder: string; readonly trained: Trained; shape: number[] }[] = [];

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "netc-onnx-"));
  for (const [index, text] of networkTexts.entries()) {
    const trained = await trainShortly(text, folderOf(parent, index, "run"), 60);
    const { height, width, channels } = trained.program.config.model.input;
    const shape = [trained.count, height, width, channels];
    for (const foldBatchNorm of [false, true]) {
      const folder = folderOf(parent, index, foldBatchNorm ? "folded" : "plain");
      await writeExport(folder, await onnxModel(trained.source, { foldBatchNorm }));
      await writeFile(join(folder, "images.bin"), trained.images);
      await writeFile(join(folder, "shape.json"), JSON.stringify(shape));
      const title = `${trained.program.config.name}${foldBatchNorm ? ", folded" : ""}`;
      exported.push({ title, folder, trained, shape });
    }
  }
});

afterAll(() => rm(parent, { recursive: true, force: true }));

// onnxruntime reorders sums and fuses operations
const TOLERANCE = 1e-4;

describe("model.onnx", () => {
  it("passes ONNX's checker and gives the same logits in Python's onnxruntime, in batches of any size", async () => {
    const script = new URL("read_onnx.py", import.meta.url).pathname;
    const { exitCode, output } = await execute(toolsPython, [script, ...exported.map(({ folder }) => folder)]);
    expect(exitCode, output).toBe(0);
    const distances: Record<string, number> = {};
    for (const { title, folder, trained } of exported) {
      const bytes = await readFile(join(folder, "python.bin"));
      distances[title] = distance(trained.logits, floats(bytes));
    }
    console.log("Python's onnxruntime differs by at most", distances);
    for (const [title, value] of Object.entries(distances)) expect(value, title).toBeLessThanOrEqual(TOLERANCE);
  });

  it("gives the same logits in onnxruntime-node", async () => {
    const runtime = peerPackage<Runtime>("onnxruntime-node");
    const distances: Record<string, number> = {};
    for (const { title, folder, trained, shape } of exported) {
      const session = await runtime.InferenceSession.create(join(folder, "model.onnx"));
      const images = new runtime.Tensor("uint8", trained.images, shape);
      const { logits } = await session.run({ images });
      distances[title] = distance(trained.logits, logits!.data);
    }
    console.log("onnxruntime-node differs by at most", distances);
    for (const [title, value] of Object.entries(distances)) expect(value, title).toBeLessThanOrEqual(TOLERANCE);
  });

  it("is smaller where norms are folded", async () => {
    const [plain, folded] = await Promise.all(
      exported.slice(0, 2).map(({ folder }) => readFile(join(folder, "model.onnx"))),
    );
    expect(folded!.includes("BatchNormalization")).toBe(false);
    expect(plain!.includes("BatchNormalization")).toBe(true);
    expect(folded!.length).toBeLessThan(plain!.length);
  });
});

interface Runtime {
  readonly Tensor: new (type: "uint8", data: Uint8Array, shape: readonly number[]) => object;
  readonly InferenceSession: {
    create(path: string): Promise<{ run(inputs: { images: object }): Promise<Record<string, { data: Float32Array }>> }>;
  };
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
