// A choice of kernels → one whose heap stays within what there is: kernels that were measured to be the fastest, another
// provider's above all, may need more memory than those that it was planned by.
import type { KernelChoice } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { ConvolutionTask } from "../../../compiler/lower/convolutions/convolution-task.js";
import { chooseKernel } from "../../../compiler/lower/convolutions/convolution-kernels.js";
import { stepOfTask } from "../../../compiler/lower/convolutions/convolution-tasks.js";
import { heapBytesOf, stepsOfRun } from "../../../compiler/lower/lower.js";
import type { MemoryLimits } from "../../../compiler/memory/memory-limits.js";
import { neededMemory, shortage, providerBytes } from "../../../compiler/memory/memory-limits.js";
import type { Program } from "../../../compiler/program.js";
import { UserError } from "../../process/user-error.js";

/**
 * `choice` where it fits. Else the kernels that need the most beyond those of `planned` give way to them, as few as have to;
 * all of them where nothing less is enough.
 */
export function kernelsThatFit(
  program: Program,
  tasks: ReadonlyMap<string, ConvolutionTask>,
  choice: KernelChoice,
  planned: KernelChoice,
  limits: MemoryLimits,
): KernelChoice {
  const fits = (tried: KernelChoice): boolean => needed(program, tried, limits).share <= 1;
  if (fits(choice)) return choice;
  const hungriest = hungriestFirst(tasks, choice, planned, limits.threads);
  const without = (count: number): KernelChoice => {
    const chosen = { ...choice.chosen };
    for (const key of hungriest.slice(0, count)) {
      const name = planned.chosen[key];
      if (name === undefined) delete chosen[key];
      else chosen[key] = name;
    }
    return { ...choice, chosen };
  };
  let [tooFew, enough] = [0, hungriest.length];
  while (enough - tooFew > 1) {
    const count = (tooFew + enough) >> 1;
    if (fits(without(count))) enough = count;
    else tooFew = count;
  }
  return without(enough);
}

/** @throws UserError where the heap of these kernels is beyond the limits. */
export function refuseBeyond(
  program: Program,
  choice: KernelChoice,
  limits: MemoryLimits,
  kernels: string,
  wayOn: string,
): void {
  const memory = needed(program, choice, limits);
  if (memory.share <= 1) return;
  const { needs, has } = shortage(memory, limits);
  throw new UserError(`with ${kernels}, training needs ${needs} of memory, and ${has}; ${wayOn}`);
}

function needed(program: Program, choice: KernelChoice, limits: MemoryLimits) {
  const engineBytes = heapBytesOf(program, stepsOfRun(program), limits.threads, choice);
  return neededMemory(program, engineBytes, limits, providerBytes(program, choice.chosen));
}

/** Keys of the tasks that the two choices give to different kernels. */
function hungriestFirst(
  tasks: ReadonlyMap<string, ConvolutionTask>,
  choice: KernelChoice,
  planned: KernelChoice,
  threads: number,
): string[] {
  const bytes = (task: ConvolutionTask, by: KernelChoice): number =>
    stepOfTask(task, chooseKernel(task, by), threads, by.providers).heapBytes;
  return [...tasks]
    .filter(([key]) => choice.chosen[key] !== planned.chosen[key])
    .map(([key, task]) => ({ key, more: bytes(task, choice) - bytes(task, planned) }))
    .sort((a, b) => b.more - a.more)
    .map(({ key }) => key);
}
