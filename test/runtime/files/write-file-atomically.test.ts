import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ignoreRefusedFlush,
  publishFolder,
  renameInTime,
  sweepTemporaries,
  temporaryName,
  writeFileAtomically,
} from "../../../src/runtime/files/write-file-atomically.js";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "netc-files-"))));
afterEach(() => rm(folder, { recursive: true }));

describe("writeFileAtomically", () => {
  it("writes a new file and replaces an old one, leaving nothing beside it", async () => {
    const path = join(folder, "state.json");
    await writeFileAtomically(path, "one");
    await writeFileAtomically(path, Uint8Array.of(50));
    expect(await readFile(path, "utf8")).toBe("2");
    expect(await readdir(folder)).toEqual(["state.json"]);
  });

  it("leaves the old one and no temporary file when the new one cannot take its place", async () => {
    const path = join(folder, "taken");
    await mkdir(path);
    await expect(writeFileAtomically(path, "new")).rejects.toMatchObject({ syscall: "rename" });
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  it("survives many writers at once: the file is always one of theirs, whole", async () => {
    const path = join(folder, "shared");
    const texts = Array.from({ length: 20 }, (_, writer) => String(writer).repeat(10_000));
    await Promise.all(texts.map((text) => writeFileAtomically(path, text)));
    expect(texts).toContain(await readFile(path, "utf8"));
    expect(await readdir(folder)).toEqual(["shared"]);
  });
});

describe("publishFolder", () => {
  it("moves a folder with its files to its place", async () => {
    await mkdir(join(folder, "draft"));
    await writeFile(join(folder, "draft", "a"), "1");
    await publishFolder(join(folder, "draft"), join(folder, "final"));
    expect(await readdir(folder)).toEqual(["final"]);
    expect(await readFile(join(folder, "final", "a"), "utf8")).toBe("1");
  });

  it("refuses a place that is taken by a folder with files", async () => {
    for (const name of ["draft", "final"]) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "a"), name);
    }
    await expect(publishFolder(join(folder, "draft"), join(folder, "final"))).rejects.toThrow();
    expect(await readFile(join(folder, "final", "a"), "utf8")).toBe("final");
  });
});

describe("sweepTemporaries", () => {
  it("removes what dead processes left, also one that had this one's number, and nothing of living ones", async () => {
    const dead = spawnSync(process.execPath, ["--version"]).pid;
    const own = temporaryName(join(folder, "a"));
    const left = [
      `.model.${dead}-0123abcd.tmp`,
      `.origins.json.${process.pid}-0123abcd.tmp`,
      `.step-00000001.${dead}.tmp`,
    ];
    const kept = [basename(own), `.b.${process.ppid}-0123abcd.tmp`, ".hidden", "x.tmp", `.c.${dead}-xyz.tmp`];
    for (const name of [...left, ...kept]) await mkdir(join(folder, name));
    await writeFile(join(folder, left[0]!, "weights"), "half");
    await sweepTemporaries(folder);
    expect((await readdir(folder)).sort()).toEqual(kept.toSorted());
    await sweepTemporaries(join(folder, "absent"));
  });
});
const refusal = (code: string) => Object.assign(new Error(code), { code });

describe("renameInTime", () => {
  const surroundings = (platform: NodeJS.Platform, codes: string[]) => {
    const waits: number[] = [];
    const rename = async () => {
      const code = codes.shift();
      if (code) throw refusal(code);
    };
    return { platform, rename, waits, sleep: async (milliseconds: number) => waits.push(milliseconds) };
  };

  it("tries again on Windows while another program has the file open", async () => {
    const windows = surroundings("win32", ["EPERM", "EBUSY", "EACCES"]);
    await renameInTime("a", "b", windows);
    expect(windows.waits).toEqual([10, 20, 50]);
  });

  it("gives up where that lasts, at once on another fault, and at once elsewhere", async () => {
    const lasting = surroundings("win32", Array<string>(20).fill("EBUSY"));
    await expect(renameInTime("a", "b", lasting)).rejects.toThrow("EBUSY");
    expect(lasting.waits).toHaveLength(7);
    await expect(renameInTime("a", "b", surroundings("win32", ["ENOENT"]))).rejects.toThrow("ENOENT");
    await expect(renameInTime("a", "b", surroundings("linux", ["EPERM"]))).rejects.toThrow("EPERM");
  });
});

describe("a folder's flush", () => {
  it.each(["EINVAL", "EPERM", "EISDIR", "ENOTSUP"])("may be refused by a file system that has none: %s", (code) => {
    expect(() => ignoreRefusedFlush(refusal(code))).not.toThrow();
  });

  it.each(["EIO", "ENOSPC", "EACCES"])("is a fault otherwise: %s", (code) => {
    expect(() => ignoreRefusedFlush(refusal(code))).toThrow(code);
  });
});

it("a temporary name fits where the name itself fits", () => {
  expect(Buffer.byteLength(temporaryName("é".repeat(127)))).toBeLessThanOrEqual(255);
  expect(Buffer.byteLength(temporaryName("猫".repeat(85)))).toBeLessThanOrEqual(255);
});
