// A file's path → its Program with everything wrong or odd about it: what the compiler finds, and whether what training
// needs is there.
import { compileText } from "../../compiler/compile.js";
import type { ReadBase } from "../../compiler/front/compose.js";
import type { Diagnostic, SourceText } from "../../compiler/diagnostics/diagnostic.js";
import { inOrder } from "../../compiler/front/load-config.js";
import { memoryBound, neededMemory } from "../../compiler/memory/memory-limits.js";
import { scanImages } from "../../runtime/data/images/scan-images.js";
import { withSpans } from "../../compiler/front/parse.js";
import type { Program } from "../../compiler/program.js";
import { machineLimits } from "./machine-limits.js";
import { pathOfBase, readBase } from "./read-base.js";
import { readSource } from "./read-source.js";

/** What the program is to be trained with. */
export interface Target {
  /** A name of an engine, or "auto". */
  readonly engine: string;
  readonly threads?: number | undefined;
  /** Looks only for what surely does not fit where to know memory exactly would take seconds: in networks of hundreds of blocks. */
  readonly isHurried?: boolean;
}

export interface CompiledFile {
  readonly source: SourceText;
  /** Also there where the only fault is that it does not fit into memory. */
  readonly program: Program | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The files that this one extends, directly or not, whether they could be read or not. */
  readonly bases: readonly string[];
}

/** Without a target, memory is not looked at. */
export async function compileFile(path: string, overrides: readonly string[], target?: Target): Promise<CompiledFile> {
  const source = await readSource(path);
  if (!source.value) {
    return { source: { name: path, text: "" }, program: undefined, diagnostics: source.diagnostics, bases: [] };
  }
  const { text, name } = source.value;
  const bases: string[] = [];
  const readAndNote: ReadBase = (base, from) => {
    bases.push(pathOfBase(base, from));
    return readBase(base, from);
  };
  const {
    value: program,
    file,
    diagnostics,
  } = compileText(text, name, { overrides, readBase: readAndNote, scanImages });
  if (!program || !file || !target) return { source: source.value, program, diagnostics, bases };
  const faults = withSpans(file, await memoryFaults(program, target));
  return { source: source.value, program, diagnostics: inOrder(file.source, [...diagnostics, ...faults]), bases };
}

async function memoryFaults(program: Program, { engine, threads, isHurried }: Target): Promise<readonly Diagnostic[]> {
  const limits = machineLimits(engine, threads);
  if (neededMemory(program, memoryBound(program, limits.threads), limits).share <= 1) return [];
  const { checkLeastMemory, checkMemory } = await import("../../compiler/memory/check-memory.js");
  const isDeep = program.graph.nodes.length > MANY_NODES;
  return isHurried && isDeep ? checkLeastMemory(program, limits) : checkMemory(program, limits);
}

/** About 150 blocks, whose plan takes a few tenths of a second. */
const MANY_NODES = 1200;
