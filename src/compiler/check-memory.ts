// Program and the memory there is → a fault where training does not fit, with the largest batch that would.
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Path } from "./diagnostic.js";
import { heapBytesOf, plannedChoice, stepsOfRun } from "./lower/lower.js";
import type { MemoryLimits, NeededMemory } from "./memory-limits.js";
import { neededMemory, shortage } from "./memory-limits.js";
import { plan } from "./plan.js";
import type { Program } from "./program.js";

/** Batches are tried on the plan of the whole heap; nothing is allocated. */
export function checkMemory(program: Program, limits: MemoryLimits): Diagnostic[] {
  const needed = shareOf(program, {}, limits);
  if (needed.share <= 1) return [];
  const { batch_size: training, evaluation } = program.config.train;
  const evaluating = Math.min(evaluation.batch_size, program.plan.testImages);
  const fault = (path: Path, batch: number, shareOfBatch: (batch: number) => number, ofTraining = false) => {
    const largest = largestWithin(shareOfBatch, batch);
    if (!ofTraining || largest === 0) return tooLarge(path, batch, needed, { largest }, limits);
    const recomputes = !program.config.train.recompute && fitsWith({ recompute: true });
    return tooLarge(
      path,
      batch,
      needed,
      { largest, recomputes, parts: partsThatFit(program, largest, fitsWith) },
      limits,
    );
  };
  const fitsWith = (changed: Changes) => shareOf(program, { ...changed, evaluating: 1 }, limits).share <= 1;
  const trainingShare = remembered((batch) => shareOf(program, { training: batch, evaluating: 1 }, limits).share);
  const evaluatingShare = remembered((batch) => shareOf(program, { training: 1, evaluating: batch }, limits).share);
  // Where the weights alone are too much, no batch is to blame: said once.
  if (trainingShare(1) > 1) return [fault(["train", "batch_size"], training, trainingShare)];
  // Training and evaluation are looked at apart: each can be too large by itself.
  const isEvaluationTooLarge = evaluatingShare(evaluating) > 1;
  const isTrainingTooLarge = !isEvaluationTooLarge || trainingShare(training) > 1;
  return [
    ...(isTrainingTooLarge ? [fault(["train", "batch_size"], training, trainingShare, true)] : []),
    ...(isEvaluationTooLarge ? [fault(["train", "evaluation", "batch_size"], evaluating, evaluatingShare)] : []),
  ];
}

/** How many partial batches fit where the whole does not: equal ones, as accumulation asks; undefined where none do. */
function partsThatFit(program: Program, largest: number, fitsWith: (changed: Changes) => boolean): number | undefined {
  const { batch_size: batch, accumulate } = program.config.train;
  const least = Math.max(accumulate + 1, Math.ceil((batch * accumulate) / largest));
  for (let parts = least; parts <= Math.min(batch / 2, 4 * least); parts++) {
    if (batch % parts !== 0) continue;
    if (fitsWith({ accumulate: parts })) return parts;
  }
  return undefined;
}

/** What is tried in the place of what the file says. */
interface Changes {
  readonly training?: number;
  readonly accumulate?: number;
  readonly recompute?: boolean;
  readonly evaluating?: number;
}

function shareOf(
  { config, graph }: Program,
  { training, accumulate, recompute, evaluating }: Changes,
  limits: MemoryLimits,
): NeededMemory {
  const { train } = config;
  const changed: ResolvedConfig = {
    ...config,
    train: {
      ...train,
      batch_size: training ?? train.batch_size,
      accumulate: accumulate ?? train.accumulate,
      recompute: recompute ?? train.recompute,
      evaluation: { ...train.evaluation, batch_size: evaluating ?? train.evaluation.batch_size },
    },
  };
  const program: Program = { config: changed, graph, plan: plan(changed) };
  const planned = plannedChoice(program);
  const engine = heapBytesOf(program, stepsOfRun(program), limits.threads, planned);
  return neededMemory(program, engine, limits, planned.libraries.length > 0);
}

interface WaysToFit {
  /** The largest batch; 0 where none fits. */
  readonly largest: number;
  /** Whether the whole batch fits where maps are computed again. */
  readonly recomputes?: boolean;
  /** In how many parts the whole batch fits. */
  readonly parts?: number | undefined;
}

function tooLarge(path: Path, batch: number, needed: NeededMemory, ways: WaysToFit, limits: MemoryLimits): Diagnostic {
  const work = path.includes("evaluation") ? "evaluation" : "training";
  const { needs, has } = shortage(needed, limits);
  return {
    code: "memory/too-large",
    severity: "error",
    message: `with batches of ${batch} ${work} needs ${needs} of memory, and ${has}`,
    path,
    hint: hintOf(ways),
  };
}

function hintOf({ largest, recomputes, parts }: WaysToFit): string {
  if (largest === 0) return "not even a batch of 1 fits: use fewer channels, fewer blocks or smaller images";
  return [
    `write \`batch_size: ${largest}\`, the largest that fits`,
    ...(recomputes ? ["`recompute: true`, with which the whole batch fits and a step takes a little longer"] : []),
    ...(parts === undefined ? [] : [`\`accumulate: ${parts}\` for the whole batch in ${parts} parts`]),
  ].join(", or ");
}

/** A plan of a deep network takes a second: none is made twice. */
function remembered(shareOfBatch: (batch: number) => number): (batch: number) => number {
  const shares = new Map<number, number>();
  return (batch) => {
    const share = shares.get(batch) ?? shareOfBatch(batch);
    shares.set(batch, share);
    return share;
  };
}

/**
 * The largest batch that fits below one that may not; 0 where none does. Memory grows nearly in a line with the batch, so
 * a place on the line between what fits and what does not is tried first, and the middle where that gains too little.
 */
function largestWithin(shareOfBatch: (batch: number) => number, most: number): number {
  let low = { batch: 1, share: shareOfBatch(1) };
  if (low.share > 1) return 0;
  let high = { batch: most, share: shareOfBatch(most) };
  if (high.share <= 1) return most;
  for (let tries = 1; high.batch - low.batch > 1; tries++) {
    const place = tries % 3 === 0 ? 0.5 : (1 - low.share) / (high.share - low.share);
    const guess = low.batch + Math.floor(place * (high.batch - low.batch));
    const batch = Math.min(Math.max(guess, low.batch + 1), high.batch - 1);
    const tried = { batch, share: shareOfBatch(batch) };
    if (tried.share <= 1) low = tried;
    else high = tried;
  }
  return low.batch;
}
