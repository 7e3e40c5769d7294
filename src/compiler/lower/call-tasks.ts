// Program → the calls beside convolutions that another provider may carry out in WebAssembly's place: of each kernel a step of its
// largest calls, one for each number of lanes, which is measured to choose who carries all of them out.
import { parameterGroups } from "../training/parameter-groups.js";
import type { Program } from "../program.js";
import type { TaskStep } from "./convolutions/convolution-tasks.js";
import type { Sizes } from "./kernels/descriptor.js";
import type { Buffer, KernelCall, KernelCalls } from "./kernels/kernel-calls.js";
import type { KernelProvider } from "./kernels/kernel-provider.js";
import { callsKey, nameOfCalls } from "./kernels/kernel-provider.js";
import type { KernelName } from "./kernels/kernels.js";
import { rowOf } from "./kernels/kernels.js";
import { selectSteps } from "./lower.js";
import { allocate, touched } from "./placement/allocate.js";
import { emitStep, tableBytes } from "./placement/emit-step.js";
import { layoutParameters } from "./placement/layout.js";
import { aligned, placePersistent } from "./placement/place-persistent.js";
import type { StepRequest } from "./step-requests.js";

export interface CallTask {
  /** What carries them out: other providers by the names that a choice has for them, which are expected to be faster, and WebAssembly's kernel last. */
  readonly names: readonly string[];
  /** That the calls of the step move. */
  readonly bytes: number;
  readonly stepOf: (name: string) => TaskStep;
}

/** By the key under which a choice has them. */
export function callTasksOf(
  program: Program,
  requests: readonly StepRequest[],
  providers: readonly KernelProvider[],
  threads: number,
): Map<string, CallTask> {
  const tasks = new Map<string, CallTask>();
  if (!providers.some(({ take }) => take)) return tasks;
  const layout = layoutParameters(program.graph, parameterGroups(program.config, program.graph));
  for (const { request, calls } of selectSteps(program, requests, threads, { chosen: {}, providers }, layout)) {
    const { addresses, end } = placePersistent(program, layout, request.batch);
    for (const [kernel, ofKernel] of largestOf(calls, providers)) {
      if (tasks.has(callsKey(kernel))) continue; // in a training step, which comes first
      const takers = providers.flatMap((one) => (ofKernel.some((call) => one.take?.(call)) ? [one] : []));
      tasks.set(callsKey(kernel), {
        names: [...takers.map((one) => nameOfCalls(one, kernel)), kernel],
        bytes: ofKernel.reduce((sum, call) => sum + bytesOf(call), 0),
        stepOf(name) {
          const provider = providers.findIndex((one) => nameOfCalls(one, kernel) === name);
          const alone = only(
            calls,
            ofKernel.map((call): KernelCall => {
              const units = providers[provider]?.take?.(call);
              return units ? { ...call, provided: { provider, units } } : call;
            }),
          );
          const allocation = allocate(alone);
          const arena = aligned(end + tableBytes(alone));
          return {
            step: emitStep(request.batch, alone, allocation, { persistent: addresses, tables: end, arena }),
            heapBytes: arena + allocation.arenaBytes,
            inputs: [{ address: arena, bytes: allocation.arenaBytes }],
          };
        },
      });
    }
  }
  return tasks;
}

/** By kernel, of the calls that a provider takes the largest one for each number of lanes. */
function largestOf({ calls }: KernelCalls, providers: readonly KernelProvider[]): Map<KernelName, KernelCall[]> {
  const largest = new Map<string, KernelCall>();
  for (const call of calls) {
    if (!providers.some(({ take }) => take?.(call))) continue;
    const key = `${call.kernel} ${String(call.operands["lanes"])}`;
    const other = largest.get(key);
    if (!other || bytesOf(call) > bytesOf(other)) largest.set(key, call);
  }
  const byKernel = new Map<KernelName, KernelCall[]>();
  for (const call of largest.values()) byKernel.set(call.kernel, [...(byKernel.get(call.kernel) ?? []), call]);
  return byKernel;
}

function bytesOf({ kernel, operands }: KernelCall): number {
  const extents = rowOf(kernel).moves(operands as Sizes); // which count by numbers alone
  return Object.entries(extents).reduce((sum, [name, bytes]) => sum + (operands[name] === null ? 0 : bytes!), 0);
}

/** Some calls of many, and of their buffers those that they have to do with. */
function only({ buffers }: KernelCalls, calls: readonly KernelCall[]): KernelCalls {
  const used = new Set(calls.flatMap((call) => touched(call).map(({ buffer }) => buffer)));
  const none: Buffer = { kind: "transient", name: "unused", bytes: 0, dtype: "float32" };
  return { buffers: buffers.map((buffer, id) => (used.has(id) ? buffer : none)), calls };
}
