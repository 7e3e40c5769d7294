// Program → which kernel carries out which convolution, and who carries out the other calls. Where the cost model sees more than one
// that may be the fastest, each is run for a moment, and the winner is kept in the cache folder for this processor and these kernels.
import { availableParallelism, loadavg } from "node:os";
import type { CallTask } from "../../../compiler/lower/call-tasks.js";
import { callTasksOf } from "../../../compiler/lower/call-tasks.js";
import type { KernelChoice, KernelProvider } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { ConvolutionPass, ConvolutionTask } from "../../../compiler/lower/convolutions/convolution-task.js";
import { candidates } from "../../../compiler/lower/convolutions/convolution-kernels.js";
import { BY_COST, isOfCalls, takesCalls } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { TaskStep } from "../../../compiler/lower/convolutions/convolution-tasks.js";
import { stepOfTask, tasksOf } from "../../../compiler/lower/convolutions/convolution-tasks.js";
import { HEAP_START } from "../../../compiler/lower/kernels/kernel-constants.js";
import { heapBytesOf } from "../../../compiler/lower/lower.js";
import { stepsOfRun } from "../../../compiler/lower/step-requests.js";
import type { MemoryLimits } from "../../../compiler/memory/memory-limits.js";
import { WASM_BYTES } from "../../../compiler/memory/memory-limits.js";
import type { Program } from "../../../compiler/program.js";
import type { EngineOptions } from "../engine.js";
import { UserError } from "../../process/user-error.js";
import { Heap, encodeStep } from "./heap.js";
import { kernelsThatFit, refuseBeyond } from "./kernels-that-fit.js";
import { readMeasured, writeMeasured } from "./measured-kernels.js";
import { PROVIDER_SOURCES, providersHere } from "./providers.js";
import { threadModules } from "./thread-modules.js";
import { ThreadPool } from "./thread-pool.js";

const WHOLE_WASM = { addressableBytes: WASM_BYTES, machineBytes: Infinity };

/**
 * `providers` are those beside WebAssembly: without it, what this machine has. Without
 * `limits` memory ends where WebAssembly's addresses do.
 * @throws UserError where a kernel that a run began with is missing, or where no choice that is left fits into memory.
 */
export async function chooseKernels(
  program: Program,
  threads: number,
  kernels: NonNullable<EngineOptions["kernels"]>,
  providers?: readonly KernelProvider[],
  { addressableBytes, machineBytes }: Omit<MemoryLimits, "threads"> = WHOLE_WASM,
): Promise<KernelChoice> {
  const limits: MemoryLimits = { threads, addressableBytes, machineBytes };
  const isPlain = program.config.train.precision === "float32";
  if (kernels === "predicted" && isPlain) return BY_COST;
  const usable = providers ?? (await providersHere(program));
  if (typeof kernels === "object") {
    const tasks = tasksOf(program, stepsOfRun(program), usable, threads);
    const choice = { chosen: recorded(tasks, kernels, usable), providers: usable };
    const wayOn = "`--no-tune` goes on with other kernels, whose results differ in their last bits";
    refuseBeyond(program, choice, limits, "the kernels that the run began with", wayOn);
    return choice;
  }
  const planned = isPlain ? BY_COST : { chosen: predicted(program, usable), providers: usable };
  const choice = kernels === "predicted" ? planned : await chooseAmong(program, limits, planned, usable);
  // With its own kernels a program was looked at before; what another provider's need is known only now
  if (!isPlain) {
    const kernels = `${usable.map(({ name }) => name).join("'s and ")}'s kernels`;
    refuseBeyond(program, choice, limits, kernels, "write a smaller `train.batch_size`");
  }
  return choice;
}

/** The cheapest by the cost model, those of providers among them. */
function predicted(program: Program, providers: readonly KernelProvider[]): Record<string, string> {
  const tasks = tasksOf(program, stepsOfRun(program), providers);
  const choice = { chosen: {}, providers };
  return Object.fromEntries([...tasks].map(([key, task]) => [key, candidates(task, choice)[0]!.name]));
}

/** What is the fastest here; `planned` is what memory was planned by. */
async function chooseAmong(
  program: Program,
  limits: MemoryLimits,
  planned: KernelChoice,
  providers: readonly KernelProvider[],
): Promise<KernelChoice> {
  const { threads } = limits;
  const tasks = tasksOf(program, stepsOfRun(program), providers, threads);
  const plannedBytes = () => heapBytesOf(program, stepsOfRun(program), threads, planned);
  const contests = [
    ...[...tasks].map(([key, task]) => [key, contestOf(task, providers)] as const),
    ...[...callTasksOf(program, stepsOfRun(program), providers, threads)].map(
      ([key, task]) => [key, contestOfCalls(task)] as const,
    ),
  ];
  const chosen = await measured(contests, threads, providers, plannedBytes);
  // A kernel that is faster and needs more memory than there is would not help
  return kernelsThatFit(program, tasks, { chosen, providers }, planned, limits);
}

/** The choice that a run began with. @throws UserError where a kernel is missing: other kernels would give other bits. */
function recorded(
  tasks: ReadonlyMap<string, ConvolutionTask>,
  kernels: Readonly<Record<string, string>>,
  providers: readonly KernelProvider[],
): Record<string, string> {
  for (const [key, name] of Object.entries(kernels)) {
    const task = tasks.get(key);
    const isHere = task
      ? candidates(task, { chosen: {}, providers }).some((candidate) => candidate.name === name)
      : !isOfCalls(key) || takesCalls(key, name, providers);
    if (isHere) continue;
    const own = PROVIDER_SOURCES.filter((source) => name.startsWith(`${source.name} `));
    const ways = (own.length > 0 ? own : PROVIDER_SOURCES).map(({ wayBack }) => wayBack);
    throw new UserError(
      `the run computed "${key}" by the kernel "${name}", which is missing here; ${ways.join(", ")}, ` +
        "or `--no-tune` goes on with other kernels, whose results differ in their last bits",
    );
  }
  return { ...kernels };
}

/** Beyond this many times the best prediction a kernel is not worth measuring. */
const WORTH_MEASURING = 2;
/** Nanoseconds below which no choice is worth its measurement. */
const WORTH_CHOOSING = 1e5;
/** What is measured must be faster than what is predicted by this share: less is noise. */
const CLEARLY_FASTER = 0.93;

async function measured(
  contests: readonly (readonly [key: string, Contest])[],
  threads: number,
  providers: readonly KernelProvider[],
  plannedBytes: () => number,
): Promise<Record<string, string>> {
  const known = await readMeasured();
  const chosen: Record<string, string> = {};
  const choose = (key: string, { unnamed }: Contest, name: string): void => {
    if (!unnamed.includes(name)) chosen[key] = name;
  };
  const unknown: (readonly [key: string, Contest])[] = [];
  for (const [key, contest] of contests) {
    if (contest.least < WORTH_CHOOSING) {
      if (contest.needsName) chosen[key] = contest.names[0]!;
      continue;
    }
    const name = contest.names.length < 2 ? contest.names[0]! : known[cacheKey(key, contest)];
    if (name !== undefined && contest.names.includes(name)) choose(key, contest, name);
    else unknown.push([key, contest]);
  }
  if (unknown.length === 0) return chosen;
  const found = await hold(
    unknown.map(([, contest]) => contest),
    threads,
    providers,
    plannedBytes(),
  );
  unknown.forEach(([key, contest], index) => choose(key, contest, found[index]!));
  await writeMeasured(
    Object.fromEntries(unknown.map(([key, contest], index) => [cacheKey(key, contest), found[index]!])),
  );
  return chosen;
}

/** The kernels that may be the fastest for a task, the predicted one first. */
interface Contest {
  readonly names: readonly string[];
  /** Of those, what is taken where a choice says nothing. */
  readonly unnamed: readonly string[];
  /** Whether none is taken where a choice says nothing: WebAssembly has none, and which of others' is the cheapest depends on them. */
  readonly needsName: boolean;
  /** The task's, as far as its key does not say it. */
  readonly size: string;
  /** The least cost that the model sees. */
  readonly least: number;
  /** Over how many images they are measured, where memory is enough. */
  readonly images: number;
  readonly repetitions: number;
  readonly stepOf: (name: string, threads: number, images: number) => TaskStep;
}

function contestOf<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  providers: readonly KernelProvider[],
): Contest {
  const all = candidates(task, { chosen: {}, providers });
  const least = all[0]!.cost(task);
  const few = all.filter(({ cost }) => cost(task) <= least * WORTH_MEASURING);
  const names = few.map(({ name }) => name);
  const own = candidates(task, BY_COST).map(({ name }) => name);
  return {
    names,
    needsName: own.length === 0,
    // Another provider's kernel works only where it is named; where there is but WebAssembly's own, it is taken anyway
    unnamed: names.length < 2 ? own : [],
    size: `${task.images} images`,
    least,
    images: imagesToMeasure(task, least),
    repetitions: 2,
    stepOf: (name, threads, images) =>
      stepOfTask(
        { ...task, images },
        few.find((kernel) => kernel.name === name)!,
        threads,
        providers,
      ),
  };
}

/** Nanoseconds a byte that a call moves, on one core: what is worth choosing need not be known better. */
const BYTE_COST = 0.1;

function contestOfCalls({ names, bytes, stepOf }: CallTask): Contest {
  // Of the whole batch, for which there is room where its step has room; a few milliseconds, that what disturbs one is outweighed
  return {
    names,
    unnamed: [names.at(-1)!],
    needsName: false,
    size: `${bytes} bytes`,
    least: bytes * BYTE_COST,
    images: 1,
    repetitions: 6,
    stepOf,
  };
}

/** What a measurement may take on one core, in nanoseconds. */
const MEASURED_COST = 15e6;
/** Fewer images than this, or fewer tiles of 4×4 outputs, would flatter kernels that do not gain from many, as by reading a filter once. */
const LEAST_IMAGES = 16;
const LEAST_TILES = 256;
/** Winograd's sums go back from their domain once a batch, which so many tiles make a small part of what is measured. */
const LEAST_TILES_OF_WEIGHT_GRADIENT = 1024;

function imagesToMeasure({ pass, images, outHeight, outWidth }: ConvolutionTask, cost: number): number {
  const tiles = Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
  const leastTiles = pass === "weight gradient" ? LEAST_TILES_OF_WEIGHT_GRADIENT : LEAST_TILES;
  const least = Math.max(LEAST_IMAGES, Math.ceil(leastTiles / tiles));
  return Math.max(Math.min(images, least), Math.min(images, Math.floor((images * MEASURED_COST) / cost)));
}

function cacheKey(key: string, { size, names }: Contest): string {
  return `${key}, ${size}: ${names.join(" or ")}`;
}

/** The name of each contest's winner; what is measured stays within so many bytes. */
async function hold(
  contests: readonly Contest[],
  threads: number,
  providers: readonly KernelProvider[],
  mostBytes: number,
): Promise<string[]> {
  const all = contests.map((contest) => stepsWithin(contest, threads, mostBytes));
  const heap = new Heap(Math.max(HEAP_START, ...all.flat().map(({ taskStep }) => bytesOf(taskStep))));
  const pool = new ThreadPool(heap, threads, threadModules(providers));
  await pool.start();
  const clock = isBusy() ? processorClock(threads) : undefined;
  try {
    const winners: string[] = [];
    for (const [index, { names, repetitions }] of contests.entries()) {
      const steps = all[index]!;
      const predicted = steps[0]?.name ?? names[0]!;
      let [winner, least] = [predicted, Infinity];
      for (const { name, taskStep } of steps.length > 1 ? steps : []) {
        const milliseconds = await shortest(heap, pool, taskStep, repetitions, clock);
        if (name !== predicted && milliseconds >= least * (winner === predicted ? CLEARLY_FASTER : 1)) continue;
        [winner, least] = [name, milliseconds];
      }
      winners.push(winner);
    }
    return winners;
  } finally {
    await pool.dispose();
  }
}

/**
 * A step for each kernel, over fewer images where one would need more memory than training does; kernels that do so with one
 * image are left out.
 */
function stepsWithin(
  { names, images, stepOf }: Contest,
  threads: number,
  mostBytes: number,
): { name: string; taskStep: TaskStep }[] {
  const fits = ({ taskStep }: { taskStep: TaskStep }): boolean => bytesOf(taskStep) <= mostBytes;
  for (let count = images; ; count = Math.ceil(count / 2)) {
    const steps = names.map((name) => ({ name, taskStep: stepOf(name, threads, count) }));
    if (count === 1 || steps.every(fits)) return steps.filter(fits);
  }
}

/** Of the cores, as the last minute's average of what wants to run. */
const BUSY_SHARE = 0.5;

/** Whether others use the cores, so that a kernel's time on the wall says more of them than of it. */
function isBusy(): boolean {
  return loadavg()[0]! > availableParallelism() * BUSY_SHARE;
}

/** Milliseconds that this process has had, for each thread: what a step would take if the threads had the cores for themselves. */
function processorClock(threads: number): () => number {
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000 / threads;
  };
}

/** By `clock`, or by the stamps of the kernels themselves. */
async function shortest(
  heap: Heap,
  pool: ThreadPool,
  taskStep: TaskStep,
  repetitions: number,
  clock: (() => number) | undefined,
): Promise<number> {
  const { step, inputs } = taskStep;
  const { address, times } = placeOf(taskStep);
  heap.writeStep(step, address);
  for (const { address, bytes } of inputs) heap.floats(address, bytes / 4).fill(0.5);
  await pool.run(address); // touches every page
  let least = Infinity;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const before = clock?.() ?? 0;
    await pool.run(address, times);
    const stamps = heap.doubles(times, step.calls.length + 1);
    least = Math.min(least, clock ? clock() - before : stamps.at(-1)! - stamps[0]!);
  }
  return least;
}

/** Where the step and the times of its calls lie: behind what it works on. */
function placeOf({ step, heapBytes }: TaskStep): { address: number; times: number } {
  const address = Math.ceil(heapBytes / 64) * 64;
  return { address, times: Math.ceil((address + encodeStep(step).length * 4) / 64) * 64 };
}

/** Of the heap that a task takes by itself, with its step and the times of its calls. */
function bytesOf(taskStep: TaskStep): number {
  return placeOf(taskStep).times + (taskStep.step.calls.length + 1) * 8;
}
