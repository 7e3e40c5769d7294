// What `netc run` predicts of its memory, and what it then has resident: several networks, each with its steps, two
// evaluations, its checkpoints and its saved model, within a few steps. And how much is resident over 2,000 steps of one.
// Usage: node bench/process-memory.mjs [--threads N] [--flat]   (--flat: the 2,000 steps alone). netc must be built.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({ options: { threads: { type: "string" }, flat: { type: "boolean" } } });
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
const FILES = [
  SMALL,
  ...["resnet-20", "resnet-cifar", "resnet-cifar-96", "cifar-94"].map((name) => fromRoot(`configs/${name}.yaml`)),
];

/** A whole run in a few steps: the second evaluation, which cannot be better by that much, ends it. */
const SHORT = [
  "train.evaluation.every_epochs=null",
  "train.evaluation.every_steps=2",
  "train.early_stop={patience: 1, min_delta: 1}",
].flatMap((override) => ["--set", override]);

const UNITS = { KiB: 1 / 1024, MiB: 1, GiB: 1024 };

try {
  if (!options.flat) await compare();
  await flat();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function compare() {
  console.log("| network | oneDNN | predicted, MiB | measured, MiB | measured to predicted |");
  console.log("|---|---|---|---|---|");
  for (const file of FILES) {
    for (const oneDnn of ["off", undefined]) {
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

async function flat() {
  const out = join(scratch, "flat");
  const samples = [];
  const overrides = ["train.epochs=20", "train.checkpoints.every_steps=200"].flatMap((override) => ["--set", override]);
  await run(SMALL, [...overrides, ...threads], "off", out, (pid) => {
    const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
    const last = readFileSync(join(out, "events.jsonl"), "utf8").trim().split("\n").at(-1);
    samples.push({ step: JSON.parse(last).step, resident });
  });
  const marks = [200, 600, 1000, 1400, 1800].flatMap((step) => samples.find((sample) => sample.step >= step) ?? []);
  console.log("| after step | resident, MiB |");
  console.log("|---|---|");
  for (const { step, resident } of marks) console.log(`| ${step} | ${resident.toFixed(1)} |`);
}

/** What it prints. `sample` is called with its process now and then, once there is something to read. */
function run(file, args, oneDnn, out = join(scratch, "run"), sample = undefined) {
  rmSync(out, { recursive: true, force: true });
  const env = { ...process.env, ...(oneDnn && { NETC_ONEDNN: oneDnn }) };
  const command = [fromRoot("bin/netc.js"), "run", file, "--out", out, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (data) => (text += data));
    child.stderr.on("data", (data) => process.stderr.write(data));
    const timer = setInterval(() => {
      try {
        sample?.(child.pid);
      } catch {
        // not there yet, or no longer
      }
    }, 100);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      if (code === 0) resolve(text);
      else reject(new Error(`netc ended with ${code}: ${command.join(" ")}`));
    });
  });
}

function mebibytes(text) {
  const [number, unit] = text.split(" ");
  return Number(number) * UNITS[unit];
}
