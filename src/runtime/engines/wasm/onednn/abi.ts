// oneDNN's C interface in its two forms. Version 2 describes memory by structs that the caller owns and fills "operation
// descriptors"; version 3 hides both behind handles. What moved between versions is here.
import type { Koffi } from "../../native/load-koffi.js";
import {
  BY_ROWS,
  BY_COLUMNS,
  FORWARD,
  QUERIES,
  DESCRIPTOR_BYTES,
  FIELDS,
  BLOCKED_FORMAT,
  STAYS_LOADED,
  OPERATION_BYTES,
  PRODUCTS,
  STATUS,
  int64s,
} from "./abi-numbers.js";
import type { Convolution, DescriptorMaker, DescriptorStart, FunctionName, Kept } from "./abi-functions.js";
import { FUNCTIONS } from "./abi-functions.js";
import type { MatrixLayout, ProductSizes } from "./matrices.js";

/** An address: of an object of the library, or in version 2 of a memory descriptor. */
export type Handle = number;

const DATA_TYPES = { bfloat16: 2, float32: 3 } as const;
export type DataType = keyof typeof DATA_TYPES;
export const ALGORITHMS = { direct: 1, winograd: 2 } as const;
export type Algorithm = keyof typeof ALGORITHMS;
export const ARGUMENTS = {
  input: 1,
  output: 17,
  weights: 33,
  bias: 41,
  scratchpad: 80,
  inputGradient: 129,
  outputGradient: 145,
  weightGradient: 161,
} as const;
export const ANY_FORMAT = 1;
/** The bit of dnnl_get_effective_cpu_isa that stands for instructions for bfloat16 products. */
export const BFLOAT16_ISA = 0x80;

/** What the library answered instead of success. */
export class OneDnnError extends Error {}

/** How a memory is laid out: strides of the outer blocks, then blocks within, outermost first. */
export interface Blocking {
  readonly strides: readonly number[];
  readonly blocks: readonly { readonly dimension: number; readonly size: number }[];
}

export interface Window {
  readonly strides: readonly number[];
  readonly paddingBefore: readonly number[];
  readonly paddingAfter: readonly number[];
}

type Native = (...values: unknown[]) => number;

/** Thin: every function answers with a handle or throws OneDnnError. */
export class Abi {
  readonly version: string;
  readonly isaBits: number;
  private readonly isNew: boolean;
  private readonly library: ReturnType<Koffi["load"]>;
  private readonly functions = new Map<string, Native>();
  private readonly descriptors: Handle[] = [];
  private readonly others: (readonly [kind: Kept, handle: Handle])[] = [];
  private readonly out = new BigUint64Array(new ArrayBuffer(8));
  private readonly engine: Handle;
  private readonly stream: Handle;
  private readonly allocate: (count: number, bytes: number) => Handle;
  private readonly free: (address: Handle) => void;
  private readonly copyBytes: (to: number, from: number, bytes: number) => number;
  private readonly fillBytes: (address: number, value: number, bytes: number) => number;
  private readonly setAddress: (memory: Handle, address: number) => number;
  private readonly executePrimitive: (primitive: Handle, stream: Handle, count: number, list: number) => number;
  private readonly products: { [T in DataType]?: Native } = {};

  /** @throws OneDnnError where the file is no library, or none of a version that netc knows. */
  constructor(
    private readonly koffi: Koffi,
    file: string,
  ) {
    const own = koffi.load(null); // the process itself: libc's functions
    try {
      this.library = koffi.load(file);
      own.func("dlopen", "void *", ["str", "int"])(file, STAYS_LOADED);
      const version = this.library.func("dnnl_version", "void *", [])();
      const [major, minor, patch] = koffi.decode(version, "int [3]") as [number, number, number];
      this.version = `${major}.${minor}.${patch}`;
      if ((major !== 2 || minor < 6) && major !== 3) {
        throw new OneDnnError(`it is version ${this.version}; netc knows 2.6 and later and 3`);
      }
      this.isNew = major === 3;
      const names = [...FUNCTIONS.both, ...FUNCTIONS[this.isNew ? "current" : "old"]];
      for (const name of names) this.library.func(`dnnl_${name}`, "void", []); // throws where there is none
      this.isaBits = this.library.func("dnnl_get_effective_cpu_isa", "int", [])();
      // Every thread of netc's computes by itself: the library must not start threads of its own for one of them.
      this.library.func("omp_set_num_threads", "void", ["int"])(1);
    } catch (error) {
      const { message } = error as Error;
      if (message.includes("omp_set_num_threads")) throw new OneDnnError("it was not built with OpenMP");
      throw new OneDnnError(message.replace(/^Failed to load shared library: /, ""));
    }
    this.allocate = own.func("calloc", "uintptr_t", ["size_t", "size_t"]);
    this.free = own.func("free", "void", ["uintptr_t"]);
    this.copyBytes = own.func("memcpy", "uintptr_t", ["uintptr_t", "uintptr_t", "size_t"]);
    this.fillBytes = own.func("memset", "uintptr_t", ["uintptr_t", "int", "size_t"]);
    this.engine = this.made("engine_create", ["void *", "int", "size_t"], [this.out, 1, 0]);
    this.stream = this.made("stream_create", ["void *", "uintptr_t", "uint"], [this.out, this.engine, 1]);
    this.setAddress = this.native("memory_set_data_handle", "int", ["uintptr_t", "uintptr_t"]);
    this.executePrimitive = this.native("primitive_execute", "int", ["uintptr_t", "uintptr_t", "int", "uintptr_t"]);
  }

  // ---------------------------------------------------------------- memory descriptors

  tagged(sizes: readonly number[], type: DataType, tag: number): Handle {
    const values = [sizes.length, int64s(sizes), DATA_TYPES[type], tag];
    return this.descriptor("init_by_tag", "create_with_tag", ["int", "void *", "int", "int"], values);
  }

  strided(sizes: readonly number[], type: DataType, strides: readonly number[]): Handle {
    const values = [sizes.length, int64s(sizes), DATA_TYPES[type], int64s(strides)];
    return this.descriptor("init_by_strides", "create_with_strides", ["int", "void *", "int", "void *"], values);
  }

  /** A part of a memory; starts and sizes must be whole blocks of its layout. */
  part(whole: Handle, sizes: readonly number[], starts: readonly number[]): Handle {
    const types = ["uintptr_t", "void *", "void *"];
    return this.descriptor("init_submemory", "create_submemory", types, [whole, int64s(sizes), int64s(starts)]);
  }

  descriptorBytes(descriptor: Handle): number {
    return Number(this.call("memory_desc_get_size", "size_t", ["uintptr_t"], [descriptor]));
  }

  descriptorsEqual(one: Handle, other: Handle): boolean {
    return this.call("memory_desc_equal", "int", ["uintptr_t", "uintptr_t"], [one, other]) === 1;
  }

  /** Undefined where the library keeps the layout to itself, as version 2 does for some of Winograd's filters. */
  blocking(descriptor: Handle, dimensions: number): Blocking | undefined {
    const blocked = this.isNew ? this.newBlocking(descriptor, dimensions) : this.oldBlocking(descriptor, dimensions);
    if (!blocked) return undefined;
    const [strides, sizes, inner] = blocked;
    return { strides, blocks: sizes.map((size, index) => ({ size, dimension: inner[index]! })) };
  }

  private newBlocking(descriptor: Handle, dimensions: number): [number[], number[], number[]] | undefined {
    const query = (what: number, into: unknown) =>
      this.call("memory_desc_query", "int", ["uintptr_t", "int", "void *"], [descriptor, what, into]);
    const count = new Int32Array(new ArrayBuffer(4));
    if (query(QUERIES.innerCount, count) !== 0) return undefined;
    const list = (what: number, length: number): number[] => {
      if (length === 0 || query(what, this.out) !== 0) return [];
      return Array.from(this.koffi.decode(this.out[0]!, `int64 [${length}]`) as ArrayLike<number>, Number);
    };
    const strides = list(QUERIES.strides, dimensions);
    if (strides.length === 0) return undefined;
    return [strides, list(QUERIES.innerSizes, count[0]!), list(QUERIES.innerDimensions, count[0]!)];
  }

  private oldBlocking(descriptor: Handle, dimensions: number): [number[], number[], number[]] | undefined {
    const bytes = Uint8Array.from(
      this.koffi.decode(BigInt(descriptor), `uint8 [${DESCRIPTOR_BYTES}]`) as ArrayLike<number>,
    );
    const view = new DataView(bytes.buffer);
    if (view.getInt32(FIELDS.formatKind, true) !== BLOCKED_FORMAT) return undefined;
    const list = (field: number, length: number): number[] =>
      Array.from({ length }, (_, index) => Number(view.getBigInt64(field + 8 * index, true)));
    const count = view.getInt32(FIELDS.innerCount, true);
    return [list(FIELDS.strides, dimensions), list(FIELDS.innerSizes, count), list(FIELDS.innerDimensions, count)];
  }

  private descriptor(
    old: DescriptorStart,
    current: DescriptorMaker,
    types: readonly string[],
    values: readonly unknown[],
  ): Handle {
    let descriptor: Handle;
    if (this.isNew) {
      descriptor = this.made(`memory_desc_${current}`, ["void *", ...types], [this.out, ...values]);
      this.descriptors.push(descriptor);
    } else {
      descriptor = this.allocate(1, DESCRIPTOR_BYTES);
      this.descriptors.push(descriptor);
      this.checked(`memory_desc_${old}`, ["uintptr_t", ...types], [descriptor, ...values]);
    }
    return descriptor;
  }

  // ---------------------------------------------------------------- primitives

  /** `bias` and `forward` may be 0; the backward passes ask for the forward pass that they belong to. */
  forward(
    algorithm: Algorithm,
    [input, weights, bias, output]: readonly [Handle, Handle, Handle, Handle],
    window: Window,
    attributes: Handle,
  ): Handle {
    const start = [FORWARD, ALGORITHMS[algorithm], input, weights, bias, output];
    const types = ["int", "int", "uintptr_t", "uintptr_t", "uintptr_t", "uintptr_t"];
    return this.operation("convolution_forward", types, start, window, undefined, attributes);
  }

  backwardData(
    algorithm: Algorithm,
    [inputGradient, weights, outputGradient]: readonly [Handle, Handle, Handle],
    window: Window,
    forward: Handle,
    attributes: Handle,
  ): Handle {
    const start = [ALGORITHMS[algorithm], inputGradient, weights, outputGradient];
    const types = ["int", "uintptr_t", "uintptr_t", "uintptr_t"];
    return this.operation("convolution_backward_data", types, start, window, forward, attributes);
  }

  backwardWeights(
    algorithm: Algorithm,
    [input, weightGradient, outputGradient]: readonly [Handle, Handle, Handle],
    window: Window,
    forward: Handle,
    attributes: Handle,
  ): Handle {
    const start = [ALGORITHMS[algorithm], input, weightGradient, 0, outputGradient];
    const types = ["int", "uintptr_t", "uintptr_t", "uintptr_t", "uintptr_t"];
    return this.operation("convolution_backward_weights", types, start, window, forward, attributes);
  }

  reorder(from: Handle, to: Handle, attributes: Handle): Handle {
    const types = ["void *", "uintptr_t", "uintptr_t", "uintptr_t", "uintptr_t", "uintptr_t"];
    const values = [this.out, from, this.engine, to, this.engine, attributes];
    return this.kept("primitive_desc", this.made("reorder_primitive_desc_create", types, values));
  }

  /** Scratch memory comes from the caller; with `adds` the result is added to what is there. */
  attributes(adds: boolean): Handle {
    const attributes = this.kept("primitive_attr", this.made("primitive_attr_create", ["void *"], [this.out]));
    this.checked("primitive_attr_set_scratchpad_mode", ["uintptr_t", "int"], [attributes, 1]);
    if (adds) {
      const operations = this.kept("post_ops", this.made("post_ops_create", ["void *"], [this.out]));
      if (this.isNew) {
        const types = ["uintptr_t", "float", "int", "int"];
        this.checked("post_ops_append_sum", types, [operations, 1, 0, 0]);
      } else {
        this.checked("post_ops_append_sum", ["uintptr_t", "float"], [operations, 1]);
      }
      this.checked("primitive_attr_set_post_ops", ["uintptr_t", "uintptr_t"], [attributes, operations]);
    }
    return attributes;
  }

  /** Numbers of dnnl_query_*_md; the descriptor belongs to the primitive's. */
  descriptorOf(primitive: Handle, which: number): Handle {
    const types = ["uintptr_t", "int", "int"];
    return Number(this.call("primitive_desc_query_md", "uintptr_t", types, [primitive, which, 0]));
  }

  implementation(primitive: Handle): string {
    const types = ["uintptr_t", "int", "int", "void *"];
    this.checked("primitive_desc_query", types, [primitive, QUERIES.implementation, 0, this.out]);
    return this.koffi.decode(this.out[0]!, "char", -1) as string;
  }

  primitive(description: Handle): Handle {
    return this.made("primitive_create", ["void *", "uintptr_t"], [this.out, description]);
  }

  /** Gives back all descriptors and attributes made so far; primitives and memories made of them live on. */
  release(): void {
    for (const [kind, handle] of this.others) this.checked(`${kind}_destroy`, ["uintptr_t"], [handle]);
    for (const descriptor of this.descriptors) {
      if (this.isNew) this.checked("memory_desc_destroy", ["uintptr_t"], [descriptor]);
      else this.free(descriptor);
    }
    this.others.length = this.descriptors.length = 0;
  }

  memory(descriptor: Handle): Handle {
    const types = ["void *", "uintptr_t", "uintptr_t", "uintptr_t"];
    return this.made("memory_create", types, [this.out, descriptor, this.engine, 0]);
  }

  place(memory: Handle, address: number): void {
    this.check("memory_set_data_handle", this.setAddress(memory, address));
  }

  /** On this thread, to the end. */
  execute(primitive: Handle, count: number, list: number): void {
    this.check("primitive_execute", this.executePrimitive(primitive, this.stream, count, list));
  }

  /**
   * result = left · right, or with `adds` what is there plus that; sums and result are float32. On this thread, to the end.
   * @throws OneDnnError where the library cannot.
   */
  multiply(
    { rows, columns, depth }: ProductSizes,
    [left, leftLayout]: readonly [address: number, MatrixLayout],
    [right, rightLayout]: readonly [address: number, MatrixLayout],
    [result, resultStride]: readonly [address: number, stride: number],
    adds: boolean,
    type: DataType = "float32",
  ): void {
    const order = ({ transposed }: MatrixLayout): number => (transposed ? BY_COLUMNS : BY_ROWS);
    const sizes = [rows, columns, depth];
    const matrices = [left, leftLayout.stride, right, rightLayout.stride, Number(adds), result, resultStride];
    const status = this.productOf(type)(order(leftLayout), order(rightLayout), ...sizes, 1, ...matrices);
    this.check(PRODUCTS[type], status);
  }

  /** @throws OneDnnError where the library has none: dnnl.h has no word of that of bfloat16, which oneDNN itself builds on. */
  productOf(type: DataType): Native {
    const known = this.products[type];
    if (known) return known;
    const [size, scalar, matrix] = ["int64", "float", ["uintptr_t", "int64"]] as const;
    const types = ["char", "char", size, size, size, scalar, ...matrix, ...matrix, scalar, ...matrix];
    try {
      return (this.products[type] = this.native(PRODUCTS[type], "int", types));
    } catch {
      throw new OneDnnError(`it has no product of ${type} matrices`);
    }
  }

  copy(from: number, to: number, bytes: number): void {
    this.copyBytes(to, from, bytes);
  }

  clear(address: number, bytes: number): void {
    this.fillBytes(address, 0, bytes);
  }

  /** An address that C can read the buffer at, for as long as it is referenced from here. */
  addressOf(buffer: ArrayBufferView): number {
    return Number(this.koffi.address(buffer as Uint8Array));
  }

  private operation(
    name: Convolution,
    types: readonly string[],
    start: readonly unknown[],
    { strides, paddingBefore, paddingAfter }: Window,
    forward: Handle | undefined,
    attributes: Handle,
  ): Handle {
    const hint = forward ?? 0;
    const ends = [int64s(paddingBefore), int64s(paddingAfter)];
    if (this.isNew) {
      const dilation = int64s(strides.map(() => 0));
      const hints = forward === undefined ? [] : [hint];
      const all = ["void *", "uintptr_t", ...types, "void *", "void *", "void *", "void *"];
      const made = this.made(
        `${name}_primitive_desc_create`,
        [...all, ...hints.map(() => "uintptr_t"), "uintptr_t"],
        [this.out, this.engine, ...start, int64s(strides), dilation, ...ends, ...hints, attributes],
      );
      return this.kept("primitive_desc", made);
    }
    const operation = new Uint8Array(OPERATION_BYTES);
    const filled = ["void *", ...types, "void *", "void *", "void *"];
    this.checked(`${name}_desc_init`, filled, [operation, ...start, int64s(strides), ...ends]);
    const created = ["void *", "void *", "uintptr_t", "uintptr_t", "uintptr_t"];
    const values = [this.out, operation, attributes, this.engine, hint];
    return this.kept("primitive_desc", this.made("primitive_desc_create", created, values));
  }

  private kept(kind: Kept, handle: Handle): Handle {
    this.others.push([kind, handle]);
    return handle;
  }

  private made(name: FunctionName, types: readonly string[], values: readonly unknown[]): Handle {
    this.checked(name, types, values);
    return Number(this.out[0]!);
  }

  private checked(name: FunctionName, types: readonly string[], values: readonly unknown[]): void {
    this.check(name, this.call(name, "int", types, values));
  }

  /** @throws OneDnnError where `status` is not success. */
  check(name: string, status: number): void {
    if (status !== 0) throw new OneDnnError(`dnnl_${name}: ${STATUS[status] ?? `status ${status}`}`);
  }

  private call(name: FunctionName, result: string, types: readonly string[], values: readonly unknown[]): number {
    return this.native(name, result, types)(...values);
  }

  private native(name: FunctionName, result: string, types: readonly string[]): Native {
    let found = this.functions.get(name);
    if (!found) {
      found = this.library.func(`dnnl_${name}`, result, [...types]) as Native;
      this.functions.set(name, found);
    }
    return found;
  }
}
