// A run that was paused, as Ctrl-Z does it: its folder stays its own, however long it is silent.
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../support/netc.js";
import { netc } from "../support/netc.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const smoke = fileURLToPath(new URL("../../configs/smoke.yaml", import.meta.url));

describe.skipIf(process.platform === "win32")("a run that is paused", () => {
  it("keeps its folder, counts as running, and goes on", async () => {
    const folder = await temporaryFolder();
    const args = ["run", smoke, "--out", folder, "--set", "train.epochs=2000"];
    let paused!: Promise<Outcome>;
    const pid = await new Promise<number>((sent) => {
      paused = netc(args, { kill: { signal: "SIGSTOP", when: "%", sent } });
    });
    let hasEnded = false;
    try {
      const longAgo = new Date(Date.now() - 3_600_000);
      await utimes(join(folder, ".lock"), longAgo, longAgo);
      expect((await netc(["runs", "show", folder])).output).toContain("running");
      const second = await netc([...args, "--resume"]);
      expect(second.exitCode).toBe(1);
      expect(second.errors).toContain(`is in use by process ${pid}`);
      process.kill(pid, "SIGCONT");
      process.kill(pid, "SIGTERM");
      expect((await paused).exitCode).toBe(130);
      hasEnded = true;
    } finally {
      if (!hasEnded) process.kill(pid, "SIGKILL");
    }
  });
});
