// Keeps two processes from doing the same long work at once: a folder stands for the lock, since making one either
// succeeds or fails as a whole on every file system. A lock whose owner was killed is noticed and taken over. On one machine
// the system says whether the owner lives; from elsewhere only its silence tells, so it touches the lock every few seconds.
//
// The lock saves double work; it is not what keeps the result whole. Two processes that both believe to own it, which a
// takeover at the wrong microsecond allows, must still be safe: the work publishes its result by an atomic rename.
import { mkdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomHex } from "./digest.js";
import { ifThere, isMissing, unreadable } from "./if-there.js";
import { isCount, isRecord } from "./parse-json.js";
import type { ProcessIdentity } from "./process-identity.js";
import { fateOf, thisProcess } from "./process-identity.js";
import { readPlainFile } from "./read-plain-file.js";
import { temporaryName } from "./write-file-atomically.js";

export interface LockOptions {
  /** Called once when another process holds the lock; null where it has not said who it is. */
  readonly onWait: (owner: LockOwner | null) => void;
  /** What the work's signal aborts with where another process, to which this one seemed dead, has taken the lock over. */
  readonly onLost?: (owner: LockOwner) => Error;
  /** Whether an owner that lives on this machine keeps the lock however long it is silent, as one that was paused is. */
  readonly ownerMayPause?: boolean;
  readonly signal?: AbortSignal;
  readonly timing?: LockTiming;
}

export interface LockOwner extends ProcessIdentity {
  readonly token: string;
}

export interface LockTiming {
  /** All in milliseconds. */
  readonly heartbeat: number;
  readonly poll: number;
  /** Silence after which an owner of which nothing else is known counts as dead; work that blocks the event loop must stay well below it. */
  readonly stale: number;
  /** The same, watched from here, of a lock that names no owner: one of today's is never seen without. `stale` without it. */
  readonly nameless?: number;
}

const TIMING: LockTiming = { heartbeat: 2_000, poll: 250, stale: 30_000, nameless: 6_000 };

/**
 * Runs `work` while holding the lock folder at `path`, whose parent exists; waits for as long as another owner lives. The
 * signal that the work is given aborts where the lock is lost meanwhile.
 */
export async function withLock<T>(
  path: string,
  work: (lost: AbortSignal) => Promise<T>,
  options: LockOptions,
): Promise<T> {
  const timing = options.timing ?? TIMING;
  const token = await acquire(path, { ...options, timing });
  const lost = new AbortController();
  const lose = (owner: LockOwner): void => {
    clearInterval(heartbeat);
    lost.abort(options.onLost?.(owner));
  };
  const heartbeat = setInterval(() => void touch(path, token, lose), timing.heartbeat);
  try {
    return await work(lost.signal);
  } finally {
    clearInterval(heartbeat);
    await release(path, token);
  }
}

/** Whether a living process, which may be paused, holds the lock at `path`. */
export async function isLocked(path: string): Promise<boolean> {
  const isThere = (await ifThere(path, stat(path))) !== undefined;
  return isThere && !(await isDead(path, await readOwner(path), { timing: TIMING, ownerMayPause: true }));
}

async function acquire(path: string, options: LockOptions & { readonly timing: LockTiming }): Promise<string> {
  const owner: LockOwner = { ...(await thisProcess()), token: randomHex(8) };
  const patience = options.timing.nameless ?? options.timing.stale;
  let waiting = false;
  /** Of a lock that names nobody, by this process's own clock: when it was first seen, and since when it has been silent. */
  let nameless: { readonly seen: number; readonly silentSince: number; readonly touched: number } | undefined;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await tryMake(path, owner)) return owner.token;
    const holder = await readOwner(path);
    const now = performance.now();
    if (holder !== null) nameless = undefined;
    else {
      const touched = (await ifThere(path, stat(path)))?.mtimeMs;
      if (touched === undefined) continue; // released just now
      if (touched !== nameless?.touched) nameless = { seen: nameless?.seen ?? now, silentSince: now, touched };
    }
    const isSilent = nameless !== undefined && now - nameless.silentSince > patience;
    if (isSilent || (await isDead(path, holder, options))) {
      await putAside(path, holder);
      continue;
    }
    // One that names nobody is damaged, and may soon turn out to be dead
    if (!waiting && (nameless === undefined || now - nameless.seen > 2 * patience)) {
      options.onWait(holder);
      waiting = true;
    }
    await sleep(options.timing.poll, undefined, { signal: options.signal });
  }
}

/** The lock appears with its owner in it. */
async function tryMake(path: string, owner: LockOwner): Promise<boolean> {
  if ((await ifThere(path, stat(path))) !== undefined) return false; // a rename would take the place of an empty folder
  const temporary = temporaryName(path);
  try {
    await mkdir(temporary);
    await writeFile(ownerFile(temporary), JSON.stringify(owner));
    await rename(temporary, path);
    return true;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENOTEMPTY") return false;
    if ((code === "EPERM" || code === "ENOTDIR") && (await ifThere(path, stat(path)))) return false; // Windows; a file there
    throw error;
  }
}

async function isDead(
  path: string,
  owner: LockOwner | null,
  { timing, ownerMayPause = false }: Pick<LockOptions, "ownerMayPause"> & { readonly timing: LockTiming },
): Promise<boolean> {
  const fate = owner === null ? "unknown" : await fateOf(owner);
  if (fate === "dead") return true;
  if (fate === "lives" && ownerMayPause) return false;
  const found = await ifThere(path, stat(path));
  return found !== undefined && Date.now() - found.mtimeMs > timing.stale; // else released just now; the next try gets it
}

/** Renames a dead lock away; if another process renewed it in between, gives it back. */
async function putAside(path: string, dead: LockOwner | null): Promise<void> {
  const aside = `${path}.dead-${randomHex(4)}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return; // another process was faster
    throw error;
  }
  const moved = await readOwner(aside);
  if (moved !== null && moved.token !== dead?.token) {
    const returned = await rename(aside, path).then(
      () => true,
      () => false,
    );
    if (returned) return;
  }
  await rm(aside, { recursive: true, force: true });
}

/** Where it cannot be looked at or removed, the end of this process frees it. */
async function release(path: string, token: string): Promise<void> {
  const owner = await readOwner(path).catch(() => null);
  if (owner?.token === token) await rm(path, { recursive: true, force: true });
}

/** Also finds out whether the lock is still ours. One that is gone, or names nobody, may be on its way back: see `putAside`. */
async function touch(path: string, token: string, lose: (owner: LockOwner) => void): Promise<void> {
  const owner = await readOwner(path).catch(() => null); // looked at again soon
  if (owner !== null && owner.token !== token) return lose(owner);
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

/** Null where the lock is gone or does not say whose it is. */
async function readOwner(path: string): Promise<LockOwner | null> {
  try {
    const owner: unknown = JSON.parse(String(await readPlainFile(ownerFile(path))));
    return isOwner(owner) ? owner : null;
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return null;
    if ((error as NodeJS.ErrnoException).code === "EISDIR") return null;
    throw unreadable(ownerFile(path), error);
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (!isRecord(value)) return false;
  const { pid, host, token, system, started } = value;
  const isTextOrAbsent = (part: unknown): boolean => part === undefined || typeof part === "string";
  const isNamed = isCount(pid) && pid > 0 && typeof host === "string" && typeof token === "string";
  return isNamed && isTextOrAbsent(system) && isTextOrAbsent(started);
}

function ownerFile(path: string): string {
  return join(path, "owner.json");
}
