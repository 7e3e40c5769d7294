import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { compileText } from "../../../../src/compiler/compile.js";
import type { ImagesDataset } from "../../../../src/compiler/config.js";
import type { Dataset } from "../../../../src/runtime/data/dataset.js";
import { findBroken, openImages } from "../../../../src/runtime/data/images/open-images.js";
import { scanImages } from "../../../../src/runtime/data/images/scan-images.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";
import { plainFit } from "../../../support/plain-fit.js";

let folder: string;
let decoded: number;
beforeEach(async () => {
  const parent = await temporaryFolder();
  vi.stubEnv("NETC_CACHE", join(parent, "cache"));
  folder = join(parent, "photos");
  decoded = 0;
});

/** One colour everywhere, so that resizing and lossy formats leave it nearly as it is. */
async function picture(path: string, red: number, size = { height: 20, width: 30 }): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  const create = { ...size, channels: 3 as const, background: { r: red, g: 100, b: 50 } };
  await sharp({ create }).toFile(join(folder, path));
}

async function tenOfEach(): Promise<void> {
  for (let index = 0; index < 10; index++) {
    await picture(`cat/${index}.${["png", "jpg", "webp"][index % 3]}`, 10 * index, { height: 12 + index, width: 25 });
    await picture(`dog/${index}.png`, 150 + 10 * index);
  }
}

function settings(parts: Partial<ImagesDataset> = {}, seed = 0): ImagesDataset {
  const written = {
    folder,
    ...plainFit({ height: 8, width: 8 }),
    grayscale: false,
    validation_share: 0.2,
    broken: "error" as const,
    held_in: "memory" as const,
    ...parts,
  };
  return { ...written, ...scanImages({ ...written, seed }).value! };
}

async function opened(parts: Partial<ImagesDataset> = {}, seed = 0): Promise<Dataset> {
  return await openImages(settings(parts, seed), seed, ({ done, total }) => {
    if (done === total) decoded += total;
  });
}

const reds = ({ images, count }: Dataset["train"]): number[] =>
  Array.from({ length: count }, (_, index) => images[index * 8 * 8 * 3]!);

describe("openImages", () => {
  it("reads pictures of every format and size, a folder a class, and draws the same share of each class to test on", async () => {
    await tenOfEach();
    const { classes, train, test } = await opened();
    expect(classes).toEqual(["cat", "dog"]);
    expect([...train.labels]).toEqual([...Array<number>(8).fill(0), ...Array<number>(8).fill(1)]);
    expect([...test.labels]).toEqual([0, 0, 1, 1]);
    const all = [...reds(train), ...reds(test)].toSorted((one, other) => one - other);
    const expected = [...Array(10).keys()].flatMap((index) => [10 * index, 150 + 10 * index]);
    // JPEG and WebP round colours
    for (const [index, red] of expected.toSorted((one, other) => one - other).entries()) {
      expect(Math.abs(all[index]! - red)).toBeLessThanOrEqual(3);
    }
    expect(reds((await opened({}, 1)).test)).not.toEqual(reds(test));
  });

  it("keeps the split that the folder has", async () => {
    for (const [index, part] of ["train", "train", "val", "test"].entries()) {
      await picture(`${part}/cat/${index}.png`, index);
      await picture(`${part}/dog/${index}.png`, 100 + index);
    }
    const { train, test } = await opened();
    expect(reds(train)).toEqual([0, 1, 100, 101]);
    expect(reds(test)).toEqual([2, 102]);
  });

  it("decodes once, and again after an image has changed, whatever the split", async () => {
    await tenOfEach();
    await opened();
    expect(decoded).toBe(20);
    const first = await opened({}, 1);
    expect(decoded).toBe(20);
    await utimes(join(folder, "cat/0.png"), 1, 1);
    const second = await opened({}, 1);
    expect(decoded).toBe(40);
    expect([...second.train.images]).toEqual([...first.train.images]);
  });

  it("decodes again where a bit of what was decoded has changed since", async () => {
    await tenOfEach();
    const before = await opened();
    expect(decoded).toBe(20);
    const cache = join(dirname(folder), "cache", "images");
    const file = (await readdir(cache, { recursive: true })).find((name) => name.endsWith(".pixels"));
    const bytes = await readFile(join(cache, file!));
    for (const at of [0, 1000, bytes.length - 1]) {
      await writeFile(join(cache, file!), bytes.with(at, bytes[at]! ^ 16));
      decoded = 0;
      expect(await opened()).toEqual(before);
      expect(decoded).toBe(20);
    }
  });

  it("reads grey as Pillow's convert does", async () => {
    await tenOfEach();
    const { train } = await opened({ grayscale: true });
    expect(train.channels).toBe(1);
    const dog = train.images[train.labels.indexOf(1) * 64]!;
    // ITU-R 601-2: L = R · 299/1000 + G · 587/1000 + B · 114/1000; dogs have a red of 150 to 240 in steps of 10
    const greys = [...Array(10).keys()].map((index) => Math.round((150 + 10 * index) * 0.299 + 58.7 + 5.7));
    expect(greys).toContain(dog);
  });

  it("names what cannot be read, and leaves it out only if told so", async () => {
    await tenOfEach();
    const whole = readFileSync(join(folder, "dog/1.png"));
    await writeFile(join(folder, "dog/1.png"), whole.subarray(0, whole.length / 2));
    await writeFile(join(folder, "cat/9.png"), "no picture");
    const message =
      /^2 images cannot be read in .*:\n {2}cat\/9\.png is not a PNG.*\n {2}dog\/1\.png is truncated or damaged\n.*`broken: skip`$/;
    await expect(opened()).rejects.toThrow(message);
    await expect(opened()).rejects.toThrow(message); // not only while they are decoded
    const broken = await findBroken(settings({ broken: "skip" }), () => {});
    expect(broken.map(({ path }) => path)).toEqual(["cat/9.png", "dog/1.png"]);
    const { train, test } = await opened({ broken: "skip" });
    expect(train.count + test.count).toBe(18);
    await picture("dog/1.png", 7); // mended
    expect((await opened({ broken: "skip" })).train.count).toBe(15);
  });

  it("is not fooled by pictures of one size and time that change places", async () => {
    for (const [path, red] of [
      ["cat/1.bmp.png", 10],
      ["dog/1.bmp.png", 200],
      ["cat/2.png", 20],
      ["dog/2.png", 210],
    ] as const) {
      await picture(path, red);
    }
    const size = Math.max(...["cat", "dog"].map((name) => readFileSync(join(folder, `${name}/1.bmp.png`)).length));
    for (const name of ["cat", "dog"]) {
      const path = join(folder, `${name}/1.bmp.png`);
      await truncate(path, size); // what follows the picture is not read
      await utimes(path, 1e9, 1e9);
    }
    const redOf = async (path: string): Promise<number> => {
      const { train, test } = await opened({ validation_share: 0.5 });
      const label = path.startsWith("cat") ? 0 : 1;
      return Math.max(...[train, test].flatMap((set) => reds(set).filter((_, index) => set.labels[index] === label)));
    };
    expect(await redOf("cat")).toBe(20);
    await rename(join(folder, "cat/1.bmp.png"), join(folder, "x"));
    await rename(join(folder, "dog/1.bmp.png"), join(folder, "cat/1.bmp.png"));
    await rename(join(folder, "x"), join(folder, "dog/1.bmp.png"));
    expect(await redOf("cat")).toBe(200);
  });

  it("removes what a process left that died while it decoded", async () => {
    await tenOfEach();
    await opened();
    const pixels = (await readdir(process.env["NETC_CACHE"]!, { recursive: true })).find((name) =>
      name.endsWith(".pixels"),
    );
    const cache = dirname(join(process.env["NETC_CACHE"]!, pixels!));
    await writeFile(join(cache, ".0123.pixels.4194304-00.tmp"), "half");
    await mkdir(join(cache, "lock"));
    const pid = spawnSync(process.execPath, ["--version"]).pid;
    await writeFile(join(cache, "lock/owner.json"), JSON.stringify({ pid, host: hostname(), token: "gone" }));
    await picture("cat/11.png", 5);
    await opened();
    expect((await readdir(cache)).filter((name) => !name.endsWith(".pixels"))).toEqual([]);
  });

  it("leaves links to nothing out where it may, and names them where it may not", async () => {
    await tenOfEach();
    await symlink("nowhere.jpg", join(folder, "cat/gone.jpg"));
    await expect(opened()).rejects.toThrow(/cat\/gone\.jpg is a link to nothing/);
    const { train, test } = await opened({ broken: "skip" });
    expect(train.count + test.count).toBe(20);
    expect(await findBroken(settings({ broken: "skip" }), () => {})).toEqual([
      { path: "cat/gone.jpg", reason: "is a link to nothing" },
    ]);
  });

  it("refuses a folder that has changed since the file was compiled, and leaves nothing half written", async () => {
    await tenOfEach();
    const before = settings();
    await rm(join(folder, "dog/3.png"));
    await expect(openImages(before, 0, () => {})).rejects.toThrow(/now holds 2 classes with 15 images to train and 4/);
    const names = await readdir(process.env["NETC_CACHE"]!, { recursive: true });
    expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("a file that names a folder of images", () => {
  const text = (): string => `name: pets
data: { dataset: { images: { folder: ${JSON.stringify(folder)} } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }], classifier: { classes: 3 } }
train: { epochs: 1, batch_size: 4, learning_rate: 0.1 }
`;

  it("is checked against what the folder holds", async () => {
    await tenOfEach();
    const { diagnostics } = compileText(text(), "pets.yaml", { scanImages });
    expect(diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ["data/classes-mismatch", "the classifier has 3 classes, the data set has 2"],
    ]);
  });

  it("cannot be compiled where nobody can look into folders, unless it says what is there", async () => {
    await tenOfEach();
    const { diagnostics } = compileText(text(), "pets.yaml");
    expect(diagnostics.map(({ code }) => code)).toEqual(["data/no-images"]);
    const said = text().replace("} } }\n", ", classes: [a, b, c], train_images: 90, test_images: 10 } } }\n");
    const { value, diagnostics: none } = compileText(said, "pets.yaml");
    expect(none).toEqual([]);
    expect(value!.plan).toMatchObject({ trainImages: 90, testImages: 10 });
  });
});
