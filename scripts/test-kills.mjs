// Stops a small run again and again, by kill -9, SIGTERM and Ctrl-C at random moments and by --max-steps, resumes it each
// time with 1 or 2 threads in turn, and compares what it ends with, bit for bit, with a run that was never stopped.
// Usage: node scripts/test-kills.mjs [stops]   (100 without a number). Prints a table; exits with 1 where a bit differs.
// Kernels come from the cache that every run on this machine shares. Two new runs may find different ones there, as others
// measure meanwhile; one run may not: each is compared with a run never stopped that has the kernels of its kernels.json.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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
/** No more stops are begun after half a minute for each that is wanted: a machine that is busy makes fewer of them. */
const deadline = Date.now() + wanted * 30_000;
/** A process that takes longer hangs. */
const LONGEST = 180_000;
const STEPS_PER_EPOCH = 16;
const STEPS = 6 * STEPS_PER_EPOCH;
const HOW = ["SIGKILL", "SIGKILL", "SIGTERM", "SIGKILL", "SIGINT", "--max-steps"];
const NAMES = { SIGKILL: "kill -9", SIGTERM: "SIGTERM", SIGINT: "Ctrl-C", "--max-steps": "--max-steps" };

const PLACES = ["before the first step", "within an epoch", "between epochs"];
/** What runs that were never stopped end with, by their kernels. */
const outcomes = new Map();
/** The shortest time of a whole run: stops that came later would often come too late. */
let milliseconds = Infinity;

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function main() {
  for (const threads of [1, 2]) {
    const folder = join(scratch, `whole-${threads}`);
    const begun = Date.now();
    await run(folder, threads, false);
    milliseconds = Math.min(milliseconds, Date.now() - begun);
    if (outcomeOf(folder) !== (await outcomeNeverStopped(folder))) fail("1 thread and 2 end with different bits");
  }
  const rows = new Map();
  let [stops, runs, equal] = [0, 0, 0];
  while (stops < wanted && Date.now() < deadline) {
    const folder = join(scratch, "stopped");
    const ways = await stopAndResume(folder, stops);
    const isEqual = outcomeOf(folder) === (await outcomeNeverStopped(folder));
    rmSync(folder, { recursive: true, force: true });
    if (ways.length === 0) continue;
    runs++;
    equal += isEqual ? 1 : 0;
    stops += ways.length;
    for (const { how, threads, place } of ways) {
      const key = `${NAMES[how]}|${threads}`;
      const row = rows.get(key) ?? { stops: 0, ...Object.fromEntries(PLACES.map((name) => [name, 0])), equal: 0 };
      row.stops++;
      row[place]++;
      row.equal += isEqual ? 1 : 0;
      rows.set(key, row);
    }
  }
  print(rows, { stops, runs, equal });
  if (equal < runs) fail(`${runs - equal} of ${runs} runs ended with other bits`);
  if (stops < wanted) console.log(`The time was over before all of ${wanted} stops were made.`);
  if (stops < wanted / 2) fail("too few stops to say anything");
}

/** One run to its end, stopped eight times at most, so that many runs are compared. `before`: stops made in other runs. */
async function stopAndResume(folder, before) {
  const ways = [];
  let kernels;
  while (ways.length < 8 && before + ways.length < wanted && Date.now() < deadline) {
    const number = before + ways.length;
    const how = HOW[number % HOW.length];
    const threads = 1 + (number % 2);
    const isResumed = existsSync(join(folder, "config.yaml"));
    const stop =
      how === "--max-steps"
        ? { maxSteps: Math.min(STEPS - 1, stepsIn(folder) + 1 + Math.floor(Math.random() * 2 * STEPS_PER_EPOCH)) }
        : { signal: how, after: Math.random() * milliseconds };
    const { wasStopped } = await run(folder, threads, isResumed, stop);
    if (kernels !== undefined && kernelsOf(folder) !== kernels) fail("a resumed run has chosen its kernels anew");
    kernels = existsSync(join(folder, "kernels.json")) ? kernelsOf(folder) : undefined;
    if (wasStopped) ways.push({ how, threads, place: placeOf(folder) });
    else if (stepsIn(folder) >= STEPS) break;
  }
  await run(folder, 1 + (ways.length % 2), existsSync(join(folder, "config.yaml")));
  if (kernels !== undefined && kernelsOf(folder) !== kernels) fail("a resumed run has chosen its kernels anew");
  return ways;
}

/** What a run with the configuration and the kernels of this one ends with that was never stopped. */
async function outcomeNeverStopped(folder) {
  const kernels = kernelsOf(folder);
  if (!outcomes.has(kernels)) {
    const whole = join(scratch, `never-stopped-${outcomes.size}`);
    mkdirSync(whole);
    for (const file of ["config.yaml", "kernels.json"]) copyFileSync(join(folder, file), join(whole, file));
    await run(whole, 1, true);
    if (kernelsOf(whole) !== kernels) fail("a run has not taken the kernels of its folder");
    outcomes.set(kernels, outcomeOf(whole));
  }
  return outcomes.get(kernels);
}

function kernelsOf(folder) {
  return readFileSync(join(folder, "kernels.json"), "utf8");
}

/** Whether it was stopped: a run that ended before its stop came was not. */
function run(folder, threads, isResumed, { signal, after, maxSteps } = {}) {
  const args = [netc, "run", file, "--out", folder, "--threads", String(threads)];
  if (isResumed) args.push("--resume");
  if (maxSteps !== undefined) args.push("--max-steps", String(maxSteps));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (text) => (errors += text));
    const timer = signal && setTimeout(() => child.kill(signal), after);
    const guard = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`netc has not ended after ${LONGEST / 1000} seconds: ${args.slice(1).join(" ")}\n${errors}`));
    }, LONGEST);
    child.on("error", reject);
    child.on("close", (code, killedBy) => {
      clearTimeout(timer);
      clearTimeout(guard);
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

/** Weights, statistics, optimizer state, averages and kernels as they lie in the last checkpoint, metrics, and the log but
 * for its times. */
function outcomeOf(folder) {
  const hash = createHash("sha256");
  const checkpoint = join(folder, "checkpoints", readdirSync(join(folder, "checkpoints")).toSorted().at(-1));
  for (const name of ["weights.safetensors", "optimizer.safetensors"])
    hash.update(readFileSync(join(checkpoint, name)));
  const { progress, kernels } = JSON.parse(readFileSync(join(checkpoint, "manifest.json"), "utf8"));
  hash.update(JSON.stringify([withoutTimes(progress), kernels]));
  for (const event of events(folder)) {
    if (["step", "epoch", "evaluation"].includes(event.event)) hash.update(JSON.stringify(withoutTimes(event)));
  }
  return hash.digest("hex");
}

function withoutTimes(values) {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !/seconds$|PerSecond$/i.test(key)));
}

function print(rows, { stops, runs, equal }) {
  console.log(`| stopped by | threads | stops | ${PLACES.join(" | ")} | bits equal |`);
  console.log("|---|---|---|---|---|---|---|");
  for (const [key, row] of [...rows].toSorted()) {
    const [how, threads] = key.split("|");
    const places = PLACES.map((name) => row[name]);
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
