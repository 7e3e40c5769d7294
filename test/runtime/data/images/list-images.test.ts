import type * as FileSystem from "node:fs";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ListedImage, ListedImages } from "../../../../src/runtime/data/images/list-images.js";
import { listImages } from "../../../../src/runtime/data/images/list-images.js";
import { scanImages } from "../../../../src/runtime/data/images/scan-images.js";
import { splitImages } from "../../../../src/runtime/data/images/split-images.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";

let calls = 0;
vi.mock("node:fs", async (original) => {
  const real = await original<typeof FileSystem>();
  const counted = <Call extends (...args: never[]) => unknown>(call: Call): Call =>
    ((...args) => {
      calls++;
      return call(...args);
    }) as Call;
  return {
    ...real,
    readdirSync: counted(real.readdirSync as () => unknown),
    statSync: counted(real.statSync as () => unknown),
    lstatSync: counted(real.lstatSync as () => unknown),
    realpathSync: counted(real.realpathSync as unknown as () => unknown),
  };
});

let folder: string;
beforeEach(async () => {
  const parent = await temporaryFolder();
  vi.stubEnv("NETC_CACHE", join(parent, "cache"));
  folder = join(parent, "photos");
  await mkdir(folder);
});

/** Empty files: a listing opens none. */
async function files(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), "");
  }
}

const listed = (): ListedImages => listImages(folder)!;
const pathsOf = (images: readonly ListedImage[] | null): readonly string[] => (images ?? []).map(({ path }) => path);
const passed = (): readonly string[] => listed().passedOver.map(({ count, kind }) => `${count} ${kind}`);

const size = { height: 8, width: 8 };

describe("listImages", () => {
  it("lists what is decoded, by any end of a name that its format has, in small letters and capitals", async () => {
    const ends = ["png", "JPG", "jpeg", "jpe", "jfif", "pjpeg", "webp", "GIF", "tif", "tiff", "avif"];
    await files(...ends.map((end, index) => `cat/${index + 10}.${end}`), "dog/1.png");
    expect(pathsOf(listed().train)).toHaveLength(ends.length + 1);
    expect(listed().passedOver).toEqual([]);
  });

  it("counts what it passes over, by its kind and with the way on", async () => {
    await files(
      "cat/1.png",
      "cat/2.heic",
      "cat/3.HEIC",
      "cat/4.bmp",
      "cat/5",
      "cat/6.cr2",
      "cat/notes.txt",
      "cat/film.mp4",
    );
    await files("dog/1.png", "dog/2.png", "dog/.DS_Store", "dog/Thumbs.db", "loose.png", "dog/__MACOSX/._1.png");
    expect(passed().toSorted()).toEqual([
      "1 .txt file",
      "1 BMP picture",
      "1 camera raw picture",
      "1 file without an extension",
      "1 picture outside the folder of a class",
      "1 video",
      "2 HEIC picture",
      "3 hidden or system file",
    ]);
    const { diagnostics } = scanImages({
      folder,
      size,
      grayscale: false,
      validation_share: 0.5,
      broken: "error",
      seed: 0,
    });
    const warnings = diagnostics.filter(({ code }) => code === "data/passed-over");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.severity).toBe("warning");
    expect(warnings[0]!.message).toContain("2 HEIC pictures (as cat/2.heic)");
    expect(warnings[0]!.message).not.toContain("hidden");
    expect(warnings[0]!.hint).toContain("HEIC picture: convert it to JPEG with");
  });

  it.each([
    ["train", "val"],
    ["Train", "Test"],
    ["training", "validation"],
    ["train", "dev"],
    ["TRAIN", "eval"],
    ["train_set", "test-set"],
    ["training images", "Valid"],
  ])("takes %s and %s for a split", async (train, test) => {
    await files(`${train}/cat/1.png`, `${train}/dog/1.png`, `${test}/cat/2.png`, `${test}/dog/2.png`);
    expect(listed()).toMatchObject({ classes: ["cat", "dog"], trainFolder: train, testFolder: test, unclear: [] });
    expect(pathsOf(listed().test)).toEqual([`${test}/cat/2.png`, `${test}/dog/2.png`]);
  });

  it("takes a folder train or test that holds pictures for a class", async () => {
    await files("bus/1.png", "car/1.png", "train/1.png", "test/1.png");
    expect(listed()).toMatchObject({ classes: ["bus", "car", "test", "train"], test: null, unclear: [] });
  });

  it("says what it takes folders for where that is unclear, and what lies beside a split", async () => {
    await files("train/1.png", "test/1.png");
    expect(listed().unclear).toEqual([
      "train and test are taken for classes, not for parts of a split: train holds no folders of classes",
    ]);
    await files("bus/1.png", "train/old/1.png");
    expect(listed().classes).toEqual(["bus", "test", "train"]);
  });

  it("takes a train folder with folders for a class where classes lie beside it, and says so", async () => {
    await files("bus/1.png", "car/1.png", "train/steam/1.png");
    expect(listed().classes).toEqual(["bus", "car", "train"]);
    expect(listed().unclear).toEqual([
      "train is taken for a class, not for the training images: bus next to it holds pictures",
    ]);
    await files("val/bus/1.png");
    expect(listed()).toMatchObject({ trainFolder: "train", testFolder: "val", classes: ["steam"] });
    expect(passed()).toEqual(["2 folder outside the split"]);
  });

  it("names two classes that look the same", async () => {
    await files("caf\u00e9/1.png", "cafe\u0301/1.png", "tea/1.png");
    expect(listed().unclear[0]).toMatch(/^two classes are called .*composed letters/);
  });
});

describe.skipIf(process.platform === "win32")("links and what is no file", () => {
  it("follows a link to a folder once, and none that leads back", async () => {
    await files("cat/1.png", "dog/1.png");
    await mkdir(join(folder, "../disk/deep"), { recursive: true });
    await writeFile(join(folder, "../disk/2.png"), "");
    await writeFile(join(folder, "../disk/deep/3.png"), "");
    await symlink("../../disk", join(folder, "cat/a-link"));
    await symlink("../../disk/deep", join(folder, "cat/b-link"));
    await symlink("../..", join(folder, "cat/up"));
    await symlink(".", join(folder, "cat/self"));
    await symlink("../../..", join(folder, "../disk/deep/far-up"));
    await symlink("cat", join(folder, "kitten"));
    const { train, passedOver } = listed();
    expect(pathsOf(train)).toEqual([
      "cat/1.png",
      "cat/a-link/2.png",
      "cat/a-link/deep/3.png",
      "dog/1.png",
      "kitten/1.png",
      "kitten/a-link/2.png",
      "kitten/a-link/deep/3.png",
    ]);
    expect(passedOver.every(({ kind }) => kind === "link to a folder that is searched already")).toBe(true);
  });

  it("reads a folder once where the link to it is met before the folder's own place", async () => {
    await files("cat/z/1.png", "dog/1.png");
    await symlink("z", join(folder, "cat/a"));
    expect(pathsOf(listed().train)).toEqual(["cat/z/1.png", "dog/1.png"]);
  });

  it("names links to nothing and in circles, and pipes, without opening them", async () => {
    await files("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png");
    await symlink("nowhere.jpg", join(folder, "cat/gone.jpg"));
    await symlink("b.png", join(folder, "cat/a.png"));
    await symlink("a.png", join(folder, "cat/b.png"));
    await symlink("ring", join(folder, "ring"));
    execFileSync("mkfifo", [join(folder, "dog/pipe.png"), join(folder, "dog/pipe.txt")]);
    expect(listed().train.flatMap(({ path, fault }) => (fault === undefined ? [] : [`${path} ${fault}`]))).toEqual([
      "cat/a.png is a link to itself",
      "cat/b.png is a link to itself",
      "cat/gone.jpg is a link to nothing",
      "dog/pipe.png is a named pipe, expected a file",
    ]);
    expect(passed()).toEqual(["1 link to itself", "1 named pipe"]);
    const request = { folder, size, grayscale: false, validation_share: 0.5, seed: 0 };
    const refused = scanImages({ ...request, broken: "error" });
    expect(refused.diagnostics.map(({ code }) => code)).toContain("data/broken-image");
    const skipped = scanImages({ ...request, broken: "skip" });
    expect(skipped.value).toMatchObject({ train_images: 2, test_images: 2 });
    expect(skipped.diagnostics.map(({ message }) => message).join("\n")).toContain("4 images that cannot be read");
  });
});

describe("a folder of many classes", () => {
  it("is listed with a call of the file system for each folder, however many there are", async () => {
    const callsWith = async (classes: number): Promise<number> => {
      for (let index = 0; index < classes; index++) await files(`${index}/1.png`, `${index}/2.png`);
      calls = 0;
      listed();
      return calls;
    };
    const [some, more] = [await callsWith(20), await callsWith(40)];
    expect(more - some).toBe(20);
  });

  it("is split by looking at each image as often as one of two classes is", () => {
    const readsWith = (classes: number): number => {
      let reads = 0;
      const train = Array.from({ length: 600 }, (_, index) => ({
        path: `${index}.png`,
        get label() {
          reads++;
          return index % classes;
        },
      }));
      const names = Array.from({ length: classes }, (_, index) => String(index));
      splitImages({ classes: names, train, test: null }, { validation_share: 0.2, seed: 0 });
      return reads;
    };
    expect(readsWith(200)).toBe(readsWith(2));
  });
});
