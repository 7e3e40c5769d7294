// What the tests of oneDNN share: the library that NETC_ONEDNN names, as kernels and as an engine.
import type { KernelProvider } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import { candidates } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { tasksOf } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import type { Program } from "../../../src/compiler/program.js";
import type { Engine } from "../../../src/runtime/engines/engine.js";
import { wasmEngine } from "../../../src/runtime/engines/wasm/engine.js";
import { findOneDnn } from "../../../src/runtime/engines/wasm/onednn/find.js";
import { oneDnnKernels } from "../../../src/runtime/engines/wasm/onednn/kernels.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";

const found = await findOneDnn();
if (!found.available) {
  throw new Error(`these tests need oneDNN (apt-get install libdnnl2 ocl-icd-libopencl1): ${found.reason}`);
}

export const oneDnn = found;
export const isOld = found.version.startsWith("2.");

export function libraryOf(bfloat16: boolean): KernelProvider {
  return oneDnnKernels(found as Extract<typeof found, { available: true }>, bfloat16);
}

/** The wasm engine with every convolution by oneDNN's `method` where that can, else by its direct one. */
export function engineBy(method: string): Engine {
  return {
    ...wasmEngine,
    name: `wasm with oneDNN ${found.available && found.version}, ${method}`,
    async open(program, { threads = 2 }) {
      const providers = [libraryOf(method.startsWith("bfloat16"))];
      return openWasmSession(program, threads, { chosen: allBy(program, method, providers), providers });
    },
  };
}

export function allBy(program: Program, method: string, providers: readonly KernelProvider[]): Record<string, string> {
  const tasks = [...tasksOf(program, stepsOfRun(program), providers)];
  const chosen = tasks.flatMap(([key, task]) => {
    const names = candidates(task, { chosen: {}, providers }).map(({ name }) => name);
    const wanted = ["direct, blocked", "direct"].toSpliced(0, 0, method);
    const name = wanted.map((one) => names.find((name) => name.endsWith(` ${one}`))).find((one) => one !== undefined);
    return name === undefined ? [] : [[key, name] as const];
  });
  return Object.fromEntries(chosen);
}
