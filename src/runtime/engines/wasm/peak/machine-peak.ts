// What this machine can do at best, measured on the spot with the widest instructions that kernels here are made of: the
// yardstick of profiles.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { COPIED_A_ROUND, MULTIPLY_ADDS_A_ROUND } from "../../../../compiler/code/detect.js";
import { REGISTERS } from "../../../../compiler/code/instruction-set.js";
import { HEAP_START, PEAK_FACTORS } from "../../../../compiler/lower/kernels/kernel-constants.js";
import { instructionSet, SET_NAMES } from "../code/provider.js";
import { builtModule } from "../../../process/built-module.js";
import { compileKernels } from "../kernels-module.js";
import type { PeakRequest, PeakSetup } from "./peak-worker.js";

export interface MachinePeak {
  /** Multiplications and additions of float32 out of registers, on all threads. */
  readonly flopsPerSecond: number;
  /** Bytes read and bytes written by a copy that no cache holds, on all threads. */
  readonly bytesPerSecond: number;
  /** What was measured with: "AVX-512", or "WebAssembly". */
  readonly instructions: string;
}

export interface PeakEffort {
  /** Rounds of 48 multiply-adds of vectors, a thread. */
  readonly rounds: number;
  /** Of all threads. */
  readonly copiedBytes: number;
  readonly repetitions: number;
}

/** About half a second on one core of 2020. */
const EFFORT: PeakEffort = { rounds: 3_000_000, copiedBytes: 2 ** 26, repetitions: 6 };
/** Of a vector of WebAssembly's. */
const LANES = 4;

const PAGE = 65536;

/** The best of several measurements: what disturbs one only makes it slower. */
export async function measureMachinePeak(threads: number, effort: PeakEffort = EFFORT): Promise<MachinePeak> {
  const { rounds, repetitions } = effort;
  const found = await instructionSet();
  const set = "set" in found ? found.set : undefined;
  const lanes = set ? REGISTERS[set].lanes : LANES;
  const bytes = Math.ceil(effort.copiedBytes / threads / COPIED_A_ROUND) * COPIED_A_ROUND; // of a thread
  const copied = bytes * threads;
  const pages = Math.ceil((HEAP_START + 2 * copied) / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Float32Array(memory.buffer, PEAK_FACTORS, 2).fill(0.5); // sums converge to 1
  new Uint8Array(memory.buffer, HEAP_START, copied).fill(1); // pages that nobody has written to are one page of zeros
  const module = compileKernels();
  const workers = Array.from({ length: threads }, (_, thread) => {
    const setup: PeakSetup = { module, memory, thread, threads, set };
    return new Worker(builtModule("runtime/engines/wasm/peak/peak-worker"), { workerData: setup });
  });
  const best = async (request: PeakRequest): Promise<number> => {
    let shortest = Infinity;
    for (let repetition = 0; repetition < repetitions; repetition++) {
      shortest = Math.min(shortest, await askAll(workers, request));
    }
    return shortest / 1000;
  };
  try {
    const multiplySeconds = await best({ kind: "multiply-add", rounds });
    const copySeconds = await best({ kind: "copy", from: HEAP_START, to: HEAP_START + copied, bytes });
    return {
      flopsPerSecond: (threads * rounds * MULTIPLY_ADDS_A_ROUND * lanes * 2) / multiplySeconds,
      bytesPerSecond: (2 * copied) / copySeconds,
      instructions: set ? SET_NAMES[set] : "WebAssembly",
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
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
