// The memory and the threads that training has on this machine.
import { availableParallelism, totalmem } from "node:os";
import type { MemoryLimits } from "../compiler/memory-limits.js";

export function machineLimits(engine: string, threads: number = defaultThreads()): MemoryLimits {
  return {
    threads,
    addressableBytes: engine === "wasm" || engine === "auto" ? WASM_LIMIT : Infinity,
    machineBytes: memoryOfThisProcess() - process.memoryUsage.rss(),
  };
}

export function defaultThreads(): number {
  return availableParallelism();
}

/** Addresses of WebAssembly are 32 bits wide. */
const WASM_LIMIT = 2 ** 32;

/** What the machine has, or the limit of the container that the process runs in. */
function memoryOfThisProcess(): number {
  const limit = process.constrainedMemory?.() ?? 0; // 0 or more than there is where nothing limits it
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
