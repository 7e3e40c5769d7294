// What a user waits for before anything trains: the commands as processes, and the first step after `netc run`.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { checkPeers } from "./check-peers.mjs";
import { median } from "./statistics.mjs";
import { cacheFolder } from "../dist/runtime/files/cache-folder.js";

const netc = fileURLToPath(new URL("../bin/netc.js", import.meta.url));
const fileAt = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const schema = fileAt("schema/netc.schema.json");
const reporter = new URL("report-peak.mjs", import.meta.url).href;

export async function coldStart({ runs, files, steps, say }) {
  const folder = await mkdtemp(join(tmpdir(), "netc-bench-"));
  try {
    const example = fileAt("configs/resnet-20.yaml");
    const many = await writeCopies(folder, example, files);
    const commands = [];
    const measureCommand = async (command, args, times) => {
      say(command);
      const measured = [];
      for (let index = 0; index < times + 1; index++) measured.push(await wallMilliseconds(args));
      const peakBytes = await peakOf(args, folder);
      commands.push({ command, milliseconds: median(measured.slice(1)), peakBytes, runs: times });
    };
    await measureCommand("netc --version", ["--version"], runs);
    await measureCommand("netc graph configs/resnet-20.yaml", ["graph", example], runs);
    await measureCommand("netc check configs/resnet-20.yaml", ["check", example], runs);
    const wrong = await writeWrong(folder, example);
    const beside = checkPeers();
    const checkers = [{ name: "netc check", measure: () => netcFaults(wrong) }, ...beside.peers];
    for (const result of await measureInTurns(checkers, wrong, runs, say)) commands.push(result);
    await measureCommand(`netc check (${files} files)`, ["check", ...many], Math.min(3, runs));
    for (const { command, note, environment } of firstSteps(steps, folder)) {
      say(command);
      const first = [];
      for (let index = 0; index < Math.min(3, runs); index++) {
        const out = await mkdtemp(join(folder, "run-"));
        first.push(await firstStepMilliseconds(fileAt(steps), out, await environment()));
      }
      commands.push({ command, milliseconds: median(first), peakBytes: null, runs: first.length, note });
    }
    return { commands, skipped: beside.skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first step with what a user's cache holds, and the first that a machine ever makes. */
function firstSteps(file, folder) {
  return [
    {
      command: `netc run ${file}, to the end of its first step`,
      note: "the first step: from the command to its line in the run's event log, with the data set and the fastest kernels in the cache",
      environment: async () => ({}),
    },
    {
      command: `netc run ${file}, the same on a new machine`,
      note: "on a new machine: the data set is in the cache, but no measurement of which kernels are the fastest, so that netc makes it",
      environment: async () => ({ NETC_CACHE: await cacheWithoutKernels(folder) }),
    },
  ];
}

/** A new folder that leads to all of the cache but what was measured of kernels. */
async function cacheWithoutKernels(folder) {
  const fresh = await mkdtemp(join(folder, "cache-"));
  for (const name of await readdir(cacheFolder()).catch(() => [])) {
    if (!name.startsWith("kernels-")) await symlink(join(cacheFolder(), name), join(fresh, name));
  }
  return fresh;
}

/** Copies that differ, so that nothing can be remembered from one for the next. */
async function writeCopies(folder, example, count) {
  const text = await readFile(example, "utf8");
  const paths = [];
  for (let index = 0; index < count; index++) {
    const path = join(folder, `network-${index}.yaml`);
    await writeFile(path, text.replace("name: resnet-20", `name: network-${index}`));
    paths.push(path);
  }
  return paths;
}

/** Three faults of form, which a JSON schema can find: a misspelt key, a wrong type, a value too large. */
async function writeWrong(folder, example) {
  const path = join(folder, "wrong.yaml");
  const text = await readFile(example, "utf8");
  const wrong = text
    .replace("$schema=../schema/netc.schema.json", `$schema=${pathToFileURL(schema).href}`)
    .replace("name: resnet-20", "name: resnet-20\nsead: 1")
    .replace(/epochs: \d+/, "epochs: many")
    .replace(/momentum: [\d.]+/, "momentum: 2");
  await writeFile(path, wrong);
  return path;
}

/** Every checker once a round, so that what slows the machine meets them all; the first round is left out. */
async function measureInTurns(checkers, file, runs, say) {
  const measured = checkers.map(() => []);
  for (let round = 0; round < runs + 1; round++) {
    for (const [index, { name, measure }] of checkers.entries()) {
      if (round === 0) say(`${name} (wrong file)`);
      measured[index].push(await measure(file, schema));
    }
  }
  return checkers.map(({ name }, index) => ({
    command: `${name} (wrong file)`,
    milliseconds: median(measured[index].slice(1).map(({ milliseconds }) => milliseconds)),
    peakBytes: null,
    runs,
    note: `${name} reports ${measured[index][0].faults} faults in a file with 3`,
  }));
}

async function netcFaults(file) {
  const started = performance.now();
  const child = spawn(process.execPath, [netc, "check", file, "--format", "json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const milliseconds = performance.now() - started;
  return { milliseconds, faults: JSON.parse(text).errors };
}

function wallMilliseconds(args, environment = {}) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const options = { stdio: "ignore", env: { ...process.env, ...environment } };
    const child = spawn(process.execPath, [netc, ...args], options);
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`netc ${args[0]} ended with ${code}`));
    });
  });
}

async function peakOf(args, folder) {
  const file = join(folder, "peak");
  await wallMilliseconds(args, { NODE_OPTIONS: `--import ${reporter}`, NETC_BENCH_PEAK_FILE: file });
  return Number(await readFile(file, "utf8"));
}

async function firstStepMilliseconds(file, out, environment) {
  const args = [netc, "run", file, "--max-steps", "1", "--out", out];
  const started = performance.now();
  const options = { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...environment } };
  const child = spawn(process.execPath, args, options);
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const ended = new Promise((resolve) => child.on("close", resolve));
  while (!(await hasStep(join(out, "events.jsonl")))) {
    if (child.exitCode !== null) throw new Error(`netc run ended before a step was logged: ${errors}`);
    await sleep(5);
  }
  const milliseconds = performance.now() - started;
  await ended;
  return milliseconds;
}

async function hasStep(path) {
  const text = await readFile(path, "utf8").catch(() => ""); // not there yet
  return text.includes('"event":"step"');
}
