// Holds the numbers of this checkout against another's, bit for bit: `node scripts/compare-bits.mjs OTHER_CHECKOUT [NAME…]`.
// Each recipe of test/fixtures/resume and each of configs/ (on generated images) is begun by the other checkout, then ended by
// both from the same checkpoint on the same kernels: by netc's own, by those measured with a library, and in bfloat16.
// Weights, optimizer state, every step's loss and the evaluation must agree. Prints a table; exits with 1 where one does not.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [other, ...wanted] = process.argv.slice(2);
if (!other) throw new Error("usage: node scripts/compare-bits.mjs OTHER_CHECKOUT [NAME…]");
const here = fileURLToPath(new URL("../", import.meta.url));
const checkouts = [resolve(other), here];
const scratch = mkdtempSync(join(tmpdir(), "netc-bits-"));

const IMAGES = "{ synthetic: { train_images: 5120, test_images: 200, height: 32, width: 32, classes: 10 } }";
const recipes = [
  ...namesIn("test/fixtures/resume").map((file) => ({ file, first: 17, further: 40, settings: [] })),
  ...namesIn("configs").map((file) => ({ file, first: 1, further: 3, settings: ["--set", `data.dataset=${IMAGES}`] })),
].filter(({ file }) => wanted.length === 0 || wanted.some((name) => file.includes(name)));

const modes = {
  "own kernels": { environment: { NETC_ONEDNN: "off" }, flags: ["--no-tune"], settings: [] },
  measured: { environment: {}, flags: [], settings: [] },
  bfloat16: { environment: {}, flags: [], settings: ["--set", "train.precision=bfloat16"] },
};

let different = 0;
try {
  for (const recipe of recipes) {
    for (const [mode, { environment, flags, settings }] of Object.entries(modes)) {
      const env = { ...process.env, ...environment };
      const folders = checkouts.map((_, index) => join(scratch, `${different}-${index}`));
      const common = [...flags, ...recipe.settings, ...settings, "--threads", "2"];
      const begun = netc(checkouts[0], env, [
        "run",
        join(here, recipe.file),
        "--out",
        folders[0],
        "--max-steps",
        recipe.first,
        ...common,
      ]);
      if (begun.status !== 0) {
        report(
          recipe,
          mode,
          `not run: ${begun.text.split("\n").find((line) => /^error|needs|cannot/.test(line)) ?? begun.text.slice(-200)}`,
        );
        continue;
      }
      cpSync(folders[0], folders[1], { recursive: true });
      const ends = checkouts.map((checkout, index) => {
        const run = netc(checkout, env, [
          "run",
          join(here, recipe.file),
          "--resume",
          "--out",
          folders[index],
          "--max-steps",
          recipe.further,
          ...common,
        ]);
        if (run.status !== 0) return { failed: run.text.slice(-400) };
        return { ...stateOf(folders[index]), evaluation: evaluationOf(checkout, env, folders[index]) };
      });
      const failed = ends.find((end) => end.failed);
      const names = failed
        ? []
        : [...new Set(ends.flatMap(Object.keys))].filter((name) => ends[0][name] !== ends[1][name]);
      if (failed || names.length > 0) different++;
      report(
        recipe,
        mode,
        failed
          ? `failed: ${failed.failed}`
          : names.length > 0
            ? `DIFFERENT: ${names.join(", ")}`
            : `equal: ${Object.keys(ends[0]).length} digests, losses ${ends[0].losses.slice(0, 12)}`,
      );
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = different > 0 ? 1 : 0;

function namesIn(folder) {
  return readdirSync(join(here, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => `${folder}/${name}`);
}

function netc(checkout, env, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(checkout, "bin/netc.js"), ...args.map(String)], {
    env,
    encoding: "utf8",
  });
  return { status, stdout, text: stdout + stderr };
}

/** Digests of what the newest checkpoint holds and of every step's loss. */
function stateOf(folder) {
  const checkpoints = join(folder, "checkpoints");
  const newest = readdirSync(checkpoints)
    .filter((name) => name.startsWith("step-"))
    .sort()
    .at(-1);
  const files = readdirSync(join(checkpoints, newest)).filter((name) => name.endsWith(".safetensors"));
  const events = readFileSync(join(folder, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const losses = events
    .filter(({ event }) => event === "step")
    .map(({ step, loss, gradientNorm }) => `${step} ${loss} ${gradientNorm}`);
  const kernels = join(folder, "kernels.json");
  return {
    newest,
    ...Object.fromEntries(files.map((file) => [file, digestOf(tensorsOf(join(checkpoints, newest, file)))])),
    losses: digestOf(losses.join("\n")),
    kernels: existsSync(kernels) ? digestOf(readFileSync(kernels)) : "none",
  };
}

/** A safetensors file without its header, whose metadata may name a version. */
function tensorsOf(file) {
  const bytes = readFileSync(file);
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

function evaluationOf(checkout, env, folder) {
  const { status, stdout, text } = netc(checkout, env, ["evaluate", folder, "--format", "json"]);
  if (status !== 0) return text.slice(-200);
  const { accuracy, loss, confusion } = JSON.parse(stdout);
  return digestOf(JSON.stringify([accuracy, loss, confusion]));
}

function digestOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 12);
}

function report({ file }, mode, text) {
  console.log(`${file.padEnd(44)}${mode.padEnd(13)}${text}`);
}
