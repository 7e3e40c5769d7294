import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  pruneCheckpoints,
  readNewestCheckpoint,
  setAside,
  sweepCheckpoints,
  writeCheckpoint,
} from "../../../src/runtime/run/checkpoint.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { BEGINNING } from "../../../src/runtime/training/training-progress.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { programOf } from "../../support/tiny-run.js";

const program = programOf();
const weights = initialize(program.graph, program.config);
const state = new Map([
  ...weights,
  ["stem.conv.weight.momentum", { shape: [2, 3], data: Float32Array.of(1, -0, 1e-45, 3.4e38, 0.1, 5) }],
]);
const progressAt = (step: number, epochsClosed = Math.floor(step / 4)) => ({
  ...BEGINNING,
  step,
  epochsClosed,
  lossSum: 0.1 + step / 3,
});

async function withTwoCheckpoints() {
  const parent = await temporaryFolder();
  const older = await writeCheckpoint(parent, program, progressAt(5), state);
  const newer = await writeCheckpoint(parent, program, progressAt(7), state);
  return { parent, older, newer };
}

describe("a checkpoint", () => {
  it("gives back every bit of state and progress", async () => {
    const parent = await temporaryFolder();
    const folder = await writeCheckpoint(parent, program, progressAt(5), state);
    const { checkpoint, broken } = await readNewestCheckpoint(parent);
    expect(broken).toEqual([]);
    expect(checkpoint).toEqual({
      folder,
      progress: progressAt(5),
      kernels: {},
      state: new Map([...state].sort(byFileThenName)),
    });
    const slot = checkpoint!.state.get("stem.conv.weight.momentum")!.data;
    expect(Object.is(slot[1], -0)).toBe(true);
  });

  it("keeps weights and statistics apart from what only a resumed run needs", async () => {
    const parent = await temporaryFolder();
    const folder = await writeCheckpoint(parent, program, progressAt(5), state);
    expect((await readdir(folder)).sort()).toEqual(["manifest.json", "optimizer.safetensors", "weights.safetensors"]);
    const text = await readFile(join(folder, "weights.safetensors"), "latin1");
    expect(text).toContain("stem.norm.running_var");
    expect(text).not.toContain("momentum");
  });

  it("of the same step is written once", async () => {
    const parent = await temporaryFolder();
    const folder = await writeCheckpoint(parent, program, progressAt(5), state);
    const before = await readFile(join(folder, "manifest.json"), "utf8");
    await writeCheckpoint(parent, program, { ...progressAt(5), elapsedSeconds: 9 }, state);
    expect(await readFile(join(folder, "manifest.json"), "utf8")).toBe(before);
  });

  it("takes the place of a broken one of the same step", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    await rm(join(newer, "manifest.json"));
    await writeCheckpoint(parent, program, progressAt(7), state);
    expect((await readNewestCheckpoint(parent)).checkpoint?.progress.step).toBe(7);
  });

  it("of an epoch whose evaluation is pending is older than the one after it", async () => {
    const parent = await temporaryFolder();
    await writeCheckpoint(parent, program, progressAt(4, 1), state);
    await writeCheckpoint(parent, program, progressAt(4, 0), state);
    expect((await readdir(parent)).sort()).toEqual(["step-00000004", "step-00000004-open"]);
    expect((await readNewestCheckpoint(parent)).checkpoint?.progress.epochsClosed).toBe(1);
  });

  it.each([
    [
      "a truncated file",
      "weights.safetensors is 100 bytes long",
      (folder: string) => truncate(join(folder, "weights.safetensors"), 100),
    ],
    [
      "a flipped bit",
      "optimizer.safetensors does not match its checksum",
      (folder: string) => flipBit(join(folder, "optimizer.safetensors")),
    ],
    ["a missing file", "weights.safetensors is missing", (folder: string) => rm(join(folder, "weights.safetensors"))],
    ["a missing manifest", "manifest.json is missing", (folder: string) => rm(join(folder, "manifest.json"))],
    ["half a manifest", "manifest.json is damaged", (folder: string) => truncate(join(folder, "manifest.json"), 40)],
    [
      "a folder in a file's place",
      "weights.safetensors is missing",
      async (folder: string) => {
        await rm(join(folder, "weights.safetensors"));
        await mkdir(join(folder, "weights.safetensors"));
      },
    ],
  ])("with %s is named and the one before is used", async (_, reason, damage) => {
    const { parent, older, newer } = await withTwoCheckpoints();
    await damage(newer);
    const { checkpoint, broken } = await readNewestCheckpoint(parent);
    expect(broken).toEqual([{ folder: newer, reason: expect.stringContaining(reason) }]);
    expect(checkpoint?.folder).toBe(older);
  });

  it("of another version of netc is not passed over: the right version can read it", async () => {
    const { parent, newer } = await withTwoCheckpoints();
    await writeFile(join(newer, "manifest.json"), '{"format": "netc-checkpoint-0"}');
    await expect(readNewestCheckpoint(parent)).rejects.toThrow(
      "was saved by another version of netc: its format is netc-checkpoint-0",
    );
  });

  it("is not to be found where there is none", async () => {
    const parent = await temporaryFolder();
    expect(await readNewestCheckpoint(join(parent, "absent"))).toEqual({
      checkpoint: undefined,
      broken: [],
    });
  });
});

describe("pruneCheckpoints", () => {
  it("keeps the newest by step, not by name or time", async () => {
    const parent = await temporaryFolder();
    for (const step of [6, 7]) await writeCheckpoint(parent, program, progressAt(step), state);
    const newest = await writeCheckpoint(parent, program, progressAt(100_000_000), state);
    await pruneCheckpoints(parent, 2, newest);
    expect((await readdir(parent)).sort()).toEqual(["step-00000007", "step-100000000"]);
  });

  it("never removes the one just written for one that only seems to be newer", async () => {
    const { parent, older, newer } = await withTwoCheckpoints();
    await truncate(join(newer, "weights.safetensors"), 100);
    await pruneCheckpoints(parent, 1, older);
    expect((await readdir(parent)).sort()).toEqual(["step-00000005", "step-00000007"]);
  });
});

describe("setAside", () => {
  it("takes broken checkpoints out of the way, also where one of that step already was", async () => {
    const { parent, older, newer } = await withTwoCheckpoints();
    for (let time = 0; time < 2; time++) {
      await writeCheckpoint(parent, program, progressAt(7), state);
      await truncate(join(newer, "weights.safetensors"), 100);
      await setAside((await readNewestCheckpoint(parent)).broken);
      expect((await readdir(parent)).sort()).toEqual(["broken-step-00000007", "step-00000005"]);
    }
    const { checkpoint, broken } = await readNewestCheckpoint(parent);
    expect([checkpoint?.folder, broken]).toEqual([older, []]);
  });
});

describe("sweepCheckpoints", () => {
  it("removes what a killed writer left and nothing else", async () => {
    const { parent, older } = await withTwoCheckpoints();
    await mkdir(join(parent, ".step-00000009.123-abcd.tmp"));
    await sweepCheckpoints(parent);
    expect((await readdir(parent)).sort()).toEqual(["step-00000005", "step-00000007"]);
    expect(older).toContain("step-00000005");
    await sweepCheckpoints(join(parent, "absent"));
  });
});

function byFileThenName([one]: [string, unknown], [other]: [string, unknown]): number {
  const key = (name: string) => `${name.endsWith(".momentum") ? "2" : "1"}${name}`;
  return key(one) < key(other) ? -1 : 1;
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 3]! ^= 4;
  await writeFile(path, bytes);
}
