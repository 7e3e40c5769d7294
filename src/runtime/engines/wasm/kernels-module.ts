// Finds what WebAssembly can do here and compiles the kernels accordingly.
import { readFileSync } from "node:fs";
import v8 from "node:v8";
import type { Availability } from "../engine.js";

/** The built kernels; the same place from src/ (under tests) and from dist/. */
export const builtFolder = new URL("../../../../dist/runtime/engines/wasm/", import.meta.url);

// (module (func (result v128) …)): i32x4.splat for SIMD, f32x4.relaxed_madd for relaxed SIMD, a shared memory for threads.
const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const simdProbe = [...header, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x11, 0x0b];
const relaxedProbe = [
  ...header, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 19, 1, 17, 0,
  0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0xfd, 0x85, 0x02, 0x0b,
]; // prettier-ignore
const threadsProbe = [...header, 5, 4, 1, 3, 1, 1];

export interface WasmFeatures {
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
  readonly threads: boolean;
}

/** Where relaxed SIMD is behind a flag (Node 20), the answer is what a session will get. */
export function wasmFeatures(): WasmFeatures {
  const valid = (bytes: readonly number[]) => WebAssembly.validate(new Uint8Array(bytes));
  const relaxedSimd = valid(relaxedProbe) || (nodeMajor === 20 && underFlags(RELAXED_SIMD, () => valid(relaxedProbe)));
  const threads = typeof SharedArrayBuffer !== "undefined" && valid(threadsProbe);
  return { simd: valid(simdProbe), relaxedSimd, threads };
}

export function wasmAvailability(): Availability {
  const { simd, relaxedSimd, threads } = wasmFeatures();
  const remedy = "use Node 20.11 or newer on a 64-bit machine with SIMD (x86-64 since 2008, any ARM64)";
  if (!simd) return { available: false, reason: "this JavaScript engine has no WebAssembly SIMD", remedy };
  if (!threads) return { available: false, reason: "this JavaScript engine has no shared WebAssembly memory", remedy };
  const device = relaxedSimd ? "CPU, fused multiply-add" : "CPU, no fused multiply-add";
  return { available: true, version: "1", device };
}

const compiled = new Map<string, WebAssembly.Module>();

/** Compiled once a process, by the optimizing compiler at once: a step runs the same few functions for hours. */
export function compileKernels(file: URL = kernelsFile()): WebAssembly.Module {
  const known = compiled.get(file.href);
  if (known) return known;
  const bytes = readFileSync(file);
  const module = underFlags(OPTIMIZED, () => new WebAssembly.Module(bytes));
  compiled.set(file.href, module);
  return module;
}

/** A flag of V8's for as long as something is compiled, and those that are as before after it. */
interface Flag {
  readonly during: string;
  readonly after: readonly string[];
  readonly onNode?: (major: number) => boolean;
}

const [nodeMajor = 0] = process.versions.node.split(".").map(Number);

const RELAXED_SIMD: readonly Flag[] = [
  {
    during: "--experimental-wasm-relaxed-simd",
    after: ["--no-experimental-wasm-relaxed-simd"],
    onNode: (major) => major === 20,
  },
];
const OPTIMIZED: readonly Flag[] = [
  ...RELAXED_SIMD,
  { during: "--no-liftoff", after: ["--liftoff", "--wasm-dynamic-tiering"] }, // the one turns the other off
  { during: "--no-wasm-lazy-compilation", after: ["--wasm-lazy-compilation"] }, // or functions are compiled after it
  // Optimistic inlining asks for statistics that only the compiler just turned off collects: from Node 25 on it is the
  // default, and V8 then ends the process with "function_feedback != feedback.feedback_for_function.end()".
  { during: "--no-wasm-deopt", after: [], onNode: (major) => major === 24 },
  { during: "--no-wasm-deopt", after: ["--wasm-deopt"], onNode: (major) => major > 24 },
];

/** The process is not netc's alone: what it compiles besides, and caches of compiled code, depend on V8's flags. */
function underFlags<T>(flags: readonly Flag[], compile: () => T): T {
  const given = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")];
  const own = new Set(given.map(nameOf));
  const changed = flags.filter(({ during, onNode }) => !own.has(nameOf(during)) && (onNode?.(nodeMajor) ?? true));
  for (const { during } of changed) v8.setFlagsFromString(during);
  try {
    return compile();
  } finally {
    for (const flag of changed.flatMap(({ after }) => after)) v8.setFlagsFromString(flag);
  }
}

function nameOf(flag: string): string {
  return flag.replace(/^--(no-)?/, "").replaceAll("_", "-");
}

/** The build that this machine runs. */
export function kernelsFile(): URL {
  return new URL(wasmFeatures().relaxedSimd ? "kernels-relaxed.wasm" : "kernels.wasm", builtFolder);
}
