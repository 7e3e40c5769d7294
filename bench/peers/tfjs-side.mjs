// tfjs-node's side of a comparison: the model that netc builds for a file, of stock layers, trained by tf.LayersModel on
// one batch that lies ready in memory. The one argument is JSON: { modules, name, file, warmup, momentum }.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { Gate } from "../side-protocol.mjs";
import { compileText } from "../../dist/compiler/compile.js";
import { openContext } from "../../dist/runtime/engines/tensorflow/context.js";
import { findTensorflow } from "../../dist/runtime/engines/tensorflow/find-library.js";
import { loadTensorflow } from "../../dist/runtime/engines/tensorflow/library.js";
import { findTfjsNode, loadTfjsNode } from "../../dist/runtime/engines/tfjs-node/load-tfjs-node.js";
import { buildTfjsModel } from "../../dist/compiler/targets/tfjs.js";

const { modules, name, file, set = [], warmup, momentum } = JSON.parse(process.argv[2]);
const tf = await loadTfjs();
const baseline = process.memoryUsage.rss(); // with the library loaded, before the network
const program = compileText(await readFile(file, "utf8"), file, { overrides: set }).value;
const { input, classifier } = program.config.model;
const batchSize = program.config.train.batch_size;
const model = buildTfjsModel({ core: tf, layers: tf }, program);
model.compile({
  optimizer: momentum === undefined ? tf.train.sgd(0.01) : tf.train.momentum(0.01, momentum),
  loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
});
const images = tf.randomNormal([batchSize, input.height, input.width, input.channels]);
const labels = tf.oneHot(
  tf.tensor1d(
    Array.from({ length: batchSize }, (_, index) => index % classifier.classes),
    "int32",
  ),
  classifier.classes,
);
const parameters = model.trainableWeights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
const ready = { parameters, batchSize, data: "one batch of random images in memory" };
const gate = new Gate({ warmup, baseline, ready });
for (;;) {
  await gate.beforeStep();
  await model.trainOnBatch(images, labels);
}

/** By its own addon, or where that is not there over the TensorFlow library that netc's engines find. */
async function loadTfjs() {
  try {
    return createRequire(modules)(name);
  } catch (error) {
    const search = findTensorflow();
    if ("missing" in search) throw error;
    const threads = availableParallelism();
    const context = openContext(await loadTensorflow(search.library), { threads, device: { kind: "cpu" } });
    return loadTfjsNode(findTfjsNode({ NETC_TFJS_NODE: dirname(modules) }), context).tf.core;
  }
}
