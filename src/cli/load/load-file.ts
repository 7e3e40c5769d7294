// A file's path → its resolved configuration, for commands that need no network worked out.
import { hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import { loadConfig } from "../../compiler/front/load-config.js";
import type { LoadedConfig } from "../../compiler/front/load-config.js";
import { renderDiagnostics } from "../../compiler/diagnostics/render-diagnostics.js";
import { scanImages } from "../../runtime/data/images/scan-images.js";
import { exitCodes } from "../screen/exit-codes.js";
import { usesColor } from "../screen/options.js";
import { readBase } from "./read-base.js";
import { readSource } from "./read-source.js";

/** Undefined where there are errors: they are then on standard error, and the exit code says so. */
export async function loadFile(path: string, overrides: readonly string[]): Promise<LoadedConfig | undefined> {
  const source = await readSource(path);
  const { value, diagnostics } = source.value
    ? loadConfig(source.value.text, source.value.name, { overrides, readBase, scanImages })
    : { value: undefined, diagnostics: source.diagnostics };
  if (diagnostics.length > 0) {
    const file = { source: source.value ?? { name: path, text: "" } };
    const text = renderDiagnostics(diagnostics, file, { color: usesColor(process.stderr) });
    process.stderr.write(`${text}\n`);
  }
  if (!hasErrors(diagnostics)) return value;
  process.exitCode = exitCodes.inputHasErrors;
  return undefined;
}
