// The winners of measurements on this machine: a file in the cache folder for each processor and build of netc.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import os from "node:os";
import { basename, dirname, join } from "node:path";
import { cacheFolder } from "../../files/cache-folder.js";
import { sha256Of } from "../../files/digest.js";
import { readPlainFile } from "../../files/read-plain-file.js";
import { writeFileAtomically } from "../../files/write-file-atomically.js";
import { netcVersion } from "../../process/version.js";
import { builtFolder, kernelsFile } from "./kernels-module.js";
import { PROVIDER_SOURCES } from "./providers.js";

const FORMAT = "netc-measured-kernels-1";

/** Kernel names by task; empty where nothing was measured or the file cannot be read. */
export async function readMeasured(): Promise<Readonly<Record<string, string>>> {
  try {
    const { format, kernels } = JSON.parse(String(await readPlainFile(measuredFile()))) as Document;
    return format === FORMAT && typeof kernels === "object" && kernels !== null ? kernels : {};
  } catch {
    return {};
  }
}

/** Adds to the file. A cache folder that cannot be written to costs the next run its measurements, and no more. */
export async function writeMeasured(found: Readonly<Record<string, string>>): Promise<void> {
  const path = measuredFile();
  const kernels = { ...(await readMeasured()), ...found };
  const document: Document = { format: FORMAT, processor: processor(), kernels };
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, JSON.stringify(document, null, 2) + "\n");
  } catch {
    return;
  }
}

interface Document {
  readonly format: string;
  readonly processor: string;
  readonly kernels: Readonly<Record<string, string>>;
}

/** What winners depend on; the threads are no part of it, so that results do not depend on them. */
export interface Surroundings {
  readonly version: string;
  /** Digest of everything that lowers, hands out or computes a convolution. */
  readonly code: string;
  readonly v8: string;
  readonly processor: string;
  /** Which instructions there are: a cloud's name of a processor may stand for several generations. */
  readonly instructions: string;
}

let here: Surroundings | undefined;

export function measuredFile(of: Surroundings = (here ??= surroundings())): string {
  const { version, code, v8, processor, instructions } = of;
  const all = JSON.stringify([version, code, v8, processor, instructions]);
  return join(cacheFolder(), `kernels-${sha256Of(all).slice(0, 16)}.json`);
}

export function surroundings(): Surroundings {
  const code = digestOf([
    kernelsFile(),
    ...(existsSync(CODE[0]!) ? CODE : [BUNDLE]).flatMap((folder) => modulesIn(folder)),
  ]);
  return {
    version: netcVersion(),
    code,
    v8: process.versions.v8,
    processor: processor(),
    instructions: instructions(),
  };
}

/** What is done at once, scratch memory, parts, products of libraries and machine code are decided here, and not in the kernels' own file. */
const CODE = [...["lower", "code"].map((room) => new URL(`../../../compiler/${room}/`, builtFolder)), builtFolder];

/** As npm has it, netc is a bundle, in which no module can be told from others; it changes with the version only. */
const BUNDLE = new URL("../../../bundle/", builtFolder);

/** The built modules of a folder and those below it. */
export function modulesIn(folder: URL): URL[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  return names.sort().map((name) => new URL(name, folder));
}

export function digestOf(files: readonly URL[]): string {
  const parts = files.flatMap((file) => [
    Buffer.from(`${basename(file.pathname)}\n`),
    readFileSync(file),
    Buffer.from("\n"),
  ]);
  return sha256Of(Buffer.concat(parts));
}

function processor(): string {
  return `${os.arch()} ${os.cpus()[0]?.model.trim() ?? "unknown"}`;
}

/** As Linux lists them, and what providers are told to keep to; other systems' names of processors say enough. */
function instructions(): string {
  const limits = PROVIDER_SOURCES.flatMap(({ environment }) => environment).map((name) => process.env[name] ?? "");
  try {
    const lines = readFileSync("/proc/cpuinfo", "utf8").split("\n");
    return [lines.find((line) => /^(flags|Features)\b/.test(line)) ?? "", ...limits].join();
  } catch {
    return limits.join();
  }
}
