import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../src/cli/screen/errors.js";
import { UserError } from "../../src/runtime/process/user-error.js";
import { netc } from "../support/netc.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const smoke = fileURLToPath(new URL("../../configs/smoke.yaml", import.meta.url));

describe("netc", () => {
  it.each([
    ["--version", /^\d+\.\d+\.\d+\n$/],
    ["--help", /^Usage: netc/],
    ["run --help", /--max-steps/],
    ["graph --help", /--format/],
    ["doctor --help", /what is missing/],
  ])("answers %s on standard output and ends well", async (args, text) => {
    const { exitCode, output, errors } = await netc(args.split(" "));
    expect(output).toMatch(text);
    expect(errors).toBe("");
    expect(exitCode).toBe(0);
  });

  it.each([
    ["an unknown command", "rnu", /unknown command 'rnu'/],
    ["an unknown option", "run file.yaml --bogus", /unknown option '--bogus'/],
    ["a missing file name", "run", /missing required argument 'file'/],
    ["a value that is no number", "run file.yaml --max-steps many", /whole number from 1/],
    ["an unknown engine", "run file.yaml --engine steam", /Allowed choices are auto, wasm/],
    ["no command", "", /Usage: netc/],
  ])("calls %s wrong usage", async (_, args, message) => {
    const { exitCode, output, errors } = await netc(args.split(" ").filter(Boolean));
    expect(errors).toMatch(message);
    expect(output).toBe("");
    expect(exitCode).toBe(2);
  });

  it.each([
    ["train net.yaml", "hint: `netc run net.yaml`"],
    ["version", "hint: `netc --version`"],
    ["run net.yaml --epochs 3", "hint: here that is --set train.epochs=3"],
    ["run net.yaml --batch_size=64", "hint: here that is --set train.batch_size=64"],
    ["run net.yaml --lr", "hint: here that is --set train.learning_rate=VALUE"],
    ["run net.yaml --amp", "hint: here that is --set train.precision=bfloat16"],
  ])("says what `%s`, typed from habit, is called here", async (args, hint) => {
    const { exitCode, errors } = await netc(args.split(" "));
    expect(errors.split("\n")).toContain(hint);
    expect(exitCode).toBe(2);
  });

  it("shows a hostile value of such an option as a shell would need it, on one line", async () => {
    const { errors } = await netc(["run", "net.yaml", "--epochs", "3;\u001b[2J\nrm -rf ~"]);
    expect(errors.split("\n")[1]).toMatch(/^hint: here that is --set \$?'train\.epochs=3;/);
    expect(errors).not.toContain("\u001b");
  });

  it("takes the name of a network that comes with netc for a file, where there is none of that name", async () => {
    expect((await netc(["check", "resnet-20"])).output).toBe("netc:resnet-20: no faults\n");
    expect((await netc(["check", "netc:resnet-20"])).exitCode).toBe(0);
    expect((await netc(["check", "resnet-21"])).output).toContain("netc brings one along: resnet-20");
    const { exitCode, errors } = await netc(["set", "resnet-20", "train.epochs=3"]);
    expect(errors).toContain("`netc init resnet-20` makes a file of it to change");
    expect(exitCode).toBe(1);
  });

  it("completes commands, options and their choices for a shell", async () => {
    expect((await netc(["complete", "--", "ru"])).output).toMatch(/^run\ttrain the network of a file\nruns\tlist runs/);
    expect((await netc(["complete", "--", "run", "--max"])).output).toContain("--max-steps");
    expect((await netc(["complete", "--", "run", "x.yaml", "--engine", ""])).output).toContain("tfjs-node");
    for (const shell of ["bash", "zsh", "fish"]) {
      expect((await netc(["complete", shell])).output).toContain("netc complete --");
    }
  });

  it("prints data with --json wherever --format json does", async () => {
    for (const args of [["graph", smoke], ["doctor"], ["runs"], ["check", smoke]]) {
      const { output } = await netc([...args, "--json"]);
      expect(() => JSON.parse(output)).not.toThrow();
    }
  });

  it("ends with 1 and a diagnostic where the file has errors", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "bad.yaml"), "name: bad\nmodel: {stages: [{chanels: 8}]}\n");
    for (const command of ["run", "graph"]) {
      const { exitCode, errors } = await netc([command, "bad.yaml"], { folder });
      expect(errors).toContain("chanels");
      expect(errors).toContain("bad.yaml:2:");
      expect(exitCode).toBe(1);
    }
  });

  it("ends with 1 where there is no such file", async () => {
    const { exitCode, errors } = await netc(["run", "absent.yaml"]);
    expect(errors).toContain("there is no file at absent.yaml");
    expect(exitCode).toBe(1);
  });

  it("looks at the machine and says that it can train", async () => {
    const { exitCode, output } = await netc(["doctor"]);
    expect(output).toMatch(/^ok {2}node +v/m);
    expect(output).toMatch(/^ok {2}engine wasm/m);
    expect(output).toContain("netc can train here.");
    expect(exitCode).toBe(0);
  });
});

describe("netc graph", () => {
  it("prints a table without colour codes and without broken lines when piped", async () => {
    const { output, exitCode } = await netc(["graph", smoke], { environment: { COLUMNS: "40" } });
    expect(exitCode).toBe(0);
    const lines = output.split("\n");
    expect(lines[0]).toMatch(/^layer +operation +output +parameters +multiply-adds +activation bytes$/);
    expect(lines.find((line) => line.startsWith("stem.conv "))).toMatch(/conv2d +16×16×8 +216 +55,296 +524,288$/);
    expect(output).toMatch(/peak training memory \d/);
    // oxlint-disable-next-line no-control-regex
    expect(output).not.toMatch(/[\u001b\r]/);
  });

  it("gives the same as data", async () => {
    const { output } = await netc(["graph", smoke, "--format", "json"]);
    const { layers, totals } = JSON.parse(output);
    expect(layers[1]).toMatchObject({ name: "stem.conv", parameters: 216, multiplyAdds: 55_296 });
    expect(totals.parameters).toBe(
      layers.reduce((sum: number, { parameters }: { parameters: number }) => sum + parameters, 0),
    );
    expect(totals.peakTrainingMemoryBytes).toBeGreaterThan(0);
  });

  it("prints the training step, kernel call by kernel call", async () => {
    const { output } = await netc(["graph", smoke, "--step"]);
    expect(output).toMatch(/^step for 64 images: \d+ kernel calls/);
    expect(output).toContain("# stages.0.blocks.0.conv1");
  });

  it("prints the evaluation's step, where convolutions end with their ReLU", async () => {
    const { output } = await netc(["graph", smoke, "--step", "evaluate"]);
    expect(output).toMatch(/^step for \d+ images: \d+ kernel calls/);
    expect(output).toContain("fold_batch_norm  # stem.norm");
    expect(output).toContain("relu=1");
    expect(output).not.toContain("batch_norm_inference");
  });
});

describe("failureOf", () => {
  it("gives a user's fault in one sentence", () => {
    expect(failureOf(new UserError("the disk is full"))).toEqual({
      message: "error: the disk is full",
      exitCode: 1,
    });
  });

  it("knows what the file system can say", () => {
    const fault = Object.assign(new Error("ENOSPC: no space left"), {
      code: "ENOSPC",
      path: "/data/x",
    });
    expect(failureOf(fault)).toEqual({ message: "error: the disk is full: /data/x", exitCode: 1 });
  });

  it("owns up to everything else and keeps the stack trace in a file", async () => {
    const { message, exitCode } = failureOf(new Error("netc bug: odd"));
    expect(exitCode).toBe(70);
    expect(message).toMatch(/^this is a bug in netc: odd\n/);
    expect(message).not.toContain("    at ");
    const [path] = /\S+netc-bug-\S+\.txt/.exec(message)!;
    expect(await readFile(path, "utf8")).toContain("main.test.ts");
    await rm(path);
  });
});
