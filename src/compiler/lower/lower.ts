// Program → LoweredProgram: the steps that the WebAssembly engine runs, over one heap whose every byte is placed
// ahead of time. Training, evaluation and the smaller last batch of each are steps of their own over shared parameters.
import type { Program } from "../program.js";
import { frozenNorms } from "../training/frozen-norms.js";
import { parameterGroups } from "../training/parameter-groups.js";
import { isFrozenIn } from "../training/training-phases.js";
import { averagesWeights, writesBack } from "../training/weight-average.js";
import { afterPass, checkTrainingGraph } from "./step/check-training-graph.js";
import { allocate, leastArenaBytes } from "./placement/allocate.js";
import type { StepMode } from "./step/differentiate.js";
import { differentiate } from "./step/differentiate.js";
import type { KernelChoice } from "./kernels/kernel-provider.js";
import { BY_COST } from "./kernels/kernel-provider.js";
import { plannedProvider } from "./convolutions/planned-provider.js";
import { cutIntoParts, imagesTogether } from "./placement/cut-into-parts.js";
import type { Step } from "./placement/emit-step.js";
import { callCount, emitStep, encodedBytes, tableBytes } from "./placement/emit-step.js";
import { fuseNorms } from "./kernels/fuse-norms.js";
import { foldBatchNorm } from "./step/fold-batch-norm.js";
import { fuse } from "./step/fuse.js";
import { fuseAdditions } from "./step/fuse-additions.js";
import type { ParameterLayout } from "./placement/layout.js";
import { layoutParameters } from "./placement/layout.js";
import { aligned, placePersistent } from "./placement/place-persistent.js";
import { recompute } from "./step/recompute.js";
import type { StepRequest } from "./step-requests.js";
import { mixesLabels } from "../training/mixed-labels.js";
import type { PersistentName } from "./convolutions/kernel-selector.js";
import { selectKernels } from "./kernels/select-kernels.js";
import type { KernelGraph, TrainingGraph } from "./step/training-graph.js";

export interface LoweredProgram {
  readonly steps: readonly (StepRequest & { readonly step: Step })[];
  readonly layout: ParameterLayout;
  readonly addresses: Readonly<Record<PersistentName, number>>;
  readonly heapBytes: number;
}

export function lower(
  program: Program,
  requests: readonly StepRequest[],
  threads: number,
  convolutions: KernelChoice = BY_COST,
): LoweredProgram {
  const placed = placeSteps(program, requests, threads, convolutions);
  const { selected, layout, addresses, tables, arena, heapBytes } = placed;
  const steps = selected.map(({ request, calls, allocation }, index) => {
    const placement = { persistent: addresses, tables: tables[index]!, arena };
    return { ...request, step: emitStep(request.batch, calls, allocation, placement) };
  });
  return { steps, layout, addresses, heapBytes };
}

/** What a session takes, without emitting its steps: the heap that `lower` would plan, the steps behind it and their times. */
export function heapBytesOf(
  program: Program,
  requests: readonly StepRequest[],
  threads: number,
  convolutions: KernelChoice = BY_COST,
): number {
  const { selected, heapBytes } = placeSteps(program, requests, threads, convolutions);
  const steps = selected.reduce((bytes, { calls }) => bytes + encodedBytes(calls), 0);
  const longest = Math.max(...selected.map(({ calls }) => callCount(calls)));
  return heapBytes + steps + (longest + 1) * 8;
}

/** What `heapBytesOf` is never below: without tables and the gaps that an arena has, in a fraction of the time. */
export function leastHeapBytesOf(
  program: Program,
  requests: readonly StepRequest[],
  threads: number,
  convolutions: KernelChoice = BY_COST,
): number {
  const layout = layoutParameters(program.graph, parameterGroups(program.config, program.graph));
  const selected = selectSteps(program, requests, threads, convolutions, layout);
  const { end } = placePersistent(program, layout, Math.max(...requests.map(({ batch }) => batch)));
  return end + Math.max(...selected.map(({ calls }) => leastArenaBytes(calls)));
}

/** Everything that is known of the steps before their operands become numbers. */
export function placeSteps(
  program: Program,
  requests: readonly StepRequest[],
  threads: number,
  convolutions: KernelChoice,
) {
  const layout = layoutParameters(program.graph, parameterGroups(program.config, program.graph));
  const selected = selectSteps(program, requests, threads, convolutions, layout).map((step) => ({
    ...step,
    allocation: allocate(step.calls),
  }));
  const largestBatch = Math.max(...requests.map(({ batch }) => batch));
  const { addresses, end } = placePersistent(program, layout, largestBatch);
  let address = end;
  const tables = selected.map(({ calls }) => {
    const start = address;
    address = aligned(address + tableBytes(calls));
    return start;
  });
  // Steps never overlap in time, so they share one arena.
  const arenaBytes = Math.max(...selected.map(({ allocation }) => allocation.arenaBytes));
  return { selected, layout, addresses, tables, arena: address, heapBytes: aligned(address + arenaBytes) };
}

export function selectSteps(
  program: Program,
  requests: readonly StepRequest[],
  threads: number,
  convolutions: KernelChoice,
  layout: ParameterLayout,
) {
  const { config } = program;
  const graphs = new Map<string, KernelGraph>(); // the same for every batch
  return requests.map((request) => {
    const { mode, batch, phase } = request;
    const readsAverages = mode === "evaluate" && averagesWeights(config.train);
    const accumulates = mode === "train" && config.train.accumulate > 1;
    const storesBfloat16 = computesInBfloat16(program, mode);
    const key = `${mode} ${phase}`;
    const kernelGraph = graphs.get(key) ?? kernelGraphOf(program, mode, phase);
    graphs.set(key, kernelGraph);
    const atOnce = imagesTogether(kernelGraph, mode, batch, threads);
    const common = { batch, threads, layout, readsAverages, accumulates, convolutions, storesBfloat16 };
    const selected = selectKernels(kernelGraph, { ...common, imagesAtOnce: atOnce });
    const fused = fuseNorms(selected, convolutions.providers, threads);
    return { request, calls: cutIntoParts(fused, atOnce, batch) };
  });
}

/** What a heap is planned by before anything is known of the machine. */
export function plannedChoice({ config }: Program): KernelChoice {
  return config.train.precision === "float32" ? BY_COST : { chosen: {}, providers: [plannedProvider] };
}

/** Whether the maps of such a step are stored as bfloat16. */
export function computesInBfloat16({ config }: Program, mode: StepMode): boolean {
  return mode === "train" && config.train.precision === "bfloat16";
}

export function trainingGraphOf(program: Program, mode: StepMode, phase = 0): TrainingGraph {
  const { config, graph, plan } = program;
  const { label_smoothing: labelSmoothing } = config.train.loss.cross_entropy;
  const loss = mode !== "evaluate" ? { labelSmoothing, mixedLabels: mixesLabels(config.data) } : {};
  const groups = parameterGroups(config, graph)
    .trained.filter(({ rateIndex }) => !isFrozenIn(plan, rateIndex, phase))
    .map(({ parameters, ...group }) => ({ ...group, parameters: parameters.map(({ name }) => name) }));
  const average = averagesWeights(config.train) ? { writesBack: writesBack(config.train) } : null;
  const { accumulate, gradient_clip: limit } = config.train;
  const updates = {
    groups,
    average,
    clip: limit?.norm ?? null,
    accumulates: accumulate > 1,
    frozenNorms: frozenNorms(program, phase),
  };
  const differentiated = afterPass(
    "differentiate",
    differentiate(fuse(graph), mode, updates, loss),
    checkTrainingGraph,
  );
  return afterPass("fuseAdditions", fuseAdditions(differentiated), checkTrainingGraph);
}

/** What this engine runs of it. */
export function kernelGraphOf(program: Program, mode: StepMode, phase: number): KernelGraph {
  const graph = trainingGraphOf(program, mode, phase);
  if (mode === "evaluate") return afterPass("foldBatchNorm", foldBatchNorm(graph), checkTrainingGraph);
  // Maps of bfloat16 are half as large and products twice as fast: there it costs a fortieth of a step, and has to be asked for
  const { recompute: more } = program.config.train;
  const computesAnew = mode === "train" && (more || !computesInBfloat16(program, mode));
  return computesAnew ? afterPass("recompute", recompute(graph, more), checkTrainingGraph) : graph;
}
