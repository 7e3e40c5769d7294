// Runs a KernelGraph, or a part of one, on the built WebAssembly kernels with every tensor in sight: each buffer lies
// apart from the others between guards, and what no one has written is NaN, so that stray reads and writes are seen.
import { importsOf } from "../../src/runtime/engines/wasm/thread-providers.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import { touched } from "../../src/compiler/lower/placement/allocate.js";
import { emitStep, tableBytes } from "../../src/compiler/lower/placement/emit-step.js";
import type { KernelCalls } from "../../src/compiler/lower/kernels/kernel-calls.js";
import { heapStart } from "../../src/compiler/lower/kernels/kernel-constants.js";
import type { KernelName } from "../../src/compiler/lower/kernels/kernels.js";
import type { ParameterLayout, StoredTensor } from "../../src/compiler/lower/placement/layout.js";
import { imageLanesOf, lanesOf } from "../../src/compiler/lower/placement/layout.js";
import type { KernelChoice } from "../../src/compiler/lower/kernels/kernel-provider.js";
import type { KernelSelection, PersistentName } from "../../src/compiler/lower/convolutions/kernel-selector.js";
import { persistentBuffers } from "../../src/compiler/lower/convolutions/kernel-selector.js";
import type { Dtype } from "../../src/compiler/lower/placement/layout.js";
import { elementBytes } from "../../src/compiler/lower/placement/layout.js";
import { selectKernels } from "../../src/compiler/lower/kernels/select-kernels.js";
import type { KernelGraph, TensorId } from "../../src/compiler/lower/step/training-graph.js";
import { flatten } from "../../src/compiler/lower/step/training-graph.js";
import type { MixedLabels } from "../../src/runtime/engines/engine.js";
import { Heap, encodeStep } from "../../src/runtime/engines/wasm/heap.js";
import { builtFolder, compileKernels, wasmFeatures } from "../../src/runtime/engines/wasm/kernels-module.js";
import type { DropDraws } from "../../src/runtime/random/drop-words.js";
import { mapOf } from "./interpret.js";
import { multiplyIn } from "./multiply-matrices.js";
import { momentCorrections } from "../../src/compiler/training/update-rule.js";

export interface KernelRun {
  readonly graph: KernelGraph;
  readonly batch: number;
  /** What activations, channels, parameters and statistics hold before. */
  readonly values: ReadonlyMap<TensorId, Float64Array>;
  readonly images?: Uint8Array;
  /** 256 a channel */
  readonly pixelValues?: Float32Array;
  readonly labels?: Int32Array;
  readonly mixed?: MixedLabels;
  readonly convolutions?: KernelChoice;
  /** Rates of all groups and steps, one a run of the graph; one run without. */
  readonly hyper?: readonly { readonly rates: readonly number[]; readonly step: number }[];
  /** Let outputs take their inputs' places wherever the selection allows it. */
  readonly inPlace?: boolean;
  /** Maps are stored as bfloat16; values are given rounded to it. */
  readonly storesBfloat16?: boolean;
  readonly draws?: DropDraws;
  readonly build?: "kernels.wasm" | "kernels-relaxed.wasm";
}

export interface KernelOutcome {
  readonly kernels: readonly KernelName[];
  read(id: TensorId): Float64Array;
  readonly loss: number;
  readonly correct: number;
  /** Names of buffers whose guards were overwritten, and of tensors whose padding lanes are no longer zero. */
  strays(): string[];
}

const GUARD = 256;
const PATTERN = 0xff; // as floats and doubles: NaN

export function runKernels(run: KernelRun): KernelOutcome {
  const { graph, batch } = run;
  const selection = selectionOf(graph, run);
  const { layout } = selection;
  const calls = selectKernels(graph, selection);
  const { offsets, sizes, end } = placeApart(calls, run.inPlace ?? false);
  const persistentSizes = sizesOfRegions(layout, run);
  const persistent = {} as Record<PersistentName, number>;
  const start = heapStart(Math.max(0, ...layout.parameters.flatMap((one) => [one.storedRows, one.storedColumns])));
  let address = start + GUARD;
  for (const name of persistentBuffers) {
    persistent[name] = address;
    address += Math.ceil(persistentSizes[name] / 64) * 64 + GUARD;
  }
  const tables = address;
  const arena = Math.ceil((tables + tableBytes(calls)) / 64) * 64;
  const step = emitStep(batch, calls, { offsets, arenaBytes: end, aliveBytes: end }, { persistent, tables, arena });

  const stepAddress = arena + end;
  const heap = new Heap(stepAddress + encodeStep(step).length * 4);
  heap.bytes(start, stepAddress - start).fill(PATTERN);
  heap.writeStep(step, stepAddress);
  heap.bytes(persistent["staged images"], run.images?.length ?? 0).set(run.images ?? []);
  heap.integers(persistent["staged labels"], run.labels?.length ?? 0).set(run.labels ?? []);
  heap.integers(persistent["staged other labels"], run.mixed?.labels.length ?? 0).set(run.mixed?.labels ?? []);
  heap.floats(persistent["staged label shares"], run.mixed?.shares.length ?? 0).set(run.mixed?.shares ?? []);
  heap.floats(persistent["pixel values"], run.pixelValues?.length ?? 0).set(run.pixelValues ?? []);
  const slots = ["first slots", "second slots"] as const;
  for (const name of slots) heap.bytes(persistent[name], persistentSizes[name]).fill(0);

  const stored = new Map([...layout.parameters, ...layout.statistics].map((tensor) => [tensor.name, tensor]));
  const lanes = (tensor: KernelGraph["tensors"][number], id: TensorId): number => {
    if (tensor.kind === "channels") return lanesOf(tensor.channels);
    return isImages(graph, id) ? imageLanesOf(mapOf(graph, id).channels) : lanesOf(mapOf(graph, id).channels);
  };
  /** Where a tensor lies, as rows of floats with padding behind each. */
  const rowsOf = (id: TensorId) => {
    const tensor = graph.tensors[id]!;
    if (tensor.kind === "folded") return null;
    if (tensor.kind === "activation" || tensor.kind === "channels") {
      const buffer = calls.buffers.findIndex(({ kind, name }) => kind === "transient" && name === tensor.name);
      if (buffer < 0) return null;
      const columns = tensor.kind === "channels" ? tensor.channels : mapOf(graph, id).channels;
      const storedColumns = lanes(tensor, id);
      const { dtype } = calls.buffers[buffer] as Extract<KernelCalls["buffers"][number], { kind: "transient" }>;
      const rows = sizes[buffer]! / (storedColumns * elementBytes[dtype]);
      return { at: arena + offsets[buffer]!, blocks: 1, rows, storedRows: rows, columns, storedColumns, dtype };
    }
    const { name } = tensor.kind === "gradient" ? graph.tensors[tensor.parameter]! : tensor;
    const regions = { parameter: "parameters", gradient: "gradients", statistic: "statistics" } as const;
    const place = stored.get(name)!;
    return { ...place, at: persistent[regions[tensor.kind]] + place.offset, dtype: "float32" as Dtype };
  };
  /** All of a tensor with its padding, as numbers. */
  const contentsOf = ({ at, blocks, storedRows, storedColumns, dtype }: NonNullable<ReturnType<typeof rowsOf>>) => {
    const count = blocks * storedRows * storedColumns;
    if (dtype === "float32") return heap.floats(at, count);
    return widened(new Uint16Array(heap.memory.buffer, at, count));
  };
  for (const [id, value] of run.values) {
    const place = rowsOf(id);
    if (!place) continue;
    const { at, blocks, rows, storedRows, columns, storedColumns, dtype } = place;
    const all = new Float32Array(blocks * storedRows * storedColumns);
    value.forEach((element, index) => {
      const row = Math.floor(index / columns);
      all[(Math.floor(row / rows) * storedRows + (row % rows)) * storedColumns + (index % columns)] = element;
    });
    if (dtype === "float32") heap.floats(at, all.length).set(all);
    else new Uint16Array(heap.memory.buffer, at, all.length).set(upperHalves(all));
  }

  const features = wasmFeatures();
  const file = run.build ?? (features.relaxedSimd ? "kernels-relaxed.wasm" : "kernels.wasm");
  const env = {
    memory: heap.memory,
    now: () => 0,
    ...importsOf([{ multiply: multiplyIn(heap.memory) }], heap.memory),
    abort: () => invariant(false, "a kernel aborted"),
  };
  const kernels = new WebAssembly.Instance(compileKernels(new URL(file, builtFolder)), { env }).exports as {
    run(step: number, threads: number, times: number): void;
  };
  const updates = updateGroupsOf(graph);
  for (const { rates, step: number } of run.hyper ?? [{ rates: [], step: 1 }]) {
    const groups = rates.map((rate, index) => {
      const rule = updates.find((group) => group.rateIndex === index)!.rule;
      return { rate, corrections: momentCorrections(rule, number) };
    });
    heap.setHyper({ groups, averageShare: 0 });
    if (run.draws) heap.setDraws(run.draws);
    kernels.run(stepAddress, 1, 0);
  }

  return {
    kernels: step.calls.map(({ kernel }) => kernel),
    ...heap.result(),
    read(id) {
      const place = rowsOf(id);
      invariant(place, `${graph.tensors[id]!.name} has no buffer`);
      const { blocks, rows, storedRows, columns, storedColumns } = place;
      const all = contentsOf(place);
      return Float64Array.from({ length: blocks * rows * columns }, (_, index) => {
        const row = Math.floor(index / columns);
        return all[(Math.floor(row / rows) * storedRows + (row % rows)) * storedColumns + (index % columns)]!;
      });
    },
    strays() {
      const strays: string[] = [];
      const checkGuard = (name: string, from: number): void => {
        if (heap.bytes(from, GUARD).some((byte) => byte !== PATTERN)) strays.push(`guard behind ${name}`);
      };
      for (const name of persistentBuffers) {
        checkGuard(name, persistent[name] + Math.ceil(persistentSizes[name] / 64) * 64);
      }
      calls.buffers.forEach(({ kind, name }, index) => {
        if (kind === "transient") checkGuard(name, arena + offsets[index]! + Math.ceil(sizes[index]! / 64) * 64);
      });
      graph.tensors.forEach((tensor, id) => {
        const place = rowsOf(id);
        if (!place || (tensor.kind === "channels" && !run.values.has(id))) return; // an epsilon alone is behind it
        const { rows, storedRows, columns, storedColumns } = place;
        const all = contentsOf(place);
        const hasStray = all.some((value, index) => {
          const row = Math.floor(index / storedColumns) % storedRows;
          return (row >= rows || index % storedColumns >= columns) && value !== 0;
        });
        if (hasStray) strays.push(`padding of ${tensor.name}`);
      });
      return strays;
    },
  };
}

export function selectionOf(
  graph: KernelGraph,
  { batch, convolutions, storesBfloat16 = false }: Pick<KernelRun, "batch" | "convolutions" | "storesBfloat16">,
): KernelSelection {
  const layout = layoutOf(graph);
  const selection = { batch, threads: 1, layout, readsAverages: false, accumulates: false, storesBfloat16 };
  return convolutions ? { ...selection, convolutions } : selection;
}

/** bfloat16 as numbers. */
function widened(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** Of numbers that bfloat16 has. */
function upperHalves(values: Float32Array): Uint16Array {
  return Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
}

/** No two buffers share a byte, but where one must (or, `inPlace`, may) take another's place. */
function placeApart({ buffers, calls }: KernelCalls, inPlace: boolean) {
  const offsets: number[] = [];
  let end = GUARD;
  for (const buffer of buffers) {
    offsets.push(buffer.kind === "transient" ? end : -1);
    if (buffer.kind === "transient") end += Math.ceil(buffer.bytes / 64) * 64 + GUARD;
  }
  calls.forEach(({ inPlace: place }, index) => {
    if (!place || !(place.required || inPlace)) return;
    const isReadLater = calls
      .slice(index + 1)
      .some((call) => touched(call).some(({ buffer }) => buffer === place.input));
    if (place.required || !isReadLater) offsets[place.output] = offsets[place.input]!;
  });
  const sizes = buffers.map((buffer) => (buffer.kind === "transient" ? buffer.bytes : 0));
  return { offsets, sizes, end };
}

function isImages(graph: KernelGraph, id: TensorId): boolean {
  const { op } = graph.nodes[0]!;
  return op.kind === "load_images" && op.outputs.output === id;
}

/** As layoutParameters places them, from the tensors alone. */
function layoutOf(graph: KernelGraph): ParameterLayout {
  const paddedTo = (weight: TensorId): number => {
    const readsImages = graph.nodes.some(({ op: node }) => {
      const op = flatten(node);
      if (op.kind === "conv2d") return op.weight === weight && isImages(graph, op.input);
      if (op.kind !== "conv2d_inference" || !isImages(graph, op.input)) return false;
      const read = graph.tensors[op.weight]!;
      return (read.kind === "folded" ? read.parameter : op.weight) === weight;
    });
    return readsImages ? 4 : 8;
  };
  const inGroups = new Set(
    graph.nodes.flatMap(({ op }) => {
      if (!op.kind.startsWith("conv2d") || !("groups" in op) || typeof op.groups !== "number") return [];
      const id =
        op.kind === "conv2d_weight_gradient" ? op.outputs.weightGradient : "weight" in op.inputs && op.inputs.weight;
      invariant(typeof id === "number", `${op.kind} has no weights`);
      const tensor = graph.tensors[id]!;
      return [tensor.kind === "gradient" || tensor.kind === "folded" ? tensor.parameter : id];
    }),
  );
  const place = (ids: readonly TensorId[]): { tensors: StoredTensor[]; end: number } => {
    let end = 0;
    const tensors = ids.map((id) => {
      const tensor = graph.tensors[id]!;
      invariant(tensor.kind === "parameter" || tensor.kind === "statistic", `${tensor.name} is kept in no region`);
      const columns = tensor.dims.at(-1)!;
      const storedColumns = lanesOf(columns);
      const multiple = inGroups.has(id) ? 1 : paddedTo(id);
      const rows = tensor.dims.length > 1 ? tensor.dims.at(-2)! : 1;
      const storedRows = tensor.dims.length > 1 ? Math.ceil(rows / multiple) * multiple : 1;
      const blocks = tensor.dims.slice(0, -2).reduce((product, size) => product * size, 1);
      const stored = { name: tensor.name, offset: end, shape: tensor.dims, blocks, rows, storedRows };
      end += blocks * storedRows * storedColumns * 4;
      return { ...stored, columns, storedColumns };
    });
    return { tensors, end };
  };
  const idsOf = (kind: KernelGraph["tensors"][number]["kind"]) =>
    graph.tensors.flatMap((tensor, id) => (tensor.kind === kind ? [id] : []));
  const grouped = updateGroupsOf(graph).flatMap(({ parameters }) => parameters);
  const parameters = place([...grouped, ...idsOf("parameter").filter((id) => !grouped.includes(id))]);
  const statistics = place(idsOf("statistic"));
  return {
    parameters: parameters.tensors,
    parameterBytes: parameters.end,
    statistics: statistics.tensors,
    statisticBytes: statistics.end,
  };
}

function updateGroupsOf(graph: KernelGraph) {
  const update = graph.nodes.find(({ op }) => op.kind === "update")?.op;
  if (update?.kind !== "update") return [];
  return update.inputs.groups.map((group, index) => ({ ...group, ...update.rules[index]! }));
}

function sizesOfRegions(layout: ParameterLayout, run: KernelRun): Record<PersistentName, number> {
  const bytes = layout.parameterBytes;
  return {
    "staged images": run.images?.length ?? 0,
    "staged labels": (run.labels?.length ?? 0) * 4,
    "staged other labels": (run.mixed?.labels.length ?? 0) * 4,
    "staged label shares": (run.mixed?.shares.length ?? 0) * 4,
    "pixel values": (run.pixelValues?.length ?? 0) * 4,
    parameters: bytes,
    gradients: bytes,
    "micro-batch gradients": 0,
    statistics: layout.statisticBytes,
    "first slots": bytes,
    "second slots": bytes,
    "average parameters": 0,
    "average statistics": 0,
  };
}
