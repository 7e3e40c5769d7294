// What bfloat16 costs in accuracy: trains FILE once for each seed in float32 and in bfloat16, and prints the test accuracies
// side by side. `node bench/precision.mjs [FILE] [--seeds 0,1,2] [--set path=value …] [--out FOLDER]`; runs that are already
// finished in FOLDER are read, and one that was interrupted goes on.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mean } from "./statistics.mjs";
import { textTable } from "./tables.mjs";

const netc = fileURLToPath(new URL("../bin/netc.js", import.meta.url));
const main = fileURLToPath(new URL("../configs/resnet-cifar.yaml", import.meta.url));
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "0,1,2" },
    set: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: mkdtempSync(join(tmpdir(), "netc-precision-")) },
  },
});
const [file = main] = positionals;
const seeds = flags.seeds.split(",").map(Number);

const rows = seeds.map((seed) => ({
  seed,
  float32: accuracy("float32", seed),
  bfloat16: accuracy("bfloat16", seed),
}));
const percent = (value) => `${(value * 100).toFixed(2)}%`;
const points = (value) => `${value >= 0 ? "+" : ""}${(value * 100).toFixed(2)}`;
const row = (name, { float32, bfloat16 }) => [name, percent(float32), percent(bfloat16), points(bfloat16 - float32)];
const means = { float32: mean(rows.map((one) => one.float32)), bfloat16: mean(rows.map((one) => one.bfloat16)) };
const table = {
  title: `test accuracy of ${file}`,
  columns: [
    ["seed", "left"],
    ["float32", "right"],
    ["bfloat16", "right"],
    ["points", "right"],
  ],
  rows: [...rows.map((one) => row(String(one.seed), one)), row("mean", means)],
  notes: [`run folders: ${flags.out}`],
};
process.stdout.write(`\n${textTable(table)}`);

function accuracy(precision, seed) {
  const folder = join(flags.out, `${precision}-${seed}`);
  const finished = lastAccuracy(folder);
  if (finished !== undefined) return finished;
  const settings = [`train.precision=${precision}`, ...flags.set].flatMap((setting) => ["--set", setting]);
  const resume = existsSync(join(folder, "checkpoints")) ? ["--resume"] : [];
  const args = [netc, "run", file, ...settings, "--seed", String(seed), "--out", folder, ...resume];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const reached = lastAccuracy(folder);
  if (status === 0 && reached !== undefined) return reached;
  process.stderr.write(`the run in ${folder} did not reach its end\n`);
  process.exit(status || 1);
}

/** Undefined where the run has not finished. */
function lastAccuracy(folder) {
  const log = join(folder, "events.jsonl");
  if (!existsSync(log)) return undefined;
  const last = JSON.parse(readFileSync(log, "utf8").trim().split("\n").at(-1));
  return last.event === "end" && last.outcome === "finished" ? last.testAccuracy : undefined;
}
