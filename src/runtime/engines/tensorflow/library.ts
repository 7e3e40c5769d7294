// TensorFlow's C API out of a shared library: each function with its signature, called through koffi.
// Pointers are numbers, which addresses fit into; typed arrays are passed by address.
import { closeSync, openSync } from "node:fs";
import { UserError } from "../../process/user-error.js";
import type { Koffi } from "../native/load-koffi.js";
import { loadKoffi } from "../native/load-koffi.js";
import { requireWholeLibrary } from "../native/require-whole-library.js";
import type { FoundLibrary } from "./find-library.js";
import { OLDEST_VERSION } from "./find-library.js";

/**
 * tensorflow/c/c_api.h and tensorflow/c/eager/c_api.h: result, then parameters. p: pointer or size as a number; b: typed
 * array; i: int; z: size_t; l: int64_t; f: float; u: unsigned char; s: text; v: nothing.
 */
const SIGNATURES = {
  TF_Version: "s",
  TF_NewStatus: "p",
  TF_DeleteStatus: "vp",
  TF_GetCode: "ip",
  TF_Message: "sp",
  TF_AllocateTensor: "pibiz",
  TF_DeleteTensor: "vp",
  TF_TensorData: "pp",
  TF_TensorByteSize: "zp",
  TF_StringInit: "vp",
  TF_StringCopy: "vpbz",
  TF_StringDealloc: "vp",
  TF_StringGetDataPointer: "pp",
  TF_StringGetSize: "zp",
  TF_DeviceListCount: "ip",
  TF_DeviceListName: "spip",
  TF_DeviceListType: "spip",
  TF_DeleteDeviceList: "vp",
  TF_NewBufferFromString: "pbz",
  TF_DeleteBuffer: "vp",
  TF_NewGraph: "p",
  TF_DeleteGraph: "vp",
  TF_NewImportGraphDefOptions: "p",
  TF_DeleteImportGraphDefOptions: "vp",
  TF_GraphImportGraphDef: "vpppp",
  TF_GraphOperationByName: "pps",
  TF_GraphToFunctionWithControlOutputs: "ppsuibibibbibbpsp",
  TF_DeleteFunction: "vp",
  TFE_NewContextOptions: "p",
  TFE_ContextOptionsSetConfig: "vpbzp",
  TFE_DeleteContextOptions: "vp",
  TFE_NewContext: "ppp",
  TFE_ContextListDevices: "ppp",
  TFE_ContextAddFunction: "vppp",
  TFE_ContextRemoveFunction: "vpsp",
  TFE_NewTensorHandle: "ppp",
  TFE_DeleteTensorHandle: "vp",
  TFE_TensorHandleResolve: "ppp",
  TFE_TensorHandleDataType: "ip",
  TFE_TensorHandleNumDims: "ipp",
  TFE_TensorHandleDim: "lpip",
  TFE_TensorHandleCopyToDevice: "pppsp",
  TFE_NewOp: "ppsp",
  TFE_DeleteOp: "vp",
  TFE_OpSetDevice: "vpsp",
  TFE_OpAddInput: "vppp",
  TFE_Execute: "vpbbp",
  TFE_OpSetAttrString: "vpsbz",
  TFE_OpSetAttrInt: "vpsl",
  TFE_OpSetAttrFloat: "vpsf",
  TFE_OpSetAttrBool: "vpsu",
  TFE_OpSetAttrType: "vpsi",
  TFE_OpSetAttrShape: "vpsbip",
  TFE_OpSetAttrIntList: "vpsbi",
  TFE_OpSetAttrFloatList: "vpsbi",
  TFE_OpSetAttrBoolList: "vpsbi",
  TFE_OpSetAttrTypeList: "vpsbi",
} as const;

const C_TYPES: Readonly<Record<string, string>> = {
  v: "void",
  p: "uintptr_t",
  b: "void *",
  i: "int",
  l: "int64_t",
  z: "size_t",
  f: "float",
  u: "uint8_t",
  s: "const char *",
};

export type Operand = number | string | ArrayBufferView | null;

type Result<S extends string> = S extends `s${string}` ? string : S extends `v${string}` ? void : number;

type Calls = {
  readonly [K in keyof typeof SIGNATURES]: ((...operands: Operand[]) => Result<(typeof SIGNATURES)[K]>) & {
    /** On a thread of Node's pool; `done` is called back on this one. */
    readonly async: (...operands: [...Operand[], done: (error: Error | null) => void]) => void;
  };
};

export interface TensorflowLibrary {
  readonly calls: Calls;
  readonly version: string;
  /** Copies a typed array to an address, and the other way. */
  copyIn(address: number, data: ArrayBufferView): void;
  copyOut(data: ArrayBufferView, address: number): void;
  /** Runs something without what TensorFlow would print meanwhile. */
  readonly quietly: <T>(work: () => T) => T;
}

/** What TF_CPP_MIN_LOG_LEVEL leaves out: 1 notes, 2 warnings too. */
const ERRORS_ALONE = 2;

const loaded = new Map<string, Promise<TensorflowLibrary>>();

/** @throws UserError where the file is no library, not TensorFlow's, or too old. */
export function loadTensorflow(found: FoundLibrary): Promise<TensorflowLibrary> {
  const known = loaded.get(found.path) ?? load(found);
  loaded.set(found.path, known);
  return known;
}

async function load({ path, framework, version: expected }: FoundLibrary): Promise<TensorflowLibrary> {
  if (expected !== undefined) refuseOld(expected, path);
  const koffi = await loadKoffi();
  const isQuiet = Number(process.env["TF_CPP_MIN_LOG_LEVEL"] ?? ERRORS_ALONE) >= ERRORS_ALONE;
  // Read by the library when it starts: without oneDNN it takes two to three times as long; its notes help nobody here.
  process.env["TF_ENABLE_ONEDNN_OPTS"] ??= "1";
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= String(ERRORS_ALONE);
  const own = koffi.load(null); // the process itself: libc's functions
  keepFreedMemory(own);
  const files = framework === undefined ? [path] : [framework, path];
  const quietly = isQuiet ? silencer(own) : <T>(work: () => T): T => work();
  const library = quietly(() => files.map((file) => openFile(koffi, own, file)).at(-1)!);
  const version = versionOf(library, path);
  refuseOld(version, path);
  const missing: string[] = [];
  const calls = Object.fromEntries(
    Object.entries(SIGNATURES).map(([name, signature]) => {
      const [result, ...parameters] = [...signature].map((letter) => C_TYPES[letter]!);
      try {
        return [name, library.func(name, result!, parameters)];
      } catch {
        missing.push(name);
        return [name, undefined];
      }
    }),
  );
  if (missing.length > 0) throw new UserError(`TensorFlow ${version} in ${path} lacks ${missing.join(", ")}`);
  const copyIn = own.func("memcpy", "uintptr_t", ["uintptr_t", "void *", "size_t"]);
  const copyOut = own.func("memcpy", "uintptr_t", ["void *", "uintptr_t", "size_t"]);
  return {
    calls: calls as unknown as Calls,
    version,
    copyIn: (address, data) => void (data.byteLength > 0 && copyIn(address, data, data.byteLength)),
    copyOut: (data, address) => void (data.byteLength > 0 && copyOut(data, address, data.byteLength)),
    quietly,
  };
}

type Handle = ReturnType<Koffi["load"]>;

function openFile(koffi: Koffi, own: Handle, file: string): Handle {
  let library: Handle;
  try {
    requireWholeLibrary(file);
    library = koffi.load(file, { lazy: true });
  } catch (error) {
    const reason = (error as Error).message.split("\n").join(" ");
    throw new UserError(`${file} cannot be loaded as TensorFlow's library: ${reason}`);
  }
  // koffi closes its libraries when Node exits, and what TensorFlow registered to run then would find itself unmapped.
  // Opened once more and never closed, they stay.
  if (process.platform !== "win32") own.func("dlopen", "uintptr_t", ["const char *", "int"])(file, RTLD_LAZY);
  return library;
}

const RTLD_LAZY = 1;

/**
 * Some of what TensorFlow prints as it starts heeds no level ("oneDNN custom operations are on"): standard error points
 * nowhere meanwhile. Faults come back as statuses and exceptions, so none is lost.
 */
function silencer(own: Handle): <T>(work: () => T) => T {
  if (process.platform === "win32") return (work) => work();
  const dup = own.func("dup", "int", ["int"]);
  const dup2 = own.func("dup2", "int", ["int", "int"]);
  return (work) => {
    const nowhere = openSync("/dev/null", "w");
    const before = dup(STANDARD_ERROR) as number;
    dup2(nowhere, STANDARD_ERROR);
    try {
      return work();
    } finally {
      dup2(before, STANDARD_ERROR);
      closeSync(before);
      closeSync(nowhere);
    }
  };
}

const STANDARD_ERROR = 2;

function versionOf(library: Handle, path: string): string {
  try {
    return library.func("TF_Version", "const char *", [])() as string;
  } catch {
    throw new UserError(`${path} is not TensorFlow's library: it has no function TF_Version`);
  }
}

function refuseOld(version: string, path: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_VERSION.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new UserError(
    `TensorFlow ${version} in ${path} is too old: netc needs ${OLDEST_VERSION} or newer, as \`pip install tensorflow\` installs`,
  );
}

/**
 * glibc returns every freed block above 128 kB to the system and takes it back page by page at the next step: it is told to
 * keep them. Numbers are those of malloc.h.
 */
function keepFreedMemory(own: Handle): void {
  if (process.platform !== "linux") return;
  try {
    const mallopt = own.func("mallopt", "int", ["int", "int"]);
    mallopt(-4, 0); // M_MMAP_MAX: no block is mapped on its own
    mallopt(-1, 0x7fffffff); // M_TRIM_THRESHOLD: what is free stays
    mallopt(-2, 64 * 1024 * 1024); // M_TOP_PAD: the heap grows in large pieces
  } catch {
    // another C library than glibc, whose habits differ
  }
}
