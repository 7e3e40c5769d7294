// `npm run bench -- [PART…] [options]`: measures the parts that are named, or all of them, prints their tables and records
// them under results/. README.md says what each part is and how to have the peers.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { coldStart } from "./cold-start.mjs";
import { compare } from "./compare.mjs";
import { measureEngines } from "./engines.mjs";
import { growth } from "./growth.mjs";
import { neighbour } from "./neighbour.mjs";
import { commit, machine, versions } from "./machine.mjs";
import { describe, record, writeMarkdown } from "./results.mjs";
import { tablesOf, textTable } from "./tables.mjs";
import { workloads } from "./workloads.mjs";

/** What `--tiny` makes of a workload: to see that everything runs. */
const TINY = { batchSize: 4, steps: 2 };
const BUSY = 0.5;

const PARTS = [
  ...workloads.map((workload) => ({
    name: workload.name,
    title: workload.title,
    kind: "comparison",
    measure: (options) => {
      const sized = options.isTiny ? { ...workload, ...TINY } : workload;
      return compare(sized, { ...options, rounds: options.rounds ?? (options.isTiny ? 2 : 5), warmup: 2 });
    },
  })),
  {
    name: "engines",
    title: "engines",
    kind: "engines",
    measure: (options) => {
      const chosen = workloads.filter(({ name }) => name === "resnet-20" || name === "tutorial-96");
      const sized = options.isTiny ? chosen.map((workload) => ({ ...workload, ...TINY })) : chosen;
      return measureEngines(sized, { ...options, rounds: options.rounds ?? (options.isTiny ? 2 : 5), warmup: 2 });
    },
  },
  {
    name: "neighbour",
    title: "ResNet-20, 32×32, training beside a busy process",
    kind: "neighbour",
    measure: (options) => {
      const [workload] = workloads;
      const sized = options.isTiny ? { ...workload, ...TINY } : workload;
      const { rounds = options.isTiny ? 1 : 3, steps = sized.steps } = options;
      return neighbour(sized, { ...options, rounds, steps, warmup: 2 });
    },
  },
  {
    name: "cold-start",
    title: "before anything trains",
    kind: "cold-start",
    measure: ({ isTiny, say }) => {
      const sizes = isTiny
        ? { runs: 1, files: 5, steps: "configs/smoke.yaml" }
        : { runs: 20, files: 1000, steps: "configs/resnet-cifar.yaml" };
      return coldStart({ ...sizes, say });
    },
  },
  {
    name: "growth",
    title: "growth",
    kind: "growth",
    measure: ({ threads, steps, isTiny, say }) =>
      growth({ threads, cores: availableParallelism(), steps: steps ?? 3, isTiny, say }),
  },
];

const { values: flags, positionals } = parse();
if (!existsSync(new URL("../dist/cli/main.js", import.meta.url))) fail("netc is not built: run `npm run build` first");
const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0)
  fail(`there is no part ${unknown[0]}; the parts are ${PARTS.map(({ name }) => name).join(", ")}`);

const unsuited = flags.avx2
  ? positionals.find((name) => !workloads.some((workload) => workload.name === name))
  : undefined;
if (unsuited !== undefined) fail(`--avx2 is of the workloads, and ${unsuited} is none`);

const onlyWrites = flags.markdown.length > 0 && positionals.length === 0;
const all = PARTS.filter(({ kind }) => !flags.avx2 || kind === "comparison");
const chosen = onlyWrites ? [] : all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
for (const part of chosen) await measure(part);
for (const path of flags.markdown) {
  writeMarkdown(path);
  process.stdout.write(`written: ${path}\n`);
}

async function measure({ name, title: whole, kind, measure }) {
  const title = flags.avx2 ? `${whole}, on AVX2 alone` : whole;
  const before = { time: new Date().toISOString(), ...commit(), machine: machine(), versions: versions() };
  const { load } = before.machine;
  if (load > BUSY) say(`this machine is busy (load ${load.toFixed(1)}): figures will be low and scattered`);
  const number = (text) => (text === undefined ? undefined : wholeNumber(text));
  const figures = await measure({
    threads: number(flags.threads) ?? availableParallelism(),
    rounds: number(flags.rounds),
    steps: number(flags.steps),
    bfloat16: flags.bfloat16,
    avx2: flags.avx2,
    isTiny: flags.tiny,
    say: (text) => say(`${name}: ${text}`),
  });
  const result = { part: flags.avx2 ? `${name}-avx2` : name, title, kind, ...before, figures };
  process.stdout.write(`\n${tablesOf[kind](title, figures).map(textTable).join("\n")}${describe(result)}\n`);
  if (flags.tiny) return; // shows that everything runs, and no more
  process.stdout.write(`recorded: ${record(result)}\n`);
}

function parse() {
  const options = {
    threads: { type: "string" },
    rounds: { type: "string" },
    steps: { type: "string" },
    bfloat16: { type: "boolean", default: false },
    avx2: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    markdown: { type: "string", multiple: true, default: [] },
  };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(error.message);
  }
}

function wholeNumber(text) {
  if (!/^[1-9]\d*$/.test(text)) fail(`expected a whole number from 1, found ${text}`);
  return Number(text);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(sentence) {
  say(sentence);
  process.exit(2);
}
