// netc's own engine: whole steps in WebAssembly on all cores, out of npm alone.
import os from "node:os";
import type { Program } from "../../../compiler/program.js";
import type { Engine, EngineOptions } from "../../engine.js";
import { wasmAvailability } from "./kernels-module.js";
import { openWasmSession } from "./session.js";

export const wasmEngine: Engine = {
  name: "wasm",
  devices: ["cpu"],
  probe: async () => wasmAvailability(),
  open: (program: Program, { threads = os.availableParallelism() }: EngineOptions) => openWasmSession(program, threads),
};
