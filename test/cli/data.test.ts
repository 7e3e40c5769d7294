import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/runtime/data/images/decode-image.js";
import { netc } from "../support/netc.js";
import { noise } from "../support/noise.js";
import { temporaryFolder } from "../support/temporary-folder.js";

/** Noise of 16×16, enlarged: no two of different seeds look alike. */
async function picture(path: string, seed: number, side = 48): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const pixels = noise(16 + seed, 16, 3).subarray(0, 16 * 16 * 3);
  await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
    .resize(side)
    .toFile(path);
}

describe("netc data check", () => {
  it("reports sizes, balance, what is broken, equal images and what is tested on and trained on", async () => {
    const folder = await temporaryFolder();
    const photos = join(folder, "photos");
    for (let index = 0; index < 6; index++) await picture(join(photos, `train/cat/${index}.png`), index);
    for (let index = 6; index < 8; index++) await picture(join(photos, `train/dog/${index}.png`), index, 64);
    await picture(join(photos, "train/cat/again.png"), 0);
    await picture(join(photos, "train/dog/wrong.webp"), 3);
    await picture(join(photos, "train/dog/wrong.png"), 1);
    await picture(join(photos, "val/cat/new.png"), 20);
    await picture(join(photos, "val/cat/leak.jpg"), 2, 40);
    await picture(join(photos, "val/dog/new.png"), 21);
    await writeFile(join(photos, "train/dog/broken.png"), "no picture");
    const { exitCode, output } = await netc(["data", "check", "photos"], { folder });
    expect(exitCode).toBe(1);
    expect(output).toContain(
      "photos: 14 images in 2 classes, with a split of its own\nsizes 40×40 to 64×64, median 48×48\n",
    );
    expect(output).toMatch(/^class {2}train {2}test {3}share\ncat {8}7 {5}2 {2}64\.29%\ndog {8}4 {5}1 {2}35\.71%$/m);
    expect(output).toContain(
      "cannot be read: 1\n  train/dog/broken.png is not a PNG, JPEG, WebP, GIF, TIFF or AVIF picture\n",
    );
    expect(output).toContain(
      "equal images: 2\n  train/cat/0.png = train/cat/again.png\n  train/cat/1.png = train/dog/wrong.png\n",
    );
    expect(output).toContain("equal images in several classes: 1\n  train/cat/1.png = train/dog/wrong.png\n");
    expect(output).toContain("tested on, but also trained on: 1\n  val/cat/leak.jpg looks like train/cat/2.png\n");

    const json = await netc(["data", "check", "photos", "--format", "json"], { folder });
    expect(JSON.parse(json.output)).toMatchObject({
      images: 14,
      leaks: [{ test: "val/cat/leak.jpg", train: "train/cat/2.png" }],
    });
  });

  it("has nothing to say of a good folder, and one sentence of none", async () => {
    const folder = await temporaryFolder();
    for (let index = 0; index < 4; index++)
      await picture(join(folder, `photos/${index % 2 ? "a" : "b"}/${index}.png`), index);
    const good = await netc(["data", "check", "photos"], { folder });
    expect(good.exitCode).toBe(0);
    expect(good.output.trim().split("\n")).toHaveLength(6);
    const none = await netc(["data", "check", "fotos"], { folder });
    expect(none.exitCode).toBe(1);
    expect(none.errors).toBe("error: there is no folder fotos; a path is relative to where netc runs\n");
  });
});

describe("netc data show", () => {
  it("draws augmented training images of a folder, and says which images were left out", async () => {
    const folder = await temporaryFolder();
    for (let index = 0; index < 8; index++)
      await picture(join(folder, `photos/${index % 2 ? "a" : "b"}/${index}.png`), index);
    await writeFile(join(folder, "photos/a/broken.jpg"), "no picture");
    await writeFile(
      join(folder, "pets.yaml"),
      `name: pets
data:
  dataset: { images: { folder: photos, size: 32, broken: skip } }
  augment: [random_resized_crop, horizontal_flip]
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 1, batch_size: 4, learning_rate: 0.1 }
`,
    );
    const environment = { NETC_CACHE: join(folder, "cache") };
    const { exitCode, output, errors } = await netc(["data", "show", "pets.yaml", "-o", "seen.png"], {
      folder,
      environment,
    });
    expect(exitCode, errors).toBe(0);
    expect(output).toBe("seen.png\n");
    expect(errors).toContain("left out: photos/a/broken.jpg is not a PNG, JPEG, WebP, GIF, TIFF or AVIF picture\n");
    const { width, height } = await decodeImage(join(folder, "seen.png"), 3);
    expect([width, height]).toEqual([8 + 6 * 136, 8 + 128 + 11 + 8]); // six images of 32 pixels, four times as large
  });
});
