// A run on a disk of its own that fills up, and in a folder that turns read-only: a small tmpfs, which only root can mount.
// Elsewhere the limit on the size of files that every shell has (ulimit -f) stands for the full disk.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { newestIn } from "../support/newest-in.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const netc = fileURLToPath(new URL("../../bin/netc.js", import.meta.url));
const smoke = fileURLToPath(new URL("../../configs/smoke.yaml", import.meta.url));
const often = ["--set", "train.checkpoints.every_steps=2"];

function run(args: readonly string[], limit = "unlimited") {
  const command = `ulimit -f ${limit}; exec "$@"`;
  const { status, stderr } = spawnSync("bash", ["-c", command, "bash", process.execPath, netc, "run", smoke, ...args], {
    encoding: "utf8",
  });
  return { status, stderr };
}

function mountedDisk(folder: string, kilobytes: number): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  mkdirSync(folder);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", folder]);
  if (status === 0) onTestFinished(() => void execFileSync("umount", [folder]));
  return status === 0;
}

describe("a disk that fills up", () => {
  it("is said at once, training goes on, and what was saved stays whole", async () => {
    const parent = await temporaryFolder();
    const disk = join(parent, "disk");
    const isMounted = mountedDisk(disk, 400);
    const out = join(isMounted ? disk : parent, "run");
    if (isMounted) run(["--out", out, "--max-steps", "4", ...often]);
    else run(["--out", out, "--max-steps", "4", ...often]);
    const before = await newestIn(out);
    expect(before.checkpoint?.progress.step).toBe(4);

    if (isMounted) fill(join(disk, "filler"));
    const failed = run(["--out", out, "--resume", ...often], isMounted ? "unlimited" : "1");
    expect(failed.stderr).toMatch(/could not be saved, training goes on: (ENOSPC|EFBIG)/);
    expect(failed.stderr).not.toContain("    at ");
    const after = await newestIn(out);
    expect(after.broken).toEqual([]);
    expect(after.checkpoint?.state).toEqual(before.checkpoint?.state);
    expect(readdirSync(runFolderAt(out).checkpoints).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("ends the run where the file says so", async () => {
    const parent = await temporaryFolder();
    const disk = join(parent, "disk");
    const isMounted = mountedDisk(disk, 400);
    const out = join(isMounted ? disk : parent, "run");
    const stops = ["--set", "train.checkpoints.on_failure=stop"];
    run(["--out", out, "--max-steps", "4", ...often, ...stops]);
    if (isMounted) fill(join(disk, "filler"));
    const { status, stderr } = run(["--out", out, "--resume", ...often, ...stops], isMounted ? "unlimited" : "1");
    expect(status).toBe(1);
    expect(stderr).toMatch(/could not be saved, training stops: (ENOSPC|EFBIG)/);
    expect((await newestIn(out)).checkpoint?.progress.step).toBe(4);
  });
});

/** Takes what is left of the disk, but for a page in which the lock and the log can go on. */
function fill(path: string): void {
  const block = new Uint8Array(4096);
  try {
    for (;;) writeFileSync(path, block, { flag: "a" });
  } catch {
    writeFileSync(path, readFileSync(path).subarray(0, -8 * 4096));
  }
}
