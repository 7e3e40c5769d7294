// A file's path → its Program, with everything wrong or odd about it written to standard error.
import { compileText } from "../compiler/compile.js";
import { hasErrors } from "../compiler/diagnostic.js";
import type { Program } from "../compiler/program.js";
import { renderDiagnostics } from "../compiler/render-diagnostics.js";
import { usesColor } from "./options.js";
import { readBase } from "./read-base.js";
import { readSource } from "./read-source.js";

/** Undefined where the file has errors, which are then printed: the command ends with `exitCodes.inputHasErrors`. */
export async function loadProgram(path: string, overrides: readonly string[] = []): Promise<Program | undefined> {
  const source = await readSource(path);
  const { value, diagnostics } = source.value
    ? compileText(source.value.text, source.value.name, overrides, readBase)
    : { value: undefined, diagnostics: source.diagnostics };
  if (diagnostics.length > 0) {
    const file = { source: source.value ?? { name: path, text: "" } };
    const text = renderDiagnostics(diagnostics, file, { color: usesColor(process.stderr) });
    process.stderr.write(`${text}\n`);
  }
  return hasErrors(diagnostics) ? undefined : value;
}
