// The table of what is made of a data set in a process of its own: a task is plain data, and so is what comes of it. Each is
// loaded when it runs, so that naming one costs nothing.
import type { CifarSource } from "./cifar10/facts.js";
import type { BrokenFile } from "./images/broken-images.js";
import type { ImagesToDecode } from "./images/decode-images.js";
import type { PreparationOptions } from "./progress.js";

/** Fetches CIFAR-10 and rebuilds its files under `work`, an empty folder; gives the folder that they lie in. */
interface RebuildCifar10 {
  readonly kind: "rebuild-cifar10";
  readonly work: string;
  readonly source: CifarSource;
}

/** Decodes pictures of a folder into a file; gives those that cannot be read. */
interface DecodeImages extends ImagesToDecode {
  readonly kind: "decode-images";
}

export type PreparationTask = RebuildCifar10 | DecodeImages;

interface Results {
  readonly "rebuild-cifar10": string;
  readonly "decode-images": BrokenFile[];
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
  "decode-images": async (task, options) => {
    const { decodeImages } = await import("./images/decode-images.js");
    return decodeImages(task, options);
  },
};

export function runTask(task: PreparationTask, options: PreparationOptions): Promise<unknown> {
  const run = TASKS[task.kind] as (own: PreparationTask, options: PreparationOptions) => Promise<unknown>;
  return run(task, options);
}
