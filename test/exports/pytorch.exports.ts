// The PyTorch project, run by PyTorch: the same logits and losses as netc's, runs that go from one to the other and back, two
// processes of which one is killed, and every linter clean.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate } from "../../src/runtime/training/evaluator.js";
import { createLoader } from "../../src/runtime/data/loader.js";
import { openDataset } from "../../src/runtime/data/open-dataset.js";
import { wasmEngine } from "../../src/runtime/engines/wasm/engine.js";
import { pytorchProject } from "../../src/runtime/export/pytorch/pytorch-project.js";
import { writeExport } from "../../src/runtime/export/write-export.js";
import { loadRun } from "../../src/runtime/run/load-run.js";
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
  await installTorchrun();
  const pictures = join(parent, "pictures");
  await writePictures(pictures);
  const within = recipes["speedrun"]!.replace("evaluation: {", "evaluation: {every_steps: 3, ").replace(
    "epochs: 20",
    "epochs: 20\n  early_stop: {metric: test_loss, patience: 3}\n  checkpoints: {keep_best: 2}",
  );
  for (const [name, text] of Object.entries({ ...recipes, within })) {
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
  /** What is kept from step to step: an average; groups with Lookahead; momenta of several optimizers; moments. */
  const journeys: Readonly<Record<string, string>> = {
    averaged: networkTexts[2]!,
    speedrun: recipes["speedrun"]!,
    muon: recipes["muon"]!,
    mixup: recipes["mixup"]!,
  };

  it.each(Object.entries(journeys))("goes on from netc's checkpoint, and netc from its (%s)", async (name, whole) => {
    const text = whole.replace("epochs: 20", "epochs: 4");
    const folder = join(parent, `${name}-journey`);
    await trainShortly(text, `${folder}-whole`, 1000);
    await trainShortly(text, folder, 5); // in the middle of the second epoch
    const project = await untrainedProject(text, `${folder}-project`);
    const there = await train(project, folder, ["--max-steps", "10", "--log-every", "1"]);
    expect(there.output).toContain("going on from");
    expect(there.output).toContain("stopped after step 10");
    const file = `${folder}.yaml`;
    await writeFile(file, text);
    const back = await netc(["run", file, "--resume", "--out", folder]);
    expect(back.exitCode, back.errors).toBe(0);
    const [expected, found] = [await loadRun(`${folder}-whole`), await loadRun(folder)];
    const [one, other] = [expected, found].map(({ checkpoint }) => checkpoint.progress.lastEvaluation!);
    expect(other!.accuracy).toBe(one!.accuracy);
    expect(Math.abs(other!.loss / one!.loss - 1)).toBeLessThan(1e-3); // rounding, as in parity.exports.ts
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

  it.each([
    ["after epochs", 3, ""],
    ["every few steps", 5, "evaluation: {every_steps: 3}\n  recompute: true\n  "],
  ])("ends early where netc does, evaluated %s, with the same checkpoints kept", async (name, patience, evaluation) => {
    const rule = `${evaluation}early_stop: {metric: test_loss, patience: ${patience}, min_delta: 100}`;
    const text = recipes["decoupled"]!.replace(
      "optimizer:",
      `${rule}\n  checkpoints: {every_epochs: 2, every_steps: 3, keep: 2, keep_best: 1}\n  optimizer:`,
    ).replace("every_steps: 2", "every_steps: 1");
    const [ours, theirs] = [join(parent, `early ${name}`), join(parent, `early-torch ${name}`)];
    await trainShortly(text, ours, 1000);
    const project = await untrainedProject(text, join(parent, `early-project ${name}`));
    const { exitCode, output } = await train(project, theirs, []);
    expect(exitCode, output).toBe(0);
    expect(output).toContain(`stopped early: no evaluation was better in ${patience} in a row`);
    const kept = await Promise.all(
      [ours, theirs].map(async (run) => (await readdir(join(run, "checkpoints"))).toSorted()),
    );
    expect(kept[1]).toEqual(kept[0]);
    const [expected, found] = await Promise.all(
      [ours, theirs].map(async (run) => (await loadRun(run)).checkpoint.progress.evaluations),
    );
    expect(found!.map(({ step, accuracy }) => [step, accuracy])).toEqual(
      expected!.map(({ step, accuracy }) => [step, accuracy]),
    );
    const again = await train(project, theirs, []);
    expect(again.output).toContain("stopped early");
  });

  it("evaluates every few steps in a resumed run as in one that goes through, and logs each once", async () => {
    const text = recipes["speedrun"]!.replace("evaluation: {", "evaluation: {every_steps: 3, ");
    const project = await untrainedProject(text, join(parent, "every-steps-project"));
    const [whole, parts] = [join(parent, "within"), join(parent, "within-parts")];
    for (const [folder, steps] of [
      [whole, 11],
      [parts, 5],
      [parts, 8],
      [parts, 11],
    ] as const) {
      const { exitCode, output } = await train(project, folder, ["--max-steps", `${steps}`]);
      expect(exitCode, output).toBe(0);
    }
    for (const folder of [whole, parts]) {
      const steps = (await eventsIn(folder)).filter(({ event }) => event === "evaluation").map(({ step }) => step);
      expect(steps).toEqual([3, 6, 9]);
    }
    const [one, other] = await Promise.all([whole, parts].map(async (run) => (await loadRun(run)).checkpoint));
    expect(other!.progress.evaluations).toEqual(one!.progress.evaluations);
  });

  it("leaves out steps that are not finite as netc does, and ends after as many", async () => {
    const text = networkTexts[5]!
      .replace(/learning_rate: .*/, "learning_rate: 1000\n  non_finite: {skip: {limit: 3}}")
      .replace("optimizer: {adam: {weight_decay: 1e-4}}", "optimizer: {sgd: {momentum: 0}}");
    const [ours, theirs] = [join(parent, "skipping"), join(parent, "skipping-torch")];
    await trainShortly(text, ours, 100);
    const project = await untrainedProject(text, join(parent, "skipping-project"));
    const { exitCode, output } = await train(project, theirs, ["--log-every", "1"]);
    expect(exitCode).toBe(1);
    expect(output).toContain("is not finite, and 3 steps were left out before it");
    // Which step is the first depends on where each library's sums overflow; that all after it are left out does not
    for (const run of [ours, theirs]) {
      const steps = (await eventsIn(run)).map(({ event }) => event).filter((event) => event.startsWith("step"));
      expect(steps.slice(-4)).toEqual(["step", "step_skipped", "step_skipped", "step_skipped"]);
    }
  });

  it("counts no step that was left out in Adam's bias correction, in a resumed run neither", async () => {
    const project = await untrainedProject(recipes["mixup"]!, join(parent, "correcting-project"));
    await writeFile(join(project, "correcting.py"), FIRST_STEPS_LEFT_OUT);
    for (const steps of [5, 7]) {
      const args = ["--max-steps", `${steps}`];
      const { exitCode, output } = await train(project, join(parent, "correcting"), args, "correcting.py");
      expect(exitCode, output).toBe(0);
      expect(output).toContain(`updates counted: [${steps - 2}.0]`);
    }
  });

  it("keeps what it saves before a broken checkpoint's step, and goes on from there", async () => {
    const text = recipes["decoupled"]!.replace("optimizer:", "checkpoints: {every_steps: 1, keep: 1}\n  optimizer:");
    const project = await untrainedProject(text, join(parent, "broken-project"));
    const folder = join(parent, "broken");
    await train(project, folder, ["--max-steps", "3"]);
    const [newest] = (await readdir(join(folder, "checkpoints"))).toSorted().reverse();
    await cp(join(folder, "checkpoints", newest!), join(folder, "checkpoints", "step-00000004"), { recursive: true });
    await writeFile(join(folder, "checkpoints", "step-00000004", "weights.safetensors"), "cut off");
    await rm(join(folder, "checkpoints", newest!), { recursive: true });
    const begun = await train(project, folder, ["--max-steps", "2"]);
    expect(begun.output).toContain("skipping");
    expect(await readdir(join(folder, "checkpoints"))).toContain("step-00000002");
    const resumed = await train(project, folder, ["--max-steps", "5"]);
    expect(resumed.output).toMatch(/going on from .*step-00000002/);
    expect(await readdir(join(folder, "checkpoints"))).toEqual(["step-00000005"]);
  });

  it("refuses to go on with other settings, and what it was not written for", async () => {
    const project = await untrainedProject(networkTexts[0]!, folderOf(parent, 0, "other-project"));
    const config = join(project, "config.yaml");
    await writeFile(config, (await readFile(config, "utf8")).replace("batch_size: 32", "batch_size: 16"));
    const { exitCode, output } = await train(project, folderOf(parent, 0, "run"), []);
    expect(exitCode).toBe(1);
    expect(output).toContain("was begun with other settings (train.batch_size)");
    await writeFile(config, (await readFile(config, "utf8")).replace("accumulate: 1", "accumulate: 2"));
    const other = await train(project, folderOf(parent, 0, "accumulated"), []);
    expect(other.output).toContain(
      "train.accumulate of config.yaml is 2, and these scripts were written for 1: export again",
    );
  });
});

describe("two processes of launch/one-node.sh", () => {
  /** No norms: the statistics of a share are not those of the whole batch. */
  const text = networkTexts[5]!;

  it("have one process's losses, wherever numbers lie in memory", async () => {
    const project = await untrainedProject(text, folderOf(parent, 5, "two-project"));
    const [one, two] = [folderOf(parent, 5, "one"), folderOf(parent, 5, "two")];
    const alone = await train(project, one, ["--max-steps", "20", "--log-every", "1"]);
    expect(alone.exitCode, alone.output).toBe(0);
    const run = launch(project, two, ["--max-steps", "20", "--channels-last"]);
    expect(await run.ended, run.output()).toBe(0);
    const [expected, found] = [await lossesIn(one), await lossesIn(two)];
    expect(found).toHaveLength(20);
    // float32: other orders of sums, over 20 steps
    expected.forEach((loss, step) => expect(Math.abs(found[step]! / loss - 1)).toBeLessThan(1e-3));
  });

  it("compute in bfloat16 where that is asked for, near float32", async () => {
    const project = await untrainedProject(text, folderOf(parent, 5, "half-project"));
    const [one, two] = [folderOf(parent, 5, "whole"), folderOf(parent, 5, "half")];
    await train(project, one, ["--max-steps", "10", "--log-every", "1"]);
    const run = launch(project, two, ["--max-steps", "10", "--bf16"]);
    expect(await run.ended, run.output()).toBe(0);
    const differences = (await lossesIn(two)).map((loss, step) => [loss, step] as const);
    const expected = await lossesIn(one);
    expect(differences).toHaveLength(10);
    expect(differences.some(([loss, step]) => Math.abs(loss / expected[step]! - 1) > 1e-6)).toBe(true);
    // 8 bits of mantissa
    for (const [loss, step] of differences) expect(Math.abs(loss / expected[step]! - 1)).toBeLessThan(0.05);
  });

  it("take a batch each at twice the rate with --scale-batch, and go on only as many as they were", async () => {
    const project = await untrainedProject(text, folderOf(parent, 5, "scaled-project"));
    const [one, two] = [folderOf(parent, 5, "unscaled"), folderOf(parent, 5, "scaled")];
    await train(project, one, ["--max-steps", "1", "--log-every", "1"]);
    const run = launch(project, two, ["--max-steps", "2", "--scale-batch"]);
    expect(await run.ended, run.output()).toBe(0);
    const first = (await eventsIn(two)).find(({ event }) => event === "step");
    expect(first!.images).toBe(64);
    const config = await readFile(join(two, "config.yaml"), "utf8");
    expect(config).toContain("rate: 0.002\n"); // twice 1e-3
    const fewer = await train(project, two, ["--scale-batch"]);
    expect(fewer.exitCode).toBe(1);
    expect(fewer.output).toContain("with --scale-batch also on as many processes");
  });

  it("refuse norms over all processes where there are no GPUs", async () => {
    const project = await untrainedProject(networkTexts[0]!, folderOf(parent, 0, "sync-project"));
    const { exitCode, output } = await train(project, folderOf(parent, 0, "sync"), ["--sync-batch-norm"]);
    expect(exitCode).toBe(1);
    expect(output.trim()).toBe("PyTorch's SyncBatchNorm needs GPUs: leave --sync-batch-norm out");
  });

  it("starts two processes again of which one was killed, and they go on to the same end", async () => {
    const text = networkTexts[0]!.replace("epochs: 20", "epochs: 12");
    const project = await untrainedProject(text, folderOf(parent, 0, "torchrun-project"));
    const [whole, killed] = [folderOf(parent, 0, "torchrun-whole"), folderOf(parent, 0, "torchrun-killed")];
    const first = launch(project, whole);
    expect(await first.ended, first.output()).toBe(0);
    const second = launch(project, killed);
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

/** The project's training whose first two steps are found not to be finite, and how many updates Adam counts when it is saved. */
const FIRST_STEPS_LEFT_OUT = `
import train

is_finite, save = train.Run.is_finite, train.Run.save
train.Run.is_finite = lambda run, sums: run.progress["step"] >= 2 and is_finite(run, sums)


def save_and_count(run):
    save(run)
    print("updates counted:", sorted({state["step"].item() for state in run.optimizer.state.values()}))


train.Run.save = save_and_count
train.main()
`;

/** The project of a file that nothing has trained. */
async function untrainedProject(text: string, folder: string): Promise<string> {
  const file = `${folder}.yaml`;
  await writeFile(file, text);
  const { exitCode, errors } = await netc(["export", "pytorch", file, "-o", folder]);
  expect(exitCode, errors).toBe(0);
  return folder;
}

function train(project: string, folder: string, args: readonly string[], script = "train.py") {
  const own = ["--out", folder, "--workers", "0", "--device", "cpu"];
  return execute(torchPython, [join(project, script), ...own, ...args]);
}

interface Event {
  readonly event: string;
  readonly epoch?: number;
  readonly step?: number;
  readonly images?: number;
  readonly loss?: number;
  readonly learningRate?: number;
}

async function eventsIn(folder: string): Promise<readonly Event[]> {
  const lines = (await readFile(join(folder, "events.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Event);
}

async function lossesIn(folder: string): Promise<readonly number[]> {
  return (await eventsIn(folder)).filter(({ event }) => event === "step").map(({ loss }) => loss!);
}

/** Two processes, by the script that a user starts. */
function launch(
  project: string,
  folder: string,
  args: readonly string[] = [],
): { ended: Promise<number | null>; output: () => string } {
  const own = ["--out", folder, "--workers", "0", "--device", "cpu", "--log-every", "1"];
  const child = spawn(join(project, "launch", "one-node.sh"), [...own, ...args], {
    env: {
      ...process.env,
      PATH: `${join(parent, "bin")}:${process.env["PATH"]}`,
      PROCESSES: "2",
      RESTARTS: "2",
      OMP_NUM_THREADS: "1",
      PYTHONUNBUFFERED: "1",
      PYTHONDONTWRITEBYTECODE: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { ended, output: () => output };
}

/** torchrun of the Python that has PyTorch, where the scripts find it. */
async function installTorchrun(): Promise<void> {
  await mkdir(join(parent, "bin"));
  const torchrun = `#!/bin/sh\nexec "${torchPython}" -m torch.distributed.run "$@"\n`;
  await writeFile(join(parent, "bin", "torchrun"), torchrun, { mode: 0o755 });
}
