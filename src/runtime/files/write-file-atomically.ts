// Files and folders that are either there in full or not there at all, whenever the power goes: written under a temporary
// name beside their place, flushed to the disk, then renamed.
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
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
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(dirname(path));
}

/** Moves a finished folder to `path`, which must be free, after flushing all that is in it. Both are on one disk. */
export async function publishFolder(temporary: string, path: string): Promise<void> {
  await flushTree(temporary);
  await rename(temporary, path);
  await flushFolder(dirname(path));
}

/** A name in the same folder that no other process picks: a rename is only atomic within one file system. */
export function temporaryName(path: string): string {
  const name = `.${basename(path)}.${process.pid}-${randomHex(4)}.tmp`;
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

/** Makes the rename itself durable. Windows cannot open folders and needs no such flush. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
