// netc's own engine: whole steps in WebAssembly on all cores, out of npm alone.
import os from "node:os";
import type { Engine } from "../engine.js";
import { chooseKernels } from "./choose-kernels.js";
import { wasmAvailability } from "./kernels-module.js";
import { describeProviders, providersHere } from "./providers.js";
import { openWasmSession } from "./session.js";

export const wasmEngine: Engine = {
  name: "wasm",
  devices: ["cpu"],
  async probe({ isBrief = false } = {}) {
    const availability = wasmAvailability();
    if (!availability.available || isBrief) return availability;
    return { ...availability, device: `${availability.device}, ${await describeProviders()}` };
  },
  async require(program) {
    if (program.config.train.precision !== "float32") await providersHere(program);
  },
  open: async (program, { threads = os.availableParallelism(), kernels = "predicted", memory }) =>
    openWasmSession(program, threads, await chooseKernels(program, threads, kernels, undefined, memory)),
};
