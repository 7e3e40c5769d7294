// The winners of measurements on this machine: a file in the cache folder for each processor and build of the kernels.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import os from "node:os";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../files/cache-folder.js";
import { writeFileAtomically } from "../../files/write-file-atomically.js";
import { kernelsFile } from "./kernels-module.js";

const FORMAT = "netc-measured-kernels-1";

/** Kernel names by task; empty where nothing was measured or the file cannot be read. */
export async function readMeasured(): Promise<Readonly<Record<string, string>>> {
  try {
    const { format, kernels } = JSON.parse(await readFile(measuredFile(), "utf8")) as Document;
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

export function measuredFile(): string {
  const build = createHash("sha256").update(readFileSync(kernelsFile()));
  const digest = build.update(processor()).update(process.versions.v8).digest("hex").slice(0, 16);
  return join(cacheFolder(), `kernels-${digest}.json`);
}

function processor(): string {
  return `${os.arch()} ${os.cpus()[0]?.model.trim() ?? "unknown"}`;
}
