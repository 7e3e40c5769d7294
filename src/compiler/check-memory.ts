// Program and the memory there is → a fault where training does not fit, with the largest batch that would.
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Path } from "./diagnostic.js";
import { heapBytesOf, plannedChoice, stepsOfRun } from "./lower/lower.js";
import type { MemoryLimits } from "./memory-limits.js";
import { availableBytes } from "./memory-limits.js";
import { plan } from "./plan.js";
import type { Program } from "./program.js";

/** Batches are tried on the plan of the whole heap; nothing is allocated. */
export function checkMemory(program: Program, limits: MemoryLimits): Diagnostic[] {
  const needed = engineBytes(program, {}, limits);
  const available = availableBytes(program.config, limits);
  if (needed <= available) return [];
  const { batch_size: training, evaluation } = program.config.train;
  const evaluating = Math.min(evaluation.batch_size, program.plan.testImages);
  const fault = (path: Path, batch: number, bytesOf: (batch: number) => number, withParts = false) => {
    const largest = largestWithin(available, bytesOf, batch);
    const parts = withParts && largest > 0 ? partsThatFit(program, largest, available, limits) : undefined;
    return tooLarge(path, batch, needed, { largest, parts }, limits);
  };
  const trainingBytes = (batch: number) => engineBytes(program, { training: batch, evaluating: 1 }, limits);
  const evaluatingBytes = (batch: number) => engineBytes(program, { training: 1, evaluating: batch }, limits);
  // Where the weights alone are too much, no batch is to blame: said once.
  if (engineBytes(program, { training: 1, evaluating: 1 }, limits) > available) {
    return [fault(["train", "batch_size"], training, () => Infinity)];
  }
  // Training and evaluation are looked at apart: each can be too large by itself.
  const isEvaluationTooLarge = evaluatingBytes(evaluating) > available;
  const isTrainingTooLarge = !isEvaluationTooLarge || trainingBytes(training) > available;
  return [
    ...(isTrainingTooLarge ? [fault(["train", "batch_size"], training, trainingBytes, true)] : []),
    ...(isEvaluationTooLarge ? [fault(["train", "evaluation", "batch_size"], evaluating, evaluatingBytes)] : []),
  ];
}

/** How many partial batches fit where the whole does not: equal ones, as accumulation asks; undefined where none do. */
function partsThatFit(program: Program, largest: number, available: number, limits: MemoryLimits): number | undefined {
  const { batch_size: batch, accumulate } = program.config.train;
  const least = Math.max(accumulate + 1, Math.ceil((batch * accumulate) / largest));
  for (let parts = least; parts <= Math.min(batch / 2, 4 * least); parts++) {
    if (batch % parts !== 0) continue;
    if (engineBytes(program, { accumulate: parts, evaluating: 1 }, limits) <= available) return parts;
  }
  return undefined;
}

interface Batches {
  readonly training?: number;
  readonly accumulate?: number;
  readonly evaluating?: number;
}

function engineBytes(
  { config, graph }: Program,
  { training, accumulate, evaluating }: Batches,
  { threads }: MemoryLimits,
): number {
  const { train } = config;
  const changed: ResolvedConfig = {
    ...config,
    train: {
      ...train,
      batch_size: training ?? train.batch_size,
      accumulate: accumulate ?? train.accumulate,
      evaluation: { ...train.evaluation, batch_size: evaluating ?? train.evaluation.batch_size },
    },
  };
  const program: Program = { config: changed, graph, plan: plan(changed) };
  return heapBytesOf(program, stepsOfRun(program), threads, plannedChoice(program));
}

function tooLarge(
  path: Path,
  batch: number,
  needed: number,
  { largest, parts }: { readonly largest: number; readonly parts: number | undefined },
  { addressableBytes, machineBytes }: MemoryLimits,
): Diagnostic {
  const work = path.includes("evaluation") ? "evaluation" : "training";
  const limit =
    addressableBytes <= machineBytes
      ? `the wasm engine can address ${gigabytes(addressableBytes)}`
      : `this machine has ${gigabytes(machineBytes)} for it and the images`;
  return {
    code: "memory/too-large",
    severity: "error",
    message: `with batches of ${batch} ${work} needs ${gigabytes(needed)} of memory, and ${limit}`,
    path,
    hint:
      largest > 0
        ? `write \`batch_size: ${largest}\`, the largest that fits` +
          (parts === undefined ? "" : `, or \`accumulate: ${parts}\` for the whole batch in ${parts} parts`)
        : "not even a batch of 1 fits: use fewer channels, fewer blocks or smaller images",
  };
}

/**
 * The largest batch that fits below one that may not; 0 where none does. Memory grows nearly in a line with the batch, so
 * a place on the line between what fits and what does not is tried first, and the middle where that gains too little.
 */
function largestWithin(available: number, bytesOf: (batch: number) => number, most: number): number {
  let low = { batch: 0, bytes: 0 };
  let high = { batch: most, bytes: bytesOf(most) };
  if (high.bytes <= available) return most;
  for (let tries = 1; high.batch - low.batch > 1; tries++) {
    const share = tries % 3 === 0 ? 0.5 : (available - low.bytes) / (high.bytes - low.bytes);
    const guess = low.batch + Math.floor(share * (high.batch - low.batch));
    const batch = Math.min(Math.max(guess, low.batch + 1), high.batch - 1);
    const tried = { batch, bytes: bytesOf(batch) };
    if (tried.bytes <= available) low = tried;
    else high = tried;
  }
  return low.batch;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}
