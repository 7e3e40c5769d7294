// Where TensorFlow's shared library lies on this machine: where NETC_TENSORFLOW says, else in the active Python
// environment, else among the system's libraries. Nothing is loaded.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { addOnFolder } from "../add-ons.js";
import { pythonCommand } from "../../process/programs.js";

export interface FoundLibrary {
  /** The file to load. */
  readonly path: string;
  /** Whose symbols it needs; in a wheel a file beside it. */
  readonly framework: string | undefined;
  /** As the wheel says; undefined for a library that came otherwise, which tells when it is loaded. */
  readonly version: string | undefined;
  readonly foundBy: string;
}

export type Search = { readonly library: FoundLibrary } | { readonly missing: string };

/** In order of preference: a wheel's, that of the C API's own distribution, and the same on macOS and Windows. */
const LIBRARY_NAMES = [
  "libtensorflow_cc.so.2",
  "libtensorflow.so.2",
  "libtensorflow_cc.2.dylib",
  "libtensorflow.2.dylib",
  "tensorflow.dll",
];
const FRAMEWORK_NAMES = ["libtensorflow_framework.so.2", "libtensorflow_framework.2.dylib"];

/** The first version whose Python package has the C API in a library of its own. */
export const OLDEST_VERSION = "2.12";

export function findTensorflow(environment: NodeJS.ProcessEnv = process.env): Search {
  const { NETC_TENSORFLOW: named } = environment;
  if (named) {
    const library = libraryAt(resolve(named), "NETC_TENSORFLOW");
    if (library) return { library };
    const reason = withoutLibrary(resolve(named)) ?? "there is no TensorFlow library";
    return { missing: `NETC_TENSORFLOW is ${named}, where ${reason}` };
  }
  const tooOld: string[] = [];
  for (const [folder, foundBy] of environmentFolders(environment)) {
    const library = libraryAt(folder, foundBy);
    if (library) return { library };
    const reason = withoutLibrary(folder);
    if (reason !== undefined) tooOld.push(`; in ${folder} ${reason}`);
  }
  const nowhere = "no TensorFlow library was found in the active Python environment or among the system's";
  return { missing: `${nowhere}${tooOld[0] ?? ""}` };
}

/** What is to be said of a place where there is the Python package, but no library. */
function withoutLibrary(place: string): string | undefined {
  const versions = packageFolders(place)
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => wheelVersion(folder) ?? []);
  if (versions.length === 0) return undefined;
  return `TensorFlow ${versions[0]} has no library of the C API; its Python package has one from ${OLDEST_VERSION} on`;
}

/** A file; or a folder that holds it, or whose Python packages do. */
function libraryAt(place: string, foundBy: string): FoundLibrary | undefined {
  if (!existsSync(place)) return undefined;
  if (statSync(place).isFile()) return describe(place, foundBy);
  const path = packageFolders(place)
    .flatMap((folder) => LIBRARY_NAMES.map((name) => join(folder, name)))
    .find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : describe(path, foundBy);
}

/** Where the Python package may be that a place leads to: itself, in it, or among an environment's packages. */
function packageFolders(place: string): string[] {
  return [place, join(place, "tensorflow"), ...sitePackages(place).map((folder) => join(folder, "tensorflow"))];
}

function describe(path: string, foundBy: string): FoundLibrary {
  const folder = dirname(path);
  const framework = FRAMEWORK_NAMES.map((name) => join(folder, name)).find((candidate) => existsSync(candidate));
  return { path, framework, version: wheelVersion(folder), foundBy };
}

/** The packages of a Python environment's folder. */
function sitePackages(environment: string): string[] {
  const lib = join(environment, "lib");
  const onWindows = join(environment, "Lib", "site-packages");
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => name.startsWith("python3")) : [];
  return [...pythons.map((name) => join(lib, name, "site-packages")), onWindows];
}

/** Of "tensorflow_cpu-2.21.0.dist-info" beside the package's folder. */
function wheelVersion(folder: string): string | undefined {
  if (basename(folder) !== "tensorflow") return undefined;
  const named = /^(?:tensorflow|tf_nightly)(?:_(?:cpu|gpu|intel|macos|rocm|cpu_aws))?-(\d[^-]*)\.dist-info$/;
  return readdirSync(dirname(folder))
    .map((name) => named.exec(name)?.[1])
    .find((version) => version !== undefined);
}

function* environmentFolders(environment: NodeJS.ProcessEnv): Generator<[folder: string, foundBy: string]> {
  const { VIRTUAL_ENV: virtual, CONDA_PREFIX: conda, LD_LIBRARY_PATH: paths = "" } = environment;
  if (virtual) yield [virtual, "the active virtual environment"];
  if (conda) yield [conda, "the active conda environment"];
  yield [addOnFolder("tensorflow"), "netc engine add"];
  for (const folder of pythonPath(environment)) yield [join(folder, "tensorflow"), "python3"];
  const system = ["/usr/local/lib", "/usr/lib", "/opt/homebrew/lib"];
  for (const folder of [...paths.split(delimiter), ...system]) if (folder) yield [folder, "the system's libraries"];
}

/** Where the Python on the PATH looks for packages. */
function pythonPath(environment: NodeJS.ProcessEnv): string[] {
  const program = "import sys; print('\\n'.join(sys.path))";
  try {
    const { stdout, status } = spawnSync(pythonCommand(), ["-c", program], {
      env: environment,
      encoding: "utf8",
      timeout: 5000, // milliseconds
    });
    return status === 0 ? stdout.split(/\r?\n/).filter((line) => line !== "") : [];
  } catch {
    return []; // Node's permission model lets no process be started
  }
}
