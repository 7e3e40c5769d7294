// A run whose folder another process has taken over meanwhile: it ends, and leaves what is there to the other.
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { FakeSession } from "../support/fake-session.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { programOf, runTiny } from "../support/tiny-run.js";

describe("a run that has lost its folder", () => {
  it("touches nothing in it where that was before its first step", async () => {
    const path = await temporaryFolder();
    const lost = AbortSignal.abort(new Error("taken over"));
    await expect(runTiny(path, programOf(), { lost })).rejects.toThrow("taken over");
    expect(await readdir(path)).toEqual([]);
  });

  it.each([
    ["step", 2],
    ["evaluate", 4],
  ] as const)("ends in its next %s and writes nothing more", async (when, steps) => {
    const path = await temporaryFolder();
    const { events, metrics, checkpoints } = runFolderAt(path);
    const filesNow = () => [events, metrics].map((file) => readFileSync(file, "utf8"));
    const lost = new AbortController();
    const session = new FakeSession(programOf());
    let calls = 0;
    let before: string[] = [];
    session.before = (call) => {
      if (call !== when || ++calls !== 2) return;
      before = filesNow();
      lost.abort(new Error("taken over"));
    };
    await expect(runTiny(path, programOf(), { lost: lost.signal }, session)).rejects.toThrow("taken over");
    expect(session.steps.at(-1)).toBe(steps);
    expect(filesNow()).toEqual(before);
    expect(await readdir(path)).not.toContain(basename(checkpoints));
  });
});
