// The convolutions of a program as tasks, and a step that carries out one of them by itself: what is measured to choose
// a kernel.
import type { Program } from "../../program.js";
import { allocate } from "../placement/allocate.js";
import type { ConvolutionKernel, ConvolutionOperands, ConvolutionPass, ConvolutionTask } from "./convolution-task.js";
import type { KernelProvider } from "../kernels/kernel-provider.js";
import { taskKey } from "./convolution-task.js";
import { imagesTogether } from "../placement/cut-into-parts.js";
import { filterBytes, imageBytes } from "./convolution-plan.js";
import type { Step } from "../placement/emit-step.js";
import { emitStep, tableBytes } from "../placement/emit-step.js";
import { heapStart } from "../kernels/kernel-constants.js";
import { KernelSelector, persistentBuffers } from "./kernel-selector.js";
import type { PersistentName } from "./kernel-selector.js";
import { layoutParameters } from "../placement/layout.js";
import { parameterGroups } from "../../training/parameter-groups.js";
import type { StepRequest } from "../step-requests.js";
import { computesInBfloat16, kernelGraphOf } from "../lower.js";
import { convolutionTasks } from "./select-convolution.js";
import { dtypesOf } from "../placement/dtypes.js";

/** Each geometry and pass once, at the size of the first request that has it. With bfloat16 the providers decide which maps are stored so. */
export function tasksOf(
  program: Program,
  requests: readonly StepRequest[],
  providers: readonly KernelProvider[] = [],
  threads = 1,
): Map<string, ConvolutionTask> {
  const tasks = new Map<string, ConvolutionTask>();
  const layout = layoutParameters(program.graph, parameterGroups(program.config, program.graph));
  for (const { mode, batch, phase } of requests) {
    const convolutions = { chosen: {}, providers };
    const storesBfloat16 = computesInBfloat16(program, mode);
    const graph = kernelGraphOf(program, mode, phase);
    const selection = {
      batch,
      imagesAtOnce: imagesTogether(graph, mode, batch, threads),
      threads: 1,
      layout,
      readsAverages: false,
      accumulates: false,
      convolutions,
      storesBfloat16,
    };
    for (const task of convolutionTasks(new KernelSelector(graph, selection, dtypesOf(graph, selection)))) {
      const key = taskKey(task);
      if (!tasks.has(key)) tasks.set(key, task);
    }
  }
  return tasks;
}

export interface TaskStep {
  readonly step: Step;
  readonly heapBytes: number;
  /** What the task reads, to be filled with numbers. */
  readonly inputs: readonly { readonly address: number; readonly bytes: number }[];
}

export function stepOfTask<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  kernel: ConvolutionKernel<P>,
  threads: number,
  providers: readonly KernelProvider[] = [],
): TaskStep {
  const layout = { parameters: [], parameterBytes: 0, statistics: [], statisticBytes: 0 };
  const convolutions = { chosen: {}, providers };
  const selection = { batch: task.images, threads, layout, readsAverages: false, accumulates: false, convolutions };
  const selector = new KernelSelector({ tensors: [], nodes: [] }, selection);
  selector.node = {
    name: taskKey(task),
    op: { kind: "average", writesBack: false, inputs: { values: [] }, outputs: { replaced: [] } },
  };
  const bytes = imageBytes(task);
  const input = selector.scratch("input", bytes.input * task.images);
  const output = selector.scratch("output", bytes.output * task.images);
  const [weights, weightGradient] = [selector.persistent("parameters"), selector.persistent("gradients")];
  const operands: ConvolutionOperands = {
    forward: { input, channels: task.inLanes, weights, bias: null, residual: null, relu: false, output },
    "input gradient": { outputGradient: output, weights, inputGradient: input, accumulated: null },
    "weight gradient": { input, outputGradient: output, weightGradient },
  };
  kernel.emit(selector, task, operands[task.pass]);
  const calls = { buffers: selector.buffers, calls: selector.calls };
  const allocation = allocate(calls);
  const filter = Math.ceil(filterBytes(task) / 4096) * 4096;
  const start = heapStart(Math.max(task.inLanes, task.outLanes));
  const persistent = Object.fromEntries(persistentBuffers.map((name) => [name, start])) as Record<
    PersistentName,
    number
  >;
  persistent.gradients = start + filter;
  const tables = start + 2 * filter;
  const arena = Math.ceil((tables + tableBytes(calls)) / 4096) * 4096;
  const step = emitStep(task.images, calls, allocation, { persistent, tables, arena });
  const read = task.pass === "forward" ? [input] : task.pass === "input gradient" ? [output] : [input, output];
  return {
    step,
    heapBytes: arena + allocation.arenaBytes,
    inputs: [
      { address: start, bytes: filter },
      ...read.map(({ buffer }) => ({
        address: arena + allocation.offsets[buffer]!,
        bytes: (buffer === input.buffer ? bytes.input : bytes.output) * task.images,
      })),
    ],
  };
}
