// What a pickle of torch.save says → the tensors in it, by the path of keys that leads to each, in the order they stand.
// Whatever else is in it is passed over, and named where it may have been meant.
import { UnreadableWeights } from "./byte-source.js";
import type { PickleCall, PickleList, PickleValue } from "./pickle.js";
import { isNode } from "./pickle.js";

/** A view of a storage. */
export interface TorchTensor {
  /** ["state_dict", "conv1.weight"] */
  readonly path: readonly string[];
  readonly dtype: string;
  readonly shape: readonly number[];
  /** In elements of the storage. */
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: TorchStorage;
}

export interface TorchStorage {
  readonly key: string;
  /** Of the storage's own elements. */
  readonly dtype: string;
}

export interface TorchObjects {
  readonly tensors: readonly TorchTensor[];
  /** What stands where a tensor or a dict might: the path, and the global that made it. */
  readonly objects: readonly { readonly path: readonly string[]; readonly callee: string }[];
}

/** By the class that a storage is saved as, or the dtype of a view (torch/storage.py, torch/_utils.py). */
const DTYPES: Readonly<Record<string, string>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  ComplexFloatStorage: "C64",
  ComplexDoubleStorage: "C128",
  UntypedStorage: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
};

const MOST_VISITS = 4_000_000; // one list may stand in many places of another
const DEEPEST = 64;
const MOST_DIMENSIONS = 64; // PyTorch's own limit

export function torchObjects(root: PickleValue): TorchObjects {
  const tensors: TorchTensor[] = [];
  const objects: { path: readonly string[]; callee: string }[] = [];
  let visits = 0;
  const visit = (value: PickleValue, path: readonly string[]): void => {
    if (!isNode(value) || value.kind === "global" || value.kind === "persistent") return;
    if (++visits > MOST_VISITS || path.length > DEEPEST) {
      throw new UnreadableWeights("is no file of weights: its objects are nested in one another without end");
    }
    if (value.kind === "call") return visitCall(value, path);
    visitItems(value, path);
  };
  const visitItems = (value: PickleList | PickleCall, path: readonly string[]): void => {
    const hasKeys = value.keys.length > 0;
    value.items.forEach((item, index) => {
      if (!isNode(item)) return; // without the path, which takes memory
      visit(item, [...path, hasKeys ? keyText(value.keys[index]) : String(index)]);
    });
  };
  const visitCall = (call: PickleCall, path: readonly string[]): void => {
    const rebuild = REBUILDERS[call.callee];
    const inner = WRAPPERS[call.callee]?.(call.args);
    if (inner !== undefined) return visit(inner, path);
    if (rebuild) {
      const tensor = rebuild(call.args);
      if (typeof tensor === "string") throw new UnreadableWeights(`is damaged: ${nameOf(path)} ${tensor}`);
      tensors.push({ path, ...tensor });
    } else if (call.keys.length > 0 || DICTS.has(call.callee)) visitItems(call, path);
    else objects.push({ path, callee: call.callee });
  };
  visit(root, []);
  return { tensors, objects };
}

const DICTS: ReadonlySet<string> = new Set(["collections.OrderedDict", "collections.defaultdict"]);

/** Calls that stand for the value among their arguments. */
const WRAPPERS: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue | undefined>> = {
  "torch._utils._rebuild_parameter": ([data]) => data,
  "torch._utils._rebuild_parameter_with_state": ([data]) => data,
  // A subclass of Tensor: the function that makes the tensor, its type, the function's arguments
  "torch._tensor._rebuild_from_type_v2": ([make, , args]) => {
    const callee = isNode(make) && make.kind === "global" ? make.name : "";
    const list = isNode(args) && args.kind === "tuple" ? args.items : [];
    return { kind: "call", callee, args: list, items: [], keys: [] };
  },
};

type Rebuilt = Omit<TorchTensor, "path">;
type Rebuild = (args: readonly PickleValue[]) => Rebuilt | string;

const REBUILDERS: Readonly<Record<string, Rebuild>> = {
  "torch._utils._rebuild_tensor": viewOf,
  "torch._utils._rebuild_tensor_v2": viewOf,
  // The storage is untyped; the dtype comes last
  "torch._utils._rebuild_tensor_v3": (args) => {
    const view = viewOf(args);
    if (typeof view === "string") return view;
    return { ...view, dtype: dtypeOf(args[6]) ?? "an unknown type" };
  },
};

/** Arguments: storage, offset, shape, strides. */
function viewOf([storage, offset, shape, strides]: readonly PickleValue[]): Rebuilt | string {
  const kept = storageOf(storage);
  if (!kept) return "names no storage";
  const sizes = countsIn(shape);
  const steps = countsIn(strides);
  if (!sizes || !steps || sizes.length !== steps.length || sizes.length > MOST_DIMENSIONS) {
    return "has no proper shape and strides";
  }
  if (!isCount(offset) || !isCount(sizes.reduce((product, size) => product * size, 1))) {
    return "has no proper shape and strides";
  }
  return { dtype: kept.dtype, shape: sizes, strides: steps, offset, storage: kept };
}

/** The persistent id of a storage: ("storage", class, key, device, elements). */
export function storageOf(value: PickleValue | undefined): TorchStorage | undefined {
  if (!isNode(value) || value.kind !== "persistent" || !isNode(value.id) || value.id.kind !== "tuple") return undefined;
  const [word, type, key] = value.id.items;
  const dtype = dtypeOf(type);
  if (word !== "storage" || typeof key !== "string" || dtype === undefined) return undefined;
  return { key, dtype };
}

/** Undefined where it is no global; one that is not known keeps its name. */
function dtypeOf(type: PickleValue | undefined): string | undefined {
  if (!isNode(type) || type.kind !== "global") return undefined;
  const name = type.name.slice(type.name.lastIndexOf(".") + 1);
  return Object.hasOwn(DTYPES, name) ? DTYPES[name] : type.name;
}

function countsIn(value: PickleValue | undefined): number[] | undefined {
  if (isNode(value) && value.kind === "call" && value.callee === "torch.Size") return countsIn(value.args[0]);
  if (!isNode(value) || (value.kind !== "tuple" && value.kind !== "list")) return undefined;
  return value.items.every(isCount) ? (value.items as number[]) : undefined;
}

function isCount(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const LONGEST_KEY = 1000;

function keyText(key: PickleValue | undefined): string {
  const text = isNode(key) ? key.kind : String(key);
  return text.slice(0, LONGEST_KEY);
}

function nameOf(path: readonly string[]): string {
  return path.length > 0 ? JSON.stringify(path.join(".")) : "the tensor that it is";
}
