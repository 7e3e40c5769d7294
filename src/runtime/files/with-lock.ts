// Keeps two processes from doing the same long work at once: a folder stands for the lock, since making one either
// succeeds or fails as a whole on every file system. A lock whose owner was killed is noticed and taken over. On one machine
// the system says whether the owner lives; from elsewhere only its silence tells, so it touches the lock every few seconds.
//
// The lock saves double work; it is not what keeps the result whole. Two processes that both believe to own it, which a
// takeover at the wrong microsecond allows, must still be safe: the work publishes its result by an atomic rename.
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomHex } from "./digest.js";
import type { ProcessIdentity } from "./process-identity.js";
import { fateOf, thisProcess } from "./process-identity.js";

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
}

const TIMING: LockTiming = { heartbeat: 2_000, poll: 250, stale: 30_000 };

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
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere && !(await isDead(path, await readOwner(path), { timing: TIMING, ownerMayPause: true }));
}

async function acquire(path: string, options: LockOptions & { readonly timing: LockTiming }): Promise<string> {
  const owner: LockOwner = { ...(await thisProcess()), token: randomHex(8) };
  for (let waiting = false; ;) {
    options.signal?.throwIfAborted();
    if (await tryMake(path)) {
      await writeFile(ownerFile(path), JSON.stringify(owner));
      return owner.token;
    }
    const holder = await readOwner(path);
    if (await isDead(path, holder, options)) {
      await putAside(path, holder);
      continue;
    }
    if (!waiting) options.onWait(holder);
    waiting = true;
    await sleep(options.timing.poll, undefined, { signal: options.signal });
  }
}

async function tryMake(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
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
  try {
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs > timing.stale;
  } catch {
    return false; // released just now; the next try gets it
  }
}

/** Renames a dead lock away; if another process renewed it in between, gives it back. */
async function putAside(path: string, dead: LockOwner | null): Promise<void> {
  const aside = `${path}.dead-${randomHex(4)}`;
  try {
    await rename(path, aside);
  } catch {
    return; // another process was faster
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

async function release(path: string, token: string): Promise<void> {
  const owner = await readOwner(path);
  if (owner?.token === token) await rm(path, { recursive: true, force: true });
}

/** Also finds out whether the lock is still ours. One that is gone, or names nobody, may be on its way back: see `putAside`. */
async function touch(path: string, token: string, lose: (owner: LockOwner) => void): Promise<void> {
  const owner = await readOwner(path);
  if (owner !== null && owner.token !== token) return lose(owner);
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

async function readOwner(path: string): Promise<LockOwner | null> {
  try {
    return JSON.parse(await readFile(ownerFile(path), "utf8")) as LockOwner;
  } catch {
    return null; // not written yet, or just released
  }
}

function ownerFile(path: string): string {
  return join(path, "owner.json");
}
