// The engine "tfjs-node": tf.js operations on the user's own tfjs-node, the reference for what TensorFlow.js can do. Steps
// run on the main thread.
import type { Device, Engine } from "../engine.js";
import { UserError } from "../../process/user-error.js";
import { refuseRecompute } from "../refuse-recompute.js";
import { requireFloat32 } from "../require-float32.js";
import { hasKoffi, koffiRemedy } from "../native/load-koffi.js";
import { defaultThreads, openContext } from "../tensorflow/context.js";
import { findTensorflow } from "../tensorflow/find-library.js";
import { loadTensorflow } from "../tensorflow/library.js";
import { TfjsSession } from "../tfjs/session.js";
import type { LoadedTfjsNode, TfjsNodePackage } from "./load-tfjs-node.js";
import { findTfjsNode, loadTfjsNode } from "./load-tfjs-node.js";
import { nativeKernels } from "./native-kernels.js";

const PACKAGE_REMEDY = "run `netc engine add tfjs-node --yes`";
const LIBRARY_REMEDY = "run `npm rebuild @tensorflow/tfjs-node`, or `netc engine add tensorflow --yes`";

export const tfjsNodeEngine: Engine = {
  name: "tfjs-node",
  devices: ["cpu", "gpu"],

  async probe() {
    const found = findTfjsNode();
    if (!found) return { available: false, reason: "tfjs-node is not installed", remedy: PACKAGE_REMEDY };
    const version = `${found.name.replace("@tensorflow/", "")} ${found.version}`;
    if (found.hasAddon) return { available: true, version, device: "CPU, with its own addon" };
    const search = findTensorflow();
    if ("missing" in search) {
      const reason = `${version} has no addon here, and ${search.missing}`;
      return { available: false, reason, remedy: LIBRARY_REMEDY };
    }
    if (!hasKoffi()) return { available: false, reason: "koffi is not installed", remedy: koffiRemedy };
    return { available: true, version, device: `CPU, over ${search.library.path}` };
  },

  async require(program) {
    requireFloat32(program, "tfjs-node");
    refuseRecompute(program, "tfjs-node");
  },

  async open(program, { threads = defaultThreads(), device = { kind: "cpu" } }) {
    const found = findTfjsNode();
    if (!found) throw new UserError(`tfjs-node is not installed; ${PACKAGE_REMEDY}`);
    const { tf, isUsingGpu } = await loadEither(found, threads, device);
    if (device.kind === "gpu" && !isUsingGpu) throw new UserError(`${found.name} sees no GPU here`);
    await tf.core.setBackend(nativeKernels.backend);
    return new TfjsSession(tf, program, nativeKernels).initialize();
  },
};

/** The addon where it loads; one that was built for another Node or TensorFlow leaves the way over the library. */
async function loadEither(found: TfjsNodePackage, threads: number, device: Device): Promise<LoadedTfjsNode> {
  let fault = `${found.name} has no addon here`;
  if (found.hasAddon) {
    try {
      return loadTfjsNode(found, undefined);
    } catch (error) {
      fault = `the addon of ${found.name} cannot be loaded (${(error as Error).message.split("\n")[0]})`;
    }
  }
  const search = findTensorflow();
  if ("missing" in search) throw new UserError(`${fault}, and ${search.missing}; ${LIBRARY_REMEDY}`);
  return loadTfjsNode(found, openContext(await loadTensorflow(search.library), { threads, device }));
}
