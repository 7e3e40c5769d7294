// The memory and the threads that training has on this machine.
import { availableParallelism } from "node:os";
import type { MemoryLimits } from "../../compiler/memory/memory-limits.js";
import { WASM_BYTES } from "../../compiler/memory/memory-limits.js";
import { machineMemoryBytes } from "../../runtime/process/machine-memory.js";

/** To be asked for before anything is read for training. */
export function machineLimits(engine: string, threads: number = defaultThreads()): MemoryLimits {
  return {
    threads,
    addressableBytes: engine === "wasm" || engine === "auto" ? WASM_BYTES : Infinity,
    machineBytes: Math.max(1, machineMemoryBytes() - Math.max(process.memoryUsage.rss(), BEFORE_TRAINING)),
  };
}

/**
 * Bytes that `netc run` has resident before it reads its images: for those that ask before that. Measured by
 * `node bench/process-memory.mjs`, with Node 20.
 */
export const BEFORE_TRAINING = 66 * 1024 * 1024;

export function defaultThreads(): number {
  return availableParallelism();
}
