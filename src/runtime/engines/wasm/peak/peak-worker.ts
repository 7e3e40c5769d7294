// A thread that measures the machine's peaks: one message a measurement, answered with the milliseconds of all threads.
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerSetup } from "../worker.js";

export type PeakRequest =
  | { readonly kind: "multiply-add"; readonly rounds: number }
  | { readonly kind: "copy"; readonly from: number; readonly to: number; readonly bytes: number };

interface PeakKernels {
  peakMultiplyAdd(threads: number, rounds: number): number;
  peakCopy(thread: number, threads: number, from: number, to: number, bytes: number): number;
}

const { module, memory, thread, threads } = workerData as WorkerSetup;
const host = {
  memory,
  now: () => performance.now(),
  provide: () => {},
  multiply: () => {},
  abort: () => {
    throw new Error("a kernel aborted");
  },
};
const kernels = new WebAssembly.Instance(module, { env: host }).exports as unknown as PeakKernels;

parentPort!.on("message", (request: PeakRequest) => {
  const milliseconds =
    request.kind === "copy"
      ? kernels.peakCopy(thread, threads, request.from, request.to, request.bytes)
      : kernels.peakMultiplyAdd(threads, request.rounds);
  parentPort!.postMessage(milliseconds);
});
