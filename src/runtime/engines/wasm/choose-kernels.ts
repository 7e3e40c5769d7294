// Program → which kernel carries out which convolution. Where the cost model sees more than one that may be the fastest,
// each is run for a moment, and the winner is kept in the cache folder for this processor and these kernels.
import { availableParallelism, loadavg } from "node:os";
import type {
  ConvolutionChoice,
  ConvolutionLibrary,
  ConvolutionPass,
  ConvolutionTask,
} from "../../../compiler/lower/convolution-kernels.js";
import { BY_COST, candidates } from "../../../compiler/lower/convolution-kernels.js";
import type { TaskStep } from "../../../compiler/lower/convolution-tasks.js";
import { stepOfTask, tasksOf } from "../../../compiler/lower/convolution-tasks.js";
import { heapBytesOf, stepsOfRun } from "../../../compiler/lower/lower.js";
import type { Program } from "../../../compiler/program.js";
import type { EngineOptions } from "../../engine.js";
import { UserError } from "../../user-error.js";
import { Heap, encodeStep } from "./heap.js";
import { readMeasured, writeMeasured } from "./measured-kernels.js";
import { nativeLibraries } from "./onednn/libraries.js";
import { Team } from "./team.js";

/** `libraries` are kernels beside WebAssembly's own that work on the same heap: without it, what this machine has. */
export async function chooseKernels(
  program: Program,
  threads: number,
  kernels: NonNullable<EngineOptions["kernels"]>,
  libraries?: readonly ConvolutionLibrary[],
): Promise<ConvolutionChoice> {
  const isPlain = program.config.train.precision === "float32";
  if (kernels === "predicted" && isPlain) return BY_COST;
  const usable = libraries ?? (await nativeLibraries(program));
  if (kernels === "predicted") return { chosen: predicted(program, usable), libraries: usable };
  return await chooseAmong(program, threads, kernels, usable);
}

/** The cheapest by the cost model, those of libraries among them. */
function predicted(program: Program, libraries: readonly ConvolutionLibrary[]): Record<string, string> {
  const tasks = tasksOf(program, stepsOfRun(program), libraries);
  const choice = { chosen: {}, libraries };
  return Object.fromEntries([...tasks].map(([key, task]) => [key, candidates(task, choice)[0]!.name]));
}

async function chooseAmong(
  program: Program,
  threads: number,
  kernels: Exclude<NonNullable<EngineOptions["kernels"]>, "predicted">,
  libraries: readonly ConvolutionLibrary[],
): Promise<ConvolutionChoice> {
  const tasks = tasksOf(program, stepsOfRun(program), libraries, threads);
  if (kernels !== "measured") return { chosen: recorded(tasks, kernels, libraries), libraries };
  const chosen = await measured(tasks, threads, libraries);
  const choice = { chosen, libraries };
  // A kernel that is faster and needs more memory than there is would not help.
  const fits = heapBytesOf(program, stepsOfRun(program), threads, choice) < 2 ** 32;
  if (fits) return choice;
  return program.config.train.precision === "float32" ? BY_COST : { chosen: predicted(program, libraries), libraries };
}

/** The choice that a run began with. @throws UserError where a kernel is missing: other kernels would give other bits. */
function recorded(
  tasks: ReadonlyMap<string, ConvolutionTask>,
  kernels: Readonly<Record<string, string>>,
  libraries: readonly ConvolutionLibrary[],
): Record<string, string> {
  for (const [key, name] of Object.entries(kernels)) {
    const task = tasks.get(key);
    if (!task || candidates(task, { chosen: {}, libraries }).some((candidate) => candidate.name === name)) continue;
    throw new UserError(
      `the run computed "${key}" by the kernel "${name}", which is missing here; \`--no-tune\` goes on with other kernels, ` +
        "whose results differ in their last bits",
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
  tasks: ReadonlyMap<string, ConvolutionTask>,
  threads: number,
  libraries: readonly ConvolutionLibrary[],
): Promise<Record<string, string>> {
  const known = await readMeasured();
  const chosen: Record<string, string> = {};
  const unknown: [key: string, Contest][] = [];
  for (const [key, task] of tasks) {
    const contest = contestOf(task, libraries);
    if (contest.least < WORTH_CHOOSING) continue;
    if (contest.names.length < 2) {
      // A library's kernel works only where it is named; WebAssembly's own is taken anyway
      const [only] = contest.names;
      if (libraries.some((kernels) => kernels[task.pass].some(({ name }) => name === only))) chosen[key] = only!;
      continue;
    }
    const name = known[cacheKey(key, contest)];
    if (name !== undefined && contest.names.includes(name)) chosen[key] = name;
    else unknown.push([key, contest]);
  }
  if (unknown.length === 0) return chosen;
  const found = await hold(
    unknown.map(([, contest]) => contest),
    threads,
    libraries,
  );
  const winners = unknown.map(([key, contest], index) => [key, cacheKey(key, contest), found[index]!] as const);
  for (const [key, , name] of winners) chosen[key] = name;
  await writeMeasured(Object.fromEntries(winners.map(([, key, name]) => [key, name])));
  return chosen;
}

/** The kernels that may be the fastest for a task, the predicted one first. */
interface Contest {
  readonly task: ConvolutionTask;
  readonly names: readonly string[];
  /** The least cost that the model sees. */
  readonly least: number;
  readonly stepOf: (name: string, threads: number) => TaskStep;
}

function contestOf<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  libraries: readonly ConvolutionLibrary[],
): Contest {
  const all = candidates(task, { chosen: {}, libraries });
  const least = all[0]!.cost(task);
  const few = all.filter(({ cost }) => cost(task) <= least * WORTH_MEASURING);
  const some = { ...task, images: imagesToMeasure(task, least) };
  return {
    task,
    names: few.map(({ name }) => name),
    least,
    stepOf: (name, threads) =>
      stepOfTask(
        some,
        few.find((kernel) => kernel.name === name)!,
        threads,
      ),
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

function cacheKey(key: string, { task, names }: Contest): string {
  return `${key}, ${task.images} images: ${names.join(" or ")}`;
}

const REPETITIONS = 2;

/** The name of each contest's winner. */
async function hold(
  contests: readonly Contest[],
  threads: number,
  libraries: readonly ConvolutionLibrary[],
): Promise<string[]> {
  const steps = contests.map(({ names, stepOf }) => names.map((name) => stepOf(name, threads)));
  const heap = new Heap(Math.max(...steps.flat().map(bytesOf)));
  const team = new Team(heap, threads, libraries[0]?.file);
  await team.start();
  const clock = isBusy() ? processorClock(threads) : undefined;
  try {
    const winners: string[] = [];
    for (const [index, { names }] of contests.entries()) {
      let [winner, least] = [names[0]!, Infinity];
      for (const [candidate, name] of names.entries()) {
        const milliseconds = await shortest(heap, team, steps[index]![candidate]!, clock);
        if (name !== names[0] && milliseconds >= least * (winner === names[0] ? CLEARLY_FASTER : 1)) continue;
        [winner, least] = [name, milliseconds];
      }
      winners.push(winner);
    }
    return winners;
  } finally {
    await team.dispose();
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
  team: Team,
  taskStep: TaskStep,
  clock: (() => number) | undefined,
): Promise<number> {
  const { step, inputs } = taskStep;
  const { address, times } = placeOf(taskStep);
  heap.writeStep(step, address);
  for (const { address, bytes } of inputs) heap.floats(address, bytes / 4).fill(0.5);
  await team.run(address); // touches every page
  let least = Infinity;
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const before = clock?.() ?? 0;
    await team.run(address, times);
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

function bytesOf(taskStep: TaskStep): number {
  return placeOf(taskStep).times + (taskStep.step.calls.length + 1) * 8;
}
