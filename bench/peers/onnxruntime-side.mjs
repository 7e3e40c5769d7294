// onnxruntime-node's side of a comparison: inference on one batch that lies ready in memory.
// The one argument is JSON: { modules, model, side, batchSize, threads, warmup }.
import { createRequire } from "node:module";
import { Gate } from "../side-protocol.mjs";

const { modules, model, side, batchSize, threads, warmup } = JSON.parse(process.argv[2]);
const { InferenceSession, Tensor } = createRequire(modules)("onnxruntime-node");
const baseline = process.memoryUsage.rss(); // with the library loaded, before the network
const session = await InferenceSession.create(model, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
const images = Float32Array.from({ length: batchSize * 3 * side * side }, () => 2 * Math.random() - 1);
const input = new Tensor("float32", images, [batchSize, 3, side, side]);
const gate = new Gate({ warmup, baseline, ready: { batchSize, data: "one batch of random images in memory" } });
for (;;) {
  await gate.beforeStep();
  const { logits } = await session.run({ images: input });
  largestOf(logits.data);
}

/** What an evaluation does with the logits. */
function largestOf(logits) {
  const classes = logits.length / batchSize;
  return Array.from({ length: batchSize }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
