import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { candidates } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { tasksOf } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import { newestIn } from "../../support/newest-in.js";
import { runFolderAt } from "../../../src/runtime/run/run-folder.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { eventsIn } from "../../support/tiny-run.js";

const smoke = fileURLToPath(new URL("../../../configs/smoke.yaml", import.meta.url));
/** How many kills the test of kills does: set NETC_KILLS=100 for the long form. */
const KILLS = Number(process.env["NETC_KILLS"] ?? 4);

async function stateIn(folder: string) {
  const { checkpoint } = await newestIn(folder);
  return { step: checkpoint!.progress.step, state: checkpoint!.state };
}

/** For the first kind of convolution in a run's first step that another kernel than the cheapest can compute, that one. */
async function otherKernelOf(folder: string): Promise<Record<string, string>> {
  const program = compileText(await readFile(runFolderAt(folder).config, "utf8"), "config.yaml").value!;
  for (const [key, task] of tasksOf(program, stepsOfRun(program))) {
    const [, other] = candidates(task, { chosen: {}, providers: [] });
    if (other) return { [key]: other.name };
  }
  throw new Error("every convolution has one kernel alone");
}

describe("netc run", () => {
  it("trains the smoke file to its end in plain lines and leaves all of the run in its folder", async () => {
    const folder = await temporaryFolder();
    const { exitCode, output, errors } = await netc(["run", smoke, "--seed", "3"], { folder });
    expect(errors).toBe("");
    expect(exitCode).toBe(0);
    // oxlint-disable-next-line no-control-regex
    expect(output).not.toMatch(/[\u001b\r]/);
    expect(output).toMatch(/^epoch +train loss +train acc +test loss +test acc +rate +images\/s +seconds$/m);
    expect(output.match(/^ +\d+ +\d+\.\d{4} +\d+\.\d\d%/gm)).toHaveLength(4);
    const [run] = await readdir(join(folder, "runs"));
    expect(run).toMatch(/^smoke-\d{8}-\d{6}$/);
    expect((await readdir(join(folder, "runs", run!))).sort()).toEqual([
      "checkpoints",
      "config.yaml",
      "events.jsonl",
      "events.out.tfevents.netc",
      "kernels.json",
      "metrics.csv",
      "model",
      "origins.json",
    ]);
  });

  it("equals the uninterrupted run after --max-steps and --resume, whatever the number of threads", async () => {
    const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
    await netc(["run", smoke, "--out", whole, "--threads", "2"]);
    await netc(["run", smoke, "--out", parts, "--threads", "1", "--max-steps", "11"]);
    const { exitCode } = await netc(["run", smoke, "--out", parts, "--threads", "2", "--resume"]);
    expect(exitCode).toBe(0);
    expect(await stateIn(parts)).toEqual(await stateIn(whole));
    expect(await eventsIn(parts)).toEqual(await eventsIn(whole));
  });

  it.each(["SIGTERM", "SIGHUP"] as const)(
    "ends a run at %s with a checkpoint, exit code 130 and the command that goes on",
    async (signal) => {
      const folder = await temporaryFolder();
      const args = ["run", smoke, "--set", "train.epochs=2000", "--out", folder];
      const { exitCode, output } = await netc(args, { kill: { signal, when: "%" } });
      expect(exitCode).toBe(130);
      const { step } = await stateIn(folder);
      expect(output).toMatch(new RegExp(`stopped after step ${step.toLocaleString("en-US")} of 16,000`));
      expect(output).toContain(`go on with: netc run ${smoke} --resume --out ${folder} --set train.epochs=2000`);
    },
  );

  it("ends a run whose output nobody reads any more with a checkpoint and exit code 130", async () => {
    const folder = await temporaryFolder();
    const args = ["run", smoke, "--set", "train.epochs=2000", "--out", folder];
    const { exitCode, errors } = await netc(args, { readUntil: "%" });
    expect(exitCode).toBe(130);
    expect(errors).toBe("nobody reads the output any more: stopping after the step under way\n");
    expect((await stateIn(folder)).step).toBeGreaterThanOrEqual(8);
  });

  it("says of a file on standard input what set each value, as of a named one", async () => {
    const folder = await temporaryFolder();
    const input = (await readFile(smoke, "utf8")).replaceAll("../", "");
    await writeFile(join(folder, "net.yaml"), input);
    for (const [file, out] of [
      ["net.yaml", "named"],
      ["-", "streamed"],
    ] as const) {
      const { exitCode, errors } = await netc(["run", file, "--max-steps", "1", "--out", out], { folder, input });
      expect(exitCode, errors).toBe(0);
    }
    const origins = (run: string) => readFile(join(folder, run, "origins.json"), "utf8");
    expect((await origins("streamed")).replaceAll("<stdin>", "net.yaml")).toBe(await origins("named"));
    expect(await origins("named")).toContain("net.yaml:");
  });

  it.skipIf(process.platform === "win32")(
    "neither begins again nor cuts the log where checkpoints are there and cannot be read",
    async () => {
      const out = await temporaryFolder();
      await netc(["run", smoke, "--out", out, "--max-steps", "11"]);
      const { checkpoints, events } = runFolderAt(out);
      await rename(checkpoints, `${checkpoints}-elsewhere`);
      await symlink(checkpoints, checkpoints);
      const before = await readFile(events, "utf8");
      const { exitCode, errors } = await netc(["run", smoke, "--out", out, "--resume"]);
      expect(exitCode).toBe(1);
      expect(errors).toContain(`${checkpoints} cannot be read (ELOOP`);
      expect(await readFile(events, "utf8")).toBe(before);
    },
  );

  it("takes one Ctrl-C that npx doubles for one", async () => {
    const folder = await temporaryFolder();
    const args = ["run", smoke, "--set", "train.epochs=2000", "--out", folder];
    const { exitCode, errors } = await netc(args, { kill: { signal: "SIGINT", when: "%", twice: true } });
    expect(exitCode).toBe(130);
    expect(errors).toContain("Ctrl-C: stopping after the step under way");
    expect((await stateIn(folder)).step).toBeGreaterThanOrEqual(8);
  });

  it("equals the uninterrupted run when killed at random moments", { timeout: 60_000 + KILLS * 3_000 }, async () => {
    const [whole, killed] = [await temporaryFolder(), await temporaryFolder()];
    const args = ["run", smoke, "--set", "train.epochs=25", "--set", "model.stages.0.blocks=3"];
    await netc([...args, "--out", whole]);
    // A run that was killed before it had begun leaves nothing to resume
    const resumption = async () => ((await readdir(killed)).includes("config.yaml") ? ["--resume"] : []);
    let kills = 0;
    for (let attempt = 0; kills < KILLS; attempt++) {
      // Spread over starting up, training, evaluating and saving by the golden ratio: no two are alike
      const when = 150 + ((attempt * 0.618) % 1) * 1000;
      const { exitCode } = await netc([...args, "--out", killed, ...(await resumption())], {
        kill: { signal: "SIGKILL", when },
      });
      if (exitCode === null) kills++;
      else expect(exitCode).toBe(0);
    }
    expect((await netc([...args, "--out", killed, ...(await resumption())])).exitCode).toBe(0);
    expect(await stateIn(killed)).toEqual(await stateIn(whole));
    expect(await eventsIn(killed)).toEqual(await eventsIn(whole));
  });

  it("begins again with the kernels it began with when killed before its first checkpoint", async () => {
    const [whole, killed] = [await temporaryFolder(), await temporaryFolder()];
    const args = ["run", smoke, "--max-steps", "2", "--out"];
    await netc([...args, whole, "--no-tune"]);
    const recorded = async () => JSON.parse(await readFile(runFolderAt(killed).kernels, "utf8")) as unknown;
    // What measurements found when it began, and would not find today
    const kernels = await otherKernelOf(whole);
    await cp(runFolderAt(whole).config, runFolderAt(killed).config);
    await writeFile(runFolderAt(killed).kernels, JSON.stringify(kernels));

    const { exitCode, output } = await netc([...args, killed, "--resume"]);
    expect(exitCode).toBe(0);
    expect(output).not.toContain("other kernels");
    expect(await recorded()).toEqual(kernels);
    const { checkpoint } = await newestIn(killed);
    expect(checkpoint!.kernels).toEqual(kernels);
    expect(checkpoint!.state).not.toEqual((await stateIn(whole)).state);

    await rm(runFolderAt(killed).checkpoints, { recursive: true });
    expect((await netc([...args, killed, "--resume", "--no-tune"])).output).toContain("other kernels from here on");
    expect(await recorded()).toEqual({});
    expect(await stateIn(killed)).toEqual(await stateIn(whole));
  });

  it("refuses to resume with a setting that alters the past and shows both values", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", folder, "--max-steps", "3"]);
    const changed = ["--set", "train.batch_size=32", "--seed", "5"];
    const { exitCode, errors } = await netc(["run", smoke, "--out", folder, "--resume", ...changed]);
    expect(exitCode).toBe(1);
    expect(errors).toContain("seed: 0 in the run, 5 in the file");
    expect(errors).toContain("train.batch_size: 64 in the run, 32 in the file");
  });

  it("says what more epochs do to the schedule and goes on", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", folder, "--max-steps", "9"]);
    const { exitCode, output } = await netc([
      "run",
      smoke,
      "--out",
      folder,
      "--resume",
      "--set",
      "train.epochs=5",
      "--max-steps",
      "10",
    ]);
    expect(exitCode).toBe(0);
    expect(output).toContain("the run now ends after 5 epochs (40 steps) instead of 4");
    expect(output).toMatch(/the learning rate of step 10 is \S+ instead of \S+; the 9 steps already done keep/);
  });

  it("says that another engine goes on", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", folder, "--max-steps", "1", "--engine", "cpu"]);
    const resume = (...more: string[]) => netc(["run", smoke, "--out", folder, "--resume", ...more]);
    const { output } = await resume("--max-steps", "2");
    expect(output).toMatch(/changed {2}engine: cpu tfjs \S+ in the run, wasm 1 now: the last bits differ/);
    expect((await resume("--max-steps", "3")).output).not.toContain("engine: cpu");
  });

  it("names broken checkpoints and goes on from the one before", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", folder]);
    const { checkpoints } = runFolderAt(folder);
    await writeFile(join(checkpoints, "step-00000032", "weights.safetensors"), "broken");
    const { exitCode, output, errors } = await netc(["run", smoke, "--out", folder, "--resume"]);
    expect(exitCode).toBe(0);
    expect(errors).toContain("step-00000032 is broken and was skipped: weights.safetensors is 6 bytes long");
    expect(errors).toContain("it is kept as broken-step-00000032");
    expect(output).toContain("after step 24 of 32");
    expect(await readdir(checkpoints)).toContain("step-00000032");
  });

  it("says what the log lost of the steps before", async () => {
    const folder = await temporaryFolder();
    const { events } = runFolderAt(folder);
    await netc(["run", smoke, "--out", folder, "--max-steps", "2"]);
    const lines = (await readFile(events, "utf8")).split("\n");
    await writeFile(events, ["null", ...lines.slice(1)].join("\n"));
    const { exitCode, errors } = await netc(["run", smoke, "--out", folder, "--resume", "--max-steps", "3"]);
    expect(exitCode).toBe(0);
    expect(errors).toContain(`${events}: line 1 is no event and is left out\n`);
    expect(errors).toContain(`${events} does not begin with the run: the figures of its first steps are lost\n`);
  });

  it("keeps the whole checkpoints where newer ones are broken", async () => {
    const folder = await temporaryFolder();
    const run = (...more: string[]) =>
      netc(["run", smoke, "--out", folder, "--set", "train.checkpoints.keep=1", ...more]);
    await run("--max-steps", "9");
    const { checkpoints } = runFolderAt(folder);
    await cp(join(checkpoints, "step-00000009"), join(checkpoints, "step-00000012"), { recursive: true });
    await rm(join(checkpoints, "step-00000012", "manifest.json"));
    await run("--resume", "--max-steps", "10");
    expect((await readdir(checkpoints)).sort()).toEqual(["broken-step-00000012", "step-00000010"]);
    expect((await run("--resume", "--max-steps", "11")).output).toContain("after step 10 of 32");
  });

  it("says that the run begins again where no checkpoint is whole", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", folder, "--max-steps", "3"]);
    const checkpoint = join(runFolderAt(folder).checkpoints, "step-00000003");
    await rm(join(checkpoint, "manifest.json"));
    const args = ["run", smoke, "--out", folder, "--resume", "--max-steps", "1"];
    expect((await netc(args)).errors).toContain(
      "no intact checkpoint is left: the run starts over from its first step",
    );
    await rm(runFolderAt(folder).checkpoints, { recursive: true });
    expect((await netc(args)).output).toContain("before the first checkpoint: the run starts over from its first step");
  });

  it("refuses to resume with fewer epochs than are done", async () => {
    const folder = await temporaryFolder();
    await netc(["run", smoke, "--out", folder, "--max-steps", "9"]);
    const { exitCode, errors } = await netc(["run", smoke, "--out", folder, "--resume", "--set", "train.epochs=1"]);
    expect(exitCode).toBe(1);
    expect(errors).toContain("train.epochs: 4 in the run, 1 in the file; that ends after step 8, and 9 are done");
    expect(await readdir(folder)).not.toContain("model");
  });

  it("refuses a folder that holds another run, or anything else", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "notes.txt"), "mine");
    expect((await netc(["run", smoke, "--out", folder])).errors).toContain("is not empty");
    const taken = join(folder, "taken");
    await mkdir(taken);
    await writeFile(join(taken, "config.yaml"), "");
    const { exitCode, errors } = await netc(["run", smoke, "--out", taken]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(`holds another run; continue that one with \`--resume --out ${taken}\``);
    expect(await readFile(join(folder, "notes.txt"), "utf8")).toBe("mine");
  });

  it("says which run it cannot find to resume", async () => {
    const folder = await temporaryFolder();
    const { exitCode, errors } = await netc(["run", smoke, "--resume"], { folder });
    expect(exitCode).toBe(1);
    expect(errors).toContain("there is no run of smoke under runs to resume");
  });

  it("stops where the numbers go wrong and says what to try", async () => {
    const folder = await temporaryFolder();
    const rate = "train.learning_rate={constant: {rate: 1000}}";
    const { exitCode, errors } = await netc(["run", smoke, "--out", folder, "--set", rate]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/the loss is (NaN|Infinity|-Infinity) at step \d+|the weights are no longer finite at step/);
    expect(errors).toContain("try a lower one");
    expect(errors).not.toContain("    at ");
  });
});
