import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DataConfig, ImagesDataset } from "../../../src/compiler/config.js";
import { decodeImages } from "../../../src/runtime/data/images/decode-images.js";
import { openImages } from "../../../src/runtime/data/images/open-images.js";
import { journalOf } from "../../../src/runtime/data/packed/packing-journal.js";
import { scanImages } from "../../../src/runtime/data/images/scan-images.js";
import { keepValidation } from "../../../src/runtime/data/keep-validation.js";
import type { Loader } from "../../../src/runtime/data/loader.js";
import { createLoader } from "../../../src/runtime/data/loader.js";
import { PackedImages, ReadAhead } from "../../../src/runtime/data/packed/packed-images.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { plainFit } from "../../support/plain-fit.js";

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await temporaryFolder();
  vi.stubEnv("NETC_CACHE", join(parent, "cache"));
  folder = join(parent, "photos");
});

/** 23 pictures in two classes, each of its own colour. */
async function pictures(): Promise<string[]> {
  const paths = Array.from({ length: 23 }, (_, index) => `${index % 2 ? "cat" : "dog"}/${index}.png`);
  for (const [index, path] of paths.entries()) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    const create = { width: 8, height: 8, channels: 3 as const, background: { r: 10 * index, g: 99, b: 250 - index } };
    await sharp({ create }).png().toFile(join(folder, path));
  }
  return paths;
}

function settings(held_in: "memory" | "disk"): ImagesDataset {
  const written = {
    folder,
    ...plainFit({ height: 8, width: 8 }),
    grayscale: false,
    validation_share: 0.3,
    broken: "error" as const,
  };
  return { ...written, ...scanImages({ ...written, seed: 0 }).value!, held_in };
}

async function loaderOf(held_in: "memory" | "disk", data: Partial<DataConfig> = {}): Promise<Loader> {
  const dataset = keepValidation(await openImages(settings(held_in), 0, () => {}), 4, 0);
  return createLoader(dataset, {
    seed: 3,
    data: {
      dataset: { images: settings(held_in) },
      path: null,
      validation: null,
      resize: null,
      normalize: { mean: [0, 0, 0], std: [1, 1, 1] },
      augment: [{ horizontal_flip: { probability: 0.5 } }, { mixup: { alpha: 1, probability: 1 } }],
      ...data,
    },
    train: { batch_size: 4, drop_last: false, evaluation: { batch_size: 3 } },
  });
}

describe("images that lie in a file", () => {
  for (const resize of [null, { height: 12, width: 12 }]) {
    it(`make the same batches as those in memory, ${resize ? "resized" : "as they are"}, read ahead or not`, async () => {
      await pictures();
      const [memory, disk] = [await loaderOf("memory", { resize }), await loaderOf("disk", { resize })];
      expect(disk.plain(5)).toEqual(memory.plain(5));
      for (let epoch = 0; epoch < 2; epoch++) {
        for (let index = 0; index < memory.batchesPerEpoch; index++) {
          if (index !== 1) await disk.begin!("train", epoch, index);
          expect(disk.train(epoch, index)).toEqual(memory.train(epoch, index));
        }
      }
      for (const set of ["test", "validation"] as const) {
        for (let index = 0; index < memory[`${set}Batches`]; index++) {
          if (index !== 1) await disk.begin!(set, index);
          expect(disk[set](index)).toEqual(memory[set](index));
        }
      }
    });
  }

  it("are read in any order, and batches that nobody waited for are right all the same", async () => {
    const file = join(parent, "pixels");
    await writeFile(
      file,
      Uint8Array.from({ length: 100 }, (_, at) => at),
    );
    const images = PackedImages.open(
      file,
      2,
      Uint32Array.from({ length: 50 }, (_, at) => at),
    ).select([9, 8, 7, 6, 1, 2]);
    expect([...images.readNow([5, 4, 0])]).toEqual([4, 5, 2, 3, 18, 19]);
    const ahead = new ReadAhead(images, 2);
    for (let key = 0; key < 20; key++) void ahead.begin(key, () => [key % 6, (key + 1) % 6]);
    for (let key = 0; key < 20; key++) {
      expect(ahead.take(key, [key % 6, (key + 1) % 6])).toEqual(images.readNow([key % 6, (key + 1) % 6]));
    }
  });

  it("that were cut short since are named", async () => {
    const file = join(parent, "pixels");
    await writeFile(file, new Uint8Array(100));
    const images = PackedImages.open(file, 10, Uint32Array.from([9]));
    await truncate(file, 95);
    await expect(images.read([0], new Uint8Array(10))).rejects.toThrow(/was cut short/);
    expect(() => images.readNow([0])).toThrow(/was cut short/);
  });
});

describe("packing", () => {
  const options = { onProgress: () => {} };

  it("goes on where it was stopped, and makes the same file", async () => {
    const paths = await pictures();
    const task = { folder, paths, ...plainFit({ height: 8, width: 8 }), grayscale: false };
    await writeFile(join(folder, paths[2]!), "broken");
    const broken = await decodeImages({ ...task, file: join(parent, "whole") }, options);
    expect(broken.map(({ path }) => path)).toEqual([paths[2]]);

    const file = join(parent, "parts");
    let begun = 0;
    for (let stop = true; stop;) {
      const stopping = new AbortController();
      stop = begun === 0;
      const onProgress = ({ done }: { done: number }): void => {
        begun = done;
        if (stop) stopping.abort();
      };
      const running = decodeImages({ ...task, file }, { onProgress, signal: stopping.signal });
      if (stop) await expect(running).rejects.toThrow(/abort/i);
      else expect(await running).toEqual(broken);
      if (stop) begun = 1;
    }
    expect(await readFile(file)).toEqual(await readFile(join(parent, "whole")));
  });

  it("takes what the journal says and what lies behind it anew, and all of it where the file is not what the journal says", async () => {
    const paths = await pictures();
    const task = { folder, paths, ...plainFit({ height: 8, width: 8 }), grayscale: false };
    const file = join(parent, "file");
    await decodeImages({ ...task, paths: paths.slice(0, 10), file }, options);
    const first = await readFile(file);
    await decodeImages({ ...task, file: join(parent, "whole") }, options);
    const whole = await readFile(join(parent, "whole"));
    const journal = await readFile(journalOf(file), "utf8");

    const seen: number[] = [];
    const onProgress = ({ done }: { done: number }): number => seen.push(done);
    await writeFile(journalOf(file), `${journal}{"done":12,"by`);
    await decodeImages({ ...task, file }, { onProgress });
    expect(seen[0]).toBe(10);
    expect(await readFile(file)).toEqual(whole);

    first[0]! ^= 1;
    await writeFile(file, first);
    await writeFile(journalOf(file), journal);
    seen.length = 0;
    await decodeImages({ ...task, file }, { onProgress });
    expect(seen[0]).toBe(0);
    expect(await readFile(file)).toEqual(whole);
  });
});

describe("a process that is killed while it packs", () => {
  it("leaves what the next one goes on with, and nothing of it stays", async () => {
    const paths = await pictures();
    const file = join(parent, "killed");
    const module = new URL("../../../dist/runtime/data/images/decode-images.js", import.meta.url).href;
    const task = { folder, paths, ...plainFit({ height: 8, width: 8 }), grayscale: false, file };
    // A pipe in a picture's place would be refused; the clock of the journal is what makes it write, so it is moved
    const script = `
      const { decodeImages } = await import(${JSON.stringify(module)});
      let time = 0;
      performance.now = () => (time += 3000);
      await decodeImages(${JSON.stringify(task)}, { onProgress: () => {} });
      process.kill(process.pid, "SIGKILL");`;
    const killed = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
    expect((await once(killed, "exit"))[1]).toBe("SIGKILL");
    const lines = (await readFile(journalOf(file), "utf8")).trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(paths.length);
    const whole = await readFile(file);
    // As the disk may be after any of those lines
    await writeFile(journalOf(file), lines.slice(0, 7).join("\n") + "\n");
    await truncate(file, 7 * 192 + 50);
    const seen: number[] = [];
    await decodeImages(task, { onProgress: ({ done }) => seen.push(done) });
    expect(seen[0]).toBe(7);
    expect(await readFile(file)).toEqual(whole);
    expect((await readdir(parent)).toSorted()).toEqual(["killed", "killed.journal", "photos"]);
  });
});
