import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "tar";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCifar10 } from "../../../../src/runtime/data/cifar10/read-cifar10.js";
import { UserError } from "../../../../src/runtime/process/user-error.js";
import { labelOf, small, valueOf, writeBatches } from "./small-cifar10.js";

let work: string;
let folder: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "netc-cifar10-"));
  folder = join(work, "cifar-10-batches-bin");
  await writeBatches(folder);
});
afterEach(() => rm(work, { recursive: true }));

describe("readCifar10", () => {
  it("interleaves the channels of every image, training parts in official order", async () => {
    const { train, test, classes } = await readCifar10(folder, small);
    expect(classes.slice(0, 2)).toEqual(["airplane", "automobile"]);
    expect([...train.labels, ...test.labels]).toEqual(Array.from({ length: 24 }, (_, image) => labelOf(image)));
    const expected = Array.from({ length: 24 * 3072 }, (_, byte) =>
      valueOf(Math.floor(byte / 3072), byte % 3, Math.floor((byte % 3072) / 3)),
    );
    expect([...train.images, ...test.images]).toEqual(expected);
    expect(train).toMatchObject({ count: 20, height: 32, width: 32, channels: 3 });
  });

  it("reads the same from the folder above and from a tar.gz", async () => {
    const dataset = await readCifar10(folder, small);
    expect(await readCifar10(work, small)).toEqual(dataset);
    expect(await readCifar10(await archive(), small)).toEqual(dataset);
  });

  const faults: readonly (readonly [name: string, spoil: () => Promise<string>, says: RegExp])[] = [
    ["a path that is not there", async () => join(work, "nowhere"), /nowhere \(ENOENT\); data\.path takes/],
    ["an empty folder", () => emptyFolder(), /empty has no data_batch_1\.bin; data\.path takes/],
    ["the Python version", () => pythonFolder(), /python holds the Python version of CIFAR-10; data\.path takes/],
    [
      "a folder that lacks a file",
      () => rm(join(folder, "data_batch_4.bin")).then(() => folder),
      /data_batch_4\.bin cannot be read \(ENOENT\)/,
    ],
    [
      "a file that is cut off",
      () => truncate(join(folder, "test_batch.bin"), 1000).then(() => folder),
      /test_batch\.bin has 1000 bytes, expected 12292/,
    ],
    [
      "a label that CIFAR-10 does not have",
      () => writeFile(join(folder, "data_batch_2.bin"), new Uint8Array(12292).fill(77)).then(() => folder),
      /data_batch_2\.bin holds the label 77, so it is not CIFAR-10/,
    ],
    [
      "a tar.gz that is cut off",
      async () => {
        const path = await archive();
        await truncate(path, 400);
        return path;
      },
      /cifar\.tar\.gz is not a complete tar\.gz \(.+\)/,
    ],
    [
      "a file that is no tar.gz",
      () => writeFile(join(work, "x.tar.gz"), "<html></html>").then(() => join(work, "x.tar.gz")),
      /x\.tar\.gz is not a complete tar\.gz/,
    ],
    [
      "an empty file",
      () => writeFile(join(work, "x.tar.gz"), "").then(() => join(work, "x.tar.gz")),
      /x\.tar\.gz (is not a complete tar\.gz|has no data_batch_1\.bin)/,
    ],
    [
      "a tar.gz that lacks files",
      () => Promise.all([2, 5].map((part) => rm(join(folder, `data_batch_${part}.bin`)))).then(archive),
      /has no data_batch_2\.bin, data_batch_5\.bin;/,
    ],
    [
      "a tar.gz with a file of another size",
      () => truncate(join(folder, "data_batch_3.bin"), 10).then(archive),
      /data_batch_3\.bin in .*cifar\.tar\.gz has 10 bytes, expected 12292/,
    ],
  ];

  it.each(faults)("names the fault of %s in one sentence", async (_, spoil, says) => {
    const failure = await readCifar10(await spoil(), small).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as Error).message).toMatch(says);
    expect((failure as Error).message).not.toContain("\n");
  });
});

async function archive(): Promise<string> {
  const path = join(work, "cifar.tar.gz");
  await create({ gzip: true, file: path, cwd: work }, ["cifar-10-batches-bin"]);
  return path;
}

async function emptyFolder(): Promise<string> {
  await mkdir(join(work, "empty"));
  return join(work, "empty");
}

async function pythonFolder(): Promise<string> {
  await mkdir(join(work, "python"));
  await rename(join(folder, "data_batch_1.bin"), join(work, "python", "data_batch_1"));
  return join(work, "python");
}
