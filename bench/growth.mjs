// How time and memory grow: with the batch, depth, width, image side and threads, on generated images; and how the
// compiler's time grows with the network. Each point is a process of its own.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Side } from "./side.mjs";
import { fittedExponent, median } from "./statistics.mjs";

const BASE = { batch: 128, blocks: 3, width: 16, side: 32 };
const WARMUP = 1;

/** `points` are values of `of`; depths are those of He et al. 2015, §4.2: 6n + 2 layers. */
const SERIES = [
  { name: "batch", unit: "images", of: (batch) => ({ batch }), points: [16, 64, 256, 1024], tiny: [4, 8] },
  {
    name: "depth",
    unit: "layers",
    of: (layers) => ({ blocks: (layers - 2) / 6 }),
    points: [20, 32, 56, 110],
    tiny: [8, 14],
    note: "the stem and the classifier are the same at every depth, so the power is below 1",
  },
  {
    name: "width",
    unit: "channels",
    of: (width) => ({ width }),
    points: [16, 32, 64],
    tiny: [8, 16],
    note: "products grow with the square of the channels, maps (norms, activations) with their first power",
  },
  {
    name: "image side",
    unit: "pixels",
    of: (side) => ({ side, batch: 16 }),
    points: [32, 64, 128, 224],
    tiny: [16, 32],
    note: "an image has the square of its side in pixels, so 2 is linear in pixels; batches of 16",
  },
  { name: "threads", unit: "threads", of: (threads) => ({ threads }), points: [1, 2, 4, 8], tiny: [1, 2] },
];

export async function growth({ threads, cores, steps, isTiny, say }) {
  const base = isTiny ? { ...BASE, batch: 8, blocks: 1, width: 8, side: 16 } : BASE;
  const series = [];
  for (const { name, unit, of, points: values, tiny, note } of SERIES) {
    const points = [];
    for (const x of isTiny ? tiny : values) {
      say(`${name}: ${x} ${unit}`);
      points.push({ x, ...(await measurePoint({ ...base, threads, ...of(x) }, steps)) });
    }
    const exponentOf = (key) => fittedExponent(points.map((point) => [point.x, point[key]]));
    const isThreads = name === "threads";
    series.push({
      name,
      unit,
      points,
      timeExponent: isThreads ? null : exponentOf("milliseconds"),
      heapExponent: isThreads ? null : exponentOf("heapBytes"),
      note: isThreads ? `this machine has ${cores} cores for the process` : note,
    });
  }
  const compile = [];
  for (const blocks of isTiny ? [10, 20] : [10, 100, 1000]) {
    say(`compiling ${blocks} blocks`);
    compile.push({ blocks, milliseconds: await compileMilliseconds(blocks) });
  }
  return { series, compile, kernels: "netc's own" };
}

async function measurePoint({ batch, blocks, width, side, threads }, steps) {
  const text = networkText({ batch, blocks, width, side, trainImages: batch * (WARMUP + steps + 3) });
  const options = { text, mode: "train", threads, warmup: WARMUP };
  const args = [fileURLToPath(new URL("netc-side.mjs", import.meta.url)), JSON.stringify(options)];
  const environment = { NETC_ONEDNN: "off" }; // the same kernels on every machine
  const running = await Side.start({ name: "netc", command: process.execPath, args, environment });
  try {
    const seconds = median(await running.slice(steps));
    const { heapBytes } = running.about;
    const { peakBytes } = await running.end();
    return { milliseconds: seconds * 1000, imagesPerSecond: batch / seconds, heapBytes, peakBytes };
  } finally {
    running.stop();
  }
}

/** ResNet-20's plan with another depth, width, batch or image; evaluations come after all that is measured. */
function networkText({ batch, blocks, width, side, trainImages }) {
  return `name: growth
data:
  dataset: {synthetic: {train_images: ${trainImages}, test_images: ${batch}, height: ${side}, width: ${side}, classes: 10}}
model:
  stem: {channels: ${width}}
  stages:
    - {channels: ${width}, blocks: ${blocks}}
    - {channels: ${width * 2}, blocks: ${blocks}, stride: 2, projection: true}
    - {channels: ${width * 4}, blocks: ${blocks}, stride: 2, projection: true}
train:
  epochs: 1
  batch_size: ${batch}
  evaluation: {batch_size: ${batch}}
  optimizer: {sgd: {momentum: 0.9}}
  learning_rate: 0.01
`;
}

const COMPILE = `
  import { compileText } from ${JSON.stringify(new URL("../dist/compiler/compile.js", import.meta.url).href)};
  const started = performance.now();
  const { value, diagnostics } = compileText(process.argv[1], "blocks.yaml");
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  console.log(performance.now() - started);
`;

/** All blocks but two are in the first stage. */
async function compileMilliseconds(blocks) {
  const network = { batch: 8, blocks: 1, width: 16, side: 32, trainImages: 64 };
  const text = networkText(network).replace("blocks: 1", `blocks: ${blocks - 2}`);
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", COMPILE, text]);
  return Number(stdout);
}
