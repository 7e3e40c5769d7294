// The threads over one heap: started once, asked for a step at a time, stopped at the end.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { KernelProvider, ThreadModule } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { StepCall } from "../../../compiler/lower/placement/emit-step.js";
import { kernels } from "../../../compiler/lower/kernels/kernels.js";
import type { Heap } from "./heap.js";
import { builtFolder, compileKernels } from "./kernels-module.js";
import type { WorkerRequest, WorkerSetup } from "./worker.js";

/**
 * What calls into a library leave behind on a thread is garbage at once, some kilobytes a step. Without a limit V8 lets it grow
 * to some fifty megabytes a thread before it collects any.
 */
const maxYoungGenerationSizeMb = 2;

export class Team {
  private readonly workers: Worker[] = [];
  private busy = false;

  constructor(
    private readonly heap: Heap,
    private readonly threads: number,
    private readonly providers: readonly (ThreadModule | undefined)[] = [],
  ) {}

  async start(): Promise<void> {
    const module = compileKernels();
    const { memory } = this.heap;
    for (let thread = 0; thread < this.threads; thread++) {
      const setup: WorkerSetup = { module, memory, thread, threads: this.threads, providers: this.providers };
      this.workers.push(
        new Worker(new URL("worker.js", builtFolder), {
          workerData: setup,
          resourceLimits: { maxYoungGenerationSizeMb },
        }),
      );
    }
    await Promise.all(this.workers.map((worker) => once(worker, "online")));
    for (const worker of this.workers) worker.unref(); // an idle session keeps no process alive
  }

  /** Runs the step that lies at `address`; where `times` is not 0, the time before the first call and after each goes there. */
  async run(address: number, times = 0): Promise<void> {
    invariant(!this.busy, "a step was started before the last one ended");
    const [leader] = this.workers;
    invariant(leader, "the session is closed");
    this.busy = true;
    leader.ref();
    try {
      const done = once(leader, "message");
      leader.postMessage({ step: address, times } satisfies WorkerRequest);
      await done;
    } finally {
      leader.unref();
      this.busy = false;
    }
  }

  async dispose(): Promise<void> {
    const [leader] = this.workers;
    leader?.postMessage("stop" satisfies WorkerRequest);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
    this.workers.length = 0;
  }
}

/** What threads open: of `calls`, the providers that they go to; all of them without. */
export function threadModules(
  providers: readonly KernelProvider[],
  calls?: readonly StepCall[],
): (ThreadModule | undefined)[] {
  const needed = new Set(
    calls?.map(({ kernel, operands, provided }) => {
      return provided?.provider ?? operands[Object.keys(kernels[kernel]).indexOf("provider")];
    }),
  );
  return providers.map(({ thread }, place) => (!calls || needed.has(place) ? thread : undefined));
}
