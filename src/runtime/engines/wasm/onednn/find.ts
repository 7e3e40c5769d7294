// Where oneDNN is on this machine: the file that NETC_ONEDNN names, or the loader's own search, and whether netc can use it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { addOnFolder } from "../../add-ons.js";
import { Abi, BFLOAT16_ISA } from "./abi.js";
import type { Koffi } from "../../native/load-koffi.js";
import { loadKoffi } from "../../native/load-koffi.js";
import { requireWholeLibrary } from "../../native/require-whole-library.js";

export type OneDnnAvailability =
  | {
      readonly available: true;
      readonly file: string;
      readonly version: string;
      /** Whether the processor multiplies bfloat16 numbers. */
      readonly bfloat16: boolean;
      readonly abi: Abi;
      /** What comes before it and cannot be used, with reasons. */
      readonly passedOver: readonly string[];
    }
  | { readonly available: false; readonly reason: string };

let found: Promise<OneDnnAvailability> | undefined;

/** Looked for once a process. */
export function findOneDnn(): Promise<OneDnnAvailability> {
  return (found ??= search(process.env["NETC_ONEDNN"]));
}

export async function search(wanted: string | undefined): Promise<OneDnnAvailability> {
  if (wanted === "off") return { available: false, reason: "turned off by NETC_ONEDNN" };
  if (process.platform !== "linux") return { available: false, reason: "looked for on Linux only" };
  let koffi: Koffi;
  try {
    koffi = await loadKoffi();
  } catch (error) {
    return { available: false, reason: (error as Error).message };
  }
  const reasons: string[] = [];
  for (const file of wanted ? [wanted] : candidates()) {
    try {
      requireWholeLibrary(file);
      const abi = new Abi(koffi, file);
      const bfloat16 = (abi.isaBits & BFLOAT16_ISA) !== 0;
      return { available: true, file, version: abi.version, bfloat16, abi, passedOver: reasons };
    } catch (error) {
      const { message } = error as Error;
      if (wanted || !isMissing(message)) reasons.push(`${file} cannot be used: ${message}`);
    }
  }
  return { available: false, reason: reasons.join("; ") || "there is no libdnnl" };
}

/** Version 2 first, wherever it lies: its Winograd is faster than anything version 3 has for float32. */
function candidates(): string[] {
  return ["libdnnl.so.2", "libdnnl.so.3"].flatMap((name) => [
    name,
    ...LIBRARY_FOLDERS.flatMap((folder) => namesIn(folder, name).map((found) => join(folder, found))),
  ]);
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
const LIBRARY_FOLDERS = [
  `/usr/lib/${ARCHITECTURES[process.arch] ?? process.arch}-linux-gnu`,
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
  join(addOnFolder("onednn"), "lib"),
];

/** Debian names a library of version 3 by its second number too: libdnnl.so.3.6. */
function namesIn(folder: string, wanted: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(wanted) && /^libdnnl\.so\.\d(\.\d+)?$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

function isMissing(message: string): boolean {
  return message.includes("cannot open shared object file: No such file") && message.startsWith("libdnnl");
}
