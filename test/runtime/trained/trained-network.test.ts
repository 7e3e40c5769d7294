// A picture must go the very way that it went in training: saved as a file and asked about, it has the same logits.
import { readFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, vi } from "vitest";
import sharp from "sharp";
import { compileText } from "../../../src/compiler/compile.js";
import type { Program } from "../../../src/compiler/program.js";
import { writeCheckpoint } from "../../../src/runtime/run/checkpoint.js";
import type { Dataset } from "../../../src/runtime/data/dataset.js";
import { scanImages } from "../../../src/runtime/data/images/scan-images.js";
import { encodePng } from "../../../src/runtime/data/pictures/png.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { createRunFolder } from "../../../src/runtime/run/run-folder.js";
import { BEGINNING } from "../../../src/runtime/training/training-progress.js";
import { openRun } from "../../../src/runtime/trained/trained-network.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

/** The first 16 test images of CIFAR-10, which test/oracle/pillow/make-fixtures.py wrote. */
const images = new Uint8Array(readFileSync(new URL("../../oracle/pillow/images.bin", import.meta.url)));
const LABELS = Uint8Array.of(3, 8, 8, 0, 6, 6, 1, 6, 3, 1, 0, 9, 5, 7, 9, 8);
const size = { height: 32, width: 32, channels: 3 } as const;
const test = { count: 16, ...size, images, labels: LABELS };
const dataset: Dataset = { classes: [], train: test, test };

const program = compileText(
  `name: pictures
data: { dataset: cifar10, resize: 40 }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }, { channels: 12, blocks: 1, stride: 2, projection: true }] }
train: { epochs: 1, batch_size: 16, learning_rate: 0.1, evaluation: { batch_size: 16, flip: true } }
`,
  "pictures.yaml",
).value!;

describe("TrainedNetwork", () => {
  it("gives a test image saved as a PNG the logits of its evaluation, to the bit", async () => {
    const run = await runOf(program);
    const pictures = await savedImages(run);
    const network = await openRun(run);
    try {
      const { logits, accuracy } = await network.evaluate({ dataset });
      const predictions = await network.predict(pictures);
      expect(predictions.map(({ logits: own }) => [...own])).toEqual(
        LABELS.reduce<number[][]>((all, _, index) => [...all, [...logits.slice(index * 10, index * 10 + 10)]], []),
      );
      const right = predictions.filter(({ classes }, index) => classes[0]!.name === network.classNames[LABELS[index]!]);
      expect(right.length / 16).toBe(accuracy);
      // One alone, with fifteen black images beside it, is no other than among its like
      const [alone] = await network.predict([readFileSync(pictures[5]!)], { top: 10 });
      expect([...alone!.logits]).toEqual([...predictions[5]!.logits]);
      expect(alone!.classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
    } finally {
      await network.dispose();
    }
  });

  it("reads JPEG, WebP and grey pictures of any size, whole folders, and leaves out what is broken only if told so", async () => {
    const run = await runOf(program);
    const folder = join(run, "pictures");
    await mkdir(join(folder, "below"), { recursive: true });
    const picture = sharp(images.subarray(0, 3072), { raw: size }).resize(90, 60);
    await picture.clone().jpeg().toFile(join(folder, "a.jpg"));
    await picture
      .clone()
      .webp()
      .toFile(join(folder, "below", "b.webp"));
    await picture.clone().greyscale().png().toFile(join(folder, "c.PNG"));
    const whole = readFileSync(join(folder, "a.jpg"));
    await writeFile(join(folder, "d.jpg"), whole.subarray(0, whole.length / 2));
    await writeFile(join(folder, "e.png"), "no picture");
    await writeFile(join(folder, "notes.txt"), "not looked at");
    const network = await openRun(run);
    try {
      const broken: string[] = [];
      const onBroken = (image: string, reason: string): void => void broken.push(`${image} ${reason}`);
      const predictions = await network.predict([folder], { onBroken });
      expect(predictions.map(({ image }) => image)).toEqual(
        ["a.jpg", "below/b.webp", "c.PNG"].map((name) => join(folder, name)),
      );
      expect(broken).toEqual([
        `${join(folder, "d.jpg")} is truncated or damaged`,
        `${join(folder, "e.png")} is not a PNG, JPEG, WebP, GIF, TIFF or AVIF picture`,
      ]);
      await expect(network.predict([join(folder, "e.png")])).rejects.toThrow(
        "e.png is not a PNG, JPEG, WebP, GIF, TIFF or AVIF picture",
      );
      await expect(network.predict([join(folder, "f.png")])).rejects.toThrow("f.png is not there");
    } finally {
      await network.dispose();
    }
  });

  it("gives pictures of a folder, whatever their size and format, the logits of their evaluation, to the bit", async () => {
    const parent = await temporaryFolder();
    vi.stubEnv("NETC_CACHE", join(parent, "cache"));
    const folder = join(parent, "photos");
    for (const [index, format] of (["jpeg", "webp", "png", "jpeg"] as const).entries()) {
      const pixels = sharp(images.subarray(index * 3072, (index + 1) * 3072), { raw: size });
      for (const part of ["train/cat", "train/dog", "val/cat", "val/dog"]) {
        await mkdir(join(folder, part), { recursive: true });
        const path = join(folder, part, `${index}.${format}`);
        await pixels
          .clone()
          .resize(50 + 9 * index, 70 - 7 * index, { fit: "fill" })
          .toFile(path);
      }
    }
    const own = compileText(
      `name: own
data: { dataset: { images: { folder: ${JSON.stringify(folder)}, size: 24 } }, resize: 16 }
model: { stem: { channels: 4 }, stages: [{ channels: 4, blocks: 1 }] }
train: { epochs: 1, batch_size: 4, learning_rate: 0.1, evaluation: { batch_size: 8 } }
`,
      "own.yaml",
      { scanImages },
    ).value!;
    const run = await createRunFolder(join(parent, "run"), own.config);
    await writeCheckpoint(run.checkpoints, own, BEGINNING, initialize(own.graph, own.config));
    const network = await openRun(run.path);
    try {
      const { logits, classNames } = await network.evaluate();
      expect(classNames).toEqual(["cat", "dog"]);
      const predictions = await network.predict([join(folder, "val")]);
      expect(predictions.flatMap((one) => [...one.logits])).toEqual([...logits]);
    } finally {
      await network.dispose();
    }
  });

  it("opens the checkpoint that is named, and says why it cannot", async () => {
    const run = await runOf(program);
    const network = await openRun(join(run, "checkpoints", "step-00000000"));
    expect(network.checkpoint.progress.step).toBe(0);
    await network.dispose();
    await writeFile(join(run, "checkpoints", "step-00000000", "weights.safetensors"), "");
    await expect(openRun(join(run, "checkpoints", "step-00000000"))).rejects.toThrow(
      "is not an intact checkpoint: weights.safetensors is 0 bytes long",
    );
    await expect(openRun(join(run, "checkpoints", "step-00000009"))).rejects.toThrow("there is no checkpoint at");
    await expect(openRun(join(run, "nothing"))).rejects.toThrow("there is no run at");
  });
});

describe("README.md", () => {
  it("shows code that runs", async () => {
    const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
    const [, code = ""] = /```ts\n(import \{ openRun \}[\s\S]*?)```/.exec(readme)!;
    const folder = await temporaryFolder();
    const shapes = compileText(
      `name: shapes
data: { dataset: { synthetic: { test_images: 20, classes: 4 } } }
model: { stem: { channels: 4 }, stages: [{ channels: 4, blocks: 1 }] }
train: { epochs: 1, batch_size: 16, learning_rate: 0.1 }
`,
      "shapes.yaml",
    ).value!;
    const run = await createRunFolder(join(folder, "runs/shapes"), shapes.config);
    await writeCheckpoint(run.checkpoints, shapes, BEGINNING, initialize(shapes.graph, shapes.config));
    await sharp(images.subarray(0, 3072), { raw: size }).jpeg().toFile(join(folder, "cat.jpg"));
    const netc = new URL("../../../dist/index.js", import.meta.url).href;
    const tail = "\nconsole.log(confusion.length, accuracy >= 0, answer.classes[0].name);\nawait network.dispose();\n";
    await writeFile(join(folder, "code.mjs"), code.replace('"netc"', JSON.stringify(netc)) + tail);
    const { stdout } = await promisify(execFile)(process.execPath, ["code.mjs"], { cwd: folder });
    expect(stdout).toMatch(/^4 true class \d\n$/);
  });
});

async function runOf({ graph, config }: Program): Promise<string> {
  const run = await createRunFolder(join(await temporaryFolder(), "run"), config);
  await writeCheckpoint(run.checkpoints, program, BEGINNING, initialize(graph, config));
  return run.path;
}

async function savedImages(folder: string): Promise<string[]> {
  return await Promise.all(
    Array.from(LABELS, async (_, index) => {
      const path = join(folder, `${index}.png`);
      const pixels = images.subarray(index * 3072, (index + 1) * 3072);
      await writeFile(path, await encodePng({ ...size, pixels }));
      return path;
    }),
  );
}
