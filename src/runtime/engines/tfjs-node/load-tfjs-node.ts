// The one place where the user's own tfjs-node is loaded: with its C++ addon where that works, else its JavaScript alone with
// its kernels running over a TensorFlow library called through koffi.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import util from "node:util";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { TensorflowContext } from "../tensorflow/context.js";
import { addOnFolder } from "../add-ons.js";
import { TfjsBinding } from "./binding.js";

const PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

export interface TfjsNodePackage {
  readonly name: (typeof PACKAGES)[number];
  readonly version: string;
  readonly folder: string;
  readonly hasAddon: boolean;
}

/** In the folder that NETC_TFJS_NODE names, else in the current folder's, netc's own or the add-on's node_modules. */
export function findTfjsNode(environment: NodeJS.ProcessEnv = process.env): TfjsNodePackage | undefined {
  const { NETC_TFJS_NODE: named } = environment;
  const own = fileURLToPath(new URL("../../../..", import.meta.url));
  for (const root of named ? [resolve(named)] : [process.cwd(), own, addOnFolder("tfjs-node")]) {
    const { resolve: resolveFrom } = createRequire(join(root, "package.json"));
    for (const name of PACKAGES) {
      try {
        const manifest = resolveFrom(`${name}/package.json`);
        const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
        const folder = dirname(manifest);
        return { name, version, folder, hasAddon: hasAddon(folder) };
      } catch {
        // not installed there
      }
    }
  }
  return undefined;
}

export interface LoadedTfjsNode {
  readonly tf: Tfjs;
  readonly isUsingGpu: boolean;
}

const loaded = new Map<string, LoadedTfjsNode>();

/** `context`: what the kernels run over, undefined for the package's own addon. Throws what the addon throws. */
export function loadTfjsNode(
  { name, folder }: TfjsNodePackage,
  context: TensorflowContext | undefined,
): LoadedTfjsNode {
  const key = context ? "library" : "addon";
  const known = loaded.get(key);
  if (known) return known;
  bringBackRemovedUtilities();
  const require = createRequire(join(folder, "package.json"));
  const union = context ? withBinding(require, folder, name, new TfjsBinding(context)) : (require(folder) as Union);
  union.enableProdMode();
  const backend = union.backend() as unknown as { readonly isUsingGpuDevice: boolean };
  const result = { tf: { core: union, layers: union }, isUsingGpu: backend.isUsingGpuDevice };
  loaded.set(key, result);
  return result;
}

/** `@tensorflow/tfjs` has everything of tfjs-core and tfjs-layers in one. */
type Union = Tfjs["core"] & Tfjs["layers"];

type BackendClass = new (binding: TfjsBinding, packageName: string) => ReturnType<Tfjs["core"]["backend"]>;

function withBinding(require: NodeJS.Require, folder: string, name: string, binding: TfjsBinding): Union {
  const union = require("@tensorflow/tfjs") as Union;
  const { NodeJSKernelBackend } = require(join(folder, "dist/nodejs_kernel_backend")) as {
    NodeJSKernelBackend: BackendClass;
  };
  require(join(folder, "dist/register_all_kernels"));
  const PRIORITY = 3; // as tfjs-node's own
  union.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, name), PRIORITY);
  void union.setBackend("tensorflow"); // at once, since the backend is there at once
  return union;
}

/** Node 23 removed what tfjs-node 4.22 still calls. */
function bringBackRemovedUtilities(): void {
  const utilities = util as unknown as Record<string, unknown>;
  utilities["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
  utilities["isArray"] ??= Array.isArray;
}

/** Where node-pre-gyp puts it: lib/napi-v8/tfjs_binding.node. */
function hasAddon(folder: string): boolean {
  const lib = join(folder, "lib");
  return existsSync(lib) && readdirSync(lib).some((napi) => existsSync(join(lib, napi, "tfjs_binding.node")));
}
