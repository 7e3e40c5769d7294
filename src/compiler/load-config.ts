// The front end of the compiler as one step: text in, a resolved configuration out, with every fault found on the way.
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic, Result } from "./diagnostic.js";
import { failed, hasErrors, ok } from "./diagnostic.js";
import { applyOverrides } from "./overrides.js";
import { parse } from "./parse.js";
import { resolve } from "./resolve.js";
import { validate } from "./validate.js";
import type { YamlFile } from "./yaml-file.js";

export interface LoadedConfig {
  readonly file: YamlFile;
  readonly config: ResolvedConfig;
}

/** `overrides` are `path=value` texts, taken as if they stood in the file. Diagnostics come in the file's order. */
export function loadConfig(text: string, fileName: string, overrides: readonly string[] = []): Result<LoadedConfig> {
  const parsed = parse(text, fileName);
  if (!parsed.value) return failed(inOrder(parsed.diagnostics));
  const overridden = applyOverrides(parsed.value, overrides);
  const file = overridden.value ?? parsed.value;
  const valid = validate(file);
  const diagnostics = inOrder([...parsed.diagnostics, ...overridden.diagnostics, ...valid.diagnostics]);
  if (!valid.value || hasErrors(diagnostics)) return failed(diagnostics);
  return ok({ file, config: resolve(valid.value) }, diagnostics);
}

/** By place in the file; what the command line got wrong comes last. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const rank = ({ span }: Diagnostic) => (span?.source ? Infinity : (span?.start ?? 0));
  return [...diagnostics].sort((a, b) => {
    const [first, second] = [rank(a), rank(b)];
    return first === second ? 0 : first - second;
  });
}
