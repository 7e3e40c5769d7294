// Program → the peak of memory that training needs, from the heap that the compiler lays out, before anything runs.
import { availableParallelism } from "node:os";
import { lower, stepsOfRun } from "../compiler/lower/lower.js";
import type { Program } from "../compiler/program.js";

/** Bytes of the engine's heap: parameters, optimizer slots, activations and gradients of the largest step. */
export function predictMemory(program: Program, threads: number = defaultThreads()): number {
  return lower(program, stepsOfRun(program), threads).heapBytes;
}

export function defaultThreads(): number {
  return availableParallelism();
}
