import { spawnSync } from "node:child_process";
import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import {
  createDatedRunFolder,
  createRunFolder,
  newestRunFolder,
  readRunConfig,
  readRunKernels,
  runFolderAt,
  sweepRunFolder,
  whileLocked,
  writeRunKernels,
} from "../../../src/runtime/run/run-folder.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { tinyConfig } from "../../support/tiny-config.js";

const NOON = new Date(2026, 7, 1, 12, 0, 5);

describe("createDatedRunFolder", () => {
  it("is named for the network and the time, and numbered where two begin in one second", async () => {
    const parent = join(await temporaryFolder(), "runs");
    await createDatedRunFolder(parent, tinyConfig(), NOON);
    await createDatedRunFolder(parent, tinyConfig(), NOON);
    expect((await readdir(parent)).sort()).toEqual(["tiny-20260801-120005", "tiny-20260801-120005-2"]);
  });

  it("makes a file name of any network's name", async () => {
    const parent = await temporaryFolder();
    await createDatedRunFolder(parent, tinyConfig({ name: "../net 96×96/β" }), NOON);
    expect(await readdir(parent)).toEqual(["net-96-96-β-20260801-120005"]);
  });

  it("lets no control character, line end or slash of a name into the folder's, and cuts a long one", async () => {
    const parent = await temporaryFolder();
    const name = "a\u001b[31m\r\n\u0000\u202e/../b" + "x".repeat(400);
    const { path } = await createDatedRunFolder(parent, tinyConfig({ name }), NOON);
    expect(basename(path)).toMatch(/^a-31m-\.\.-bx{80,100}-[0-9a-f]{8}-20260801-120005$/);
  });

  it("keeps the resolved configuration, which compiles to the same again", async () => {
    const folder = await createDatedRunFolder(await temporaryFolder(), tinyConfig(), NOON);
    expect(compileText(await readRunConfig(folder), folder.config).value?.config).toEqual(tinyConfig());
  });
});

describe("readRunKernels", () => {
  it("gives what was written, and nothing where the run had not chosen yet", async () => {
    const folder = runFolderAt(await temporaryFolder());
    expect(await readRunKernels(folder)).toBeUndefined();
    await writeRunKernels(folder, { "3×3, forward": "direct" });
    expect(await readRunKernels(folder)).toEqual({ "3×3, forward": "direct" });
  });

  it.each(["{", "[]", "null", '{ "3×3, forward": 1 }'])("refuses a file that holds %s", async (text) => {
    const folder = runFolderAt(await temporaryFolder());
    await writeFile(folder.kernels, text);
    await expect(readRunKernels(folder)).rejects.toThrow(
      /kernels\.json is damaged, .*; remove it to begin the run again/,
    );
  });
});

describe("newestRunFolder", () => {
  it("finds the newest run of the name and of no other", async () => {
    const parent = await temporaryFolder();
    const names = [
      "tiny-20260801-120005",
      "tiny-20260801-120005-2",
      "tiny-20260801-120005-10",
      "tiny-more-20270101-000000",
    ];
    for (const name of names) await mkdir(join(parent, name));
    expect((await newestRunFolder(parent, "tiny")).path).toBe(join(parent, "tiny-20260801-120005-10"));
  });
});

describe("the run that was begun last", () => {
  const begun = async (parent: string, name: string, time: string) => {
    await mkdir(join(parent, name));
    const versions = { netc: "1", node: "1", engine: "1" };
    const start = { event: "start", step: 0, time, engine: "wasm", versions };
    await writeFile(join(parent, name, "events.jsonl"), JSON.stringify(start) + "\n");
  };

  it("is that by the logs, whatever the clocks on the wall said", async () => {
    const parent = await temporaryFolder();
    await begun(parent, "tiny-20260801-210000", "2026-08-01T12:00:00.000Z"); // Tokyo
    await begun(parent, "tiny-20260801-080010", "2026-08-01T12:00:10.000Z"); // New York
    expect((await newestRunFolder(parent, "tiny")).path).toBe(join(parent, "tiny-20260801-080010"));
    await begun(parent, "tiny-20261101-015500", "2026-11-01T05:55:00.000Z"); // the hour that comes twice
    await begun(parent, "tiny-20261101-010500", "2026-11-01T06:05:00.000Z");
    expect((await newestRunFolder(parent, "tiny")).path).toBe(join(parent, "tiny-20261101-010500"));
  });

  it("is not guessed where a log cannot be read", async () => {
    const parent = await temporaryFolder();
    await begun(parent, "tiny-20260801-210000", "2026-08-01T12:00:00.000Z");
    const loop = join(parent, "tiny-20260801-080010");
    await symlink(loop, loop);
    await expect(newestRunFolder(parent, "tiny")).rejects.toThrow(/cannot be read \(ELOOP/);
  });

  it("is found by a long name, cut or as a whole, and not by another that begins alike", async () => {
    const parent = await temporaryFolder();
    const name = "β".repeat(100);
    const whole = join(parent, `${name}-20260801-120005`);
    await mkdir(whole);
    expect((await newestRunFolder(parent, name)).path).toBe(whole);
    const folder = await createDatedRunFolder(parent, tinyConfig({ name }), NOON);
    await createDatedRunFolder(parent, tinyConfig({ name: `${name}γ` }), NOON);
    expect(Buffer.byteLength(basename(folder.path))).toBeLessThan(140);
    expect((await newestRunFolder(parent, name)).path).toBe(folder.path);
  });
});

describe("sweepRunFolder", () => {
  it("removes what dead processes left in the folder and in its checkpoints, and locks that were put aside", async () => {
    const folder = runFolderAt(await temporaryFolder());
    const dead = spawnSync(process.execPath, ["--version"]).pid;
    const living = `.model.${process.ppid}-0123abcd.tmp`;
    await mkdir(folder.checkpoints);
    const left = [
      `.model.${dead}-0123abcd.tmp`,
      `checkpoints/.step-00000009.${dead}-0123abcd.tmp`,
      ".lock.dead-0123abcd",
    ];
    for (const name of [...left, living]) await mkdir(join(folder.path, name));
    await sweepRunFolder(folder);
    expect((await readdir(folder.path)).sort()).toEqual([living, "checkpoints"]);
    expect(await readdir(folder.checkpoints)).toEqual([]);
  });
});

describe("createRunFolder", () => {
  it("takes an empty folder, and one that holds only what a killed process left", async () => {
    const path = await temporaryFolder();
    await writeFile(join(path, ".config.yaml.1-ab.tmp"), "half");
    const folder = await createRunFolder(path, tinyConfig());
    expect(await readFile(folder.config, "utf8")).toContain("name: tiny");
  });

  it("cuts a long name, and tells it from another that begins alike", async () => {
    const parent = await temporaryFolder();
    const [one, other] = ["猫".repeat(300), `${"猫".repeat(299)}x`];
    const made = await createDatedRunFolder(parent, tinyConfig({ name: one }), new Date());
    expect(Buffer.byteLength(basename(made.path))).toBeLessThan(255);
    expect((await newestRunFolder(parent, one)).path).toBe(made.path);
    await expect(newestRunFolder(parent, other)).rejects.toThrow(/there is no run of/);
  });

  it("says in one sentence that a folder cannot be made", async () => {
    const path = await temporaryFolder();
    await writeFile(join(path, "file"), "");
    await expect(createRunFolder(join(path, "file", "run"), tinyConfig())).rejects.toThrow(
      /run cannot be made: .*file is not a folder$/,
    );
  });
});

describe("whileLocked", () => {
  it("keeps a second process out and says who is in", async () => {
    const folder = runFolderAt(await temporaryFolder());
    await whileLocked(folder, async () => {
      await expect(whileLocked(folder, async () => {})).rejects.toThrow(
        `${folder.path} is in use by process ${process.pid}`,
      );
    });
    expect(await whileLocked(folder, async () => "free again")).toBe("free again");
  });
});
