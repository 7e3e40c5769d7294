import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readBase } from "../../../src/runtime/source/read-base.js";
import { readSource } from "../../../src/runtime/source/read-source.js";
import { programOf } from "../../support/tiny-run.js";
import { readCheckpoint } from "../../../src/runtime/run/checkpoint.js";
import { readPlainFile, readPlainFileSync } from "../../../src/runtime/files/read-plain-file.js";
import { requireWholeLibrary } from "../../../src/runtime/engines/native/require-whole-library.js";
import { readBeginning } from "../../../src/runtime/run/event-log.js";
import { withLock } from "../../../src/runtime/files/with-lock.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

it("reads a file, and says what the system says of one that is not there", async () => {
  const path = join(folder, "x");
  await writeFile(path, "text");
  expect([String(await readPlainFile(path)), String(readPlainFileSync(path))]).toEqual(["text", "text"]);
  await expect(readPlainFile(`${path}y`)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(readPlainFile(folder)).rejects.toMatchObject({ code: "EISDIR" });
});

describe.skipIf(process.platform === "win32")("what is no plain file", () => {
  it("is named and not waited for: a pipe that nobody writes to, a device without an end, a socket", async () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await expect(readPlainFile(join(folder, "pipe"))).rejects.toThrow(/^is a named pipe, expected a file$/);
    expect(() => readPlainFileSync(join(folder, "pipe"))).toThrow(/^is a named pipe/);
    await expect(readPlainFile("/dev/zero")).rejects.toThrow(/^is a device, expected a file$/);
    const server = createServer().listen(join(folder, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await expect(readPlainFile(join(folder, "socket"))).rejects.toThrow(/^is a socket, expected a file$/);
    server.close();
  });

  it("is named as FILE, as what a file extends, and as a part of a checkpoint", async () => {
    const [pipe, manifest] = [join(folder, "pipe.yaml"), join(folder, "manifest.json")];
    execFileSync("mkfifo", [pipe, manifest]);
    expect((await readSource(pipe)).diagnostics[0]!.message).toBe(`${pipe} is a named pipe, expected a file`);
    const base = readBase(pipe, { name: join(folder, "x.yaml"), text: "" });
    expect(base.diagnostics[0]!.message).toBe(`${pipe} is a named pipe, expected a file`);
    expect(await readCheckpoint(folder, programOf())).toMatchObject({
      reason: expect.stringContaining("is a named pipe"),
    });
  });

  it("nor as a log, the owner of a lock or a library", async () => {
    const [log, owner] = [join(folder, "events.jsonl"), join(folder, "lock", "owner.json")];
    await mkdir(dirname(owner));
    execFileSync("mkfifo", [log, owner]);
    await expect(readBeginning(log)).rejects.toThrow(`${log} is a named pipe, expected a file`);
    const locked = withLock(dirname(owner), async () => undefined, { onWait: () => undefined });
    await expect(locked).rejects.toThrow(`${owner} is a named pipe, expected a file`);
    expect(() => requireWholeLibrary(log)).toThrow(/^is a named pipe/);
  });
});
