// A file's path → its Program, with everything wrong or odd about it written to standard error.
import { hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import { renderDiagnostics } from "../../compiler/diagnostics/render-diagnostics.js";
import type { CompiledFile, Target } from "./compile-file.js";
import { compileFile } from "./compile-file.js";
import { usesColor } from "../screen/options.js";

/** Undefined where the file has errors, which are then printed: the command ends with `exitCodes.inputHasErrors`. */
export async function loadProgram(
  path: string,
  overrides: readonly string[] = [],
  target?: Target,
): Promise<Program | undefined> {
  const compiled = await compileFile(path, overrides, target);
  reportFaults(compiled);
  return hasErrors(compiled.diagnostics) ? undefined : compiled.program;
}

export function reportFaults({ source, diagnostics }: CompiledFile): void {
  if (diagnostics.length === 0) return;
  const text = renderDiagnostics(diagnostics, { source }, { color: usesColor(process.stderr) });
  process.stderr.write(`${text}\n`);
}
