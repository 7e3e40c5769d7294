import { execFile } from "node:child_process";
import { chmod, lstat, mkdir, open, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { placeForFolder, refuseUnwritable, writeOutput } from "../../../src/runtime/files/output-file.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await temporaryFolder();
  await Promise.all([writeFile(at("file"), "old"), mkdir(at("empty"))]);
});

describe("writeOutput", () => {
  it("replaces a plain file as a whole and keeps its permissions", async () => {
    await chmod(at("file"), 0o640);
    const { ino } = await stat(at("file"));
    await writeOutput(at("file"), "new");
    expect(await readFile(at("file"), "utf8")).toBe("new");
    const after = await stat(at("file"));
    expect(after.ino).not.toBe(ino);
    expect(after.mode & 0o777).toBe(0o640);
    expect((await readdir(folder)).toSorted()).toEqual(["empty", "file"]);
  });

  it("writes the file that a chain of links leads to, and makes one that is not there yet", async () => {
    await symlink("file", at("link"));
    await symlink("link", at("chain"));
    await symlink("empty/made", at("dangling"));
    await writeOutput(at("chain"), "new");
    await writeOutput(at("dangling"), "made");
    expect(await readFile(at("file"), "utf8")).toBe("new");
    expect(await readFile(at("empty/made"), "utf8")).toBe("made");
    for (const name of ["link", "chain", "dangling"]) expect((await lstat(at(name))).isSymbolicLink()).toBe(true);
  });

  it.skipIf(process.platform === "win32")("writes into a pipe all that its reader takes", async () => {
    await promisify(execFile)("mkfifo", [at("pipe")]);
    const text = "line\n".repeat(50_000); // more than a pipe holds
    const [read] = await Promise.all([readFile(at("pipe"), "utf8"), writeOutput(at("pipe"), text)]);
    expect(read).toBe(text);
    expect((await lstat(at("pipe"))).isFIFO()).toBe(true);
  });

  it.skipIf(process.platform === "win32")("writes into a device and what the process has open", async () => {
    await writeOutput("/dev/null", "new");
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    const file = await open(at("file"), "r+");
    const { ino } = await file.stat();
    await writeOutput(`/dev/fd/${file.fd}`, "new");
    await file.close();
    expect(await readFile(at("file"), "utf8")).toBe("new");
    expect((await stat(at("file"))).ino).toBe(ino);
  });
});

describe("a place that cannot be written is refused beforehand", () => {
  it.each([
    ["a folder", "empty", /empty is a folder; name a file in it$/],
    ["a name that ends as a folder's", "new/", /new\/ names a folder; name a file in it$/],
    ["a missing folder", "no/such/file", /file cannot be written: there is no folder .*such; make it first$/],
    ["a file for a folder", "file/new", /new cannot be written: .*file is not a folder$/],
    ["a link in a circle", "circle", /circle cannot be written: the links form a cycle$/],
    [
      "a link into a missing folder",
      "dangling",
      /dangling cannot be written: there is no folder .*gone; make it first$/,
    ],
    ["a name that is too long", "x".repeat(300), /x cannot be written: the name is too long$/],
  ])("%s", async (_, name, sentence) => {
    await symlink("circle", at("circle"));
    await symlink("gone/file", at("dangling"));
    await expect(refuseUnwritable(at(name))).rejects.toThrow(sentence);
    await expect(writeOutput(at(name), "new")).rejects.toThrow(sentence);
  });

  it.each([
    ["a file", "file", /file is a file; name a new folder$/],
    ["a folder in a file", "file/a/b", /b cannot be made: .*file is not a folder$/],
    ["a folder that holds something", "full", /full is not empty; name a new folder$/],
    ["a link to nothing", "dangling", /dangling is a link to a folder that does not exist; make .*gone first$/],
  ])("for a new folder: %s", async (_, name, sentence) => {
    await mkdir(at("full/inner"), { recursive: true });
    await symlink("gone", at("dangling"));
    await expect(placeForFolder(at(name))).rejects.toThrow(sentence);
  });

  it("and a new folder is placed where links lead", async () => {
    await symlink("empty", at("link"));
    expect(await placeForFolder(at("link"))).toBe(await placeForFolder(at("empty")));
    expect(await placeForFolder(at("a/b/c"))).toBe(at("a/b/c"));
  });
});
