// What `netc run` predicts of its memory, and what it then has resident: several networks, each with its steps, two
// evaluations, its checkpoints and its saved model, within a few steps. And how much is resident over 2,000 steps of one.
// Usage: node bench/process-memory.mjs [NAME…] [--threads N] [--flat] [--set path=value …]   (NAME: small, or one of configs/,
// alone; --flat: the 2,000 steps alone). netc must be built.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    flat: { type: "boolean" },
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
const NAMES = ["small", "resnet-20", "resnet-cifar", "resnet-cifar-96", "cifar-94"];
const FILES = (positionals.length > 0 ? positionals : NAMES).map((name) =>
  name === "small" ? SMALL : fromRoot(`configs/${name}.yaml`),
);

/** A whole run in a few steps: the second evaluation, which cannot be better by that much, ends it. */
const SHORT = [
  "train.evaluation.every_epochs=null",
  "train.evaluation.every_steps=2",
  "train.early_stop={patience: 1, min_delta: 1}",
  ...options.set,
].flatMap((override) => ["--set", override]);

const MEBIBYTE = 2 ** 20;
const UNITS = { KiB: 1 / 1024, MiB: 1, GiB: 1024 };

try {
  if (!options.flat) await compare();
  await flat();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function compare() {
  const needsOneDnn = options.set.includes("train.precision=bfloat16");
  console.log("| network | oneDNN | predicted, MiB | measured, MiB | measured to predicted |");
  console.log("|---|---|---|---|---|");
  for (const file of FILES) {
    for (const oneDnn of needsOneDnn ? [undefined] : ["off", undefined]) {
      const text = await run(file, [...SHORT, ...threads], oneDnn);
      const usesOneDnn = /^ {2}kernels +(oneDNN \S+)/m.exec(text)?.[1];
      if (oneDnn === undefined && !usesOneDnn) continue; // the same as without
      const [, measured, predicted] = /^peak memory (\S+ \S+), (\S+ \S+) predicted$/m.exec(text);
      const ratio = mebibytes(measured) / mebibytes(predicted) - 1;
      const name = /^\S+/.exec(text)[0];
      const cells = [name, usesOneDnn ?? "–", ...[predicted, measured].map((bytes) => mebibytes(bytes).toFixed(0))];
      console.log(`| ${[...cells, `${ratio < 0 ? "−" : "+"}${Math.abs(ratio * 100).toFixed(1)} %`].join(" | ")} |`);
    }
  }
  console.log("");
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

/** What it prints. */
function run(file, args, oneDnn) {
  const out = join(scratch, "run");
  rmSync(out, { recursive: true, force: true });
  const env = { ...process.env, ...(oneDnn && { NETC_ONEDNN: oneDnn }) };
  const command = [fromRoot("bin/netc.js"), "run", file, "--out", out, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (data) => (text += data));
    child.stderr.on("data", (data) => process.stderr.write(data));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`netc ended with ${code}: ${command.join(" ")}`));
    });
  });
}

function mebibytes(text) {
  const [number, unit] = text.split(" ");
  return Number(number) * UNITS[unit];
}
