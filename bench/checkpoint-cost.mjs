// What training loses to checkpoints: slices of ResNet-20's steps at batch 128, every second one with a checkpoint at its
// start that is written while it trains, in turns. Prints milliseconds a checkpoint and the share of 200 steps that is.
// Usage: node bench/checkpoint-cost.mjs [--pairs N] [--steps N]   (10 pairs of 40 steps). netc must be built.
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileText } from "../dist/compiler/compile.js";
import { pruneCheckpoints, writeCheckpoint } from "../dist/runtime/run/checkpoint.js";
import { createLoader } from "../dist/runtime/data/loader.js";
import { generateSynthetic } from "../dist/runtime/data/synthetic.js";
import { wasmEngine } from "../dist/runtime/engines/wasm/engine.js";
import { StateSaver } from "../dist/runtime/run/state-saver.js";
import { BEGINNING } from "../dist/runtime/training/training-progress.js";
import { median } from "./statistics.mjs";

const { values: options } = parseArgs({
  options: { pairs: { type: "string", default: "10" }, steps: { type: "string", default: "40" } },
});
const [pairs, steps] = [Number(options.pairs), Number(options.steps)];

const text = await readFile(new URL("../configs/resnet-20.yaml", import.meta.url), "utf8");
// Generated images: what is measured does not depend on them
const images = { train_images: 5120, test_images: 10, height: 32, width: 32, channels: 3, classes: 10 };
const { value: program } = compileText(text, "resnet-20.yaml", {
  overrides: [`data.dataset={synthetic: ${JSON.stringify(images)}}`],
});
const loader = createLoader(generateSynthetic(images, 0), program.config);
const session = await wasmEngine.open(program, { kernels: "measured" });
const folder = mkdtempSync(join(tmpdir(), "netc-checkpoints-"));

let step = 0;
const saver = new StateSaver(program, session, async (progress, state) => {
  const newest = await writeCheckpoint(folder, program, progress, state, session.kernels);
  await pruneCheckpoints(folder, 2, newest);
  return true;
});

/** Milliseconds of one slice; as in the trainer, the next batch is prepared while a step is computed. */
async function slice(withCheckpoint) {
  let batch = loader.train(0, step % loader.batchesPerEpoch);
  const began = performance.now();
  if (withCheckpoint) await saver.save({ ...BEGINNING, step });
  for (let index = 0; index < steps; index++) {
    step++;
    const running = session.step(batch, { learningRate: 0.01, step });
    batch = loader.train(0, step % loader.batchesPerEpoch);
    await running;
  }
  await saver.settled();
  return performance.now() - began;
}

try {
  for (const withCheckpoint of [true, false]) await slice(withCheckpoint); // warms up
  const taken = { with: [], without: [], difference: [] };
  for (let pair = 0; pair < pairs; pair++) {
    // Each first in its turn, so that what slows down or speeds up meanwhile falls on both
    const times = new Map();
    for (const withCheckpoint of pair % 2 === 0 ? [false, true] : [true, false]) {
      times.set(withCheckpoint, await slice(withCheckpoint));
    }
    taken.with.push(times.get(true));
    taken.without.push(times.get(false));
    taken.difference.push(times.get(true) - times.get(false));
  }
  const perStep = median(taken.without) / steps;
  const cost = median(taken.difference);
  const spread = taken.difference.toSorted((one, other) => one - other).map((value) => value.toFixed(0));
  console.log(`a step takes ${perStep.toFixed(1)} ms, a checkpoint ${cost.toFixed(1)} ms more (${spread.join(", ")})`);
  console.log(`checkpoints every 200 steps: ${((100 * cost) / (200 * perStep)).toFixed(2)} % of training`);
} finally {
  await session.dispose();
  rmSync(folder, { recursive: true, force: true });
}
