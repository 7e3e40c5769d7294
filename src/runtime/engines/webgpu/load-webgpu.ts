// The one place where WebGPU is loaded: Dawn for Node (npm `webgpu`) and TensorFlow.js's backend for it, which the user has
// installed; netc brings neither.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import { addOnFolder } from "../add-ons.js";
import { UserError } from "../../process/user-error.js";

const PACKAGES = [
  "webgpu",
  "@tensorflow/tfjs-backend-webgpu",
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-layers",
] as const;
export const WEBGPU_REMEDY = "run `netc engine add webgpu --yes`";
export const ADAPTER_REMEDY =
  "install the graphics driver's Vulkan part (Debian: libvulkan1 and mesa-vulkan-drivers), or name a driver's file with VK_DRIVER_FILES";

export interface WebgpuPackages {
  /** The package.json that they are resolved from. */
  readonly root: string;
  readonly version: string;
}

/** In the folder that NETC_WEBGPU names, else in the current folder's, netc's own or the add-on's node_modules. */
export function findWebgpu(environment: NodeJS.ProcessEnv = process.env): WebgpuPackages | undefined {
  const { NETC_WEBGPU: named } = environment;
  const own = fileURLToPath(new URL("../../../..", import.meta.url));
  for (const folder of named ? [resolve(named)] : [process.cwd(), own, addOnFolder("webgpu")]) {
    const root = join(folder, "package.json");
    const manifests = PACKAGES.map((name) => manifestOf(root, name));
    if (manifests.every((manifest) => manifest !== undefined)) {
      const [dawn, backend] = manifests.map((path) => JSON.parse(readFileSync(path, "utf8")) as { version: string });
      return { root, version: `tfjs ${backend!.version} on Dawn ${dawn!.version}` };
    }
  }
  return undefined;
}

export interface LoadedWebgpu {
  readonly tf: Tfjs;
  readonly adapter: string;
}

let loading: Promise<LoadedWebgpu> | undefined;

/** Throws a UserError where there is no adapter. */
export function loadWebgpu(packages: WebgpuPackages): Promise<LoadedWebgpu> {
  loading ??= load(packages);
  return loading;
}

/** "google SwiftShader driver", or undefined where there is no adapter; loads Dawn alone. */
export async function adapterName(packages: WebgpuPackages): Promise<string | undefined> {
  const adapter = await (await openDawn(packages)).requestAdapter(HIGH_PERFORMANCE);
  return adapter ? nameOf(adapter) : undefined;
}

async function load(packages: WebgpuPackages): Promise<LoadedWebgpu> {
  const gpu = await openDawn(packages);
  const adapter = await gpu.requestAdapter(HIGH_PERFORMANCE);
  if (!adapter) throw new UserError(`WebGPU finds no adapter on this machine; ${ADAPTER_REMEDY}`);
  // The backend was written for browsers and looks for these
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" }, configurable: true });
  const require = createRequire(packages.root);
  const core = require("@tensorflow/tfjs-core") as Tfjs["core"];
  core.enableProdMode();
  const layers = require("@tensorflow/tfjs-layers") as Tfjs["layers"]; // brings the gradients of tfjs-core's operations
  // oxlint-disable-next-line no-unassigned-import -- it registers itself with tfjs-core
  require("@tensorflow/tfjs-backend-webgpu");
  await core.setBackend("webgpu");
  await core.ready();
  return { tf: { core, layers }, adapter: nameOf(adapter) };
}

interface Gpu {
  requestAdapter(options: object): Promise<Adapter | null>;
}
interface Adapter {
  readonly info: { readonly vendor: string; readonly description: string };
}

const HIGH_PERFORMANCE = { powerPreference: "high-performance" };

let opened: Promise<Gpu> | undefined;

/** NETC_WEBGPU_ADAPTER: a part of the adapter's name, where there are several. */
function openDawn({ root }: WebgpuPackages): Promise<Gpu> {
  opened ??= (async () => {
    const entry = join(dirname(manifestOf(root, "webgpu")!), "index.js");
    const dawn = (await import(pathToFileURL(entry).href)) as {
      create(flags: readonly string[]): Gpu;
      readonly globals: object;
    };
    Object.assign(globalThis, dawn.globals);
    const { NETC_WEBGPU_ADAPTER: name } = process.env;
    return dawn.create(name ? [`adapter=${name}`] : []);
  })();
  return opened;
}

function nameOf({ info }: Adapter): string {
  return [info.vendor, info.description].filter(Boolean).join(" ") || "an adapter without a name";
}

/** By folder and not by `require.resolve`: a package's `exports` may hide its package.json. */
function manifestOf(root: string, name: string): string | undefined {
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const manifest = join(folder, "node_modules", name, "package.json");
    if (existsSync(manifest)) return manifest;
    if (folder === dirname(folder)) return undefined;
  }
}
