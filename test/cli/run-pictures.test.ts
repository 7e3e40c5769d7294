// A run on a folder of pictures that is stopped, and goes on after something was done to the folder.
import { readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { newestIn } from "../support/newest-in.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { netc } from "../support/netc.js";
import { writePhotos } from "../support/photos.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const FILE = `
name: pictures
data: { dataset: { images: { folder: photos, size: 8, validation_share: 0.25 } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 2, batch_size: 4, learning_rate: 0.05 }
`;

let folder: string;
const run = (out: string, ...more: string[]) =>
  netc(["run", "pictures.yaml", "--no-tune", "--out", out, ...more], {
    folder,
    environment: { NETC_CACHE: join(folder, "cache") },
  });
const stateIn = async (out: string) => (await newestIn(join(folder, out))).checkpoint!.state;

beforeEach(async () => {
  folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 8, 8);
  await writeFile(join(folder, "pictures.yaml"), FILE);
  await run("parts", "--max-steps", "2");
});

describe("a resumed run on pictures of one's own", () => {
  it("is refused where other pictures lie under the same names", async () => {
    await writePhotos(join(folder, "photos"), 8, 8, 20);
    const { exitCode, errors } = await run("parts", "--resume");
    expect(exitCode).toBe(1);
    expect(errors).toContain(
      "the pictures in photos are not those that the run in parts began with: what it trains on and tests on has changed; " +
        "put back what was there, or start a new run without `--resume`",
    );
    await writePhotos(join(folder, "photos"), 8, 8);
    expect((await run("parts", "--resume")).exitCode).toBe(0);
  });

  it("goes on where they only lie elsewhere now, with the bits of the whole run", async () => {
    expect((await run("whole")).exitCode).toBe(0);
    await rename(join(folder, "photos"), join(folder, "moved"));
    await utimes(join(folder, "moved", "cat", "0.png"), 1, 1);
    const { exitCode, output } = await run("parts", "--resume", "--set", "data.dataset.images.folder=moved");
    expect(exitCode).toBe(0);
    expect(output).toContain('changed  data.dataset.images.folder: "photos" in the run, "moved" in the file');
    expect(await stateIn("parts")).toEqual(await stateIn("whole"));
  });

  it("begins again with what is there where it has no checkpoint", async () => {
    await writePhotos(join(folder, "photos"), 8, 8, 20);
    const { checkpoints, pictures } = runFolderAt(join(folder, "parts"));
    const before = await readFile(pictures, "utf8");
    await rm(checkpoints, { recursive: true });
    expect((await run("parts", "--resume", "--max-steps", "1")).exitCode).toBe(0);
    expect(await readFile(pictures, "utf8")).not.toBe(before);
  });

  it("says what to do where it cannot be told which pictures they were", async () => {
    const { pictures } = runFolderAt(join(folder, "parts"));
    await writeFile(pictures, "{}");
    const { exitCode, errors } = await run("parts", "--resume");
    expect(exitCode).toBe(1);
    expect(errors).toContain("remove it to go on with those that are there");
    await rm(pictures);
    expect((await run("parts", "--resume", "--max-steps", "3")).exitCode).toBe(0);
  });
});
