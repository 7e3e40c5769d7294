// The front end of the compiler as one step: text in, a resolved configuration out, with every fault found on the way.
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Result } from "./diagnostic.js";
import { failed, hasErrors, ok } from "./diagnostic.js";
import { applyOverrides } from "./overrides.js";
import { parse, sourceText } from "./parse.js";
import { resolve } from "./resolve.js";
import { validate } from "./validate.js";
import { withSource } from "./yaml-file.js";
import type { YamlFile } from "./yaml-file.js";

export interface LoadedConfig {
  readonly file: YamlFile;
  readonly config: ResolvedConfig;
}

/**
 * `overrides` are `path=value` texts, taken as if they stood in the file. Diagnostics come in the file's order, their
 * spans with their sources, so that they can be shown without the file.
 */
export function loadConfig(text: string, fileName: string, overrides: readonly string[] = []): Result<LoadedConfig> {
  const parsed = parse(text, fileName);
  const source = sourceText(text, fileName);
  if (!parsed.value) return failed(inOrder(withSource(source, parsed.diagnostics)));
  const overridden = applyOverrides(parsed.value, overrides);
  const file = overridden.value ?? parsed.value;
  const valid = validate(file);
  const diagnostics = inOrder(
    withSource(source, [...parsed.diagnostics, ...overridden.diagnostics, ...valid.diagnostics]),
  );
  if (!valid.value || hasErrors(diagnostics)) return failed(diagnostics);
  return ok({ file, config: resolve(valid.value) }, diagnostics);
}

/** By place in the file; what the command line got wrong comes last. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const rank = ({ span }: Diagnostic) => (span?.source?.isCommandLine ? Number.MAX_SAFE_INTEGER : (span?.start ?? 0));
  return [...diagnostics].sort((a, b) => rank(a) - rank(b));
}
