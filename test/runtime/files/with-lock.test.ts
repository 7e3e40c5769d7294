import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ProcessIdentity } from "../../../src/runtime/files/process-identity.js";
import { thisProcess } from "../../../src/runtime/files/process-identity.js";
import { withLock } from "../../../src/runtime/files/with-lock.js";
import type { LockOptions } from "../../../src/runtime/files/with-lock.js";

const timing = { heartbeat: 10, poll: 5, stale: 5_000 };
/** On a loaded machine a few file operations can take long. */
const PATIENCE = { timeout: 4_000, interval: 5 };
const quiet: LockOptions = { onWait: () => undefined, timing };

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "netc-lock-"));
  lock = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true }));

describe("withLock", () => {
  it("runs one after the other and leaves nothing behind", async () => {
    let inside = 0;
    const order: number[] = [];
    const work = (name: number) => async () => {
      expect(++inside).toBe(1);
      await sleep(15);
      order.push(name);
      inside--;
    };
    await Promise.all([1, 2, 3].map((name) => withLock(lock, work(name), quiet)));
    expect(order.toSorted()).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("tells a waiting process once who holds the lock", async () => {
    const onWait = vi.fn();
    let finish = (): void => undefined;
    const first = withLock(lock, () => new Promise<void>((resolve) => (finish = resolve)), quiet);
    await vi.waitFor(() => expect(readdir(lock)).resolves.toContain("owner.json"), PATIENCE);
    const second = withLock(lock, async () => undefined, { onWait, timing });
    await vi.waitFor(() => expect(onWait).toHaveBeenCalled(), PATIENCE);
    finish();
    await Promise.all([first, second]);
    expect(onWait).toHaveBeenCalledTimes(1);
    expect(onWait.mock.calls[0]![0]).toMatchObject({ pid: process.pid });
  });

  it("gives the lock back when the work fails", async () => {
    const failing = withLock(lock, () => Promise.reject(new Error("no")), quiet);
    await expect(failing).rejects.toThrow("no");
    expect(await withLock(lock, async () => "yes", quiet)).toBe("yes");
  });

  it("takes over at once from a process of this machine that has died", async () => {
    await leave({ pid: deadProcess(), host: hostname() });
    const onWait = vi.fn();
    expect(await withLock(lock, async () => "mine", { onWait, timing })).toBe("mine");
    expect(onWait).not.toHaveBeenCalled();
    expect(await readdir(folder)).toEqual([]);
  });

  it("takes over from another machine once it has been silent for long, not before", async () => {
    await leave({ pid: deadProcess(), host: "elsewhere" });
    const onWait = vi.fn();
    const waiting = withLock(lock, async () => "mine", { onWait, timing });
    await vi.waitFor(() => expect(onWait).toHaveBeenCalledTimes(1), PATIENCE);
    await beSilent();
    expect(await waiting).toBe("mine");
  });

  it("takes over from a process that died before it could say who it was", async () => {
    await mkdir(lock);
    await beSilent();
    expect(await withLock(lock, async () => "mine", quiet)).toBe("mine");
  });

  it.skipIf(process.platform === "win32")(
    "leaves the lock to a process of this machine that was paused, however long it is silent, where it may pause",
    async () => {
      await leave(await thisProcess());
      await beSilent();
      const onWait = vi.fn();
      const stop = new AbortController();
      const options = { onWait, timing, ownerMayPause: true, signal: stop.signal };
      const waiting = withLock(lock, async () => "mine", options);
      await vi.waitFor(() => expect(onWait).toHaveBeenCalledTimes(1), PATIENCE);
      stop.abort();
      await expect(waiting).rejects.toThrow(/abort/i);
    },
  );

  it("takes a silent lock over from a paused process where others cannot wait for it", async () => {
    await leave(await thisProcess());
    await beSilent();
    expect(await withLock(lock, async () => "mine", quiet)).toBe("mine");
  });

  it.skipIf(process.platform === "win32")(
    "takes over at once where another process has been given the dead one's number",
    async () => {
      await leave({ ...(await thisProcess()), started: "before" });
      const onWait = vi.fn();
      expect(await withLock(lock, async () => "mine", { onWait, timing })).toBe("mine");
      expect(onWait).not.toHaveBeenCalled();
    },
  );

  it("takes over a silent lock where the system does not say when a process started", async () => {
    await leave({ ...(await thisProcess()), started: undefined });
    await beSilent();
    expect(await withLock(lock, async () => "mine", quiet)).toBe("mine");
  });

  it.runIf(process.platform === "linux")(
    "waits for the silence of another container, whose numbers of processes mean nothing here",
    async () => {
      await leave({ ...(await thisProcess()), pid: deadProcess(), system: "another" });
      const onWait = vi.fn();
      const waiting = withLock(lock, async () => "mine", { onWait, timing });
      await vi.waitFor(() => expect(onWait).toHaveBeenCalledTimes(1), PATIENCE);
      expect(onWait).toHaveBeenCalledTimes(1);
      await beSilent();
      expect(await waiting).toBe("mine");
    },
  );

  it("tells the work that the lock was lost, and leaves it to the process that has it", async () => {
    const onLost = ({ pid }: { readonly pid: number }) => new Error(`process ${pid} has it`);
    const work = async (lost: AbortSignal): Promise<never> => {
      await rm(lock, { recursive: true });
      await leave({ pid: 7, host: "elsewhere" });
      await vi.waitFor(() => expect(lost.aborted).toBe(true), PATIENCE);
      throw lost.reason;
    };
    await expect(withLock(lock, work, { ...quiet, onLost })).rejects.toThrow("process 7 has it");
    expect(await readdir(folder)).toEqual(["lock"]);
  });

  it.each(["", "null", "5", "{}", '{"pid":-1,"host":"here","token":"x"}', '{"pid":"1"}'])(
    "takes over soon, however the clock is set, where the owner's file holds no more than %j",
    async (text) => {
      await mkdir(lock);
      await writeFile(join(lock, "owner.json"), text);
      const ahead = new Date(Date.now() + 3_600_000);
      await utimes(lock, ahead, ahead);
      const onWait = vi.fn();
      expect(await withLock(lock, async () => "mine", { onWait, timing: { ...timing, nameless: 30 } })).toBe("mine");
      expect(onWait).not.toHaveBeenCalled();
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it("says so where a lock that names nobody is kept alive", async () => {
    let finish = (): void => undefined;
    const first = withLock(lock, () => new Promise<void>((resolve) => (finish = resolve)), quiet);
    await vi.waitFor(() => expect(readdir(lock)).resolves.toContain("owner.json"), PATIENCE);
    const owner = await readFile(join(lock, "owner.json"));
    await writeFile(join(lock, "owner.json"), "");
    const onWait = vi.fn();
    const second = withLock(lock, async () => "mine", { onWait, timing: { ...timing, nameless: 200 } });
    await vi.waitFor(() => expect(onWait).toHaveBeenCalledWith(null), PATIENCE);
    await writeFile(join(lock, "owner.json"), owner);
    finish();
    await first;
    expect(await second).toBe("mine");
  });

  it("keeps a lock alive for as long as the work lasts", async () => {
    const short = { ...timing, stale: 400 };
    let working = true;
    const first = withLock(lock, () => sleep(900).then(() => void (working = false)), {
      ...quiet,
      timing: short,
    });
    await vi.waitFor(() => expect(readdir(lock)).resolves.toContain("owner.json"), PATIENCE);
    await rm(join(lock, "owner.json")); // so that silence alone decides
    const second = withLock(lock, async () => working, { ...quiet, timing: short });
    await first;
    await rm(lock, { recursive: true, force: true });
    expect(await second).toBe(false);
  });

  it("stops waiting when it is told to", async () => {
    const stop = new AbortController();
    const first = withLock(lock, () => sleep(60), quiet);
    await vi.waitFor(() => expect(readdir(lock)).resolves.toContain("owner.json"), PATIENCE);
    const second = withLock(lock, async () => "never", { ...quiet, signal: stop.signal });
    stop.abort();
    await expect(second).rejects.toThrow(/abort/i);
    await first;
  });
});

async function leave(owner: ProcessIdentity): Promise<void> {
  await mkdir(lock);
  await writeFile(join(lock, "owner.json"), JSON.stringify({ ...owner, token: "left" }));
}

async function beSilent(): Promise<void> {
  const longAgo = new Date(Date.now() - 6_000);
  await utimes(lock, longAgo, longAgo);
}

function deadProcess(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}
