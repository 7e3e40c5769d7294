// What this machine can do at best, measured on the spot with the kernels' own instructions: the yardstick of profiles.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { HEAP_START, PEAK_FACTORS } from "../../../../compiler/lower/kernels/kernel-constants.js";
import { builtFolder, compileKernels } from "../kernels-module.js";
import type { PeakRequest } from "./peak-worker.js";
import type { WorkerSetup } from "../worker.js";

export interface MachinePeak {
  /** Multiplications and additions of float32 out of registers, on all threads. */
  readonly flopsPerSecond: number;
  /** Bytes read and bytes written by a copy that no cache holds, on all threads. */
  readonly bytesPerSecond: number;
}

export interface PeakEffort {
  /** Rounds of 48 multiply-adds of four lanes, a thread. */
  readonly rounds: number;
  readonly copiedBytes: number;
  readonly repetitions: number;
}

/** About half a second on one core of 2020. */
const EFFORT: PeakEffort = { rounds: 3_000_000, copiedBytes: 2 ** 26, repetitions: 6 };
const FLOPS_PER_ROUND = 48 * 4 * 2;

const PAGE = 65536;

/** The best of several measurements: what disturbs one only makes it slower. */
export async function measureMachinePeak(threads: number, effort: PeakEffort = EFFORT): Promise<MachinePeak> {
  const { rounds, copiedBytes: bytes, repetitions } = effort;
  const pages = Math.ceil((HEAP_START + 2 * bytes) / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Float32Array(memory.buffer, PEAK_FACTORS, 2).fill(0.5); // sums converge to 1
  const workers = startWorkers(threads, memory);
  const best = async (request: PeakRequest): Promise<number> => {
    let shortest = Infinity;
    for (let repetition = 0; repetition < repetitions; repetition++) {
      shortest = Math.min(shortest, await askAll(workers, request));
    }
    return shortest / 1000;
  };
  try {
    const multiplySeconds = await best({ kind: "multiply-add", rounds });
    const copySeconds = await best({ kind: "copy", from: HEAP_START, to: HEAP_START + bytes, bytes });
    return {
      flopsPerSecond: (threads * rounds * FLOPS_PER_ROUND) / multiplySeconds,
      bytesPerSecond: (2 * bytes) / copySeconds,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function startWorkers(threads: number, memory: WebAssembly.Memory): Worker[] {
  const module = compileKernels();
  return Array.from({ length: threads }, (_, thread) => {
    const setup: WorkerSetup = { module, memory, thread, threads };
    return new Worker(new URL("peak/peak-worker.js", builtFolder), { workerData: setup });
  });
}

/** Milliseconds of the slowest thread. */
async function askAll(workers: readonly Worker[], request: PeakRequest): Promise<number> {
  const answers = workers.map(async (worker) => {
    const answer = once(worker, "message");
    worker.postMessage(request);
    return ((await answer) as [number])[0];
  });
  return Math.max(...(await Promise.all(answers)));
}
