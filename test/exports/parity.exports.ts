// Every network and every training of this folder in netc and in the PyTorch project exported from it: the same logits from the same
// weights, the same losses step by step, and the same accuracy once PyTorch's weights are back in netc. The tables of docs/export.md
// are what this finds; write them anew with
//   PARITY_TABLE=1 npm run test:exports -- parity
// Files named by PARITY_FILES (paths with spaces between) are held to the same, and are not part of the tables.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import { findBroken } from "../../src/runtime/data/images/open-images.js";
import { scanImages } from "../../src/runtime/data/images/scan-images.js";
import { evaluate } from "../../src/runtime/training/evaluator.js";
import { createLoader } from "../../src/runtime/data/loader.js";
import { openDataset } from "../../src/runtime/data/open-dataset.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import { pytorchProject } from "../../src/runtime/export/pytorch/pytorch-project.js";
import { writeExport } from "../../src/runtime/export/write-export.js";
import { loadRun } from "../../src/runtime/run/load-run.js";
import { networkTexts } from "./networks.js";
import { execute, torchPython } from "./peers.js";
import { writePictures } from "./pictures.js";
import { recipes } from "./recipes.js";
import { distance, trainShortly } from "./trained.js";

interface Row {
  readonly name: string;
  readonly steps: number;
  readonly logits: number;
  readonly largestLogit: number;
  readonly losses: number;
  readonly accuracyThere: number;
  readonly accuracyBack: number;
}

const STEPS = 50;
const rows: Row[] = [];
let parent: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "netc-parity-"));
  await writePictures(join(parent, "pictures"));
});

afterAll(async () => {
  await rm(parent, { recursive: true, force: true });
  const asked = rows.filter(({ name }) => !named.includes(name));
  console.log(tableOf(rows));
  if (process.env["PARITY_TABLE"]) await writeTable(asked);
});

const named = (process.env["PARITY_FILES"] ?? "").split(" ").filter(Boolean);
const nameIn = (text: string): string => /^name: (.*)$/m.exec(text)![1]!;

describe("in PyTorch and in netc", () => {
  const all = [
    ...networkTexts.slice(0, -1).map((text) => [nameIn(text), text] as const), // the last has another name alone
    ...Object.entries(recipes),
  ];
  it.each(all)("%s has the same logits, losses and accuracy", async (name, text) => {
    expect(faultsOf(await compare(name, text.replace("FOLDER", join(parent, "pictures"))))).toEqual([]);
  });
  it.each(named)("%s has the same logits, losses and accuracy", { timeout: 7_200_000 }, async (path) => {
    expect(faultsOf(await compare(path, await readFile(path, "utf8")))).toEqual([]);
  });
});

/** What of a row is out of its bounds. */
function faultsOf(row: Row): string[] {
  rows.push(row);
  return [
    // float32: sums of up to some hundred products in another order, of logits of a few units
    ...(row.logits <= 1e-5 ? [] : [`logits differ by ${row.logits}`]),
    // Rounding drives two float32 trajectories apart from step to step
    ...(row.losses <= 1e-3 ? [] : [`losses differ by ${row.losses}`]),
    ...(row.accuracyBack === row.accuracyThere ? [] : [`accuracy ${row.accuracyThere} became ${row.accuracyBack}`]),
  ];
}

async function compare(name: string, text: string): Promise<Row> {
  const folder = (kind: string): string => join(parent, `${name.replaceAll(/\W/g, "-")}-${kind}`);
  const [ours, theirs, project] = [folder("run"), folder("torch"), folder("project")];
  await decodePictures(text);
  const trained = await trainShortly(text, ours, STEPS);
  await writeExport(project, await pytorchProject({ ...trained.source, trained: undefined }));
  const { program } = trained;
  // To the end of an epoch, where PyTorch evaluates
  const steps = Math.ceil(STEPS / program.plan.stepsPerEpoch) * program.plan.stepsPerEpoch;
  const own = ["--out", theirs, "--workers", "0", "--device", "cpu", "--log-every", "1"];
  const args = [join(project, "train.py"), ...own, "--max-steps", String(steps)];
  const { exitCode, output } = await execute(torchPython, args, { seconds: named.includes(name) ? 7200 : 500 });
  expect(exitCode, output).toBe(0);
  const [expected, found] = [await stepsIn(ours), await stepsIn(theirs)];
  expect(expected).toHaveLength(Math.min(STEPS, program.plan.steps));
  const losses = expected.map(({ loss }, step) => Math.abs(found[step]!.loss / loss - 1));
  expect(found.map(({ learningRate }) => learningRate.toPrecision(12)).slice(0, expected.length)).toEqual(
    expected.map(({ learningRate }) => learningRate.toPrecision(12)),
  );

  const withWeights = folder("trained");
  await writeExport(withWeights, await pytorchProject(trained.source));
  await writeFile(join(withWeights, "images.bin"), trained.images);
  const read = await execute(torchPython, [new URL("read_logits.py", import.meta.url).pathname, withWeights]);
  expect(read.exitCode, read.output).toBe(0);
  const bytes = await readFile(join(withWeights, "logits.bin"));
  const logits = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
  return {
    name,
    steps: expected.length,
    logits: distance(trained.logits, logits),
    largestLogit: Math.max(...trained.logits.map(Math.abs)),
    losses: Math.max(...losses),
    ...(await accuracies(theirs)),
  };
}

/** Before their number counts, those that cannot be read have to be known. */
async function decodePictures(text: string): Promise<void> {
  const { value } = compileText(text, "network.yaml", { scanImages });
  const dataset = value?.config.data.dataset;
  if (typeof dataset === "object" && "images" in dataset) await findBroken(dataset.images, () => {});
}

/** Of PyTorch's last weights: as it found it itself, and as netc finds it. */
async function accuracies(folder: string): Promise<Pick<Row, "accuracyThere" | "accuracyBack">> {
  const { program, checkpoint } = await loadRun(folder);
  const session = await wasmEngine.open(program, { threads: 1 });
  try {
    await session.writeState(checkpoint.state);
    const dataset = await openDataset(program.config.data, program.config.seed, () => {});
    const found = await evaluate(program, session, createLoader(dataset, program.config));
    return { accuracyThere: checkpoint.progress.lastEvaluation!.accuracy, accuracyBack: found!.accuracy };
  } finally {
    await session.dispose();
  }
}

interface Step {
  readonly event: string;
  readonly loss: number;
  readonly learningRate: number;
}

async function stepsIn(folder: string): Promise<readonly Step[]> {
  const lines = (await readFile(join(folder, "events.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Step).filter(({ event }) => event === "step");
}

function tableOf(found: readonly Row[]): string {
  const lines = found.map(({ name, steps, logits, largestLogit, losses, accuracyThere, accuracyBack }) => {
    const difference = `${logits.toExponential(1)} of ${largestLogit.toPrecision(2)}`;
    return `| ${name} | ${difference} | ${steps} | ${losses.toExponential(1)} | ${percent(accuracyThere)} | ${percent(accuracyBack)} |`;
  });
  return [
    "| file | largest difference of a logit | steps | losses within | accuracy in PyTorch | its weights in netc |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

const PAGE = new URL("../../docs/export.md", import.meta.url);

async function writeTable(found: readonly Row[]): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const parts = /(<!-- parity -->\n)[^]*?(\n<!-- \/parity -->)/;
  expect(page).toMatch(parts);
  await writeFile(
    PAGE,
    page.replace(parts, (_, before: string, after: string) => before + tableOf(found) + after),
  );
}
