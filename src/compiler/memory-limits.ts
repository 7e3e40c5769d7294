// What training may take and a quick upper bound on what it takes, so that only programs near a limit have their steps
// placed to know it exactly.
import type { ResolvedConfig } from "./config.js";
import { cost } from "./cost.js";
import { datasetFacts } from "./datasets.js";
import type { Program } from "./program.js";

export interface MemoryLimits {
  readonly threads: number;
  /** How much the engine can address: 4 GiB in WebAssembly, Infinity where only the machine limits it. */
  readonly addressableBytes: number;
  /** What the machine has for the engine and the data set together. */
  readonly machineBytes: number;
}

/** What is left for the engine. */
export function availableBytes(config: ResolvedConfig, { addressableBytes, machineBytes }: MemoryLimits): number {
  return Math.min(addressableBytes, machineBytes - imageBytes(config));
}

/** The data set as it is held while training: 8-bit images in their own size. */
export function imageBytes({ data }: ResolvedConfig): number {
  const { height, width, channels, trainImages, testImages } = datasetFacts(data.dataset);
  return (trainImages + testImages) * height * width * channels;
}

/**
 * Bytes that the wasm engine's heap surely stays within. Gradients are as large as what they are gradients of, optimizers
 * keep up to two slots and an average a parameter, and kernels unpack filters and tiles: the factors leave room for all
 * that. That the bound is never too low is held by a test against the planned heap.
 */
export function memoryBound({ config, graph, plan }: Program, threads: number): number {
  const { activationBytes, parameters } = cost(graph);
  const { batch_size: batch, evaluation } = config.train;
  const largest = Math.max(batch, Math.min(evaluation.batch_size, plan.testImages));
  return 16 * 1024 * 1024 * threads + 3 * activationBytes * largest + 256 * parameters;
}
