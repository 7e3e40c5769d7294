// tfjs-node's native interface, `TFJSBinding`, on a TensorFlow library called through koffi: what its C++ addon does, without
// a compiler. See tfjs-node's tfjs_binding.ts; SavedModels, which netc has no use for here, are left out.
import type { TensorflowContext } from "../tensorflow/context.js";
import type { TensorflowLibrary } from "../tensorflow/library.js";

/** TF_DataType, of the kinds that tfjs knows. */
const FLOAT = 1;
const INT32 = 3;
const UINT8 = 4;
const STRING = 7;
const COMPLEX64 = 8;
const INT64 = 9;
const BOOL = 10;
const RESOURCE = 20;

/** TF_AttrType */
export const attributeKinds = { text: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5, resource: 6 } as const;

export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: AttributeValue | readonly AttributeValue[];
}
type AttributeValue = string | number | boolean;

interface TensorMetadata {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

type TypedArray = Float32Array | Int32Array | Uint8Array | BigInt64Array;
type Values = TypedArray | readonly Uint8Array[];

/** sizeof(TF_TString) */
const TSTRING_BYTES = 24;
const MOST_OUTPUTS = 256;

const arrayTypes = {
  [FLOAT]: Float32Array,
  [COMPLEX64]: Float32Array,
  [INT32]: Int32Array,
  [INT64]: BigInt64Array,
  [BOOL]: Uint8Array,
  [UINT8]: Uint8Array,
  [RESOURCE]: Uint8Array,
} as const;

export class TfjsBinding {
  readonly TF_FLOAT = FLOAT;
  readonly TF_INT32 = INT32;
  readonly TF_INT64 = INT64;
  readonly TF_BOOL = BOOL;
  readonly TF_COMPLEX64 = COMPLEX64;
  readonly TF_STRING = STRING;
  readonly TF_RESOURCE = RESOURCE;
  readonly TF_UINT8 = UINT8;
  readonly TF_ATTR_STRING = attributeKinds.text;
  readonly TF_ATTR_INT = attributeKinds.int;
  readonly TF_ATTR_FLOAT = attributeKinds.float;
  readonly TF_ATTR_BOOL = attributeKinds.bool;
  readonly TF_ATTR_TYPE = attributeKinds.type;
  readonly TF_ATTR_SHAPE = attributeKinds.shape;
  readonly TF_ATTR_RESOURCE = attributeKinds.resource;
  readonly TF_Version: string;

  readonly #context: TensorflowContext;
  readonly #library: TensorflowLibrary;
  readonly #status: number;
  /** tfjs-node's ids → tensor handles. */
  readonly #handles = new Map<number, number>();
  readonly #outputs = new BigUint64Array(MOST_OUTPUTS);
  readonly #outputCount = new Int32Array(1);
  #nextId = 0;

  constructor(context: TensorflowContext) {
    this.#context = context;
    this.#library = context.library;
    this.#status = this.#library.calls.TF_NewStatus();
    this.TF_Version = context.version;
  }

  isUsingGpuDevice(): boolean {
    return this.#context.device.kind === "gpu";
  }

  getNumOfTensors(): number {
    return this.#handles.size;
  }

  createTensor(shape: readonly number[], type: number, values: Values): number {
    const handle =
      type === STRING
        ? this.#stringTensor(shape, values as readonly Uint8Array[])
        : this.#numberTensor(shape, type, values as TypedArray);
    // int32 stays in the memory of the host, where most GPU kernels want it
    return this.#keep(this.isUsingGpuDevice() && type !== INT32 ? this.#toDevice(handle) : handle);
  }

  deleteTensor(id: number): void {
    this.#library.calls.TFE_DeleteTensorHandle(this.#handleOf(id));
    this.#handles.delete(id);
  }

  tensorDataSync(id: number): TypedArray | Uint8Array[] {
    const { calls } = this.#library;
    const handle = this.#handleOf(id);
    const type = calls.TFE_TensorHandleDataType(handle);
    const tensor = calls.TFE_TensorHandleResolve(handle, this.#status);
    this.#check();
    try {
      const bytes = calls.TF_TensorByteSize(tensor);
      const address = calls.TF_TensorData(tensor);
      if (type === STRING) return this.#readStrings(address, bytes / TSTRING_BYTES);
      const ArrayType = arrayTypes[type as keyof typeof arrayTypes];
      if (!ArrayType) throw new Error(`Unsupported tensor dtype ${type}`);
      const data = new ArrayType(bytes / ArrayType.BYTES_PER_ELEMENT);
      this.#library.copyOut(data, address);
      return data;
    } finally {
      calls.TF_DeleteTensor(tensor);
    }
  }

  executeOp(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[] {
    return this.#execute(
      op,
      attributes,
      inputs.map((id) => this.#handleOf(id)),
      outputs,
    ).map((handle) => this.#describe(handle));
  }

  #execute(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], outputs: number): number[] {
    const { calls } = this.#library;
    if (outputs > MOST_OUTPUTS) throw new Error(`${op} has more than ${MOST_OUTPUTS} outputs`);
    const call = calls.TFE_NewOp(this.#context.pointer, op, this.#status);
    this.#check(op);
    try {
      for (const input of inputs) calls.TFE_OpAddInput(call, input, this.#status);
      this.#check(op);
      for (const attribute of attributes) this.#setAttribute(call, attribute);
      this.#outputCount[0] = outputs;
      calls.TFE_Execute(call, this.#outputs, this.#outputCount, this.#status);
      this.#check();
      return Array.from(this.#outputs.subarray(0, this.#outputCount[0]), Number);
    } finally {
      calls.TFE_DeleteOp(call);
    }
  }

  #setAttribute(call: number, { name, type, value }: OpAttribute): void {
    const { calls } = this.#library;
    const list = Array.isArray(value) ? (value as readonly AttributeValue[]) : undefined;
    const count = list?.length ?? 0;
    const numbers = list?.map(Number) ?? [];
    switch (type) {
      case attributeKinds.type:
        if (list) calls.TFE_OpSetAttrTypeList(call, name, atLeastOne(Int32Array.from(numbers)), count);
        else calls.TFE_OpSetAttrType(call, name, Number(value));
        return;
      case attributeKinds.bool:
        if (list) calls.TFE_OpSetAttrBoolList(call, name, atLeastOne(Uint8Array.from(numbers)), count);
        else calls.TFE_OpSetAttrBool(call, name, Number(value));
        return;
      case attributeKinds.int:
        if (list) calls.TFE_OpSetAttrIntList(call, name, bigints(numbers), count);
        else calls.TFE_OpSetAttrInt(call, name, Number(value));
        return;
      case attributeKinds.float:
        if (list) calls.TFE_OpSetAttrFloatList(call, name, atLeastOne(Float32Array.from(numbers)), count);
        else calls.TFE_OpSetAttrFloat(call, name, Number(value));
        return;
      case attributeKinds.text: {
        const bytes = Buffer.from(String(value));
        calls.TFE_OpSetAttrString(call, name, atLeastOne(bytes), bytes.length);
        return;
      }
      case attributeKinds.shape:
        calls.TFE_OpSetAttrShape(call, name, bigints(numbers), count, this.#status);
        this.#check(name);
        return;
      default:
        throw new Error(`Unknown attribute type ${type} of ${name}`);
    }
  }

  #numberTensor(shape: readonly number[], type: number, values: TypedArray): number {
    const { calls } = this.#library;
    const elements = shape.reduce((product, size) => product * size, 1);
    const fits =
      type === INT64
        ? values instanceof BigInt64Array || values instanceof Int32Array
        : values instanceof (arrayTypes[type as keyof typeof arrayTypes] ?? Array);
    if (!fits) throw new Error(`Tensor type ${type} does not match ${values.constructor.name}`);
    const bytes = elements * (type === INT64 || type === COMPLEX64 ? 8 : values.BYTES_PER_ELEMENT);
    if (bytes !== values.byteLength) {
      throw new Error(
        `Shape does not match typed-array in bindData() (num_elements=${elements}, array_length=${values.length})`,
      );
    }
    const tensor = calls.TF_AllocateTensor(type, bigints(shape), shape.length, bytes);
    this.#library.copyIn(calls.TF_TensorData(tensor), values);
    const handle = calls.TFE_NewTensorHandle(tensor, this.#status);
    calls.TF_DeleteTensor(tensor);
    this.#check();
    return handle;
  }

  /** TensorFlow never frees strings of a tensor that it did not make: it is made to copy them, and these are freed. */
  #stringTensor(shape: readonly number[], values: readonly Uint8Array[]): number {
    const { calls } = this.#library;
    const elements = shape.reduce((product, size) => product * size, 1);
    if (values.length !== elements) {
      throw new Error(`Shape does not match strings (num_elements=${elements}, array_length=${values.length})`);
    }
    const tensor = calls.TF_AllocateTensor(STRING, bigints(shape), shape.length, elements * TSTRING_BYTES);
    const address = calls.TF_TensorData(tensor);
    values.forEach((text, index) => {
      calls.TF_StringInit(address + index * TSTRING_BYTES);
      if (text.length > 0) calls.TF_StringCopy(address + index * TSTRING_BYTES, text, text.length);
    });
    const own = calls.TFE_NewTensorHandle(tensor, this.#status);
    try {
      this.#check();
      const join = [
        { name: "N", type: attributeKinds.int, value: 1 },
        { name: "separator", type: attributeKinds.text, value: "" },
      ];
      return this.#execute("StringJoin", join, [own], 1)[0]!;
    } finally {
      values.forEach((_, index) => calls.TF_StringDealloc(address + index * TSTRING_BYTES));
      calls.TFE_DeleteTensorHandle(own);
      calls.TF_DeleteTensor(tensor);
    }
  }

  #readStrings(address: number, count: number): Uint8Array[] {
    const { calls } = this.#library;
    return Array.from({ length: count }, (_, index) => {
      const text = address + index * TSTRING_BYTES;
      const bytes = new Uint8Array(calls.TF_StringGetSize(text));
      this.#library.copyOut(bytes, calls.TF_StringGetDataPointer(text));
      return bytes;
    });
  }

  #toDevice(handle: number): number {
    const { calls } = this.#library;
    const { pointer, deviceName } = this.#context;
    const moved = calls.TFE_TensorHandleCopyToDevice(handle, pointer, deviceName, this.#status);
    calls.TFE_DeleteTensorHandle(handle);
    this.#check();
    return moved;
  }

  #describe(handle: number): TensorMetadata {
    const { calls } = this.#library;
    const rank = calls.TFE_TensorHandleNumDims(handle, this.#status);
    this.#check();
    const shape = Array.from({ length: rank }, (_, axis) =>
      Number(calls.TFE_TensorHandleDim(handle, axis, this.#status)),
    );
    return { id: this.#keep(handle), shape, dtype: calls.TFE_TensorHandleDataType(handle) };
  }

  #keep(handle: number): number {
    this.#handles.set(this.#nextId, handle);
    return this.#nextId++;
  }

  #handleOf(id: number): number {
    const handle = this.#handles.get(id);
    if (handle === undefined) throw new Error(`Tensor not referenced (tensor_id: ${id})`);
    return handle;
  }

  #check(subject?: string): void {
    const { calls } = this.#library;
    if (calls.TF_GetCode(this.#status) === 0) return;
    const message = calls.TF_Message(this.#status);
    throw new Error(subject === undefined ? message : `${subject}: ${message}`);
  }
}

/** The address of an empty array is none that C accepts. */
function atLeastOne<T extends Int32Array | Uint8Array | Float32Array>(values: T): T | Uint8Array {
  return values.length > 0 ? values : new Uint8Array(8);
}

function bigints(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values.length > 0 ? values : [0], BigInt);
}
