// Stops a small run again and again, by kill -9, SIGTERM and Ctrl-C at random moments and by --max-steps, resumes it each
// time with 1 or 2 threads in turn, and compares what it ends with, bit for bit, with a run that was never stopped.
// Usage: node scripts/test-kills.mjs [stops]   (100 without a number). Prints a table; exits with 1 where a bit differs.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const wanted = Number(process.argv[2] ?? 100);
const netc = fileURLToPath(new URL("../bin/netc.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "netc-kills-"));
const file = join(scratch, "network.yaml");
writeFileSync(
  file,
  `name: kills
data:
  dataset: { synthetic: { train_images: 500, test_images: 100, height: 16, width: 16, classes: 4 } }
  augment: [{ random_crop: { padding: 2 } }, horizontal_flip, { cutout: { size: 4 } }]
model:
  stem: { channels: 16 }
  stages: [{ channels: 16, blocks: 2 }, { channels: 32, blocks: 2, stride: 2, projection: true }]
train:
  epochs: 6
  batch_size: 32
  optimizer: { sgd: { momentum: 0.9, nesterov: true, weight_decay: 5e-4 } }
  gradient_clip: { norm: 2 }
  learning_rate: { cosine: { rate: 0.05, warmup_epochs: 0.5 } }
  weight_average: { ema: { decay: 0.9 } }
  checkpoints: { every_steps: 5, keep: 2 }
`,
);
// A cache of its own: what another process finds out about this machine meanwhile must not change the choice of kernels
const environment = { ...process.env, NETC_CACHE: join(scratch, "cache") };
const STEPS_PER_EPOCH = 16;
const STEPS = 6 * STEPS_PER_EPOCH;
const HOW = ["SIGKILL", "SIGKILL", "SIGTERM", "SIGKILL", "SIGINT", "--max-steps"];
const NAMES = { SIGKILL: "kill -9", SIGTERM: "SIGTERM", SIGINT: "Ctrl-C", "--max-steps": "--max-steps" };

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function main() {
  const begun = Date.now();
  const wholes = [];
  for (const threads of [1, 2]) {
    const folder = join(scratch, `whole-${threads}`);
    await run(folder, threads, false);
    wholes.push(outcomeOf(folder));
  }
  const milliseconds = (Date.now() - begun) / 2;
  const rows = new Map();
  let [stops, runs, equal] = [0, 0, 0];
  if (wholes[0] !== wholes[1]) fail("a run with 1 thread and one with 2 end with different bits");
  while (stops < wanted) {
    const folder = join(scratch, `stopped-${++runs}`);
    const ways = [];
    // Eight stops a run at most, so that many runs are compared
    for (let stopped = 0; stopped < 8 && stops + ways.length < wanted;) {
      const attempt = stops + ways.length;
      const how = HOW[attempt % HOW.length];
      const threads = 1 + (attempt % 2);
      const isResumed = existsSync(join(folder, "config.yaml"));
      const stop =
        how === "--max-steps"
          ? { maxSteps: Math.min(STEPS - 1, stepsIn(folder) + 1 + Math.floor(Math.random() * 2 * STEPS_PER_EPOCH)) }
          : { signal: how, after: Math.random() * milliseconds };
      const { wasStopped } = await run(folder, threads, isResumed, stop);
      if (!wasStopped && stepsIn(folder) >= STEPS) break;
      if (!wasStopped) continue;
      stopped++;
      ways.push({ how, threads, place: placeOf(folder) });
    }
    await run(folder, 1 + (runs % 2), existsSync(join(folder, "config.yaml")));
    const isEqual = outcomeOf(folder) === wholes[0];
    equal += isEqual ? 1 : 0;
    stops += ways.length;
    for (const { how, threads, place } of ways) {
      const key = `${NAMES[how]}|${threads}`;
      const row = rows.get(key) ?? {
        stops: 0,
        "before the first step": 0,
        "within an epoch": 0,
        "between epochs": 0,
        equal: 0,
      };
      row.stops++;
      row[place]++;
      row.equal += isEqual ? 1 : 0;
      rows.set(key, row);
    }
    rmSync(folder, { recursive: true, force: true });
  }
  print(rows, { stops, runs, equal });
  if (equal < runs) fail(`${runs - equal} of ${runs} runs ended with other bits`);
}

/** Whether it was stopped: a run that ended before its stop came was not. */
function run(folder, threads, isResumed, { signal, after, maxSteps } = {}) {
  const args = [netc, "run", file, "--out", folder, "--threads", String(threads)];
  if (isResumed) args.push("--resume");
  if (maxSteps !== undefined) args.push("--max-steps", String(maxSteps));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (text) => (errors += text));
    const timer = signal && setTimeout(() => child.kill(signal), after);
    child.on("error", reject);
    child.on("close", (code, killedBy) => {
      clearTimeout(timer);
      const wasStopped = killedBy !== null || code === 130 || (maxSteps !== undefined && stepsIn(folder) < STEPS);
      if (!wasStopped && code !== 0) reject(new Error(`netc ended with ${code}:\n${errors}`));
      else resolve({ wasStopped });
    });
  });
}

function events(folder) {
  const path = join(folder, "events.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // the line that was being written
    }
  });
}

function stepsIn(folder) {
  return events(folder).reduce((most, { event, step }) => (event === "step" ? Math.max(most, step) : most), 0);
}

/** By the log, which may be a second behind. */
function placeOf(folder) {
  const step = stepsIn(folder);
  if (step === 0) return "before the first step";
  return step % STEPS_PER_EPOCH === 0 ? "between epochs" : "within an epoch";
}

/** Weights, statistics, optimizer state and averages as they lie in the last checkpoint, metrics, and the log but for its times. */
function outcomeOf(folder) {
  const hash = createHash("sha256");
  const checkpoint = join(folder, "checkpoints", readdirSync(join(folder, "checkpoints")).toSorted().at(-1));
  for (const name of ["weights.safetensors", "optimizer.safetensors"])
    hash.update(readFileSync(join(checkpoint, name)));
  const { progress } = JSON.parse(readFileSync(join(checkpoint, "manifest.json"), "utf8"));
  hash.update(JSON.stringify(withoutTimes(progress)));
  for (const event of events(folder)) {
    if (["step", "epoch", "evaluation"].includes(event.event)) hash.update(JSON.stringify(withoutTimes(event)));
  }
  return hash.digest("hex");
}

function withoutTimes(values) {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !/seconds$|PerSecond$/i.test(key)));
}

function print(rows, { stops, runs, equal }) {
  console.log(
    "| stopped by | threads | stops | before the first step | within an epoch | between epochs | bits equal |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const [key, row] of [...rows].toSorted()) {
    const [how, threads] = key.split("|");
    const places = [row["before the first step"], row["within an epoch"], row["between epochs"]];
    console.log(`| ${[how, threads, row.stops, ...places, `${row.equal} of ${row.stops}`].join(" | ")} |`);
  }
  console.log(
    `\n${stops} stops over ${runs} runs, resumed with 1 and 2 threads in turn: ${equal} of ${runs} ended with the bits of the run that was never stopped.`,
  );
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
