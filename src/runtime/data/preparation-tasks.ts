// The table of what is made of a data set in a process of its own: a task is plain data, and so is what comes of it. Each is
// loaded when it runs, so that naming one costs nothing.
import type { CifarSource } from "./cifar10/facts.js";
import type { PreparationOptions } from "./progress.js";

/** Fetches CIFAR-10 and rebuilds its files under `work`, an empty folder; gives the folder that they lie in. */
interface RebuildCifar10 {
  readonly kind: "rebuild-cifar10";
  readonly work: string;
  readonly source: CifarSource;
}

export type PreparationTask = RebuildCifar10;

interface Results {
  readonly "rebuild-cifar10": string;
}

export type ResultOf<Task extends PreparationTask> = Results[Task["kind"]];

const TASKS: {
  readonly [Kind in PreparationTask["kind"]]: (
    task: Extract<PreparationTask, { kind: Kind }>,
    options: PreparationOptions,
  ) => Promise<Results[Kind]>;
} = {
  "rebuild-cifar10": async ({ work, source }, options) => {
    const { buildCifar10 } = await import("./cifar10/build-cifar10.js");
    return buildCifar10(work, source, options);
  },
};

export function runTask(task: PreparationTask, options: PreparationOptions): Promise<unknown> {
  return TASKS[task.kind](task, options);
}
