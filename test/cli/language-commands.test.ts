// The commands about files, run in this process: what they print, what they write, and their exit codes.
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { register as registerCheck } from "../../src/cli/check/command.js";
import { register as registerDiff } from "../../src/cli/diff/command.js";
import { register as registerExplain } from "../../src/cli/explain/command.js";
import { register as registerInit } from "../../src/cli/init/command.js";
import { register as registerResolve } from "../../src/cli/resolve/command.js";
import { register as registerSchema } from "../../src/cli/schema/command.js";
import { register as registerSet } from "../../src/cli/set/command.js";

const configs = fileURLToPath(new URL("../../configs/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "netc-language-"));
const file = join(folder, "net.yaml");
const text = readFileSync(join(configs, "resnet-20.yaml"), "utf8");

beforeEach(() => writeFileSync(file, text));
afterAll(() => rmSync(folder, { recursive: true }));

it("check says that right files have no faults, and ends with 1 when one has", async () => {
  expect(await netc("check", file)).toEqual({ code: 0, out: `${file}: no faults\n`, err: "" });
  const { code, out } = await netc("check", file, join(folder, "none.yaml"));
  expect(code).toBe(1);
  expect(out).toContain("error file/not-found");
  expect(out).toContain(`${file}: no faults`);
});

it("check gives data that says where each fault is", async () => {
  const { out } = await netc("check", file, "--set", "train.epochs=no", "--format", "json");
  expect(JSON.parse(out)).toMatchObject({
    version: 1,
    errors: 1,
    files: [{ diagnostics: [{ path: ["train", "epochs"] }] }],
  });
});

it("resolve prints a file that resolves to itself", async () => {
  const { out } = await netc("resolve", file);
  writeFileSync(file, out);
  expect((await netc("resolve", file)).out).toBe(out);
  expect(JSON.parse((await netc("resolve", file, "--format", "json")).out)).toHaveProperty("train.batch_size", 128);
});

it("resolve --origins tells what set each value", async () => {
  const { out } = await netc("resolve", file, "--origins", "--set", "train.epochs=3");
  expect(out).toMatch(/train\.epochs: 3 +--set train\.epochs=3\n/);
  expect(out).toMatch(/train\.batch_size: 128 +\S+net\.yaml:\d+\n/);
  expect(out).toMatch(/seed: 0 +default\n/);
});

it("set changes one value, through a link, and keeps the file's mode", async () => {
  const link = join(folder, "link.yaml");
  symlinkSync(file, link);
  chmodSync(file, 0o640);
  expect(await netc("set", link, "train.batch_size=64")).toMatchObject({ code: 0, err: "" });
  expect(readFileSync(file, "utf8")).toBe(text.replace("batch_size: 128", "batch_size: 64"));
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder).sort()).toEqual(["link.yaml", "net.yaml"]);
});

it("set writes nothing when the file would be wrong, nor on a dry run", async () => {
  const wrong = await netc("set", file, "train.batch_size=64", "model.stages[1].projection=false");
  expect(wrong).toMatchObject({ code: 1, out: "" });
  expect(wrong.err).toContain("shape/residual-mismatch");
  const dry = await netc("set", file, "train.batch_size=64", "--dry-run");
  expect(dry.out).toContain("-   batch_size: 128\n+   batch_size: 64");
  expect(readFileSync(file, "utf8")).toBe(text);
});

it("set refuses what it cannot write back to, and shows a change of standard input on request", async () => {
  expect(await netc("set", "-", "train.epochs=3")).toMatchObject({ code: "usage" });
});

it("set says what a file that extends another does not have itself", async () => {
  const child = join(folder, "child.yaml");
  writeFileSync(child, "extends: net.yaml\nname: child # mine\n");
  expect(await netc("set", child, "train.epochs=3")).toMatchObject({ code: 0 });
  expect(readFileSync(child, "utf8")).toBe("extends: net.yaml\nname: child # mine\ntrain: {epochs: 3}\n");
  const refused = await netc("set", child, "model.stages[0].blocks=2");
  expect(refused.err).toContain("but the file has nothing there");
  expect(refused.err).toContain("set the whole list");
  rmSync(child);
});

it("set takes a key's other name on the command line for a slip, not for a second value", async () => {
  const { code, err } = await netc("set", file, "train.lr=0.2");
  expect(code).toBe(1);
  expect(err).toContain("hint: write `learning_rate`");
  expect(err).toContain("  set | train.lr=0.2\n");
});

it("set keeps anchors and aliases, and refuses an edit that would have to lose them", async () => {
  const shared = "extends: net.yaml\nmodel:\n  stages:\n    - &first { channels: 16, blocks: 1 }\n    - *first\n";
  const child = join(folder, "shared.yaml");
  writeFileSync(child, shared);
  expect((await netc("set", child, "model.stages[0].blocks=2")).err).toContain("an anchor or a merge shares it");
  expect(readFileSync(child, "utf8")).toBe(shared);
  expect(await netc("set", child, "model.stages[1].blocks=2")).toMatchObject({ code: 0 });
  expect(readFileSync(child, "utf8")).toBe(shared.replace("*first", "{channels: 16, blocks: 2}"));
  rmSync(child);
});

it("set changes what a file extends, and shows the faults of what comes of it", async () => {
  const child = join(folder, "child.yaml");
  writeFileSync(child, "extends: net.yaml\nmodel: { stem: { channels: 16 } }\n");
  expect((await netc("set", child, "extends=netc:smoke")).err).toContain("shape/residual-mismatch");
  expect(await netc("set", child, "extends=netc:resnet-20")).toMatchObject({ code: 0 });
  expect(readFileSync(child, "utf8")).toContain("extends: netc:resnet-20\n");
  rmSync(child);
});

it("set without anything to set is wrong usage", async () => {
  expect(await netc("set", file)).toMatchObject({ code: "usage" });
});

it("diff compares meanings: a longer way to say the same is no difference", async () => {
  const other = join(folder, "other.yaml");
  writeFileSync(other, (await netc("resolve", file)).out);
  expect((await netc("diff", file, other)).out).toBe("both files mean the same\n");
  await netc("set", other, "model.stages[0].channels=24", "model.stages[0].projection=true");
  const { out } = await netc("diff", file, other);
  expect(out).toMatch(/^model\.stages\.0\.channels\n {2}- 16 \(.*net\.yaml:\d+\)\n {2}\+ 24 \(.*other\.yaml:\d+\)/);
  expect(out).toMatch(/parameters: [\d,]+ → [\d,]+\n/);
  expect(out).toMatch(/layers added: 2 \(stages\.0\.blocks\.0\.projection\.conv/);
  rmSync(other);
});

it("init writes a preset that has no faults, and overwrites nothing", async () => {
  const out = join(folder, "new.yaml");
  expect((await netc("init", "--list")).out).toMatch(/^smoke {2,}\S/m);
  const starter = await netc("init", "--out", "-");
  expect(starter.code).toBe(0);
  expect(starter.out).toContain("# A small residual network");
  expect(await netc("init", "smoke", "--out", out)).toMatchObject({ code: 0 });
  expect((await netc("check", out)).code).toBe(0);
  expect(readFileSync(out, "utf8")).toMatch(/^# yaml-language-server: \$schema=\.\S*schema\/netc\.schema\.json\n/);
  expect((await netc("init", "smoke", "--out", out)).code).toBe(1);
  expect(await netc("init", "somke")).toMatchObject({
    code: "usage",
    err: expect.stringContaining("did you mean smoke?"),
  });
  rmSync(out);
});

it("explain tells a key's meaning and its value in a file", async () => {
  const { out } = await netc("explain", "model.stages[].stride", file);
  expect(out).toMatch(/^model\.stages\[\]\.stride\n/);
  expect(out).toMatch(/model\.stages\.1\.stride: 2 +\S+net\.yaml:\d+/);
  expect((await netc("explain", "model.stages[7].stride", file)).out).toContain("there is no such item");
  expect(await netc("explain", "train.lr")).toMatchObject({ code: "usage" });
});

it("explain shows for every key and option a line that could stand in a file", async () => {
  expect((await netc("explain", "train.optimizer.adam.eps")).out).toContain("example  eps: 1e-8\n");
  expect((await netc("explain", "train.optimizer.sgd")).out).toContain("example  {sgd: {momentum: 0.9}}\n");
  expect((await netc("explain", "model.stages[1]")).out).toContain("example  - {channels: 16, blocks: 3}\n");
});

it("schema prints the schema that ships", async () => {
  expect((await netc("schema")).out).toBe(readFileSync(join(configs, "../schema/netc.schema.json"), "utf8"));
});

async function netc(...args: string[]): Promise<{ code: number | string; out: string; err: string }> {
  let [out, err] = ["", ""];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    const program = new Command("netc").exitOverride();
    const registers = [
      registerCheck,
      registerDiff,
      registerExplain,
      registerInit,
      registerResolve,
      registerSchema,
      registerSet,
    ];
    for (const register of registers) register(program);
    await program.parseAsync(args, { from: "user" });
    return { code: process.exitCode ?? 0, out, err };
  } catch (error) {
    if ((error as { code?: string }).code !== "commander.error") throw error;
    return { code: "usage", out, err };
  } finally {
    process.exitCode = before;
    stdout.mockRestore();
    stderr.mockRestore();
  }
}
