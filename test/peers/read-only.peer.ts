// A run on a disk of its own that turns read-only under it, as disks do that have faults: a tmpfs, which only root can mount.
// Elsewhere the folder of checkpoints loses its permissions, which bind everyone but root.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { newestIn } from "../support/newest-in.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const netc = fileURLToPath(new URL("../../bin/netc.js", import.meta.url));
const smoke = fileURLToPath(new URL("../../configs/smoke.yaml", import.meta.url));
/** Long enough to be caught at work, with a checkpoint every few steps. */
const LONG = ["--set", "train.epochs=60", "--set", "train.checkpoints.every_steps=10"];

interface Disk {
  readonly folder: string;
  makeReadOnly(run: string): Promise<void>;
  makeWritable(run: string): void;
}

async function diskOfItsOwn(): Promise<Disk> {
  const folder = join(await temporaryFolder(), "disk");
  mkdirSync(folder);
  const isRoot = process.platform === "linux" && process.getuid?.() === 0;
  if (!isRoot || spawnSync("mount", ["-t", "tmpfs", "tmpfs", folder]).status !== 0) {
    return {
      folder,
      makeReadOnly: async (run) => chmodSync(runFolderAt(run).checkpoints, 0o500),
      makeWritable: (run) => chmodSync(runFolderAt(run).checkpoints, 0o700),
    };
  }
  onTestFinished(() => void execFileSync("umount", [folder]));
  const remount = (how: string): boolean => spawnSync("mount", ["-o", `remount,${how}`, folder]).status === 0;
  return {
    folder,
    makeReadOnly: async () => {
      while (!remount("ro")) await wait(5); // not while a file is open for writing
    },
    makeWritable: () => void remount("rw"),
  };
}

function begin(out: string, ...args: string[]) {
  const child = spawn(process.execPath, [netc, "run", smoke, "--out", out, ...LONG, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (text) => (errors += text));
  return new Promise<{ status: number | null; errors: string }>((resolve) => {
    child.on("close", (status) => resolve({ status, errors }));
  });
}

async function firstCheckpointIn(out: string): Promise<void> {
  const { checkpoints } = runFolderAt(out);
  while (!existsSync(checkpoints) || !readdirSync(checkpoints).some((name) => name.startsWith("step-"))) await wait(5);
}

describe("a disk that turns read-only under a run", () => {
  it("is said at once, training goes on to its end, and what was saved is whole", async () => {
    const disk = await diskOfItsOwn();
    const out = join(disk.folder, "run");
    const ending = begin(out);
    await firstCheckpointIn(out);
    await disk.makeReadOnly(out);
    const { status, errors } = await ending;
    expect(errors).toMatch(/could not be saved, training goes on: (EROFS|EACCES)/);
    expect(errors).toMatch(/the last state could not be saved: (EROFS|EACCES)/);
    expect(errors).not.toContain("    at ");
    expect(status).toBe(1);
    disk.makeWritable(out);
    const { checkpoint, broken } = await newestIn(out);
    expect(broken).toEqual([]);
    expect(checkpoint!.progress.step).toBeGreaterThan(0);
    expect(spawnSync(process.execPath, [netc, "run", smoke, "--out", out, ...LONG, "--resume"]).status).toBe(0);
  });

  it("ends the run where the file says so, with a checkpoint to go on from", async () => {
    const disk = await diskOfItsOwn();
    const out = join(disk.folder, "run");
    const ending = begin(out, "--set", "train.checkpoints.on_failure=stop");
    await firstCheckpointIn(out);
    await disk.makeReadOnly(out);
    const { status, errors } = await ending;
    expect(errors).toMatch(/could not be saved, training stops: (EROFS|EACCES)/);
    expect(status).toBe(1);
    disk.makeWritable(out);
    const { checkpoint } = await newestIn(out);
    expect(checkpoint!.progress.step).toBeLessThan(480);
  });

  it("is refused with a sentence before a run begins in it", async () => {
    const disk = await diskOfItsOwn();
    mkdirSync(runFolderAt(disk.folder).checkpoints);
    await disk.makeReadOnly(disk.folder);
    // Without a mount, the folder of checkpoints alone is read-only
    const out = join(runFolderAt(disk.folder).checkpoints, "run");
    const { status, stderr } = spawnSync(process.execPath, [netc, "run", smoke, "--out", out], { encoding: "utf8" });
    disk.makeWritable(disk.folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot be written: (the file system is read-only|.*permission)/);
    expect(stderr).not.toContain("    at ");
  });
});
