// netc's own engine: whole steps in WebAssembly on all cores, out of npm alone.
import os from "node:os";
import type { Engine } from "../../engine.js";
import { chooseKernels } from "./choose-kernels.js";
import { wasmAvailability } from "./kernels-module.js";
import { openWasmSession } from "./session.js";

export const wasmEngine: Engine = {
  name: "wasm",
  devices: ["cpu"],
  probe: async () => wasmAvailability(),
  open: async (program, { threads = os.availableParallelism(), kernels = "predicted" }) =>
    openWasmSession(program, threads, await chooseKernels(program, threads, kernels)),
};
