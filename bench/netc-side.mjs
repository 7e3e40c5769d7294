// netc's side of a comparison: the product's own trainer (or evaluator) with its own data pipeline, on an
// engine. The one argument is JSON: { file or text, set, mode: "train" | "evaluate", threads, warmup, engine }.
import { access, readFile } from "node:fs/promises";
import { Gate } from "./side-protocol.mjs";
import { median } from "./statistics.mjs";
import { compileText } from "../dist/compiler/compile.js";
import { cost } from "../dist/compiler/network/cost.js";
import { collectGarbage } from "../dist/runtime/process/collect-garbage.js";
import { cachedCifar10 } from "../dist/runtime/data/cifar10/fetch-cifar10.js";
import { createLoader } from "../dist/runtime/data/loader.js";
import { openDataset } from "../dist/runtime/data/open-dataset.js";
import { evaluate } from "../dist/runtime/training/evaluator.js";
import { loadEngine } from "../dist/runtime/engines/index.js";
import { chooseKernels } from "../dist/runtime/engines/wasm/choose-kernels.js";
import { openWasmSession } from "../dist/runtime/engines/wasm/session.js";
import { train } from "../dist/runtime/training/trainer.js";

const { file, text, set = [], mode, threads, warmup, engine = "wasm" } = JSON.parse(process.argv[2]);
const source = text ?? (await readFile(file, "utf8"));
const { program, data } = await compile();
const { config } = program;
const dataset = await openDataset(config.data, config.seed, () => {});
const dataMilliseconds = [];
const loader = timed(createLoader(dataset, config));

const baseline = process.memoryUsage.rss(); // with the data set, before the network
const kernels = engine === "wasm" && (await chooseKernels(program, threads, "measured"));
collectGarbage(); // as a run does: what measuring kernels leaves behind is not training's
const session =
  engine === "wasm"
    ? await openWasmSession(program, threads, kernels)
    : await (await loadEngine(engine)).open(program, { threads });
await session.initializeFromImages(loader.plain);
const batchSize = mode === "train" ? config.train.batch_size : config.train.evaluation.batch_size;
const { parameters } = cost(program.graph);
const ready = { data, parameters, batchSize, heapBytes: session.heapBytes };
const gate = new Gate({ warmup, baseline, ready, atEnd: () => ({ dataMilliseconds: median(dataMilliseconds) }) });
const gated = {
  step: async (batch, hyper) => {
    await gate.beforeStep(batch.count === batchSize);
    return session.step(batch, hyper);
  },
  evaluate: async (batch) => {
    await gate.beforeStep(batch.count === batchSize);
    return session.evaluate(batch);
  },
  readState: () => session.readState(),
};
if (mode === "train") {
  const { outcome } = await train(program, gated, loader);
  throw new Error(`training ended (${outcome}) before all slices were measured: give it more epochs`);
}
for (;;) await evaluate(program, gated, loader);

/** Notes what each batch takes to prepare, which happens while the step before it runs. */
function timed(loader) {
  const noting =
    (prepare) =>
    (...place) => {
      const started = performance.now();
      const batch = prepare(...place);
      dataMilliseconds.push(performance.now() - started);
      return batch;
    };
  return { ...loader, train: noting(loader.train), test: noting(loader.test) };
}

/** Without CIFAR-10 in the cache: generated images of the same size and number, and `data` says so. */
async function compile() {
  const first = compileText(source, file ?? "benchmark.yaml", { overrides: set });
  if (!first.value) throw new Error(first.diagnostics.map(({ message }) => message).join("\n"));
  const { dataset: name } = first.value.config.data;
  if (typeof name !== "string") return { program: first.value, data: "generated images" };
  const isCached = await access(cachedCifar10()).then(
    () => true,
    () => false,
  );
  if (isCached) return { program: first.value, data: "CIFAR-10" };
  const images = "{train_images: 50000, test_images: 10000, height: 32, width: 32, channels: 3, classes: 10}";
  const generated = compileText(source, file, { overrides: [...set, `data.dataset={synthetic: ${images}}`] });
  return { program: generated.value, data: "generated images (CIFAR-10 is not in the cache)" };
}
