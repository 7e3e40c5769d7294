// What is prepared in a process of its own: what it takes is known and told first, and its end is a sentence.
import { mkdir, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DataConfig, ImagesDataset } from "../../../src/compiler/config.js";
import { CIFAR10, RECORD_BYTES } from "../../../src/runtime/data/cifar10/facts.js";
import { CIFAR10_NEEDS, cachedCifar10 } from "../../../src/runtime/data/cifar10/fetch-cifar10.js";
import { openImages } from "../../../src/runtime/data/images/open-images.js";
import { scanImages } from "../../../src/runtime/data/images/scan-images.js";
import { preparationNeeds } from "../../../src/runtime/data/preparation-needs.js";
import { prepareApart } from "../../../src/runtime/data/preparation.js";
import { UserError } from "../../../src/runtime/process/user-error.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { plainFit } from "../../support/plain-fit.js";

const MEBIBYTE = 1024 * 1024;
let folder: string;
let cache: string;
let seen: string[];
const onProgress = ({ doing }: { readonly doing: string }) => void seen.push(doing);

beforeEach(async () => {
  const parent = await temporaryFolder();
  [folder, cache, seen] = [join(parent, "photos"), join(parent, "cache"), []];
  vi.stubEnv("NETC_CACHE", cache);
});

async function photos(size: number): Promise<ImagesDataset> {
  const create = { width: 20, height: 30, channels: 3 as const, background: "red" };
  for (const name of ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await sharp({ create }).toFile(join(folder, name));
  }
  const written = { folder, ...plainFit({ height: size, width: size }), grayscale: false, validation_share: 0.5 };
  return {
    ...written,
    broken: "error",
    held_in: "memory",
    ...scanImages({ ...written, broken: "error", seed: 0 }).value!,
  };
}

function data(dataset: DataConfig["dataset"], path: string | null = null): DataConfig {
  return { dataset, path } as DataConfig;
}

describe("preparationNeeds", () => {
  it("has what fetching CIFAR-10 takes, until its files are there or where a copy is named", async () => {
    expect(await preparationNeeds(data("cifar10"))).toBe(CIFAR10_NEEDS);
    expect(await preparationNeeds(data("cifar10", folder))).toBeUndefined();
    await mkdir(cachedCifar10(), { recursive: true });
    for (const { file } of CIFAR10.parts) {
      await writeFile(join(cachedCifar10(), file), "");
      expect(await preparationNeeds(data("cifar10"))).toBe(CIFAR10_NEEDS);
      await truncate(join(cachedCifar10(), file), CIFAR10.imagesPerPart * RECORD_BYTES);
    }
    expect(await preparationNeeds(data("cifar10"))).toBeUndefined();
  });

  it("has what decoding pictures takes at most, more for larger ones, until they are decoded", async () => {
    const settings = await photos(8);
    const needs = await preparationNeeds(data({ images: settings }));
    expect(needs).toMatchObject({ doing: `decoding ${folder}` });
    const large = await preparationNeeds(data({ images: { ...settings, size: { height: 1024, width: 1024 } } }));
    expect(large!.most - needs!.most).toBe(32 * 3 * (1024 * 1024 - 8 * 8));
    await openImages(settings, 0, onProgress);
    expect(seen[0]).toBe(
      `decoding ${folder} takes up to ${Math.round(needs!.most / MEBIBYTE)} MiB of memory in a process of its own`,
    );
    expect(await preparationNeeds(data({ images: settings }))).toBeUndefined();
    seen = [];
    await openImages(settings, 0, onProgress);
    expect(seen).toEqual([]);
  });
});

describe("prepareApart", () => {
  const task = { kind: "rebuild-cifar10", work: "", source: CIFAR10 } as const;

  it("begins nothing that there is too little memory for", async () => {
    const refused = await prepareApart(task, CIFAR10_NEEDS, { onProgress }, 300 * MEBIBYTE).catch((error) => error);
    expect(refused).toBeInstanceOf(UserError);
    expect(refused.message).toMatch(
      /^fetching CIFAR-10 takes up to \d+ MiB of memory in a process of its own, and this machine has 300 MiB for it; set data\.path/,
    );
    expect(seen).toEqual([]);
  });

  it("says where there may be too little", async () => {
    const needs = { ...CIFAR10_NEEDS, least: 0 };
    const stopped = new AbortController();
    const preparing = prepareApart(
      task,
      needs,
      {
        onProgress: (progress) => {
          onProgress(progress);
          stopped.abort();
        },
        signal: stopped.signal,
      },
      300 * MEBIBYTE,
    );
    await expect(preparing).rejects.toMatchObject({ name: "AbortError" });
    expect(seen[0]).toMatch(/, and this machine has 300 MiB for it, which may not be enough$/);
  });
});

describe("openImages", () => {
  it("says so where its process is killed while it decodes, leaves what can be gone on with, and decodes the next time", async () => {
    const settings = await photos(8);
    const killer = join(folder, "../killer.mjs");
    const told =
      'process.send = (send => message => send.call(process, message, () => process.kill(process.pid, "SIGKILL")))(process.send);';
    await writeFile(killer, told);
    vi.stubEnv("NODE_OPTIONS", `--import ${pathToFileURL(killer).href}`);
    const failure = await openImages(settings, 0, onProgress).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as Error).message).toBe(
      "the process that prepares the images was ended by SIGKILL; the system may be out of memory",
    );
    expect(seen.at(-1)).toBe(`decoding ${folder}`);
    const names = await readdir(cache, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile()).map(({ name }) => name.replace(/^[0-9a-f]+/, ""));
    expect(files.toSorted()).toEqual([".pixels.partial", ".pixels.partial.journal"]);
    vi.stubEnv("NODE_OPTIONS", "");
    expect((await openImages(settings, 0, onProgress)).train.count).toBe(2);
    const left = await readdir(cache, { recursive: true });
    expect(left.filter((name) => name.includes(".partial"))).toEqual([]);
  });
});
