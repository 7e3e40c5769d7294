// Nothing is kept from step to step: what JavaScript holds after a thousand steps more, garbage aside, is what it held.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("../support/flat-memory.mjs", import.meta.url));

describe("training", () => {
  it("holds no more memory after 2,048 steps, evaluations and checkpoints than after half of them", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, "2048"]);
    const [half, whole] = JSON.parse(stdout) as { step: number; bytes: number }[];
    expect([half!.step, whole!.step]).toEqual([1024, 2048]);
    // 200 bytes a step: what the engine, compiled anew meanwhile, and the list of evaluations may take
    expect(whole!.bytes - half!.bytes).toBeLessThan(200 * 1024);
  });
});
