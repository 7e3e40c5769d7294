// Stops small runs, of one recipe after the other (test/fixtures/resume), again and again, by kill -9, SIGTERM and Ctrl-C at
// random moments and by --max-steps, resumes them each time with 1 or 2 threads in turn, and compares what each ends with,
// bit for bit, with a run that was never stopped.
// Usage: node scripts/test-kills.mjs [stops]   (100 without a number). Prints tables; exits with 1 where a bit differs.
// Kernels come from the cache that every run on this machine shares. Two new runs may find different ones there, as others
// measure meanwhile; one run may not: each is compared with a run never stopped that has the kernels of its kernels.json.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const wanted = Number(process.argv[2] ?? 100);
const netc = fileURLToPath(new URL("../bin/netc.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "netc-kills-"));
/** Six epochs of 16 steps each; between them nearly all that a training file can say. */
const folder = new URL("../test/fixtures/resume/", import.meta.url);
const RECIPES = readdirSync(folder).map((name) => {
  const file = fileURLToPath(new URL(name, folder));
  return {
    name: name.replace(/\.yaml$/, ""),
    file,
    /** The shortest time of a whole run: stops that came later would often come too late. */
    milliseconds: Infinity,
    /** This one begins with fewer epochs than it ends with. */
    beginning: name === "more-epochs.yaml" ? ["--set", "train.epochs=4"] : [],
  };
});
/** No more stops are begun after half a minute for each that is wanted: a machine that is busy makes fewer of them. */
const deadline = Date.now() + wanted * 30_000;
/** A process that takes longer hangs. */
const LONGEST = 180_000;
const STEPS_PER_EPOCH = 16;
const STEPS = 6 * STEPS_PER_EPOCH;
const HOW = ["SIGKILL", "SIGKILL", "SIGTERM", "SIGKILL", "SIGINT", "--max-steps"];
const NAMES = { SIGKILL: "kill -9", SIGTERM: "SIGTERM", SIGINT: "Ctrl-C", "--max-steps": "--max-steps" };

const PLACES = ["before the first step", "within an epoch", "between epochs"];
/** What runs that were never stopped end with, by their recipe and kernels. */
const outcomes = new Map();
/** Few enough that each recipe has its turn. */
const STOPS_OF_A_RUN = Math.min(8, Math.max(2, Math.ceil(wanted / RECIPES.length)));

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function main() {
  for (const recipe of RECIPES) {
    for (const threads of [1, 2]) {
      const folder = join(scratch, `whole-${recipe.name}-${threads}`);
      const begun = Date.now();
      await run(recipe, folder, threads, false);
      recipe.milliseconds = Math.min(recipe.milliseconds, Date.now() - begun);
      const isEqual = outcomeOf(folder) === (await outcomeNeverStopped(recipe, folder));
      if (!isEqual) fail(`${recipe.name}: 1 thread and 2 end with different bits`);
    }
  }
  const [byCause, byRecipe] = [new Map(), new Map()];
  let [stops, runs, equal, turn] = [0, 0, 0, 0];
  while (stops < wanted && Date.now() < deadline) {
    const recipe = RECIPES[turn++ % RECIPES.length];
    const folder = join(scratch, "stopped");
    const ways = await stopAndResume(recipe, folder, stops);
    const isEqual = outcomeOf(folder) === (await outcomeNeverStopped(recipe, folder));
    rmSync(folder, { recursive: true, force: true });
    if (ways.length === 0) continue;
    runs++;
    equal += isEqual ? 1 : 0;
    stops += ways.length;
    for (const { how, threads, place } of ways) {
      for (const [rows, key] of [
        [byCause, `${NAMES[how]} | ${threads}`],
        [byRecipe, recipe.name],
      ]) {
        const row = rows.get(key) ?? { stops: 0, ...Object.fromEntries(PLACES.map((name) => [name, 0])), equal: 0 };
        row.stops++;
        row[place]++;
        row.equal += isEqual ? 1 : 0;
        rows.set(key, row);
      }
    }
  }
  print("stopped by | threads", byCause);
  print("recipe", byRecipe);
  console.log(
    `${stops} stops over ${runs} runs, resumed with 1 and 2 threads in turn: ${equal} of ${runs} ended with the bits of the run that was never stopped.`,
  );
  if (equal < runs) fail(`${runs - equal} of ${runs} runs ended with other bits`);
  if (stops < wanted) console.log(`The time was over before all of ${wanted} stops were made.`);
  if (stops < wanted / 2) fail("too few stops to say anything");
}

/** One run to its end, stopped a few times, so that many runs are compared. `before`: stops made in other runs. */
async function stopAndResume(recipe, folder, before) {
  const ways = [];
  let kernels;
  while (ways.length < STOPS_OF_A_RUN && before + ways.length < wanted && Date.now() < deadline) {
    const number = before + ways.length;
    const how = HOW[number % HOW.length];
    const threads = 1 + ((number + Math.floor(number / HOW.length)) % 2);
    const isResumed = existsSync(join(folder, "config.yaml"));
    const stop =
      how === "--max-steps"
        ? { maxSteps: Math.min(STEPS - 1, stepsIn(folder) + 1 + Math.floor(Math.random() * 2 * STEPS_PER_EPOCH)) }
        : { signal: how, after: Math.random() * recipe.milliseconds };
    const { wasStopped } = await run(recipe, folder, threads, isResumed, stop);
    if (kernels !== undefined && kernelsOf(folder) !== kernels) fail("a resumed run has chosen its kernels anew");
    kernels = existsSync(join(folder, "kernels.json")) ? kernelsOf(folder) : undefined;
    if (wasStopped) ways.push({ how, threads, place: placeOf(folder) });
    else if (stepsIn(folder) >= STEPS) break;
  }
  await run(recipe, folder, 1 + (ways.length % 2), existsSync(join(folder, "config.yaml")));
  if (kernels !== undefined && kernelsOf(folder) !== kernels) fail("a resumed run has chosen its kernels anew");
  return ways;
}

/** What a run with the configuration and the kernels of this one ends with that was never stopped. */
async function outcomeNeverStopped(recipe, folder) {
  const kernels = kernelsOf(folder);
  const key = `${recipe.name} ${kernels}`;
  if (!outcomes.has(key)) {
    const whole = join(scratch, `never-stopped-${outcomes.size}`);
    mkdirSync(whole);
    for (const file of ["config.yaml", "kernels.json"]) copyFileSync(join(folder, file), join(whole, file));
    await run(recipe, whole, 1, true);
    if (kernelsOf(whole) !== kernels) fail("a run has not taken the kernels of its folder");
    outcomes.set(key, outcomeOf(whole));
  }
  return outcomes.get(key);
}

function kernelsOf(folder) {
  return readFileSync(join(folder, "kernels.json"), "utf8");
}

/** Whether it was stopped: a run that ended before its stop came was not. */
function run(recipe, folder, threads, isResumed, stop = {}) {
  const { signal, after, maxSteps } = stop;
  const args = [netc, "run", recipe.file, "--out", folder, "--threads", String(threads)];
  if (isResumed) args.push("--resume");
  else if (signal || maxSteps !== undefined) args.push(...recipe.beginning);
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
      const wasStopped = killedBy !== null || code === 130 || (maxSteps !== undefined && stepsIn(folder) === maxSteps);
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

function print(head, rows) {
  console.log(`| ${head} | stops | ${PLACES.join(" | ")} | bits equal |`);
  console.log(`|${"---|".repeat(head.split("|").length + PLACES.length + 2)}`);
  for (const [key, row] of [...rows].toSorted()) {
    const places = PLACES.map((name) => row[name]);
    console.log(`| ${[key, row.stops, ...places, `${row.equal} of ${row.stops}`].join(" | ")} |`);
  }
  console.log("");
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
