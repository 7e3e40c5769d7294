// The first steps of a file's training on the wasm engine, with all that another trainer needs to take the same ones: the
// initial weights, every batch as the network sees it before normalisation, and the losses; written to a folder.
//   node bench/recipe-steps.mjs configs/cifar-94.yaml 20 FOLDER && python3 bench/peers/airbench94.py FOLDER
// `--measured` takes the kernels that `netc run` takes, oneDNN's where it is found, and `--set path=value` another precision.
// `all` in place of a number takes every step of the run and ends with the evaluation that the file asks for: the test
// images are written down as well, and the other trainer evaluates what it has come to.
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileText } from "../dist/compiler/compile.js";
import { parametersOf, statisticsOf } from "../dist/compiler/network/parameters.js";
import { learningRateAt } from "../dist/compiler/training/plan.js";
import { scanImages } from "../dist/runtime/data/images/scan-images.js";
import { createLoader } from "../dist/runtime/data/loader.js";
import { openDataset } from "../dist/runtime/data/open-dataset.js";
import { chooseKernels } from "../dist/runtime/engines/wasm/choose-kernels.js";
import { openWasmSession } from "../dist/runtime/engines/wasm/session.js";
import { startFrom } from "../dist/runtime/weights/start-weights.js";
import { readBase } from "../dist/runtime/source/read-base.js";
import { evaluate } from "../dist/runtime/training/evaluator.js";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { measured: { type: "boolean", default: false }, set: { type: "string", multiple: true, default: [] } },
});
const [file, count, folder] = positionals;
const { value: program, diagnostics } = compileText(await readFile(file, "utf8"), file, {
  overrides: flags.set,
  readBase,
  scanImages,
});
if (!program) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
const { config, graph, plan } = program;
const dataset = await openDataset(config.data, config.seed);
const loader = createLoader(dataset, config);
const session = await openWasmSession(
  program,
  2,
  await chooseKernels(program, 2, flags.measured ? "measured" : "predicted"),
);
await session.initializeFromImages(loader.plain);
await startFrom(program, session);
const owned = new Set([...parametersOf(graph), ...statisticsOf(graph)].map(({ name }) => name));
const initial = [...(await session.readState())].filter(([name]) => owned.has(name));

await mkdir(folder, { recursive: true });
const tensors = [];
const weights = await open(join(folder, "weights.bin"), "w");
for (const [name, { shape, data }] of initial) {
  tensors.push({ name, shape });
  await weights.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
await weights.close();
if (config.model.stem.whitening)
  await writeFile(join(folder, "plain.bin"), loader.plain(config.model.stem.whitening.images));

const [images, labels] = [await open(join(folder, "images.bin"), "w"), await open(join(folder, "labels.bin"), "w")];
const steps = [];
const started = performance.now();
for (let index = 0; index < (count === "all" ? plan.steps : Number(count)); index++) {
  const batch = loader.train(Math.floor(index / plan.stepsPerEpoch), index % plan.stepsPerEpoch);
  await images.write(batch.images);
  await labels.write(new Uint8Array(batch.labels.buffer, batch.labels.byteOffset, batch.labels.byteLength));
  const begun = performance.now();
  const { loss, correct } = await session.step(batch, { learningRate: learningRateAt(plan, index), step: index + 1 });
  const seconds = (performance.now() - begun) / 1000;
  steps.push({ loss, correct, seconds });
  console.log(`step ${index + 1}  loss ${loss.toFixed(6)}  ${(batch.count / seconds).toFixed(0)} images/s`);
}
const trained = performance.now();
if (count === "all") {
  const { test } = dataset;
  await writeFile(join(folder, "test-images.bin"), test.images);
  await writeFile(join(folder, "test-labels.bin"), Int32Array.from(test.labels));
  const { accuracy, loss } = await evaluate(program, session, loader);
  const [training, evaluating] = [trained - started, performance.now() - trained].map((time) =>
    (time / 1000).toFixed(0),
  );
  console.log(`${(100 * accuracy).toFixed(2)} % of the test images, loss ${loss.toFixed(4)}`);
  console.log(`${training} s of training, batches and writing them down with it, ${evaluating} s of evaluation`);
}
const { normalize } = config.data;
const summary = { batch: config.train.batch_size, steps: plan.steps, normalize, input: config.model.input, tensors };
await writeFile(join(folder, "steps.json"), JSON.stringify({ ...summary, losses: steps }));
await Promise.all([images.close(), labels.close(), session.dispose()]);
