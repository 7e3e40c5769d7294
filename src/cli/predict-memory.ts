// Program → the memory that training will take, known before anything runs.
import { heapBytesOf, plannedChoice, stepsOfRun } from "../compiler/lower/lower.js";
import { imageBytes } from "../compiler/memory-limits.js";
import type { Program } from "../compiler/program.js";
import { defaultThreads } from "./machine-limits.js";

export interface MemoryPrediction {
  /** The engine's heap: parameters, optimizer slots, activations and gradients of the largest step. */
  readonly engineBytes: number;
  /** The data set, held as 8-bit images in their own size. */
  readonly imageBytes: number;
}

export function predictMemory(program: Program, threads: number = defaultThreads()): MemoryPrediction {
  return {
    engineBytes: heapBytesOf(program, stepsOfRun(program), threads, plannedChoice(program)),
    imageBytes: imageBytes(program.config),
  };
}
