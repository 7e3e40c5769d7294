// A file's path → its Program, with what only decoding tells already known: which images cannot be read and are left out.
import { hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import type { Target } from "./compile-file.js";
import { compileFile } from "./compile-file.js";
import { dataProgressDisplay } from "../data/data-progress.js";
import { loadProgram, reportFaults } from "./load-program.js";
import { warnLine } from "../screen/print.js";

/** Undefined where the file has errors, which are then printed. */
export async function loadPrepared(
  path: string,
  overrides: readonly string[],
  target?: Target,
): Promise<Program | undefined> {
  const program = await loadProgram(path, overrides, target);
  const dataset = program?.config.data.dataset;
  if (typeof dataset !== "object" || !("images" in dataset) || dataset.images.broken === "error") return program;
  const { findBroken } = await import("../../runtime/data/images/open-images.js");
  const display = await dataProgressDisplay();
  const broken = await findBroken(dataset.images, display.onProgress).finally(display.stop);
  if (broken.length === 0) return program;
  for (const { path: image, reason } of broken) {
    warnLine(`left out: ${dataset.images.folder}/${image} ${reason}`);
  }
  // The images are counted again, without those
  const compiled = await compileFile(path, overrides, target);
  if (!hasErrors(compiled.diagnostics)) return compiled.program;
  reportFaults(compiled);
  return undefined;
}
