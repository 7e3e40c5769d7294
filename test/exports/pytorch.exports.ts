// The PyTorch project, run by PyTorch: the same logits and losses as netc's, runs that go from one to the other and back, two
// processes of which one is killed, and every linter clean.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate } from "../../src/runtime/evaluator.js";
import { createLoader } from "../../src/runtime/data/loader.js";
import { openDataset } from "../../src/runtime/data/open-dataset.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import { pytorchProject } from "../../src/runtime/export/pytorch/pytorch-project.js";
import { writeExport } from "../../src/runtime/export/write-export.js";
import { loadRun } from "../../src/runtime/load-run.js";
import { netc } from "../support/netc.js";
import { networkTexts } from "./networks.js";
import { execute, tool, toolsPython, torchPython } from "./peers.js";
import { writePictures } from "./pictures.js";
import { recipes } from "./recipes.js";
import type { Trained } from "./trained.js";
import { folderOf, trainShortly } from "./trained.js";

let parent: string;
let trained: readonly Trained[];
const recipeProjects: string[] = [];
const projects = (): string[] => [...trained.map((_, index) => folderOf(parent, index, "project")), ...recipeProjects];

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "netc-exports-"));
  const networks: Trained[] = [];
  for (const [index, text] of networkTexts.entries()) {
    const network = await trainShortly(text, folderOf(parent, index, "run"), 60);
    networks.push(network);
    const project = folderOf(parent, index, "project");
    await writeExport(project, await pytorchProject(network.source));
  }
  trained = networks;
  const pictures = join(parent, "pictures");
  await writePictures(pictures);
  for (const [name, text] of Object.entries(recipes)) {
    recipeProjects.push(await untrainedProject(text.replace("FOLDER", pictures), join(parent, `${name}-project`)));
  }
});

afterAll(() => rm(parent, { recursive: true, force: true }));

describe("the projects", () => {
  it("are projects that ruff, mypy, Python's compiler, shellcheck and the manifest's schema accept", async () => {
    const checks = await Promise.all([
      execute(tool("ruff"), ["check", ...projects()]),
      execute(tool("ruff"), ["format", "--check", ...projects()]),
      execute(torchPython, ["-c", COMPILE, ...projects()]),
      execute("shellcheck", await shellScripts(projects())),
      execute(toolsPython, [new URL("check_manifests.py", import.meta.url).pathname, ...projects()]),
    ]);
    for (const { exitCode, output } of checks) expect(exitCode, output).toBe(0);
    // By turns: it knows a file by its module's name, and all projects have the same. Those that differ in their scripts
    for (const project of [...[0, 2, 5, 9, 11, 12].map((index) => projects()[index]!), ...recipeProjects]) {
      const args = ["--python-executable", torchPython, "--cache-dir", join(parent, "mypy"), "."];
      const { exitCode, output } = await execute(tool("mypy"), args, { cwd: project });
      expect(exitCode, `${project}\n${output}`).toBe(0);
    }
  });
});

/** Without writing anything beside the sources. */
const COMPILE = `
import pathlib, py_compile, sys, tempfile
for project in sys.argv[1:]:
    for file in pathlib.Path(project).glob("*.py"):
        with tempfile.TemporaryDirectory() as folder:
            py_compile.compile(str(file), cfile=folder + "/compiled", doraise=True)
`;

async function shellScripts(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => (await readdir(join(folder, "launch"))).map((name) => join(folder, "launch", name))),
  );
  return found.flat().filter((path) => /\.(sh|sbatch)$/.test(path));
}

describe("train.py", () => {
  it("goes on from netc's checkpoint, and netc from its: the weights have the same accuracy", async () => {
    const text = networkTexts[2]!.replace("epochs: 20", "epochs: 4");
    const folder = folderOf(parent, 2, "journey");
    const whole = folderOf(parent, 2, "journey-whole");
    await trainShortly(text, whole, 1000);
    await trainShortly(text, folder, 5); // in the middle of the second epoch
    const project = await untrainedProject(text, folderOf(parent, 2, "journey-project"));
    const there = await train(project, folder, ["--max-steps", "10", "--log-every", "1"]);
    expect(there.output).toContain("going on from");
    expect(there.output).toContain("stopped after step 10");
    const file = join(parent, "journey.yaml");
    await writeFile(file, text);
    const back = await netc(["run", file, "--resume", "--out", folder]);
    expect(back.exitCode, back.errors).toBe(0);
    const [expected, found] = [await loadRun(whole), await loadRun(folder)];
    const [one, other] = [expected, found].map(({ checkpoint }) => checkpoint.progress.lastEvaluation!);
    expect(other!.accuracy).toBe(one!.accuracy);
    expect(Math.abs(other!.loss / one!.loss - 1)).toBeLessThan(1e-3); // rounding, as above
  });

  it("trains to the end, and its weights have the same accuracy in netc", async () => {
    const project = await untrainedProject(networkTexts[0]!, folderOf(parent, 0, "end-project"));
    const folder = folderOf(parent, 0, "end");
    const { exitCode, output } = await train(project, folder, []);
    expect(exitCode, output).toBe(0);
    const { program, checkpoint } = await loadRun(folder);
    const session = await wasmEngine.open(program, { threads: 1 });
    await session.writeState(checkpoint.state);
    const dataset = await openDataset(program.config.data, program.config.seed, () => {});
    const found = await evaluate(program, session, createLoader(dataset, program.config));
    await session.dispose();
    const { accuracy, loss } = checkpoint.progress.lastEvaluation!;
    expect(found!.accuracy).toBe(accuracy);
    expect(Math.abs(found!.loss / loss - 1)).toBeLessThan(1e-5); // float32, one evaluation
  });

  it("refuses to go on with other settings", async () => {
    const project = await untrainedProject(networkTexts[0]!, folderOf(parent, 0, "other-project"));
    const config = join(project, "config.yaml");
    await writeFile(config, (await readFile(config, "utf8")).replace("batch_size: 32", "batch_size: 16"));
    const { exitCode, output } = await train(project, folderOf(parent, 0, "run"), []);
    expect(exitCode).toBe(1);
    expect(output).toContain("was begun with other settings (train.batch_size)");
  });
});

describe("torchrun", () => {
  it("starts two processes again of which one was killed, and they go on to the same end", async () => {
    const text = networkTexts[0]!.replace("epochs: 20", "epochs: 12");
    const project = await untrainedProject(text, folderOf(parent, 0, "torchrun-project"));
    const [whole, killed] = [folderOf(parent, 0, "torchrun-whole"), folderOf(parent, 0, "torchrun-killed")];
    const first = torchrun(project, whole);
    expect(await first.ended, first.output()).toBe(0);
    const second = torchrun(project, killed);
    while (!/epoch 4:/.test(second.output())) await sleep(20);
    const workers = second.output().matchAll(/process (\d+) trains/g);
    const [, pid] = [...workers].at(-1)!;
    process.kill(Number(pid), "SIGKILL");
    expect(await second.ended, second.output()).toBe(0);
    expect(second.output()).toContain("going on from");
    const [expected, found] = [await eventsIn(whole), await eventsIn(killed)];
    const losses = (events: readonly Event[]) => events.filter(({ event }) => event === "step").map(({ loss }) => loss);
    expect(losses(found)).toEqual(losses(expected));
    const { checkpoint } = await loadRun(killed);
    expect(checkpoint.progress.epochsClosed).toBe(12);
  });
});

/** The project of a file that nothing has trained. */
async function untrainedProject(text: string, folder: string): Promise<string> {
  const file = `${folder}.yaml`;
  await writeFile(file, text);
  const { exitCode, errors } = await netc(["export", "pytorch", file, "-o", folder]);
  expect(exitCode, errors).toBe(0);
  return folder;
}

function train(project: string, folder: string, args: readonly string[]) {
  const own = ["--out", folder, "--workers", "0", "--device", "cpu"];
  return execute(torchPython, [join(project, "train.py"), ...own, ...args]);
}

interface Event {
  readonly event: string;
  readonly epoch?: number;
  readonly loss?: number;
  readonly learningRate?: number;
}

async function eventsIn(folder: string): Promise<readonly Event[]> {
  const lines = (await readFile(join(folder, "events.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Event);
}

function torchrun(project: string, folder: string): { ended: Promise<number | null>; output: () => string } {
  // Debian's PyTorch 1.13 under Python 3.11 fails without the two options on standard output
  const streams = ["--redirects", "1", "--tee", "1"];
  const launcher = [
    "-m",
    "torch.distributed.run",
    ...streams,
    "--standalone",
    "--nproc_per_node=2",
    "--max_restarts=2",
  ];
  const own = ["--out", folder, "--workers", "0", "--device", "cpu", "--log-every", "1"];
  const child = spawn(torchPython, [...launcher, join(project, "train.py"), ...own], {
    env: { ...process.env, OMP_NUM_THREADS: "1", PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { ended, output: () => output };
}
