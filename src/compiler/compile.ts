// The compiler, read aloud: text of one file in, Program out. Each line is a pass with a file of its own.
import { buildGraph } from "./build-graph.js";
import { check, checkNetwork, checkSize } from "./check.js";
import type { ReadBase } from "./compose.js";
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Result } from "./diagnostic.js";
import { failed, hasErrors, ok } from "./diagnostic.js";
import { inferShapes } from "./infer-shapes.js";
import { inOrder, loadConfig } from "./load-config.js";
import type { Loading } from "./load-config.js";
import type { YamlFile } from "./parse.js";
import { withSpans } from "./parse.js";
import type { ArgumentName } from "./overrides.js";
import { plan } from "./plan.js";
import type { Program } from "./program.js";
import type { ScanImages } from "./scan-images.js";

export interface Compilation extends Result<Program> {
  /** The parsed source, for code frames; undefined where it could not be parsed at all. */
  readonly file: YamlFile | undefined;
}

/**
 * `overrides` are `path=value` texts, applied before validation as if they stood in the file; `readBase` finds the files
 * that this one extends, `scanImages` looks into a folder of images.
 */
export function compileText(
  text: string,
  fileName: string,
  overrides: readonly string[] = [],
  readBase?: ReadBase,
  argument?: ArgumentName,
  scanImages?: ScanImages,
): Compilation {
  const loaded = loadConfig(text, fileName, overrides, readBase, argument, scanImages); // parse, compose, apply overrides, validate, resolve
  if (!loaded.value) return { ...failed<Program>(withFaultsOfTheRest(loaded)), file: undefined };
  const { file, config } = loaded.value;
  const program = compileConfig(config);
  const diagnostics = inOrder(file.source, [...loaded.diagnostics, ...withSpans(file, program.diagnostics)]);
  return { value: program.value, diagnostics, file };
}

/** All faults at once: what later passes find in the sections that are without faults of form. */
function withFaultsOfTheRest({ diagnostics, rest }: Loading): readonly Diagnostic[] {
  if (!rest) return diagnostics;
  const found = compileConfig(rest.config).diagnostics.filter(rest.concerns);
  return inOrder(rest.file.source, [...diagnostics, ...withSpans(rest.file, found)]);
}

export function compileConfig(config: ResolvedConfig): Result<Program> {
  const size = checkSize(config);
  if (hasErrors(size)) return failed([...check(config), ...size]);
  const graph = inferShapes(buildGraph(config));
  const network = graph.value ? checkNetwork(config, graph.value) : [];
  const diagnostics: readonly Diagnostic[] = [...check(config), ...graph.diagnostics, ...network];
  if (!graph.value || hasErrors(diagnostics)) return failed(diagnostics);
  return ok({ config, graph: graph.value, plan: plan(config) }, diagnostics);
}
