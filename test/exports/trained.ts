// Networks trained for a few steps in run folders of their own, with the logits that netc computes of them.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compileText } from "../../src/compiler/compile.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import type { Program } from "../../src/compiler/program.js";
import { classNames } from "../../src/runtime/data/class-names.js";
import { createLoader } from "../../src/runtime/data/loader.js";
import { scanImages } from "../../src/runtime/data/images/scan-images.js";
import { openDataset } from "../../src/runtime/data/open-dataset.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import type { ExportSource } from "../../src/runtime/export/source.js";
import { evaluatedState, loadRun } from "../../src/runtime/run/load-run.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { runTraining } from "../../src/runtime/run/run-training.js";

export interface Trained {
  readonly program: Program;
  readonly folder: string;
  readonly source: ExportSource;
  /** Test images, 8-bit [count, height, width, channels], and what the network says of them, [count, classes]. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly logits: Float32Array;
}

/** Trains `steps` steps into `folder`. */
export async function trainShortly(text: string, folder: string, steps: number): Promise<Trained> {
  const { value: program, diagnostics } = compileText(text, "network.yaml", { scanImages });
  invariant(program, JSON.stringify(diagnostics));
  const dataset = await openDataset(program.config.data, program.config.seed, () => {});
  const session = await wasmEngine.open(program, { threads: 2 });
  try {
    await mkdir(folder, { recursive: true });
    const engine = { name: "wasm", version: "1" };
    const loader = createLoader(dataset, program.config);
    await runTraining(program, { folder: runFolderAt(folder), session, engine, loader, maxSteps: steps });
    const batch = loader.test(0);
    const { logits } = await session.evaluate(batch);
    const run = await loadRun(folder);
    const state = evaluatedState(program, run.checkpoint.state);
    const placeOf = (path: readonly (string | number)[]): string => path.join(".");
    const source = { program, classes: classNames(program.config), trained: { run, state }, placeOf };
    return { program, folder, source, images: batch.images.slice(), count: batch.count, logits: logits.slice() };
  } finally {
    await session.dispose();
  }
}

export function folderOf(parent: string, index: number, kind: string): string {
  return join(parent, `${index}-${kind}`);
}

/** The largest distance of two vectors of logits. */
export function distance(one: Float32Array, other: Float32Array): number {
  invariant(one.length === other.length, "as many logits");
  return one.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index]!)), 0);
}
