// The compiler, read aloud: text of one file in, Program out. The first passes, up to the resolved configuration, are those
// of load-config.ts; the others stand in compileConfig. The three checks are in check.ts, each other pass in a file of its name.
import { buildGraph } from "./network/build-graph.js";
import { check, checkBlocks, checkNetwork, checkSize } from "./check/check.js";
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Result } from "./diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "./diagnostics/diagnostic.js";
import { inOrder, parseConfig, resolveConfig } from "./front/load-config.js";
import type { Loading, SourceOptions } from "./front/load-config.js";
import type { YamlFile } from "./front/parse.js";
import { withSpans } from "./front/parse.js";
import type { ScanImages } from "./front/scan-images.js";
import { expandLayerDecay } from "./training/layer-decay.js";
import { plan } from "./training/plan.js";
import type { Program } from "./program.js";

export interface Compilation extends Result<Program> {
  /** The parsed source, for code frames; undefined where it could not be parsed at all. */
  readonly file: YamlFile | undefined;
}

/** `fileName` is what diagnostics call the text. */
export function compileText(text: string, fileName: string, options: SourceOptions = {}): Compilation {
  return compileParsed(parseConfig(text, fileName, options), options.scanImages);
}

/** The same from a file that `parseConfig` has parsed, as often as what its folder of images holds may have changed. */
export function compileParsed(parsed: Result<YamlFile>, scanImages?: ScanImages): Compilation {
  const loaded = resolveConfig(parsed, scanImages);
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
  const blocks = checkBlocks(config);
  if (hasErrors(blocks)) return failed([...check(config), ...blocks]);
  const graph = buildGraph(config);
  const network = graph.value ? checkNetwork(config, graph.value) : [];
  const diagnostics: readonly Diagnostic[] = [...check(config), ...blocks, ...graph.diagnostics, ...network];
  if (!graph.value || hasErrors(diagnostics)) return failed(diagnostics);
  const expanded = expandLayerDecay(config, graph.value);
  return ok({ config: expanded, graph: graph.value, plan: plan(expanded) }, diagnostics);
}
