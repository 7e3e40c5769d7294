// Program and the memory there is → a fault where training does not fit, with the largest batch that would.
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Path } from "./diagnostic.js";
import { heapBytesOf, stepsOfRun } from "./lower/lower.js";
import type { MemoryLimits } from "./memory-limits.js";
import { availableBytes } from "./memory-limits.js";
import { plan } from "./plan.js";
import type { Program } from "./program.js";

/** Batches are tried by bisection on the plan of the whole heap; nothing is allocated. */
export function checkMemory(program: Program, limits: MemoryLimits): Diagnostic[] {
  const needed = engineBytes(program, {}, limits);
  const available = availableBytes(program.config, limits);
  if (needed <= available) return [];
  const fits = (batches: Batches) => engineBytes(program, batches, limits) <= available;
  // Training and evaluation are looked at apart: each can be too large by itself.
  const { batch_size: training, evaluation } = program.config.train;
  const evaluating = Math.min(evaluation.batch_size, program.plan.testImages);
  const faults = [
    !fits({ training, evaluating: 1 }) &&
      tooLarge(["train", "batch_size"], training, needed, limits, (batch) => fits({ training: batch, evaluating: 1 })),
    !fits({ training: 1, evaluating }) &&
      tooLarge(["train", "evaluation", "batch_size"], evaluating, needed, limits, (batch) =>
        fits({ training: 1, evaluating: batch }),
      ),
  ].filter((fault) => fault !== false);
  if (faults.length > 0) return faults;
  return [
    tooLarge(["train", "batch_size"], training, needed, limits, (batch) => fits({ training: batch, evaluating })),
  ];
}

interface Batches {
  readonly training?: number;
  readonly evaluating?: number;
}

function engineBytes({ config, graph }: Program, { training, evaluating }: Batches, { threads }: MemoryLimits): number {
  const { train } = config;
  const changed: ResolvedConfig = {
    ...config,
    train: {
      ...train,
      batch_size: training ?? train.batch_size,
      evaluation: { ...train.evaluation, batch_size: evaluating ?? train.evaluation.batch_size },
    },
  };
  const program: Program = { config: changed, graph, plan: plan(changed) };
  return heapBytesOf(program, stepsOfRun(program), threads);
}

function tooLarge(
  path: Path,
  batch: number,
  needed: number,
  { addressableBytes, machineBytes }: MemoryLimits,
  fits: (batch: number) => boolean,
): Diagnostic {
  const limit =
    addressableBytes <= machineBytes
      ? `the wasm engine can address ${gigabytes(addressableBytes)}`
      : `this machine has ${gigabytes(machineBytes)} for it and the images`;
  const largest = largestThat(fits, batch);
  return {
    code: "memory/too-large",
    severity: "error",
    message: `with batches of ${batch} ${path.includes("evaluation") ? "evaluation" : "training"} needs ${gigabytes(needed)} of memory, and ${limit}`,
    path,
    hint:
      largest > 0
        ? `write \`batch_size: ${largest}\`, the largest that fits`
        : "not even a batch of 1 fits: use fewer channels, fewer blocks or smaller images",
  };
}

/** The largest batch below one that does not fit; 0 where none does. */
function largestThat(fits: (batch: number) => boolean, tooMany: number): number {
  let [low, high] = [0, tooMany];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}
