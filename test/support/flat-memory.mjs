// Run as a process of its own, with V8's garbage collector at hand: trains a small network for as many steps as the first
// argument says and prints what JavaScript holds after the first half of them and after all, as JSON.
import { BEGINNING } from "../../dist/runtime/training/training-progress.js";
import { collectGarbage } from "../../dist/runtime/process/collect-garbage.js";
import { compileText } from "../../dist/compiler/compile.js";
import { createLoader } from "../../dist/runtime/data/loader.js";
import { generateSynthetic } from "../../dist/runtime/data/synthetic.js";
import { openWasmSession } from "../../dist/runtime/engines/wasm/session.js";
import { train } from "../../dist/runtime/training/trainer.js";

const steps = Number(process.argv[2]);
const { value: program } = compileText(
  `
name: flat
data: { dataset: { synthetic: { train_images: 64, test_images: 16, height: 8, width: 8, classes: 4 } }, augment: [random_crop] }
model: { stem: { channels: 4 }, stages: [{ channels: 4, blocks: 1 }] }
train:
  epochs: ${steps / 16}
  batch_size: 4
  learning_rate: 0.01
  evaluation: { every_epochs: 16 }
  checkpoints: { every_steps: 16 }
`,
  "flat.yaml",
);
const session = await openWasmSession(program, 2);
const loader = createLoader(generateSynthetic(program.config.data.dataset.synthetic, 0), program.config);

const held = [];
let progress = BEGINNING;
for (const maxSteps of [steps / 2, steps]) {
  const result = await train(program, session, loader, { progress, maxSteps, save: async () => true });
  progress = result.progress;
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  held.push({ step: progress.step, bytes: heapUsed + arrayBuffers });
}
await session.dispose();
console.log(JSON.stringify(held));
