// Program → the memory that training will take, known before its first step.
import { heapBytesOf, plannedChoice, stepsOfRun } from "../../compiler/lower/lower.js";
import { bytesBesideEngine, providerBytes } from "../../compiler/memory/memory-limits.js";
import type { Program } from "../../compiler/program.js";
import { BEFORE_TRAINING, defaultThreads } from "./machine-limits.js";

export interface MemoryPrediction {
  /** The engine's heap: parameters, optimizer slots, activations and gradients of the largest step. */
  readonly engineBytes: number;
  /** The data set, held as 8-bit images in their own size. */
  readonly imageBytes: number;
  /** What the process will have resident at most: all of that, and what Node.js, netc and their copies of it take. */
  readonly processBytes: number;
}

export interface MemoryOptions {
  readonly threads?: number | undefined;
  /** Heap of an engine that has been opened, which may have chosen other kernels than the compiler predicts. */
  readonly engineBytes?: number | undefined;
  /** Kernels that such an engine has chosen (`Session.kernels`). */
  readonly kernels?: Readonly<Record<string, string>> | undefined;
  /** What the process had resident before it read its images. */
  readonly residentBytes?: number;
}

export function predictMemory(program: Program, options: MemoryOptions = {}): MemoryPrediction {
  const { threads = defaultThreads(), residentBytes = BEFORE_TRAINING, kernels = {} } = options;
  const planned = plannedChoice(program);
  const engineBytes = options.engineBytes ?? heapBytesOf(program, stepsOfRun(program), threads, planned);
  const beside = bytesBesideEngine(program, threads, providerBytes(program, kernels));
  const training = Object.values(beside).reduce((sum, bytes) => sum + bytes, residentBytes + engineBytes);
  // Then the engine's heap and its threads are gone, so that for all but small networks it is less
  const saving = residentBytes + beside.images + beside.batches + beside.states + SAVING;
  return { engineBytes, imageBytes: beside.images, processBytes: Math.max(training, saving) };
}

// Measured by `node bench/process-memory.mjs`, with Node 20.
const MEBIBYTE = 1024 * 1024;
/** TensorFlow.js, which writes the model at the end of a run. */
const SAVING = 34 * MEBIBYTE;
