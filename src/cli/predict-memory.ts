// Program → the memory that training will take, known before anything runs; and whether this machine has it.
import { availableParallelism, totalmem } from "node:os";
import { datasetFacts } from "../compiler/datasets.js";
import { heapBytesOf, stepsOfRun } from "../compiler/lower/lower.js";
import type { Program } from "../compiler/program.js";
import { UserError } from "../runtime/user-error.js";
import { formatBytes } from "./terminal.js";

export interface MemoryPrediction {
  /** The engine's heap: parameters, optimizer slots, activations and gradients of the largest step. */
  readonly engineBytes: number;
  /** The data set, held as 8-bit images in their own size. */
  readonly imageBytes: number;
}

export function predictMemory(program: Program, threads: number = defaultThreads()): MemoryPrediction {
  const { height, width, channels, trainImages, testImages } = datasetFacts(program.config.data.dataset);
  return {
    engineBytes: heapBytesOf(program, stepsOfRun(program), threads),
    imageBytes: (trainImages + testImages) * height * width * channels,
  };
}

/** Addresses of WebAssembly are 32 bits wide. */
const WASM_LIMIT = 2 ** 32;

/** Throws a UserError where the engine or the machine cannot have what is predicted. */
export function ensureMemorySuffices({ config }: Program, engine: string, prediction: MemoryPrediction): void {
  const { engineBytes, imageBytes } = prediction;
  const remedy = `lower train.batch_size, which is ${config.train.batch_size}`;
  if (engine === "wasm" && engineBytes > WASM_LIMIT) {
    throw new UserError(
      `training needs ${formatBytes(engineBytes)} and the wasm engine can address ${formatBytes(WASM_LIMIT)}; ${remedy}`,
    );
  }
  const needed = engineBytes + imageBytes + process.memoryUsage.rss();
  const available = memoryOfThisProcess();
  if (needed > available) {
    throw new UserError(
      `training needs about ${formatBytes(needed)} of memory and this machine has ${formatBytes(available)}; ${remedy}`,
    );
  }
}

export function defaultThreads(): number {
  return availableParallelism();
}

/** What the machine has, or the limit of the container that the process runs in. */
function memoryOfThisProcess(): number {
  const limit = process.constrainedMemory?.() ?? 0; // 0 or more than there is where nothing limits it
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
