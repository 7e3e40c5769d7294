// Threads that fail: whoever waits for a step hears of it, whichever thread it was, and the process goes on.
import type { ThreadModule } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import { builtFolder } from "../../../src/runtime/engines/wasm/kernels-module.js";
import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { Heap } from "../../../src/runtime/engines/wasm/heap.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { ThreadPool } from "../../../src/runtime/engines/wasm/thread-pool.js";
import { UserError } from "../../../src/runtime/process/user-error.js";
import { programOf, randomBatch } from "../../reference/build-program.js";
import { networks } from "../../reference/networks.js";

const ADDRESS = 65536;
const EMPTY = [-1];
const UNKNOWN_KERNEL = [9999, 8, -1];

const pools: ThreadPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.dispose()));
});

function poolOf(
  words: readonly number[],
  ...options: [providers?: readonly ThreadModule[], limits?: object]
): ThreadPool {
  const heap = new Heap(2 * ADDRESS);
  heap.integers(ADDRESS, words.length).set(words);
  const pool = new ThreadPool(heap, 3, ...options);
  pools.push(pool);
  return pool;
}

const workersOf = (pool: ThreadPool): Worker[] => (pool as unknown as { workers: Worker[] }).workers;

describe("a pool of threads", () => {
  it("rejects a step in which a kernel traps, and every one after it, and can be disposed of", async () => {
    const pool = poolOf(UNKNOWN_KERNEL);
    await pool.start();
    await expect(pool.run(ADDRESS)).rejects.toThrow(/^a thread of the wasm engine failed: unreachable/);
    await expect(pool.run(ADDRESS)).rejects.toThrow(/unreachable/);
    await pool.dispose();
  });

  it.each([0, 1, 2])("rejects a step when thread %i ends before it", async (thread) => {
    const pool = poolOf(EMPTY);
    await pool.start();
    await pool.run(ADDRESS);
    await workersOf(pool)[thread]!.terminate();
    await expect(pool.run(ADDRESS)).rejects.toThrow(/^a thread of the wasm engine failed: it ended by itself/);
    await pool.dispose();
  });

  it("rejects a step when another thread ends while the first waits for it", async () => {
    const pool = poolOf(EMPTY);
    await pool.start();
    const [, helper] = workersOf(pool);
    const ended = helper!.terminate();
    const step = pool.run(ADDRESS);
    await expect(step).rejects.toThrow(/ended by itself/);
    await ended;
    await pool.dispose();
  });

  it("rejects the first step where a library that its threads load is not there", async () => {
    const pool = poolOf(EMPTY, [
      { module: new URL("onednn/thread.js", builtFolder).href, setup: "/nowhere/libdnnl.so.3" },
    ]);
    await pool.start();
    await expect(pool.run(ADDRESS)).rejects.toThrow(/failed: cannot open shared object file/);
    await pool.dispose();
  });

  it("says that there is too little memory where a thread has too little", async () => {
    const pool = poolOf(EMPTY, undefined, { maxOldGenerationSizeMb: 1, maxYoungGenerationSizeMb: 1 });
    const starved = pool.start().then(() => pool.run(ADDRESS));
    await expect(starved).rejects.toThrow(UserError);
    await expect(starved).rejects.toThrow(/^a thread of the wasm engine ran out of memory .*fewer threads need less$/);
  });
});

describe("a session of which a thread has failed", () => {
  it("rejects the step, says so of all that comes after, and can be disposed of", async () => {
    const program = programOf(networks["no norm"]!, { batch: 3 });
    const batch = randomBatch(program, 3, 1);
    const session = await openWasmSession(program, 2);
    const { pool } = session as unknown as { pool: ThreadPool };
    const ended = workersOf(pool)[1]!.terminate();
    const hyper = { learningRate: 0.1, step: 1 };
    await expect(session.step(batch, hyper)).rejects.toThrow(/^a thread of the wasm engine failed/);
    await ended;
    const after = [
      () => session.step(batch, hyper),
      () => session.evaluate(batch),
      () => session.findNonFinite(batch, hyper),
      () => session.readState(),
      () => session.writeState(new Map()),
    ];
    for (const ask of after) {
      await expect(ask()).rejects.toThrow(UserError);
      await expect(ask()).rejects.toThrow(
        /^the session failed and can no longer be used \(a thread of the wasm engine/,
      );
    }
    await session.dispose();
    await session.dispose();
  });
});
