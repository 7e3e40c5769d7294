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
  const { train } = program.config;
  const asWritten: Batches = {
    training: train.batch_size,
    evaluating: Math.min(train.evaluation.batch_size, program.plan.testImages),
  };
  const neededWith = remembered(program, limits, asWritten);
  const needed = neededWith({});
  if (needed.share <= 1) return [];
  const fits = (changed: Changes): boolean => neededWith(changed).share <= 1;
  const fault = (path: Path, batch: number, ways: WaysToFit) => tooLarge(path, batch, needed, ways, limits);
  const ofTraining = ["train", "batch_size"];
  const isEvaluationTooLarge = !fits({ training: 1 });
  // Where the weights alone are too much, no batch is to blame: said once.
  const isHopeless = isEvaluationTooLarge && !fits({ training: 1, evaluating: 1 });
  if (isHopeless) return [fault(ofTraining, asWritten.training, { largest: 0 })];
  const isTrainingTooLarge = !isEvaluationTooLarge || !fits({ evaluating: 1 });
  const shareOf = (batches: Partial<Batches>): number => neededWith(batches).share;
  const largest = largestBatches(shareOf, asWritten, isTrainingTooLarge, isEvaluationTooLarge);
  const { evaluating } = largest;
  const recomputes = !train.recompute && fits({ recompute: true, evaluating });
  const parts = (): number | undefined =>
    partsThatFit(program, largest.training, (accumulate) => fits({ accumulate, evaluating }));
  return [
    ...(isTrainingTooLarge
      ? [fault(ofTraining, asWritten.training, { largest: largest.training, recomputes, parts: parts() })]
      : []),
    ...(isEvaluationTooLarge
      ? [fault(["train", "evaluation", "batch_size"], asWritten.evaluating, { largest: evaluating })]
      : []),
  ];
}

interface Batches {
  readonly training: number;
  readonly evaluating: number;
}

/**
 * The largest that fit together: memory holds the images of the larger, the arena of the hungrier step and batches of both.
 * Where both are too large neither is to leave the other next to nothing: they shrink together, and then grow as far as they
 * can, training first.
 */
function largestBatches(
  shareOf: (batches: Partial<Batches>) => number,
  { training, evaluating }: Batches,
  isTrainingTooLarge: boolean,
  isEvaluationTooLarge: boolean,
): Batches {
  if (!isEvaluationTooLarge)
    return { training: largestWithin((batch) => shareOf({ training: batch }), training), evaluating };
  if (!isTrainingTooLarge) {
    return { training, evaluating: largestWithin((batch) => shareOf({ evaluating: batch }), evaluating) };
  }
  const both = (batch: number): Batches => ({
    training: Math.min(batch, training),
    evaluating: Math.min(batch, evaluating),
  });
  const least = both(largestWithin((batch) => shareOf(both(batch)), Math.max(training, evaluating)));
  const most = largestWithin((batch) => shareOf({ ...least, training: batch }), training, least.training);
  const evaluated = (batch: number): number => shareOf({ training: most, evaluating: batch });
  return { training: most, evaluating: largestWithin(evaluated, evaluating, least.evaluating) };
}

/** How many partial batches fit where the whole does not: equal ones, as accumulation asks; undefined where none do. */
function partsThatFit(program: Program, largest: number, fits: (parts: number) => boolean): number | undefined {
  const { batch_size: batch, accumulate } = program.config.train;
  const least = Math.max(accumulate + 1, Math.ceil((batch * accumulate) / largest));
  for (let parts = least; parts <= Math.min(batch / 2, 4 * least); parts++) {
    if (batch % parts !== 0) continue;
    if (fits(parts)) return parts;
  }
  return undefined;
}

/** What is tried in the place of what the file says. */
interface Changes extends Partial<Batches> {
  readonly accumulate?: number;
  readonly recompute?: boolean;
}

/** A plan of a deep network takes a second: none is made twice. */
function remembered(program: Program, limits: MemoryLimits, asWritten: Batches): (changed: Changes) => NeededMemory {
  const { accumulate, recompute } = program.config.train;
  const found = new Map<string, NeededMemory>();
  return (changed) => {
    const all = { ...asWritten, accumulate, recompute, ...changed };
    const key = `${all.training} ${all.evaluating} ${all.accumulate} ${all.recompute}`;
    const needed = found.get(key) ?? neededFor(program, all, limits);
    found.set(key, needed);
    return needed;
  };
}

function neededFor(
  { config, graph }: Program,
  { training, evaluating, accumulate, recompute }: Required<Changes>,
  limits: MemoryLimits,
): NeededMemory {
  const { train } = config;
  const evaluation = { ...train.evaluation, batch_size: evaluating };
  const changed: ResolvedConfig = {
    ...config,
    train: { ...train, batch_size: training, accumulate, recompute, evaluation },
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

/**
 * The largest batch that fits from one that does up to one that may not. Memory grows nearly in a line with the batch, so
 * a place on the line between what fits and what does not is tried first, and the middle where that gains too little.
 */
function largestWithin(shareOfBatch: (batch: number) => number, most: number, least = 1): number {
  let low = { batch: least, share: shareOfBatch(least) };
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
