// What the rules of a step's emission share: the graph under way, the value of every tensor so far, and the variables.
import type { TrainConfig, DataConfig } from "../../config.js";
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Shape } from "../../network/graph.js";
import type { Tensor, TensorId, TrainingGraph } from "../step/training-graph.js";
import { TensorflowGraph } from "./tensorflow-graph.js";
import type { Attributes, DataType, Output, TensorflowNode } from "./tensorflow-graph.js";

export const FLOAT: Attributes = { T: { type: "float" } };

/**
 * Where parameters and statistics live: handles that the step is called with ("arguments"), variables of the graph's own,
 * which let TensorFlow check every shape on import ("variables"), or values written into the graph (a State's tensors).
 */
export type Storage = "arguments" | "variables" | ReadonlyMap<string, { readonly data: Float32Array }>;

/** What changes from step to step, each a scalar; the first three of a group of parameters, by its index in the rates. */
export type HyperName =
  | `${"learning_rate" | "first_correction" | "second_correction_root"}_${number}`
  | "average_share"
  | "part_share";

/** What a batch comes with: 8-bit images [batch, height, width, channels]; labels and shares one an image. */
export const batchInputs = {
  images: "uint8",
  labels: "int32",
  other_labels: "int32",
  label_shares: "float",
  /** What dropout draws by, [1, 2]: the step, and the purpose with the micro-batch (runtime/random/drop-words.ts). */
  draws: "int32",
} as const satisfies Readonly<Record<string, DataType>>;
export type BatchInput = keyof typeof batchInputs;

/** What forward batch norm leaves for its gradient, which only TensorFlow's own kernel reads. */
export interface SavedNorm {
  readonly output: Output;
  readonly reserved: readonly Output[];
}

export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly handle: Output;
}

export interface EmissionOptions {
  readonly source: TrainingGraph;
  readonly data: DataConfig;
  readonly train: TrainConfig;
  readonly seed: number;
  /** −1 where it is open. */
  readonly batch: number;
  readonly storage: Storage;
  readonly imageShape: readonly number[];
  readonly hasLabels: boolean;
  /** What a parameter is read from: the variable of its own name or that of its average. */
  readonly nameOf: (tensor: string) => string;
}

export class Emission {
  readonly graph = new TensorflowGraph();
  readonly source: TrainingGraph;
  readonly data: DataConfig;
  readonly train: TrainConfig;
  readonly seed: number;
  readonly batch: number;
  readonly storage: Storage;
  readonly nameOf: (tensor: string) => string;
  readonly hasLabels: boolean;
  readonly variables = new Map<string, Variable>();
  /** By the id of the tensor that holds the batch's mean. */
  readonly savedNorms = new Map<TensorId, SavedNorm>();
  /** What writes variables: the step is done when all of these are. */
  readonly updates: TensorflowNode[] = [];
  /** What a variable holds once its update is done, where that is known. */
  readonly updated = new Map<string, Output>();
  /** Whether loss and gradients are finite, once that is known: where they are not, no variable changes. */
  isSound: Output | undefined;
  gradientNorm: Output | undefined;
  losses: Output | undefined;
  logits: Output | undefined;
  readonly #statistics: { readonly variable: Variable; readonly value: Output }[] = [];
  readonly #values = new Map<TensorId, Output>();
  readonly #reads = new Map<string, Output>();
  readonly #writes = new Map<string, TensorflowNode>();
  readonly #imageShape: readonly number[];
  readonly #batchInputs = new Map<BatchInput, Output>();
  readonly #hyper = new Map<HyperName, Output>();

  constructor({ source, data, train, seed, batch, storage, imageShape, hasLabels, nameOf }: EmissionOptions) {
    this.source = source;
    this.data = data;
    this.train = train;
    this.seed = seed;
    this.batch = batch;
    this.storage = storage;
    this.nameOf = nameOf;
    this.hasLabels = hasLabels;
    this.#imageShape = imageShape;
  }

  /** [n, height, width, channels]; a vector is a map of one pixel. */
  dims(id: TensorId): [number, number, number, number] {
    const { height, width, channels } = mapOf(this.shape(id));
    return [this.batch, height, width, channels];
  }

  shape(id: TensorId): Shape {
    const tensor = this.tensor(id);
    invariant(tensor.kind === "activation", `${tensor.name} is a ${tensor.kind} where an activation belongs`);
    return tensor.shape;
  }

  tensor(id: TensorId): Tensor {
    return this.source.tensors[id]!;
  }

  set(id: TensorId, value: Output): void {
    this.#values.set(id, value);
  }

  /** An activation or a gradient that was computed, or what a parameter or statistic holds before the update. */
  get(id: TensorId): Output {
    const value = this.#values.get(id);
    if (value) return value;
    const tensor = this.tensor(id);
    invariant(
      tensor.kind === "parameter" || tensor.kind === "statistic",
      `${tensor.name} is read before it is computed`,
    );
    return this.read(this.nameOf(tensor.name), tensor.dims);
  }

  variable(name: string, shape: readonly number[]): Variable {
    const known = this.variables.get(name);
    if (known) return known;
    const handle = this.#unscoped(() =>
      this.storage === "variables"
        ? this.graph.one(
            "VarHandleOp",
            [],
            { dtype: { type: "float" }, shape: { shape }, shared_name: { text: name } },
            [],
            { name: `variables/${name}`, type: "resource" },
          )
        : this.graph.placeholder(`variables/${name}`, "resource", []),
    );
    const variable = { name, shape, handle };
    this.variables.set(name, variable);
    return variable;
  }

  /** The value at the step's beginning: every reader shares one read, which nothing the step writes can overtake. */
  read(name: string, shape: readonly number[]): Output {
    const known = this.#reads.get(name);
    if (known) return known;
    const { storage } = this;
    const value =
      typeof storage === "string"
        ? this.readAfter(this.variable(name, shape), [])
        : this.#unscoped(() => this.graph.constant(storage.get(name)!.data, shape, `weights/${name}`));
    this.#reads.set(name, value);
    return value;
  }

  readAfter({ name, handle, shape }: Variable, after: readonly TensorflowNode[]): Output {
    const options = { name: `variables/${name}/read`, after };
    return this.#unscoped(() =>
      this.graph.one("ReadVariableOp", [handle], { dtype: { type: "float" } }, shape, options),
    );
  }

  /** After the step's beginning was read, and after what was assigned before. */
  assign(variable: Variable, value: Output): void {
    const kept = this.isSound ? this.ifSound(value, this.read(variable.name, variable.shape)) : value;
    const earlier = [this.#reads.get(variable.name)?.node, this.#writes.get(variable.name)];
    const after = earlier.filter((node) => node !== undefined);
    const dtype = { type: "float" } as const;
    const write = this.graph.effect("AssignVariableOp", [variable.handle, kept], { dtype }, { after });
    this.#writes.set(variable.name, write);
    this.updates.push(write);
    this.updated.set(variable.name, kept);
  }

  /** `value` in a step whose loss and gradients are finite, `otherwise` (of its shape, or a scalar) in another. */
  ifSound(value: Output, otherwise: Output): Output {
    if (!this.isSound) return value;
    return this.graph.one("SelectV2", [this.isSound, value, otherwise], FLOAT, value.shape);
  }

  /** Running statistics move in the forward pass, but whether they may is known only once the gradients are. */
  moveStatistic(variable: Variable, value: Output): void {
    this.#statistics.push({ variable, value });
  }

  assignStatistics(): void {
    for (const { variable, value } of this.#statistics.splice(0)) this.assign(variable, value);
  }

  batchInput(name: BatchInput): Output {
    const known = this.#batchInputs.get(name);
    if (known) return known;
    const shape = name === "images" ? this.#imageShape : name === "draws" ? [1, 2] : [this.batch];
    const value = this.#unscoped(() => this.graph.placeholder(name, batchInputs[name], shape));
    this.#batchInputs.set(name, value);
    return value;
  }

  get inputs(): ReadonlyMap<BatchInput, Output> {
    return this.#batchInputs;
  }

  hyper(name: HyperName): Output {
    const known = this.#hyper.get(name);
    if (known) return known;
    const value = this.#unscoped(() => this.graph.placeholder(name, "float", []));
    this.#hyper.set(name, value);
    return value;
  }

  get hypers(): ReadonlyMap<HyperName, Output> {
    return this.#hyper;
  }

  // ---- arithmetic that many rules write

  add(a: Output, b: Output): Output {
    return this.#binary("AddV2", a, b);
  }

  subtract(a: Output, b: Output): Output {
    return this.#binary("Sub", a, b);
  }

  multiply(a: Output, b: Output): Output {
    return this.#binary("Mul", a, b);
  }

  divide(a: Output, b: Output): Output {
    return this.#binary("RealDiv", a, b);
  }

  scaled(a: Output, factor: number): Output {
    return factor === 1 ? a : this.multiply(a, this.graph.float(factor));
  }

  reshape(value: Output, shape: readonly number[]): Output {
    if (value.shape.join() === shape.join()) return value;
    const attributes = { ...FLOAT, Tshape: { type: "int32" } } as const;
    return this.graph.one("Reshape", [value, this.graph.integers(shape)], attributes, shape);
  }

  #binary(op: string, a: Output, b: Output): Output {
    return this.graph.one(op, [a, b], FLOAT, a.shape.length >= b.shape.length ? a.shape : b.shape);
  }

  /** Variables and inputs belong to no layer. */
  #unscoped<T>(build: () => T): T {
    const { scope } = this.graph;
    this.graph.scope = "";
    try {
      return build();
    } finally {
      this.graph.scope = scope;
    }
  }
}

export function mapOf(shape: Shape): { height: number; width: number; channels: number } {
  return shape.kind === "map" ? shape : { height: 1, width: 1, channels: shape.channels };
}
