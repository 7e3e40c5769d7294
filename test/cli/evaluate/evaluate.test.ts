import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../../src/runtime/data/images/decode-image.js";
import { encodePng } from "../../../src/runtime/data/pictures/png.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const FILE = `name: small
data: { dataset: { synthetic: { train_images: 64, test_images: 20, height: 8, width: 8, classes: 4 } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 1, batch_size: 16, learning_rate: 0.01 }
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "netc-test-"));
  await writeFile(join(folder, "small.yaml"), FILE);
  const { exitCode, errors } = await netc(["run", "small.yaml", "--out", "run"], { folder });
  if (exitCode !== 0) throw new Error(errors);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("netc evaluate", () => {
  it("prints the figures that the run ended with, class by class, and draws what is most wrong", async () => {
    const text = await netc(["evaluate", "run", "--sheet", "wrong.png"], { folder });
    expect(text.exitCode, text.errors).toBe(0);
    expect(text.output).toMatch(/^ {2}checkpoint {2}step-00000004, after 1 epoch, 4 steps$/m);
    expect(text.output).toMatch(/^class 3 {7}5 +[\d.–]+%? +\d+\.\d\d%$/m);
    expect(text.output).toMatch(/^class 0 +\d+ +\d+ +\d+ +\d+$/m);
    const { width, height } = await decodeImage(join(folder, "wrong.png"), 3);
    expect(width).toBeGreaterThan(128);
    expect(height).toBeGreaterThan(128);

    const json = await netc(["evaluate", join("run", "checkpoints", "step-00000004"), "--format", "json"], { folder });
    const figures = JSON.parse(json.output) as { accuracy: number; loss: number; confusion: number[][] };
    const events = (await readFile(join(folder, "run", "events.jsonl"), "utf8")).trim().split("\n");
    const evaluation = events.map((line) => JSON.parse(line)).findLast(({ event }) => event === "evaluation");
    expect(figures.accuracy).toBe(evaluation.accuracy);
    expect(figures.loss).toBeCloseTo(evaluation.loss, 6); // the engine sums in float32
    expect(figures.confusion.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual([5, 5, 5, 5]);
  });

  it("says in a sentence that there is no such run", async () => {
    const { exitCode, errors } = await netc(["evaluate", "nothing"], { folder: await temporaryFolder() });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: there is no run at nothing; .+\n$/);
  });
});

describe("netc predict", () => {
  it("names the most probable classes of each picture; a broken one is named and the others answered", async () => {
    const pixels = Uint8Array.from({ length: 12 * 9 * 3 }, (_, index) => (index * 37) % 256);
    await writeFile(join(folder, "a.png"), await encodePng({ height: 12, width: 9, channels: 3, pixels }));
    await writeFile(join(folder, "b.png"), "no picture");
    const text = await netc(["predict", "run", "a.png", "b.png", "--top", "2"], { folder });
    expect(text.exitCode).toBe(1);
    expect(text.output).toMatch(/^image {2}answer\na\.png {2}class \d \d+\.\d\d% {2}class \d \d+\.\d\d%\n$/);
    expect(text.errors).toBe("error: b.png is not a PNG, JPEG, WebP, GIF, TIFF or AVIF picture\n");

    const json = await netc(["predict", "run", "a.png", "--format", "json"], { folder });
    expect(json.exitCode).toBe(0);
    const [answer] = JSON.parse(json.output) as { classes: { probability: number }[]; logits: number[] }[];
    expect(answer!.classes).toHaveLength(3);
    expect(answer!.logits).toHaveLength(4);
  });
});
