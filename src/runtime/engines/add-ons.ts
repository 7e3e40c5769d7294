// What an engine needs beyond netc's own install, and the commands that bring it: each into a folder of its own in the
// cache, where the engine looks without being told.
import { join } from "node:path";
import { cacheFolder } from "../files/cache-folder.js";
import { pythonCommand } from "../process/programs.js";

export interface AddOn {
  /** What comes, and how much of it. */
  readonly description: string;
  /** Program and arguments, one after the other. */
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
}

/** Where `netc engine add` puts it; it need not be there. */
export function addOnFolder(name: string): string {
  return join(cacheFolder(), "engines", name);
}

export const addOnNames = ["tensorflow", "tfjs-node", "webgpu", "onednn"] as const;

export function addOn(
  name: (typeof addOnNames)[number],
  folder: string = addOnFolder(name),
  platform: NodeJS.Platform = process.platform,
  python: string = pythonCommand(),
): AddOn {
  const bin = platform === "win32" ? join(folder, "Scripts") : join(folder, "bin");
  const inPython = (packages: readonly string[]): AddOn["commands"] => [
    [python, "-m", "venv", folder],
    [join(bin, "pip"), "install", "--disable-pip-version-check", ...packages],
  ];
  const withNpm = (packages: readonly string[]): AddOn["commands"] => [
    ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", ...packages],
  ];
  // tensorflow-cpu has no wheels for macOS, where the plain package has no GPU part anyway
  const tensorflow = platform === "darwin" ? "tensorflow==2.21.0" : "tensorflow-cpu==2.21.0";
  const addOns: Readonly<Record<(typeof addOnNames)[number], AddOn>> = {
    tensorflow: { description: "TensorFlow 2.21 for Python, about 1.6 GB", commands: inPython([tensorflow]) },
    "tfjs-node": {
      description:
        "tfjs-node 4.22's JavaScript, about 300 MB; its kernels run over the library that `netc engine add tensorflow` brings",
      commands: withNpm(["@tensorflow/tfjs-node@4.22.0"]),
    },
    webgpu: {
      description:
        "Dawn for Node and TensorFlow.js's WebGPU backend, about 250 MB; the GPU's Vulkan, Metal or D3D12 driver must be installed",
      commands: withNpm([
        "webgpu@0.6.2",
        "@tensorflow/tfjs-backend-webgpu@4.22.0",
        "@tensorflow/tfjs-core@4.22.0",
        "@tensorflow/tfjs-layers@4.22.0",
      ]),
    },
    onednn: {
      description: "oneDNN 3.2 for the wasm engine, about 60 MB",
      commands: inPython(["onednn-cpu-gomp==2023.2.0"]),
    },
  };
  return addOns[name];
}
