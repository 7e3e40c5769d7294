// Files and folders that are either there in full or not there at all, whenever the power goes: written under a temporary
// name beside their place, flushed to the disk, then renamed.
import * as fs from "node:fs/promises";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { randomHex } from "./digest.js";
import { ifThere } from "./if-there.js";
import { isAlive } from "./process-identity.js";

/**
 * Replaces the file at `path` with `data`; on any fault the old file stays as it was and nothing is left behind. `mode`
 * is given to the new file before it takes the place of the old one.
 */
export async function writeFileAtomically(path: string, data: string | Uint8Array, mode?: number): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeAndFlush(temporary, data, mode);
    await renameInTime(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(dirname(path));
}

/** With those above it. Node's own way to that says ENOENT of a disk that is read-only, and never ends in /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** Moves a finished folder to `path`, which must be free, after flushing all that is in it. Both are on one disk. */
export async function publishFolder(temporary: string, path: string): Promise<void> {
  await flushTree(temporary);
  await renameInTime(temporary, path);
  await flushFolder(dirname(path));
}

const MOST_CHARACTERS = 70; // of up to three bytes each

/** A name in the same folder that no other process picks: a rename is only atomic within one file system. */
export function temporaryName(path: string): string {
  const beginning = basename(path).slice(0, MOST_CHARACTERS); // file systems take 255 bytes
  const name = `.${beginning}.${process.pid}-${randomHex(4)}.tmp`;
  given.add(name);
  return join(dirname(path), name);
}

/** The names that this process has given: one of another process that had the same number, before a restart, is not in it. */
const given = new Set<string>();
const TEMPORARY = /^\..+\.(\d+)(?:-[0-9a-f]+)?\.tmp$/s;

/** Removes from a folder what processes that have died left under temporary names in it; those of living ones stay. */
export async function sweepTemporaries(folder: string): Promise<void> {
  for (const name of (await ifThere(folder, readdir(folder))) ?? []) {
    const pid = Number(TEMPORARY.exec(name)?.[1]);
    if (Number.isNaN(pid) || (pid === process.pid ? given.has(name) : isAlive(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function writeAndFlush(path: string, data: string | Uint8Array, mode?: number): Promise<void> {
  const file = await open(path, "wx");
  try {
    if (mode !== undefined) await file.chmod(mode & 0o7777); // not at opening, where the umask would cut it
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function flushTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    await (entry.isDirectory() ? flushTree(inner) : flushFile(inner));
  }
  await flushFolder(path);
}

async function flushFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the rename itself durable. Windows cannot open folders and needs no such flush; nor do file systems that refuse it. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync().catch(ignoreRefusedFlush);
  } finally {
    await folder.close();
  }
}

/** What network drives and shared folders of macOS and of virtual machines answer to the flush of a folder. */
const REFUSED_FLUSH: ReadonlySet<string> = new Set(["EINVAL", "EPERM", "EISDIR", "ENOTSUP", "EOPNOTSUPP"]);

export function ignoreRefusedFlush(error: NodeJS.ErrnoException): void {
  if (!REFUSED_FLUSH.has(error.code ?? "")) throw error;
}

/** On Windows, what a virus scanner or an indexer has just opened cannot be renamed, and soon after it can. */
const HELD_FOR_A_MOMENT: ReadonlySet<string> = new Set(["EPERM", "EBUSY", "EACCES"]);
const WAITS = [10, 20, 50, 100, 200, 500, 1000]; // milliseconds

export interface RenameSurroundings {
  readonly platform: NodeJS.Platform;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** A rename that on Windows is tried again where another program has the file open. */
export async function renameInTime(
  from: string,
  to: string,
  { platform, rename, sleep }: RenameSurroundings = {
    platform: process.platform,
    rename: fs.rename,
    sleep: setTimeout,
  },
): Promise<void> {
  const waits = platform === "win32" ? WAITS : [];
  for (const wait of waits) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (!HELD_FOR_A_MOMENT.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      await sleep(wait);
    }
  }
  await rename(from, to);
}
