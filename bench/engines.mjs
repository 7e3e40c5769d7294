// Every engine in one table: what its own tests find when they are run here, and how fast it trains beside PyTorch and beside
// stock tf.layers over the same TensorFlow library.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare } from "./compare.mjs";
import { engineNames, loadEngine } from "../dist/runtime/engines/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where the tests of each engine are, as configuration and file. */
const ALWAYS = ["vitest.config.ts", "test/engines/conformance.test.ts"];
const optional = (name) => ["test/engines/optional/vitest.config.ts", `test/engines/optional/${name}`];
const SUITES = {
  wasm: [ALWAYS],
  tensorflow: [optional("tensorflow")],
  "tfjs-node": [optional("tfjs-node")],
  webgpu: [optional("webgpu")],
  cpu: [ALWAYS, optional("cpu")],
};

/** Resolves to { engines, workloads, skipped }. */
export async function measureEngines(workloads, { isTiny, say, ...options }) {
  const skipped = [];
  const engines = [];
  for (const name of engineNames) {
    const availability = await (await loadEngine(name)).probe();
    if (!availability.available) {
      skipped.push({ name: `engine ${name}`, reason: availability.reason, install: availability.remedy });
      continue;
    }
    say(`testing ${name}`);
    engines.push({ name, version: availability.version, ...testsOf(name, isTiny) });
  }
  const measured = [];
  for (const workload of workloads) {
    const withTfjs = { ...workload, comparesTfjs: true };
    const isOwn = ({ environment }) => environment === undefined || environment.NETC_ONEDNN === "off";
    const figures = await compare(withTfjs, { ...options, bfloat16: true, choose: isOwn, say });
    measured.push({ name: workload.name, title: workload.title, figures });
  }
  return { engines, workloads: measured, skipped };
}

/** { passed, failed, steps, distance, stateDistance, memorySteps, memoryBytes }; null where no test measures it. */
function testsOf(engine, isTiny) {
  const name = isTiny ? `engine ${engine} .*no-norm-adam` : `engine ${engine}( |$)`; // a small network that all have
  const tests = SUITES[engine].flatMap(([config, file]) => run(config, file, name));
  const measures = tests.flatMap(({ meta }) => meta?.agreement ?? []);
  const greatest = (what) => {
    const values = measures.filter((measure) => measure.what === what).map(({ value }) => value);
    return values.length === 0 ? null : Math.max(...values);
  };
  return {
    passed: tests.filter(({ status }) => status === "passed").length,
    failed: tests.filter(({ status }) => status === "failed").length,
    steps: greatest("steps"),
    distance: greatest("distance"),
    stateDistance: greatest("distance of a state"),
    memorySteps: greatest("memory steps"),
    memoryBytes: greatest("memory"),
  };
}

/** The results of the tests whose whole name has the pattern. */
function run(config, file, name) {
  const folder = mkdtempSync(join(tmpdir(), "netc-bench-"));
  const report = join(folder, "tests.json");
  const args = ["--config", config, "--reporter=json", `--outputFile=${report}`, file, "-t", name];
  try {
    const { stderr } = spawnSync("npx", ["vitest", "run", ...args], { cwd: root, encoding: "utf8" });
    return read(report, stderr).testResults.flatMap(({ assertionResults }) => assertionResults);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function read(report, errors) {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    throw new Error(`the tests could not be run: ${errors.trim().split("\n").at(-1)}`);
  }
}
