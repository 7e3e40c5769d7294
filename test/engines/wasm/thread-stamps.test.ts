// The times of a step's calls, on a clock that only work moves: a thread that loses its core between a barrier and its look at the
// clock gives no call the time of another.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { kernelNames, PROVIDED } from "../../../src/compiler/lower/kernels/kernels.js";
import { Heap } from "../../../src/runtime/engines/wasm/heap.js";
import { compileKernels } from "../../../src/runtime/engines/wasm/kernels-module.js";

const [STEP, STAMPS, CALLS, WORK] = [65536, 131072, 12, 1000];

/** Every look at the clock of thread 0 comes late: long enough for another thread to do all that is left, if it may. */
const THREAD = `
  const { parentPort, workerData: { module, memory, clock, thread, threads, step, stamps } } = require("node:worker_threads");
  const never = new Int32Array(new SharedArrayBuffer(4));
  const env = {
    memory,
    now() {
      if (thread === 0) Atomics.wait(never, 0, 0, 20);
      return Atomics.load(clock, 0);
    },
    provide: () => Atomics.add(clock, 0, ${WORK}),
    multiply() {},
    abort() { throw new Error("a kernel aborted"); },
  };
  const kernels = new WebAssembly.Instance(module, { env }).exports;
  if (thread > 0) kernels.help(thread, threads);
  else {
    kernels.run(step, threads, stamps);
    kernels.stop(threads);
    parentPort.postMessage("done");
  }
`;

it.each([1, 2, 3])(
  "gives each call the time of its own work, with %d threads of which the first is late",
  async (threads) => {
    const heap = new Heap(STAMPS + 65536);
    // Calls of a provider, of one round of one unit, without operands
    const call = [PROVIDED, 6 * 4, 0, kernelNames.indexOf("batch_norm"), 1, 1];
    const words = [...Array.from({ length: CALLS }, () => call).flat(), -1];
    heap.integers(STEP, words.length).set(words);
    heap.doubles(STAMPS, CALLS + 2).fill(-1);
    const clock = new Int32Array(new SharedArrayBuffer(4));
    const shared = { module: compileKernels(), memory: heap.memory, clock, threads, step: STEP, stamps: STAMPS };
    const workers = Array.from(
      { length: threads },
      (_, thread) => new Worker(THREAD, { eval: true, workerData: { ...shared, thread } }),
    );
    await Promise.all([once(workers[0]!, "message"), ...workers.map((worker) => once(worker, "exit"))]);
    const stamps = [...heap.doubles(STAMPS, CALLS + 2)];
    expect(stamps).toEqual([...Array.from({ length: CALLS + 1 }, (_, index) => index * WORK), -1]);
  },
);
