// A thread of the wasm engine. Thread 0 runs the steps it is sent; the others help until they are stopped.
import { parentPort, workerData } from "node:worker_threads";
import type { OneDnnThread, ProductOperands } from "./onednn/thread.js";

export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
  /** The file of oneDNN, where steps have calls that go to it. */
  readonly oneDnn?: string;
}

export type WorkerRequest = { readonly step: number; readonly times: number } | "stop";

/** "ready" once, when all is loaded; "done" after each step, from the thread that was sent it. */
export type WorkerAnswer = "ready" | "done";

interface Kernels {
  run(step: number, threads: number, times: number): void;
  help(thread: number, threads: number): void;
  stop(threads: number): void;
}

const { module, memory, thread, threads, oneDnn } = workerData as WorkerSetup;
const library = oneDnn === undefined ? undefined : await loadLibrary(oneDnn);
const host = {
  memory,
  library: (kernel: number, call: number, phase: number, unit: number) => given().run(kernel, call, phase, unit),
  multiply: (...product: ProductOperands) => given().multiply(...product),
  now: () => performance.now(),
  abort: () => {
    throw new Error("a kernel aborted");
  },
};
const kernels = new WebAssembly.Instance(module, { env: host }).exports as unknown as Kernels;

function given(): OneDnnThread {
  if (!library) throw new Error("a call goes to a library that this thread was not given");
  return library;
}

async function loadLibrary(file: string) {
  const { openOneDnnThread } = await import("./onednn/thread.js");
  return await openOneDnnThread(file, memory, thread);
}

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
