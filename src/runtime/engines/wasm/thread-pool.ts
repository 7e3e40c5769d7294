// The threads over one heap: started once, asked for a step at a time, stopped at the end. Whatever becomes of any of them, who
// waits for a step hears of it.
import { once } from "node:events";
import type { ResourceLimits } from "node:worker_threads";
import { Worker } from "node:worker_threads";
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import { addressSpaceLeft } from "../../process/address-space.js";
import { builtModule } from "../../process/built-module.js";
import { UserError } from "../../process/user-error.js";
import type { ThreadModule } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { Heap } from "./heap.js";
import { compileKernels } from "./kernels-module.js";
import type { WorkerAnswer, WorkerRequest, WorkerSetup } from "./worker.js";

/**
 * What calls into a library leave behind on a thread is garbage at once, some kilobytes a step. Without a limit V8 lets it grow
 * to some fifty megabytes a thread before it collects any.
 */
const LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 2 };

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (fault: Error) => void;
}

export class ThreadPool {
  private readonly workers: Worker[] = [];
  /** Each resolves when a thread has loaded what it needs, or has ended. */
  private readonly loaded: Promise<void>[] = [];
  /** Who waits for the step that runs. */
  private waiting: Waiting | undefined;
  /** Of the first thread that failed: the others wait for it for ever, so nothing can be run any more. */
  private fault: Error | undefined;
  private isClosing = false;

  constructor(
    private readonly heap: Heap,
    private readonly threads: number,
    private readonly providers: readonly (ThreadModule | undefined)[] = [],
    private readonly limits: ResourceLimits = LIMITS,
  ) {}

  async start(): Promise<void> {
    try {
      requireAddresses(this.threads);
      const module = compileKernels();
      const { memory } = this.heap;
      for (let thread = 0; thread < this.threads; thread++) {
        this.startThread({ module, memory, thread, threads: this.threads, providers: this.providers });
      }
      await Promise.all(this.workers.map((worker) => once(worker, "online")));
    } catch (error) {
      const fault = this.fault ?? (error instanceof UserError ? error : threadFault(error as NodeJS.ErrnoException));
      await this.dispose();
      throw fault;
    }
    for (const worker of this.workers) worker.unref(); // an idle session keeps no process alive
  }

  /** Runs the step that lies at `address`; where `times` is not 0, the time before the first call and after each goes there. */
  async run(address: number, times = 0): Promise<void> {
    invariant(!this.waiting, "a step was started before the last one ended");
    const [leader] = this.workers;
    invariant(leader, "the threads were stopped");
    if (this.fault) throw this.fault;
    leader.ref();
    try {
      await new Promise<void>((resolve, reject) => {
        this.waiting = { resolve, reject };
        leader.postMessage({ step: address, times } satisfies WorkerRequest);
      });
    } finally {
      leader.unref();
      this.waiting = undefined;
    }
  }

  async dispose(): Promise<void> {
    this.isClosing = true;
    if (!this.fault) this.workers[0]?.postMessage("stop" satisfies WorkerRequest);
    for (const worker of this.workers) worker.ref();
    await Promise.all(this.loaded); // a thread that is stopped while it loads a library can take the process with it
    await Promise.all(this.workers.map((worker) => worker.terminate())); // also where they wait for one that has ended
    this.workers.length = 0;
  }

  private startThread(setup: WorkerSetup): void {
    const worker = new Worker(builtModule("runtime/engines/wasm/worker"), {
      workerData: setup,
      resourceLimits: this.limits,
    });
    this.workers.push(worker);
    worker.on("message", (answer: WorkerAnswer) => {
      if (answer === "done") this.waiting?.resolve();
    });
    this.loaded.push(
      new Promise((resolve) => {
        for (const event of ["message", "exit"]) worker.once(event, () => resolve());
      }),
    );
    worker.on("error", (error: NodeJS.ErrnoException) => this.fail(threadFault(error)));
    worker.on("messageerror", (error) => this.fail(threadFault(error)));
    worker.on("exit", (code) => this.fail(threadFault(new Error(`it ended by itself with code ${code}`))));
  }

  private fail(fault: Error): void {
    if (this.isClosing) return;
    this.fault ??= fault;
    this.waiting?.reject(this.fault);
  }
}

/** What V8 sets aside for a thread before it takes any memory, a little less than Node 20 was seen to take. */
const ADDRESSES_A_THREAD = 640 * 2 ** 20;

function requireAddresses(threads: number): void {
  const left = addressSpaceLeft();
  if (left === undefined || left >= threads * ADDRESSES_A_THREAD) return;
  throw new UserError(
    `the system's limit to addresses (\`ulimit -v\`) leaves no room for ${threads} of the wasm engine's threads: raise it by ` +
      `${Math.ceil((threads * ADDRESSES_A_THREAD - left) / 2 ** 30)} GiB, or take fewer threads`,
  );
}

/** Codes of faults that lie in the machine's limits. */
const EXHAUSTED: Readonly<Record<string, string>> = {
  ERR_WORKER_OUT_OF_MEMORY: "ran out of memory",
  ERR_WORKER_INIT_FAILED: "could not be started",
};

function threadFault(error: NodeJS.ErrnoException): Error {
  const exhausted = EXHAUSTED[error.code ?? ""];
  const { message } = error;
  if (exhausted) return new UserError(`a thread of the wasm engine ${exhausted} (${message}); fewer threads need less`);
  return new Error(`a thread of the wasm engine failed: ${message}`, { cause: error });
}
