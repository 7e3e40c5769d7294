// TensorFlow's eager runtime on one device: tensors, operations, functions. Every handle is counted, so that tests can hold
// sessions to giving them back.
import { availableParallelism } from "node:os";
import { graphDef } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import type {
  Attribute,
  DataType,
  Output,
  TensorflowGraph,
  TensorflowNode,
} from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import { dataTypes } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import type { Device } from "../engine.js";
import { UserError } from "../../process/user-error.js";
import type { TensorflowConfig } from "./config-proto.js";
import { contextConfig } from "./config-proto.js";
import type { TensorflowLibrary } from "./library.js";

/** A TFE_TensorHandle. */
export type TensorHandle = number;
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** Attributes of a call: those of graphs, and bytes that are no text. */
export type CallAttributes = Readonly<Record<string, Attribute | { readonly bytes: Uint8Array }>>;

export interface FunctionForm {
  readonly graph: TensorflowGraph;
  readonly inputs: readonly Output[];
  readonly outputs: readonly Output[];
  readonly updates: readonly TensorflowNode[];
}

const contexts = new Map<string, TensorflowContext>();

/** One for each device and number of threads; TensorFlow's threads outlive a context, so none is ever closed. */
export function openContext(library: TensorflowLibrary, config: TensorflowConfig): TensorflowContext {
  const key = JSON.stringify([library.version, config]);
  const context = contexts.get(key) ?? new TensorflowContext(library, config);
  contexts.set(key, context);
  return context;
}

export class TensorflowContext {
  /** Tensors and functions that are alive. */
  held = 0;
  readonly device: Device;
  readonly library: TensorflowLibrary;
  /** The TFE_Context. */
  readonly pointer: number;
  /** As TensorFlow calls it: "/job:localhost/replica:0/task:0/device:CPU:0". */
  readonly deviceName: string;
  readonly #status: number;

  constructor(library: TensorflowLibrary, config: TensorflowConfig) {
    const { calls } = library;
    this.library = library;
    this.device = config.device;
    this.#status = calls.TF_NewStatus();
    const bytes = contextConfig(config);
    const options = calls.TFE_NewContextOptions();
    calls.TFE_ContextOptionsSetConfig(options, bytes, bytes.length, this.#status);
    this.#check("its configuration");
    this.pointer = library.quietly(() => calls.TFE_NewContext(options, this.#status));
    this.#check("its context");
    calls.TFE_DeleteContextOptions(options);
    this.deviceName = this.#findDevice();
  }

  get version(): string {
    return this.library.version;
  }

  tensor(type: DataType, shape: readonly number[], data: TensorData): TensorHandle {
    const { calls } = this.library;
    const tensor = calls.TF_AllocateTensor(dataTypes[type], bigints(shape), shape.length, data.byteLength);
    this.library.copyIn(calls.TF_TensorData(tensor), data);
    const handle = calls.TFE_NewTensorHandle(tensor, this.#status);
    calls.TF_DeleteTensor(tensor);
    this.#check("a tensor");
    this.held++;
    return handle;
  }

  /** Waits for the value where it is still being computed. */
  read(handle: TensorHandle): Float32Array {
    const { calls } = this.library;
    const tensor = calls.TFE_TensorHandleResolve(handle, this.#status);
    this.#check("a result");
    const data = new Float32Array(calls.TF_TensorByteSize(tensor) / Float32Array.BYTES_PER_ELEMENT);
    this.library.copyOut(data, calls.TF_TensorData(tensor));
    calls.TF_DeleteTensor(tensor);
    return data;
  }

  free(handles: readonly TensorHandle[]): void {
    for (const handle of handles) this.library.calls.TFE_DeleteTensorHandle(handle);
    this.held -= handles.length;
  }

  execute(op: string, inputs: readonly TensorHandle[], attributes: CallAttributes, outputs: number): TensorHandle[] {
    const { calls } = this.library;
    const call = this.#call(op, inputs, attributes);
    const handles = new BigUint64Array(Math.max(1, outputs));
    const count = Int32Array.of(outputs);
    calls.TFE_Execute(call, handles, count, this.#status);
    calls.TFE_DeleteOp(call);
    this.#check(op);
    return this.#adopt(handles, count);
  }

  /** The same on another thread: this one's event loop goes on. */
  async executeAside(
    op: string,
    inputs: readonly TensorHandle[],
    attributes: CallAttributes,
    outputs: number,
  ): Promise<TensorHandle[]> {
    const { calls } = this.library;
    const call = this.#call(op, inputs, attributes);
    const handles = new BigUint64Array(Math.max(1, outputs));
    const count = Int32Array.of(outputs);
    const status = calls.TF_NewStatus(); // the shared one is this thread's
    try {
      await new Promise<void>((resolve, reject) => {
        calls.TFE_Execute.async(call, handles, count, status, (error) => (error ? reject(error) : resolve()));
      });
      this.#check(op, status);
    } finally {
      calls.TFE_DeleteOp(call);
      calls.TF_DeleteStatus(status);
    }
    return this.#adopt(handles, count);
  }

  /** Has TensorFlow check every operation and shape of a graph. Throws a UserError that names the node at fault. */
  validate(graph: TensorflowGraph): void {
    this.library.calls.TF_DeleteGraph(this.#import(graph));
  }

  /** Afterwards `execute` knows the name as an operation. */
  addFunction(name: string, { graph: source, inputs, outputs, updates }: FunctionForm): void {
    const { calls } = this.library;
    const graph = this.#import(source);
    const operation = (node: TensorflowNode): bigint => BigInt(calls.TF_GraphOperationByName(graph, node.name));
    // TF_Output[]: a pointer and an int, which alignment fills up to eight bytes
    const ports = (values: readonly Output[]): BigUint64Array =>
      BigUint64Array.from(values.flatMap(({ node, index }) => [operation(node), BigInt(index)]));
    const controls = BigUint64Array.from(updates.length > 0 ? updates.map(operation) : [0n]);
    const ofAllNodes = -1;
    const made = calls.TF_GraphToFunctionWithControlOutputs(
      graph,
      name,
      0, // no hash appended to the name
      ofAllNodes,
      null,
      inputs.length,
      ports(inputs),
      outputs.length,
      ports(outputs),
      null,
      updates.length,
      controls,
      null,
      0,
      null,
      this.#status,
    );
    calls.TF_DeleteGraph(graph);
    this.#check(name);
    calls.TFE_ContextAddFunction(this.pointer, made, this.#status);
    calls.TF_DeleteFunction(made);
    this.#check(name);
    this.held++;
  }

  removeFunction(name: string): void {
    this.library.calls.TFE_ContextRemoveFunction(this.pointer, name, this.#status);
    this.#check(name);
    this.held--;
  }

  #import(source: TensorflowGraph): number {
    const { calls } = this.library;
    const bytes = graphDef(source).finish();
    const buffer = calls.TF_NewBufferFromString(bytes, bytes.length);
    const options = calls.TF_NewImportGraphDefOptions();
    const graph = calls.TF_NewGraph();
    calls.TF_GraphImportGraphDef(graph, buffer, options, this.#status);
    calls.TF_DeleteImportGraphDefOptions(options);
    calls.TF_DeleteBuffer(buffer);
    this.#check("the network");
    return graph;
  }

  #call(op: string, inputs: readonly TensorHandle[], attributes: CallAttributes): number {
    const { calls } = this.library;
    const call = calls.TFE_NewOp(this.pointer, op, this.#status);
    this.#check(op);
    if (this.device.kind === "gpu") calls.TFE_OpSetDevice(call, this.deviceName, this.#status);
    for (const input of inputs) calls.TFE_OpAddInput(call, input, this.#status);
    for (const [name, value] of Object.entries(attributes)) this.#setAttribute(call, name, value);
    this.#check(op);
    return call;
  }

  #setAttribute(call: number, name: string, value: CallAttributes[string]): void {
    const { calls } = this.library;
    if ("type" in value) calls.TFE_OpSetAttrType(call, name, dataTypes[value.type]);
    else if ("int" in value) calls.TFE_OpSetAttrInt(call, name, value.int);
    else if ("float" in value) calls.TFE_OpSetAttrFloat(call, name, value.float);
    else if ("bool" in value) calls.TFE_OpSetAttrBool(call, name, Number(value.bool));
    else if ("text" in value) this.#setBytes(call, name, Buffer.from(value.text));
    else if ("bytes" in value) this.#setBytes(call, name, value.bytes);
    else if ("ints" in value) calls.TFE_OpSetAttrIntList(call, name, bigints(value.ints), value.ints.length);
    else if ("shape" in value) {
      calls.TFE_OpSetAttrShape(call, name, bigints(value.shape), value.shape.length, this.#status);
    } else throw new Error(`an operation of its own has no tensor among its attributes, found ${name}`);
  }

  #setBytes(call: number, name: string, bytes: Uint8Array): void {
    const data = bytes.length > 0 ? bytes : new Uint8Array(1);
    this.library.calls.TFE_OpSetAttrString(call, name, data, bytes.length);
  }

  #adopt(handles: BigUint64Array, count: Int32Array): TensorHandle[] {
    const found = Array.from(handles.subarray(0, count[0]), Number);
    this.held += found.length;
    return found;
  }

  #findDevice(): string {
    const { calls } = this.library;
    const list = calls.TFE_ContextListDevices(this.pointer, this.#status);
    this.#check("its devices");
    const count = calls.TF_DeviceListCount(list);
    const devices = Array.from({ length: count }, (_, index) => ({
      name: calls.TF_DeviceListName(list, index, this.#status),
      type: calls.TF_DeviceListType(list, index, this.#status),
    }));
    calls.TF_DeleteDeviceList(list);
    const wanted = this.device.kind.toUpperCase();
    const found = devices.find(({ type }) => type === wanted); // only the asked GPU is visible
    if (found) return found.name;
    const { index } = this.device as Extract<Device, { kind: "gpu" }>;
    throw new UserError(
      `TensorFlow ${this.version} sees no GPU ${index} here; it needs NVIDIA's driver and CUDA's libraries, as \`pip install tensorflow[and-cuda]\` adds`,
    );
  }

  #check(subject: string, status = this.#status): void {
    const { calls } = this.library;
    const code = calls.TF_GetCode(status);
    if (code === 0) return;
    const message = calls.TF_Message(status);
    if (code === RESOURCE_EXHAUSTED) throw new UserError(`TensorFlow ran out of memory: ${message}`);
    throw new UserError(`TensorFlow ${this.version} cannot run ${subject}: ${message}`);
  }
}

/** TF_Code, tensorflow/c/tf_status.h */
const RESOURCE_EXHAUSTED = 8;

export function defaultThreads(): number {
  return availableParallelism();
}

function bigints(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values.length > 0 ? values : [0], BigInt);
}
