// What the kernel selection of every node shares: the calls and buffers so far, and where each tensor lies.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Shape } from "../../network/graph.js";
import type {
  Buffer,
  BufferId,
  BufferOperand,
  CallExtra,
  CallWriter,
  KernelCall,
  Operand,
  OperandsOf,
  Provided,
} from "../kernels/kernel-calls.js";
import type { KernelChoice } from "../kernels/kernel-provider.js";
import { BY_COST, callsKey, nameOfCalls } from "../kernels/kernel-provider.js";
import type { Sizes } from "../kernels/descriptor.js";
import type { KernelName } from "../kernels/kernels.js";
import { rowOf } from "../kernels/kernels.js";
import type { MapKernel } from "../kernels/map-kernels.js";
import type { ParameterLayout, Dtype, StoredTensor } from "../placement/layout.js";
import { elementBytes, imageLanesOf, lanesOf, storedBytes } from "../placement/layout.js";
import type { KernelGraph, TensorId } from "../step/training-graph.js";

export interface KernelSelection {
  readonly batch: number;
  /** Images of the batch that go through the network together, where those are not all (see cut-into-parts.ts). */
  readonly imagesAtOnce?: number;
  readonly threads: number;
  readonly layout: ParameterLayout;
  /** Whether parameters and statistics are read from their averages, as in evaluation with a weight average. */
  readonly readsAverages: boolean;
  /** Which kernel carries out which convolution; without it the cost model decides. */
  readonly convolutions?: KernelChoice;
  /** Whether maps and their gradients are stored as bfloat16 wherever all that work on them take it so (dtypes.ts). */
  readonly storesBfloat16?: boolean;
  /** Whether gradients are those of a micro-batch, to be added to the sums that the update reads. */
  readonly accumulates: boolean;
}

/** The regions that lie at the same address in every step of a program. */
export const persistentBuffers = [
  "staged images",
  "staged labels",
  "staged other labels",
  "staged label shares",
  "pixel values",
  "parameters",
  "gradients",
  "micro-batch gradients",
  "statistics",
  "first slots",
  "second slots",
  "average parameters",
  "average statistics",
] as const;
export type PersistentName = (typeof persistentBuffers)[number];

export class KernelSelector implements CallWriter {
  readonly buffers: Buffer[] = persistentBuffers.map((name) => ({ kind: "persistent", name }));
  readonly calls: KernelCall[] = [];
  node!: KernelGraph["nodes"][number];
  private readonly ofTensor = new Map<TensorId, BufferId>();
  private readonly stored: ReadonlyMap<string, StoredTensor>;
  private readonly tables = new Map<string, BufferId>();
  /** What the loss of the whole batch is taken of. */
  private readonly logits: TensorId | undefined;

  constructor(
    readonly graph: KernelGraph,
    readonly selection: KernelSelection,
    /** By tensor; those that are absent are float32. */
    private readonly dtypes: readonly Dtype[] = [],
  ) {
    const { parameters, statistics } = selection.layout;
    this.stored = new Map([...parameters, ...statistics].map((tensor) => [tensor.name, tensor]));
    for (const { op } of graph.nodes) if (op.kind === "softmax_cross_entropy") this.logits = op.inputs.logits;
  }

  call<K extends KernelName>(kernel: K, operands: OperandsOf<K>, extra: CallExtra = {}): void {
    // Rows count by numbers alone, and buffers have none yet
    const multiplyAdds = rowOf(kernel).multiplyAdds?.(operands as unknown as Sizes) ?? 0;
    const call: KernelCall = {
      kernel,
      node: this.node.name,
      operands: operands as Record<string, Operand>,
      multiplyAdds,
    };
    this.calls.push({ ...call, ...this.takenBy(call), ...extra });
  }

  private takenBy(call: KernelCall): { provided?: Provided } {
    const { providers, chosen } = this.selection.convolutions ?? BY_COST;
    const name = chosen[callsKey(call.kernel)];
    const provider = name === undefined ? -1 : providers.findIndex((one) => nameOfCalls(one, call.kernel) === name);
    const units = providers[provider]?.take?.(call);
    return units ? { provided: { provider, units } } : {};
  }

  get threads(): number {
    return this.selection.threads;
  }

  provider(id: string): number {
    const place = (this.selection.convolutions ?? BY_COST).providers.findIndex((provider) => provider.id === id);
    invariant(place >= 0, `a kernel of the provider ${id} was chosen, which is not among those of this step`);
    return place;
  }

  /** A kernel over maps, in the form for how `map` is stored. */
  mapCall<K extends MapKernel>(
    kernel: K,
    map: TensorId,
    operands: OperandsOf<K>,
    extra: { inPlace?: KernelCall["inPlace"] } = {},
  ): void {
    const form: KernelName = this.dtype(map) === "bfloat16" ? `${kernel}_bfloat16` : kernel;
    this.call(form, operands as never, extra);
  }

  persistent(name: PersistentName, offset = 0): { buffer: BufferId; offset: number } {
    return { buffer: persistentBuffers.indexOf(name), offset };
  }

  scratch(name: string, bytes: number): { buffer: BufferId } {
    return { buffer: this.add({ kind: "transient", name: `${this.node.name} ${name}`, bytes, dtype: "float32" }) };
  }

  /** Tables of the same key are equal and kept once. */
  table(key: string, length: number, values: () => readonly number[]): { buffer: BufferId } {
    let buffer = this.tables.get(key);
    if (buffer === undefined) {
      buffer = this.add({ kind: "table", name: key, length, values });
      this.tables.set(key, buffer);
    }
    return { buffer };
  }

  /** How a parameter or statistic is stored. */
  storedAs(id: TensorId): StoredTensor {
    const { name } = this.graph.tensors[id]!;
    const stored = this.stored.get(name);
    invariant(stored, `${name} has no place in the heap`);
    return stored;
  }

  operand(id: TensorId): BufferOperand {
    const tensor = this.graph.tensors[id]!;
    const { readsAverages } = this.selection;
    if (tensor.kind === "parameter") {
      return this.persistent(readsAverages ? "average parameters" : "parameters", this.storedAs(id).offset);
    }
    if (tensor.kind === "statistic") {
      return this.persistent(readsAverages ? "average statistics" : "statistics", this.storedAs(id).offset);
    }
    if (tensor.kind === "gradient") {
      const region = this.selection.accumulates ? "micro-batch gradients" : "gradients";
      return this.persistent(region, this.storedAs(tensor.parameter).offset);
    }
    let buffer = this.ofTensor.get(id);
    const isWhole = id === this.logits && this.images !== this.selection.batch;
    if (buffer === undefined) {
      const dtype = this.dtype(id);
      const bytes = isWhole ? this.selection.batch * this.lanes(id) * elementBytes[dtype] : this.bytesOf(id);
      buffer = this.add({ kind: "transient", name: tensor.name, bytes, dtype });
      this.ofTensor.set(id, buffer);
    }
    return isWhole ? { buffer, imageBytes: this.lanes(id) * elementBytes[this.dtype(id)] } : { buffer };
  }

  optional(id: TensorId | null): BufferOperand | null {
    return id === null ? null : this.operand(id);
  }

  shape(id: TensorId): Shape {
    const tensor = this.graph.tensors[id]!;
    invariant(tensor.kind === "activation", `${tensor.name} is a ${tensor.kind} where an activation belongs`);
    return tensor.shape;
  }

  dtype(id: TensorId): Dtype {
    return this.dtypes[id] ?? "float32";
  }

  lanes(id: TensorId): number {
    const { channels } = this.shape(id);
    return this.isImages(id) ? imageLanesOf(channels) : lanesOf(channels);
  }

  pixels(id: TensorId): number {
    const shape = this.shape(id);
    return this.images * (shape.kind === "map" ? shape.height * shape.width : 1);
  }

  /** Images that go through the network together. */
  get images(): number {
    return this.selection.imagesAtOnce ?? this.selection.batch;
  }

  private isImages(id: TensorId): boolean {
    const first = this.graph.nodes[0]!.op;
    return first.kind === "load_images" && first.outputs.output === id;
  }

  private bytesOf(id: TensorId): number {
    const tensor = this.graph.tensors[id]!;
    if (tensor.kind === "folded") return storedBytes(this.storedAs(tensor.parameter));
    const count = tensor.kind === "channels" ? lanesOf(tensor.channels) : this.pixels(id) * this.lanes(id);
    return count * elementBytes[this.dtype(id)];
  }

  private add(buffer: Buffer): BufferId {
    this.buffers.push(buffer);
    return this.buffers.length - 1;
  }
}

/** A vector is a map of one pixel. */
export function mapSize(shape: Shape): { height: number; width: number } {
  return shape.kind === "map" ? shape : { height: 1, width: 1 };
}
