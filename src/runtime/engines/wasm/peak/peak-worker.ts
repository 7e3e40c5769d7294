// A thread that measures the machine's peaks: one message a measurement, answered with the milliseconds of all threads.
import { parentPort, workerData } from "node:worker_threads";
import { COPIED_A_ROUND, copy, multiplyAdds } from "../../../../compiler/code/detect.js";
import type { InstructionSet } from "../../../../compiler/code/instruction-set.js";
import { loadKoffi } from "../../native/load-koffi.js";
import { ExecutableMemory } from "../code/executable-memory.js";
import type { WorkerSetup } from "../worker.js";

export interface PeakSetup extends WorkerSetup {
  /** Which instructions to measure with; WebAssembly's without. */
  readonly set: InstructionSet | undefined;
}

/** Of each thread; a multiple of 256 bytes is copied. */
export type PeakRequest =
  | { readonly kind: "multiply-add"; readonly rounds: number }
  | { readonly kind: "copy"; readonly from: number; readonly to: number; readonly bytes: number };

interface PeakKernels {
  peakMultiplyAdd(rounds: number): void;
  peakCopy(from: number, to: number, bytes: number): void;
}

const { module, memory, thread, threads, set } = workerData as PeakSetup;
const host = {
  memory,
  now: () => 0,
  provide: () => {},
  multiply: () => {},
  abort: () => {
    throw new Error("a kernel aborted");
  },
};
const webAssembly = new WebAssembly.Instance(module, { env: host }).exports as unknown as PeakKernels & {
  barrier(threads: number): void;
};
const kernels = set ? await emitted(set) : webAssembly;

parentPort!.on("message", (request: PeakRequest) => {
  webAssembly.barrier(threads);
  const start = performance.now();
  if (request.kind === "multiply-add") kernels.peakMultiplyAdd(request.rounds);
  else {
    const { from, to, bytes } = request;
    kernels.peakCopy(from + thread * bytes, to + thread * bytes, bytes);
  }
  webAssembly.barrier(threads);
  parentPort!.postMessage(performance.now() - start);
});

async function emitted(set: InstructionSet): Promise<PeakKernels> {
  const executable = new ExecutableMemory(await loadKoffi());
  const base = executable.addressOf(new Uint8Array(memory.buffer));
  const [multiplying, copying] = [multiplyAdds(set), copy(set)].map((code) =>
    executable.kernelAt(executable.make(code)),
  ) as [ReturnType<ExecutableMemory["kernelAt"]>, ReturnType<ExecutableMemory["kernelAt"]>];
  return {
    peakMultiplyAdd: (rounds) => multiplying(rounds, 0, 0, 0, 0, 0),
    peakCopy: (from, to, bytes) => copying(bytes / COPIED_A_ROUND, base + from, base + to, 0, 0, 0),
  };
}
