// Two runs of one file, begun at the same time with an empty cache: both decode the images and measure the kernels, and
// neither gets in the other's way.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newestIn } from "../support/newest-in.js";
import { readEventLog } from "../../src/runtime/run/event-log.js";
import type { RunFolder } from "../../src/runtime/run/run-folder.js";
import { foldersIn } from "../../src/runtime/run/run-folder.js";
import { netc } from "../support/netc.js";
import { writePhotos } from "../support/photos.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const FILE = `
name: pair
data: { dataset: { images: { folder: photos, size: 24, validation_share: 0.25 } }, augment: [random_crop] }
model: { stem: { channels: 32 }, stages: [{ channels: 32, blocks: 1 }] }
train: { epochs: 2, batch_size: 8, learning_rate: 0.05, checkpoints: { every_steps: 2 } }
`;
const STEPS = 12;

async function folderWithPhotos(): Promise<string> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 32, 24);
  await writeFile(join(folder, "pair.yaml"), FILE);
  return folder;
}

async function runTwice(folder: string, ...flags: string[]): Promise<RunFolder[]> {
  const environment = { NETC_CACHE: join(folder, "cache") };
  const run = () => netc(["run", "pair.yaml", ...flags], { folder, environment });
  const outcomes = await Promise.all([run(), run()]);
  for (const { exitCode, errors } of outcomes) {
    expect(exitCode, errors).toBe(0);
    expect(errors).toMatch(/^((decoding|waiting for process \d+, which is decoding) photos[^\n]*\n)*$/);
  }
  return await foldersIn(join(folder, "runs"));
}

async function endOf(run: RunFolder) {
  const { checkpoint, broken } = await newestIn(run.path);
  expect(broken).toEqual([]);
  const steps = (await readEventLog(run.events)).filter(({ event }) => event === "step").map(({ step }) => step);
  expect(steps).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
  expect(await readdir(run.model)).toEqual(["model.json", "weights.bin"]);
  return { step: checkpoint!.progress.step, state: checkpoint!.state };
}

describe("two runs of one file at once", () => {
  it("get a folder each, prepare images and kernels side by side, and both end as one alone does", async () => {
    const folder = await folderWithPhotos();
    const runs = await runTwice(folder);
    expect(runs).toHaveLength(2);
    for (const run of runs) expect((await endOf(run)).step).toBe(STEPS);
    const cached = await readdir(join(folder, "cache"), { recursive: true });
    expect(cached.filter((name) => /kernels-\w+\.json$/.test(name))).toHaveLength(1);
    expect(cached.filter((name) => name.endsWith(".pixels"))).toHaveLength(1);
    expect(cached.filter((name) => /(^|\/)\./.test(name))).toEqual([]); // nothing half written
  });

  it("end with the same bits where both compute with the predicted kernels", async () => {
    const folder = await folderWithPhotos();
    const [one, other] = await runTwice(folder, "--no-tune");
    expect(await endOf(other!)).toEqual(await endOf(one!));
  });
});
