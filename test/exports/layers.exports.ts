// Networks of layers that no file asks for, built node by node, in ONNX Runtime and in PyTorch: the same
// logits as on netc's own engine.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { State } from "../../src/runtime/engines/engine.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import { onnxModel } from "../../src/runtime/export/onnx/onnx-model.js";
import { pytorchProject } from "../../src/runtime/export/pytorch/pytorch-project.js";
import { pytorchSafetensors } from "../../src/runtime/export/safetensors.js";
import type { ExportSource } from "../../src/runtime/export/source.js";
import { writeExport } from "../../src/runtime/export/write-export.js";
import { batchOf, initialState } from "../oracle/fixtures.js";
import { oracleCases } from "../oracle/networks.js";
import { execute, toolsPython, torchPython } from "./peers.js";
import { distance } from "./trained.js";

const layered = ["squeeze-and-excitation", "split-and-concatenated", "scaled-and-dropped"];
// float32: sums of up to some hundred products in another order, of logits of about one
const TOLERANCE = 1e-5;

describe.each(layered)("%s", (name) => {
  const oracle = oracleCases().find((one) => one.name === name)!;
  const { program } = oracle;
  const batch = batchOf(oracle, 0);
  const source = { program, classes: [], trained: undefined, placeOf: (path) => path.join(".") } satisfies ExportSource;
  let parent: string;
  let state: State;
  let logits: Float32Array;

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), "netc-layers-"));
    const session = await wasmEngine.open(program, { threads: 2 });
    await session.writeState(initialState(oracle));
    await session.step(batch, { learningRate: oracle.learningRate, step: 1 }); // statistics of its own
    state = await session.readState();
    logits = (await session.evaluate(batch)).logits;
    await session.dispose();
  });

  afterAll(() => rm(parent, { recursive: true, force: true }));

  it.each([false, true])("has the same logits in ONNX Runtime, norms folded: %s", async (foldBatchNorm) => {
    const folder = join(parent, `onnx-${foldBatchNorm}`);
    const trained = { run: undefined as never, state };
    await writeExport(folder, await onnxModel({ ...source, trained }, { foldBatchNorm }));
    const { height, width, channels } = program.config.model.input;
    await writeFile(join(folder, "shape.json"), JSON.stringify([batch.count, height, width, channels]));
    await writeFile(join(folder, "images.bin"), batch.images);
    const script = new URL("read_onnx.py", import.meta.url).pathname;
    const { exitCode, output } = await execute(toolsPython, [script, folder]);
    expect(exitCode, output).toBe(0);
    expect(distance(logits, floats(await readFile(join(folder, "python.bin"))))).toBeLessThanOrEqual(TOLERANCE);
  });

  it("has the same logits in PyTorch", async () => {
    const folder = join(parent, "pytorch");
    await writeExport(folder, await pytorchProject(source));
    await writeFile(join(folder, "images.bin"), batch.images);
    await writeFile(join(folder, "model.safetensors"), pytorchSafetensors(program, state, 1));
    const script = new URL("read_logits.py", import.meta.url).pathname;
    const { exitCode, output } = await execute(torchPython, [script, folder]);
    expect(exitCode, output).toBe(0);
    expect(distance(logits, floats(await readFile(join(folder, "logits.bin"))))).toBeLessThanOrEqual(TOLERANCE);
  });
});

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
