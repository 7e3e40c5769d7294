import { appendFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readRun } from "../../../src/runtime/run/read-run.js";
import { runFolderAt, whileLocked } from "../../../src/runtime/run/run-folder.js";
import { FakeSession } from "../../support/fake-session.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { programOf, runTiny } from "../../support/tiny-run.js";

describe("netc runs", () => {
  it("lists every run with its state and result, and nothing that is no run", async () => {
    const parent = await temporaryFolder();
    for (const name of ["whole", "part", "other"]) await mkdir(join(parent, name));
    await runTiny(join(parent, "whole"), programOf());
    await runTiny(join(parent, "part"), programOf(), { maxSteps: 5 });
    await writeFile(join(parent, "other", "config.yaml"), "");
    const { exitCode, output } = await netc(["runs", parent]);
    expect(exitCode).toBe(0);
    expect(output.split("\n")).toHaveLength(4);
    expect(output).toMatch(/^whole +tiny +finished +12 of 12 +\d+\.\d\d% +\d+\.\d\d% /m);
    expect(output).toMatch(/^part +tiny +stopped +5 of 12 /m);
  });

  it("gives the same as data", async () => {
    const parent = await temporaryFolder();
    await mkdir(join(parent, "whole"));
    await runTiny(join(parent, "whole"), programOf());
    const { output } = await netc(["runs", parent, "--format", "json"]);
    expect(JSON.parse(output)).toMatchObject([
      { name: "tiny", state: "finished", step: 12, steps: 12, engine: "fake" },
    ]);
  });

  it("says where there is none yet", async () => {
    const { exitCode, output } = await netc(["runs"], { folder: await temporaryFolder() });
    expect(exitCode).toBe(0);
    expect(output).toBe("there is no run under runs; `netc run FILE` starts one\n");
  });

  it("says how to show a run that is named itself", async () => {
    const folder = await temporaryFolder();
    for (const name of ["config.yaml", "events.jsonl"]) await writeFile(join(folder, name), "");
    const { output } = await netc(["runs", folder]);
    expect(output).toBe(`${folder} is a run itself; \`netc runs show ${folder}\` tells all of it\n`);
  });

  it("lists all that it can and names what it cannot", async () => {
    const parent = await temporaryFolder();
    const names = ["good", "odd", "folder", "binary", "loop"];
    for (const name of names.slice(0, 4)) {
      await mkdir(join(parent, name));
      await runTiny(join(parent, name), programOf());
    }
    const odd = ["null", "5", "[]", '{"event":"step"}', '{"event":"start","step":0,"time":5}', "{", "\u0000\u0001"];
    await appendFile(join(parent, "odd", "events.jsonl"), odd.join("\n") + "\n");
    await rm(join(parent, "folder", "config.yaml"));
    await mkdir(join(parent, "folder", "config.yaml"));
    await writeFile(join(parent, "binary", "config.yaml"), Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80]));
    await symlink(join(parent, "loop"), join(parent, "loop"));

    const { exitCode, output, errors } = await netc(["runs", parent]);
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^good +tiny +finished /m);
    expect(output).toMatch(/^odd +tiny +finished +12 of 12 /m);
    expect(output).toMatch(/^binary /m);
    expect(errors).toMatch(/odd\/events\.jsonl: lines \d+, \d+, \d+, \d+, \d+ and 2 more are no events and are left out/);
    expect(errors).toContain("binary/config.yaml cannot be read by this version of netc: ");
    expect(errors).toMatch(/not listed: .*folder\/config\.yaml is a folder, expected a file/);
    expect(errors).toMatch(/not listed: .*loop cannot be read \(ELOOP/);
    expect(errors.trim().split("\n")).toHaveLength(4);
    const { output: json } = await netc(["runs", parent, "--format", "json"]);
    expect(JSON.parse(json)).toHaveLength(3);
    for (const name of ["odd", "binary"]) expect((await netc(["runs", "show", join(parent, name)])).exitCode).toBe(0);
  });

  it("shows one run: state, figures, a line an epoch, curves and checkpoints", async () => {
    const folder = await temporaryFolder();
    await runTiny(folder, programOf());
    const { exitCode, output } = await netc(["runs", "show", folder]);
    expect(exitCode).toBe(0);
    expect(output).toContain("  state       finished: trained to the end of its plan");
    expect(output).toContain("  checkpoints step-00000008, step-00000012");
    expect(output.match(/^ +\d+ +\d+\.\d{4} /gm)).toHaveLength(3);
    expect(output).toContain("┤");
  });

  it("refuses a folder that holds no run", async () => {
    const { exitCode, errors } = await netc(["runs", "show", await temporaryFolder()]);
    expect(exitCode).toBe(1);
    expect(errors).toContain("holds no run");
  });
});

describe("the state of a run", () => {
  it("is running while a process holds its folder, and killed where one left no word", async () => {
    const path = await temporaryFolder();
    const session = new FakeSession(programOf());
    session.before = () => {
      if (session.steps.length === 7) throw new Error("killed");
    };
    await runTiny(path, programOf(), {}, session).catch(() => {});
    const folder = runFolderAt(path);
    expect((await readRun(folder)).state).toBe("killed");
    await whileLocked(folder, async () => {
      expect((await readRun(folder)).state).toBe("running");
    });
  });

  it("is that of the newest resumption", async () => {
    const path = await temporaryFolder();
    await runTiny(path, programOf(), { maxSteps: 5 });
    expect((await readRun(runFolderAt(path))).state).toBe("stopped");
    await runTiny(path, programOf());
    expect((await readRun(runFolderAt(path))).state).toBe("finished");
  });
});
