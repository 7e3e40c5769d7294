// tfjs-node's side of a comparison: the model that netc builds for a file, of stock layers, trained by tf.LayersModel on
// one batch that lies ready in memory. The one argument is JSON: { modules, name, file, warmup, momentum }.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Gate } from "../side-protocol.mjs";
import { compileText } from "../../dist/compiler/compile.js";
import { buildTfjsModel } from "../../dist/compiler/targets/tfjs.js";

const { modules, name, file, set = [], warmup, momentum } = JSON.parse(process.argv[2]);
const tf = createRequire(modules)(name);
const baseline = process.memoryUsage.rss(); // with the library loaded, before the network
const program = compileText(await readFile(file, "utf8"), file, set).value;
const { input, classifier } = program.config.model;
const batchSize = program.config.train.batch_size;
const model = buildTfjsModel({ core: tf, layers: tf }, program);
model.compile({
  optimizer: tf.train.momentum(0.01, momentum),
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
