// The engine "webgpu": TensorFlow.js's operations on a GPU through WebGPU, in Node.
import type { Program } from "../../../compiler/program.js";
import type { Batch, Engine } from "../engine.js";
import { UserError } from "../../process/user-error.js";
import { refuseRecompute } from "../refuse-recompute.js";
import { requireFloat32 } from "../require-float32.js";
import type { TfjsKernels } from "../tfjs/kernels.js";
import { plainKernels } from "../tfjs/kernels.js";
import { TfjsSession } from "../tfjs/session.js";
import type { WebgpuPackages } from "./load-webgpu.js";
import { ADAPTER_REMEDY, WEBGPU_REMEDY, adapterName, findWebgpu, loadWebgpu } from "./load-webgpu.js";

const kernels: TfjsKernels = {
  ...plainKernels,
  backend: "webgpu",
  /** With tfjs-core's own gradients: this backend has a kernel for the filter's, which the `cpu` backend had better not use. */
  convolution: ({ core }, x, weight, { stride, padding: { top, bottom, left, right } }) =>
    core.conv2d(
      x,
      weight,
      [...stride],
      [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ],
    ),
};

export const webgpuEngine: Engine = {
  name: "webgpu",
  devices: ["gpu", "cpu"], // which of them is the driver's affair: SwiftShader is an adapter on the processor

  async probe() {
    const packages = findWebgpu();
    if (!packages) return { available: false, reason: "webgpu is not installed", remedy: WEBGPU_REMEDY };
    try {
      const adapter = await adapterName(packages);
      if (adapter === undefined) {
        return { available: false, reason: "WebGPU finds no adapter on this machine", remedy: ADAPTER_REMEDY };
      }
      return { available: true, version: packages.version, device: adapter };
    } catch (error) {
      const reason = `Dawn cannot be loaded: ${(error as Error).message.split("\n")[0]}`;
      return { available: false, reason, remedy: WEBGPU_REMEDY };
    }
  },

  async require(program) {
    requireFloat32(program, "webgpu");
    refuseRecompute(program, "webgpu");
  },

  async open(program, { device }) {
    if (device?.kind === "gpu" && device.index > 0) {
      throw new UserError("WebGPU does not number adapters: NETC_WEBGPU_ADAPTER names one by a part of its name");
    }
    const packages = findWebgpu() as WebgpuPackages;
    const { tf } = await loadWebgpu(packages);
    await tryOneStep(program, new TfjsSession(tf, program, kernels));
    return new TfjsSession(tf, program, kernels).initialize();
  },
};

/** The backend lacks some of tfjs's kernels: better known now than after an epoch. */
async function tryOneStep(program: Program, session: TfjsSession): Promise<void> {
  const { height, width, channels } = program.config.model.input;
  const count = Math.min(2, program.config.train.batch_size); // batch norm needs more than one value even where a map is 1×1
  const images = new Uint8Array(count * height * width * channels);
  const batch: Batch = { count, images, labels: new Int32Array(count) };
  try {
    await session.writeState(await session.readState()); // any filters will do, those that whiten too
    await session.step(batch, { learningRate: 0, step: 1 });
    await session.evaluate(batch);
  } catch (error) {
    const kernel = /Kernel '(\w+)' not registered for backend/.exec((error as Error).message)?.[1];
    if (kernel === undefined) throw error;
    throw new UserError(
      `TensorFlow.js has no kernel ${kernel} for WebGPU, which training this network needs; another engine has: \`--engine wasm\``,
    );
  } finally {
    await session.dispose();
  }
}
