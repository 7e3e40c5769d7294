// The engine "cpu": TensorFlow.js in plain JavaScript. Runs wherever Node does, hundreds of times slower than netc's
// own engine, which it is the reference for.
import { cpus } from "node:os";
import type { Engine } from "../engine.js";
import { refuseRecompute } from "../refuse-recompute.js";
import { requireFloat32 } from "../require-float32.js";
import { loadTfjs, tfjsVersion } from "./load-tfjs.js";
import { TfjsSession } from "./session.js";

export const tfjsCpuEngine: Engine = {
  name: "cpu",
  devices: ["cpu"],

  async probe() {
    try {
      const device = cpus()[0]?.model ?? process.arch;
      return { available: true, version: `tfjs ${tfjsVersion()}`, device: `${device}, one thread` };
    } catch {
      return {
        available: false,
        reason: "TensorFlow.js is not installed",
        remedy: "run `npm ci` in netc's folder",
      };
    }
  },

  async require(program) {
    requireFloat32(program, "cpu");
    refuseRecompute(program, "cpu");
  },

  /** Images are float32 tensors of tfjs; `threads` has no meaning here, the backend uses one. */
  async open(program) {
    return new TfjsSession(await loadTfjs(), program).initialize();
  },
};
