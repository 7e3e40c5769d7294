// The engine "tensorflow": each training step as one function of a TensorFlow 2 library that is on the machine already, of a
// Python package or of the system.
import type { Engine } from "../engine.js";
import { UserError } from "../../process/user-error.js";
import { hasKoffi, koffiRemedy } from "../native/load-koffi.js";
import { defaultThreads, openContext } from "./context.js";
import { findTensorflow } from "./find-library.js";
import { loadTensorflow } from "./library.js";
import { refuseRecompute } from "../refuse-recompute.js";
import { requireBfloat16Instructions } from "./require-bfloat16.js";
import { openTensorflowSession } from "./session.js";

const REMEDY = "run `netc engine add tensorflow --yes`, or set NETC_TENSORFLOW to where one is";

/** Set to "one-by-one": the step's operations run one at a time, to find out whether its function is at fault. */
const STEPS = "NETC_TENSORFLOW_STEPS";

export const tensorflowEngine: Engine = {
  name: "tensorflow",
  devices: ["cpu", "gpu"],

  async probe() {
    const search = findTensorflow();
    if ("missing" in search) return { available: false, reason: search.missing, remedy: REMEDY };
    if (!hasKoffi()) return { available: false, reason: "koffi is not installed", remedy: koffiRemedy };
    const { version = "of unknown version", path } = search.library;
    return { available: true, version: `TensorFlow ${version}`, device: `CPU (${path})` };
  },

  async require(program) {
    requireBfloat16Instructions(program);
    refuseRecompute(program, "tensorflow");
  },

  async open(program, { threads = defaultThreads(), device = { kind: "cpu" } }) {
    if (device.kind === "gpu" && program.config.train.precision !== "float32") {
      throw new UserError("on GPUs the tensorflow engine computes in float32 alone: write `precision: float32`");
    }
    const search = findTensorflow();
    if ("missing" in search) throw new UserError(`${search.missing}; ${REMEDY}`);
    const context = openContext(await loadTensorflow(search.library), { threads, device });
    return openTensorflowSession(program, context, { interprets: process.env[STEPS] === "one-by-one" });
  },
};
