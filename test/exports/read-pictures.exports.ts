// Pictures of every kind in netc and in the PyTorch project exported from it: the same pixels, and the same pictures found in a folder.
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import { openImages } from "../../src/runtime/data/images/open-images.js";
import { scanImages } from "../../src/runtime/data/images/scan-images.js";
import { pytorchProject } from "../../src/runtime/export/pytorch/pytorch-project.js";
import { writeExport } from "../../src/runtime/export/write-export.js";
import { noise } from "../support/noise.js";
import { execute, torchPython } from "./peers.js";

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "netc-reader-"));
  process.env["NETC_CACHE"] = join(parent, "cache");
});
afterAll(() => rm(parent, { recursive: true, force: true }));

const SCRIPT = `
import sys; sys.path.insert(0, "project")
import data, yaml
from pathlib import Path
with open("project/config.yaml") as file: config = yaml.safe_load(file)
for part in data.load_images(config, "photos"): sys.stdout.buffer.write(part.images.tobytes())
`;

it.each([false, true])("the exported project reads what netc reads (grayscale: %s)", async (grayscale) => {
  const photos = join(parent, "photos");
  await rm(photos, { recursive: true, force: true });
  await writePictures(photos);
  const text = `name: reader
data: { dataset: { images: { folder: ${JSON.stringify(photos)}, size: 16, resize: ${grayscale ? "{ height: 20, width: 17 }" : 19}, interpolation: bicubic, grayscale: ${grayscale} } } }
model: { stem: { channels: 4 }, stages: [{ channels: 4, blocks: 1 }] }
train: { epochs: 1, batch_size: 2, learning_rate: 0.1 }
`;
  const { value: program, diagnostics } = compileText(text, "reader.yaml", { scanImages });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const { dataset } = program!.config.data;
  if (typeof dataset !== "object" || !("images" in dataset)) throw new Error("no images");
  const { train, test } = await openImages(dataset.images, program!.config.seed, () => {});
  const source = { program: program!, classes: [], trained: undefined, placeOf: () => "reader.yaml" };
  const project = join(parent, "project");
  await rm(project, { recursive: true, force: true });
  await writeExport(project, await pytorchProject(source));
  const script = join(parent, "read.py");
  await writeFile(script, SCRIPT.replace("sys.stdout.buffer.write", 'open("pixels", "ab").write'));
  await rm(join(parent, "pixels"), { force: true });
  const { exitCode, output } = await execute(torchPython, [script], { cwd: parent });
  expect(exitCode, output).toBe(0);
  const theirs = readFileSync(join(parent, "pixels"));
  expect(theirs.equals(Buffer.concat([train.images, test.images]))).toBe(true);
});

/** Two classes of a split: every kind of pixels, turned and long pictures, and links. */
async function writePictures(photos: string): Promise<void> {
  for (const folder of ["Training/cat/deep", "Training/dog", "dev/cat", "dev/dog", "more"]) {
    await mkdir(join(photos, folder), { recursive: true });
  }
  const modes = JSON.parse(readFileSync(new URL("../oracle/pillow/modes.json", import.meta.url), "utf8")) as {
    readonly name: string;
    readonly file: string;
  }[];
  for (const [index, { name, file }] of modes.entries()) {
    const end = /PNG|TIFF|GIF|WebP|JPEG/.exec(name)![0].toLowerCase();
    await writeFile(join(photos, "Training/cat/deep", `${index + 10}.${end}`), Buffer.from(file, "base64"));
  }
  const photo = (height: number, width: number, seed: number) =>
    sharp(
      noise(height, width * 3, 1).map((value) => value ^ seed),
      { raw: { height, width, channels: 3 } },
    );
  for (let orientation = 1; orientation <= 8; orientation++) {
    await photo(30, 45, orientation)
      .withMetadata({ orientation })
      .png()
      .toFile(join(photos, `Training/dog/${orientation}.PNG`));
  }
  for (const [index, [height, width]] of [
    [1, 3001],
    [3000, 1],
    [2, 129],
    [131, 2],
  ].entries()) {
    await photo(height!, width!, index)
      .png()
      .toFile(join(photos, `dev/dog/${index}.png`));
  }
  await photo(20, 20, 1).jpeg().toFile(join(photos, "dev/cat/1.jfif"));
  await photo(20, 20, 2).png().toFile(join(photos, "more/2.png"));
  await symlink("../../more", join(photos, "Training/cat/a-link"));
  await symlink("..", join(photos, "Training/cat/up"));
}
