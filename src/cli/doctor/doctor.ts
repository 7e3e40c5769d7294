// The work of `netc doctor`: one line a fact, and under whatever is missing the commands that add it.
import { access } from "node:fs/promises";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { cachedCifar10 } from "../../runtime/data/cifar10/fetch-cifar10.js";
import { engineNames, loadEngine } from "../../runtime/engines/index.js";
import { findOneDnn } from "../../runtime/engines/wasm/onednn/find.js";
import { ONEDNN_REMEDY } from "../../runtime/engines/wasm/onednn/provider.js";
import { instructionSet, SET_NAMES } from "../../runtime/engines/wasm/code/provider.js";
import { wasmFeatures } from "../../runtime/engines/wasm/kernels-module.js";
import { cacheFolder } from "../../runtime/files/cache-folder.js";
import { netcVersion } from "../../runtime/process/version.js";
import { colorsFor } from "../screen/colors.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { formatBytes } from "../screen/terminal.js";
import { jsonText } from "../screen/print.js";
import { printable } from "../../compiler/diagnostics/printable.js";

interface Finding {
  readonly subject: string;
  readonly state: "good" | "missing" | "note";
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export interface DoctorFlags {
  readonly format: "text" | "json";
}

/** Ends with `inputHasErrors` where no engine runs here, so that scripts can ask. */
export async function doctor({ format }: DoctorFlags): Promise<ExitCode> {
  const engines = await Promise.all(engineNames.map(engineFinding));
  const findings = [
    ...machineFindings(),
    ...wasmFindings(),
    ...engines,
    await machineCodeFinding(),
    await oneDnnFinding(),
    await dataFinding(),
  ];
  const works = engines.some(({ state }) => state === "good");
  const exitCode = works ? exitCodes.done : exitCodes.inputHasErrors;
  if (format === "json") {
    process.stdout.write(jsonText({ trains: works, findings }));
    return exitCode;
  }
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  for (const finding of findings) process.stdout.write(lineOf(finding, width));
  process.stdout.write(works ? "\nnetc can train here.\n" : "\nnetc cannot train here: no engine is available.\n");
  return exitCode;
}

function machineFindings(): Finding[] {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const good = (subject: string, text: string): Finding => ({ subject, state: "good", text });
  return [
    good("netc", netcVersion()),
    good("node", `${process.version} on ${process.platform} ${process.arch}`),
    good("processor", `${model}, ${processors.length} cores, ${availableParallelism()} for this process`),
    good("memory", `${formatBytes(totalmem())}, ${formatBytes(freemem())} free`),
  ];
}

function wasmFindings(): Finding[] {
  const { simd, relaxedSimd, threads } = wasmFeatures();
  const finding = (subject: string, isSupported: boolean, without: string): Finding =>
    isSupported
      ? { subject, state: "good", text: "supported" }
      : { subject, state: "note", text: `not supported: ${without}` };
  return [
    finding("SIMD", simd, "the wasm engine needs it"),
    finding("relaxed SIMD", relaxedSimd, "the wasm engine works without fused multiply-adds, 10 to 20 % slower"),
    finding("threads", threads, "the wasm engine needs shared memory"),
  ];
}

async function engineFinding(name: string): Promise<Finding> {
  const subject = `engine ${name}`;
  const availability = await (await loadEngine(name)).probe();
  if (availability.available)
    return { subject, state: "good", text: `${availability.version} on ${availability.device}` };
  return { subject, state: "missing", text: availability.reason, remedy: availability.remedy };
}

/** The wasm engine does without, slower. */
async function machineCodeFinding(): Promise<Finding> {
  const subject = "machine code";
  const found = await instructionSet();
  if ("set" in found) return { subject, state: "good", text: `${SET_NAMES[found.set]}, for the wasm engine` };
  return { subject, state: "note", text: `${found.reason}; the wasm engine's kernels are all WebAssembly, slower` };
}

/** It only makes the wasm engine faster: nothing is missing without it. */
async function oneDnnFinding(): Promise<Finding> {
  const subject = "oneDNN";
  const found = await findOneDnn();
  if (!found.available) {
    const text = `${found.reason}; the wasm engine goes without, slower`;
    return { subject, state: "note", text, remedy: ONEDNN_REMEDY };
  }
  const { version, file, bfloat16, passedOver } = found;
  const precision = bfloat16 ? "float32 and bfloat16" : "float32; this processor has no instructions for bfloat16";
  const others = passedOver.map((reason) => `; skipped: ${reason}`).join("");
  return { subject, state: "good", text: `${version} (${file}) for the wasm engine: ${precision}${others}` };
}

async function dataFinding(): Promise<Finding> {
  const folder = cachedCifar10();
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return { subject: "cifar10", state: "good", text: folder };
  const text = `not in the cache yet (${cacheFolder()}); the first run that needs it fetches it`;
  return {
    subject: "cifar10",
    state: "note",
    text,
    remedy: "to fetch it now: netc data fetch cifar10",
  };
}

const colors = colorsFor(process.stdout);
const MARKS: Readonly<Record<Finding["state"], string>> = {
  good: colors.green("ok "),
  missing: colors.red("no "),
  note: colors.yellow("-  "),
};

function lineOf({ subject, state, text, remedy }: Finding, width: number): string {
  const line = `${MARKS[state]} ${subject.padEnd(width)}  ${printable(text)}\n`;
  return remedy ? `${line}    ${" ".repeat(width)}  ${printable(remedy)}\n` : line;
}
