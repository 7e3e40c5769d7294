// A thread of the wasm engine. Thread 0 runs the steps it is sent; the others help until they are stopped.
import { parentPort, workerData } from "node:worker_threads";
import type { ThreadModule } from "../../../compiler/lower/kernels/kernel-provider.js";
import { openProviders } from "./thread-providers.js";

export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
  /** In the order by which calls name them; undefined where none does. */
  readonly providers?: readonly (ThreadModule | undefined)[];
}

export type WorkerRequest = { readonly step: number; readonly times: number } | "stop";

/** "ready" once, when all is loaded; "done" after each step, from the thread that was sent it. */
export type WorkerAnswer = "ready" | "done";

interface Kernels {
  run(step: number, threads: number, times: number): void;
  help(thread: number, threads: number): void;
  stop(threads: number): void;
}

const { module, memory, thread, threads, providers = [] } = workerData as WorkerSetup;
const host = {
  memory,
  ...(await openProviders(providers, memory, thread)),
  now: () => Number(process.hrtime.bigint()) / 1e6, // unlike performance.now, from the same zero on every thread
  abort: () => {
    throw new Error("a kernel aborted");
  },
};
const kernels = new WebAssembly.Instance(module, { env: host }).exports as unknown as Kernels;

parentPort!.postMessage("ready" satisfies WorkerAnswer);

if (thread > 0) {
  kernels.help(thread, threads);
} else {
  parentPort!.on("message", (request: WorkerRequest) => {
    if (request === "stop") {
      kernels.stop(threads);
      parentPort!.close();
      return;
    }
    kernels.run(request.step, threads, request.times);
    parentPort!.postMessage("done" satisfies WorkerAnswer);
  });
}
