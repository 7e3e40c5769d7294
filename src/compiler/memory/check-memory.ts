// Program and the memory there is → a fault where training does not fit, with the largest batch that would.
import type { ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import { heapBytesOf, leastHeapBytesOf, plannedChoice, stepsOfRun } from "../lower/lower.js";
import type { MemoryLimits, NeededMemory } from "./memory-limits.js";
import { neededMemory, shortage, providerBytes } from "./memory-limits.js";
import { plan } from "../training/plan.js";
import type { Program } from "../program.js";

/** Batches are tried on the plan of the whole heap; nothing is allocated. */
export function checkMemory(program: Program, limits: MemoryLimits): Diagnostic[] {
  const { train } = program.config;
  const asWritten = batchesOf(program);
  const neededWith = remembered(program, limits, asWritten, heapOf);
  const leastWith = remembered(program, limits, asWritten, leastHeapOf);
  const needed = leastWith({}).share > 1 ? leastWith({}) : neededWith({});
  if (needed.share <= 1) return [];
  const fits = (changed: Changes): boolean => leastWith(changed).share <= 1 && neededWith(changed).share <= 1;
  const fault = (path: Path, batch: number, ways: WaysToFit) => tooLarge(path, batch, needed, ways, limits);
  const ofTraining = ["train", "batch_size"];
  // Evaluation is at fault where no training fits beside it
  const bound = largestBelow((batch) => leastWith({ training: batch }).share, asWritten.training, 1);
  const isEvaluationTooLarge = !fits({ training: bound }) && !fits({ training: 1 });
  // Where the weights alone are too much, no batch is to blame: said once.
  const isHopeless = isEvaluationTooLarge && !fits({ training: 1, evaluating: 1 });
  if (isHopeless) return [fault(ofTraining, asWritten.training, { largest: 0 })];
  const isTrainingTooLarge = !isEvaluationTooLarge || !fits({ evaluating: 1 });
  const shareOf: ShareOf = (batches, atLeast) => (atLeast ? leastWith : neededWith)(batches).share;
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

/** The same of a network so deep that the batch which fits takes long to find: only that it does not fit, by what is surely needed. */
export function checkLeastMemory(program: Program, limits: MemoryLimits): Diagnostic[] {
  const asWritten = batchesOf(program);
  const leastWith = remembered(program, limits, asWritten, leastHeapOf);
  const needed = leastWith({});
  if (needed.share <= 1) return [];
  const [path, batch] =
    leastWith({ evaluating: 1 }).share > 1
      ? [["train", "batch_size"], asWritten.training]
      : [["train", "evaluation", "batch_size"], asWritten.evaluating];
  return [
    {
      ...tooLarge(path, batch, needed, { largest: 0 }, limits),
      hint: "`netc graph` finds the largest batch that fits",
    },
  ];
}

/** With `atLeast` a share that the true one is never below, known sooner. */
type ShareOf = (batches: Partial<Batches>, atLeast: boolean) => number;

interface Batches {
  readonly training: number;
  readonly evaluating: number;
}

function batchesOf({ config, plan }: Program): Batches {
  const { batch_size: training, evaluation } = config.train;
  return { training, evaluating: Math.min(evaluation.batch_size, plan.testImages) };
}

/**
 * The largest that fit together: memory holds the images of the larger, the arena of the hungrier step and batches of both.
 * Where both are too large neither is to leave the other next to nothing: they shrink together, and then grow as far as they
 * can, training first.
 */
function largestBatches(
  shareOf: ShareOf,
  { training, evaluating }: Batches,
  isTrainingTooLarge: boolean,
  isEvaluationTooLarge: boolean,
): Batches {
  if (!isEvaluationTooLarge)
    return { training: largestWithin((batch, atLeast) => shareOf({ training: batch }, atLeast), training), evaluating };
  if (!isTrainingTooLarge) {
    return {
      training,
      evaluating: largestWithin((batch, atLeast) => shareOf({ evaluating: batch }, atLeast), evaluating),
    };
  }
  const both = (batch: number): Batches => ({
    training: Math.min(batch, training),
    evaluating: Math.min(batch, evaluating),
  });
  const together = (batch: number, atLeast: boolean): number => shareOf(both(batch), atLeast);
  const least = both(largestWithin(together, Math.max(training, evaluating)));
  const trained = (batch: number, atLeast: boolean): number => shareOf({ ...least, training: batch }, atLeast);
  const most = largestWithin(trained, training, least.training);
  const evaluated = (batch: number, atLeast: boolean): number =>
    shareOf({ training: most, evaluating: batch }, atLeast);
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
function remembered(
  program: Program,
  limits: MemoryLimits,
  asWritten: Batches,
  heap: (program: Program, threads: number) => number,
): (changed: Changes) => NeededMemory {
  const { accumulate, recompute } = program.config.train;
  const found = new Map<string, NeededMemory>();
  return (changed) => {
    const all = { ...asWritten, accumulate, recompute, ...changed };
    const key = `${all.training} ${all.evaluating} ${all.accumulate} ${all.recompute}`;
    const needed = found.get(key) ?? neededFor(program, all, limits, heap);
    found.set(key, needed);
    return needed;
  };
}

function neededFor(
  { config, graph }: Program,
  { training, evaluating, accumulate, recompute }: Required<Changes>,
  limits: MemoryLimits,
  heap: (program: Program, threads: number) => number,
): NeededMemory {
  const { train } = config;
  const evaluation = { ...train.evaluation, batch_size: evaluating };
  const changed: ResolvedConfig = {
    ...config,
    train: { ...train, batch_size: training, accumulate, recompute, evaluation },
  };
  const program: Program = { config: changed, graph, plan: plan(changed) };
  return neededMemory(program, heap(program, limits.threads), limits, providerBytes(program, {}));
}

function heapOf(program: Program, threads: number): number {
  return heapBytesOf(program, stepsOfRun(program), threads, plannedChoice(program));
}

/** What that is never below, by the largest step of each kind. */
function leastHeapOf(program: Program, threads: number): number {
  const steps = stepsOfRun(program);
  const largest = steps.filter(
    (step) => !steps.some(({ mode, phase, batch }) => mode === step.mode && phase === step.phase && batch > step.batch),
  );
  return leastHeapBytesOf(program, largest, threads, plannedChoice(program));
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

/** The largest batch that fits from one that does up to one that may not. */
function largestWithin(shareOf: (batch: number, atLeast: boolean) => number, most: number, least = 1): number {
  // Where what is surely needed ends is mostly where all ends: then a single whole plan is enough
  const bound = largestBelow((batch) => shareOf(batch, true), most, least);
  return shareOf(bound, false) <= 1 ? bound : largestBelow((batch) => shareOf(batch, false), bound, least);
}

/**
 * Memory grows nearly in a line with the batch, so a place on the line between what fits and what does not is tried first,
 * and the middle where that gains too little.
 */
function largestBelow(shareOfBatch: (batch: number) => number, most: number, least: number): number {
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
