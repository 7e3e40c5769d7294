import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { loadTrained } from "../../../src/runtime/trained/load-trained.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { programOf, runTiny } from "../../support/tiny-run.js";

// The session of these tests answers every evaluation alike, so that the first is the best
describe("loadTrained", () => {
  let run: string;
  const stepOf = async (path: string, best = false) => (await loadTrained(path, { best })).checkpoint.progress.step;

  beforeEach(async () => {
    run = await temporaryFolder();
    const { checkpoints } = tinyConfig().train;
    const train = { epochs: 3, checkpoints: { ...checkpoints, keep: 1, keep_best: 1 } };
    await runTiny(run, programOf(tinyConfig({ train })));
  });

  it("takes the newest checkpoint of a run, its best, or the one that is named", async () => {
    expect(await stepOf(run)).toBe(12);
    expect(await stepOf(run, true)).toBe(4);
    expect(await stepOf(join(run, "checkpoints", "step-00000004"))).toBe(4);
  });

  it("says where the best was not kept, is broken, or cannot be asked for", async () => {
    const best = join(run, "checkpoints", "step-00000004");
    await expect(loadTrained(best, { best: true })).rejects.toThrow(/step-00000004 is one checkpoint; name its run/);
    await rm(join(best, "weights.safetensors"));
    await expect(loadTrained(run, { best: true })).rejects.toThrow(/is not an intact checkpoint: weights.safetensors/);
    await rm(best, { recursive: true });
    await expect(loadTrained(run, { best: true })).rejects.toThrow(
      /the best evaluation of .* was that after step 4, whose state was not kept; `train.checkpoints.keep_best: 1`/,
    );
  });
});
