// A file named on the command line → what it says and the Program that it makes. It is read and parsed once: whatever a command
// asks of it goes on from there.
import { compileParsed } from "../../compiler/compile.js";
import type { ReadBase } from "../../compiler/front/compose.js";
import type { LoadedConfig } from "../../compiler/front/load-config.js";
import { inOrder, parseConfig, resolveConfig } from "../../compiler/front/load-config.js";
import type { YamlFile } from "../../compiler/front/parse.js";
import { withSpans } from "../../compiler/front/parse.js";
import type { Diagnostic, Result, SourceText } from "../../compiler/diagnostics/diagnostic.js";
import { failed, hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import { renderDiagnostics } from "../../compiler/diagnostics/render-diagnostics.js";
import type { FileReport } from "../../compiler/diagnostics/render-diagnostics.js";
import { memoryBound, neededMemory } from "../../compiler/memory/memory-limits.js";
import type { Program } from "../../compiler/program.js";
import { scanImages } from "../../runtime/data/images/scan-images.js";
import { pathOfBase, readBase } from "../../runtime/source/read-base.js";
import { readSource } from "../../runtime/source/read-source.js";
import { usesColor } from "../screen/options.js";
import { machineLimits } from "./machine-limits.js";

/** A file without errors. */
export interface SoundFile extends LoadedConfig {
  readonly program: Program;
}

/** A file with everything wrong or odd about it: what the compiler finds, and whether what training needs is there. */
export interface CompiledFile extends FileReport {
  readonly file: YamlFile | undefined;
  /** Also there where the only fault is that it does not fit into memory. */
  readonly program: Program | undefined;
  /** The files that this one extends, directly or not, whether they could be read or not. */
  readonly bases: readonly string[];
}

/** What the program is to be trained with. */
export interface Target {
  /** A name of an engine, or "auto". */
  readonly engine: string;
  readonly threads?: number | undefined;
  /** Looks only for what surely does not fit where to know memory exactly would take seconds: in networks of hundreds of blocks. */
  readonly isHurried?: boolean;
  /** Goes on with what a run has trained so far, whatever that started from. */
  readonly resume?: boolean;
}

/** Undefined where the file has errors. All faults are then on standard error, as warnings are in any case. */
export async function loadFile(
  path: string,
  overrides: readonly string[] = [],
  target?: Target,
): Promise<SoundFile | undefined> {
  const compiled = await compileFile(path, overrides, target);
  reportFaults(compiled);
  return soundIn(compiled);
}

/** The same for commands that need no network worked out. */
export async function loadConfigFile(path: string, overrides: readonly string[]): Promise<LoadedConfig | undefined> {
  const { source, parsed } = await parseFile(path, overrides);
  const { value, diagnostics } = resolveConfig(parsed, scanImages);
  reportFaults({ source, diagnostics });
  return hasErrors(diagnostics) ? undefined : value;
}

/** Without a target, memory is not looked at. */
export async function compileFile(path: string, overrides: readonly string[], target?: Target): Promise<CompiledFile> {
  return await compile(await parseFile(path, overrides), target);
}

export interface ParsedFile {
  readonly source: SourceText;
  readonly parsed: Result<YamlFile>;
  readonly bases: readonly string[];
}

export async function parseFile(path: string, overrides: readonly string[]): Promise<ParsedFile> {
  const { value: source, diagnostics } = await readSource(path);
  if (!source) return { source: { name: path, text: "" }, parsed: failed(diagnostics), bases: [] };
  const bases: string[] = [];
  const readAndNote: ReadBase = (base, from) => {
    bases.push(pathOfBase(base, from));
    return readBase(base, from);
  };
  const parsed = parseConfig(source.text, source.name, { overrides, readBase: readAndNote });
  return { source, parsed, bases };
}

/** To be asked again where a folder of images has turned out to hold others. */
export async function compile({ source, parsed, bases }: ParsedFile, target?: Target): Promise<CompiledFile> {
  const { value: program, file, diagnostics } = compileParsed(parsed, scanImages);
  if (!program || !file || !target) return { source, file, program, diagnostics, bases };
  const found = [...(await memoryFaults(program, target)), ...(await faultsOfStart(program, target))];
  const faults = withSpans(file, found);
  return { source, file, program, diagnostics: inOrder(file.source, [...diagnostics, ...faults]), bases };
}

export function soundIn({ file, program, diagnostics }: CompiledFile): SoundFile | undefined {
  return file && program && !hasErrors(diagnostics) ? { file, program, config: program.config } : undefined;
}

export function reportFaults({ source, diagnostics }: FileReport): void {
  if (diagnostics.length === 0) return;
  const text = renderDiagnostics(diagnostics, { source }, { color: usesColor(process.stderr) });
  process.stderr.write(`${text}\n`);
}

async function faultsOfStart(program: Program, { resume = false }: Target): Promise<readonly Diagnostic[]> {
  if (resume || program.config.train.start === null) return [];
  const { startFaults } = await import("../../runtime/weights/start-weights.js");
  return startFaults(program);
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
