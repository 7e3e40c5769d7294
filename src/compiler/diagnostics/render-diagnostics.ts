// Diagnostics in the formats that people and tools read. What is decided here is only how they look.
import type { Diagnostic, SourceText } from "./diagnostic.js";
import type { FileReport, RenderOptions } from "./render/file-report.js";
import { renderGithub } from "./render/github.js";
import { renderJson } from "./render/json.js";
import { renderSarif } from "./render/sarif.js";
import { renderText } from "./render/text.js";

export type { FileReport, RenderOptions } from "./render/file-report.js";
export { countOf } from "./render/file-report.js";

export type DiagnosticsFormat = "text" | "json" | "github" | "sarif";

const renderers: Readonly<
  Record<DiagnosticsFormat, (reports: readonly FileReport[], options: RenderOptions) => string>
> = {
  text: renderText,
  json: renderJson,
  github: renderGithub,
  sarif: renderSarif,
};

/** One file's diagnostics as text, without a line end after the last line; empty where there are none. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  file: { readonly source: SourceText },
  options: RenderOptions = {},
): string {
  return renderText([{ source: file.source, diagnostics }], options);
}

/** Several files' diagnostics in any format. */
export function renderReports(
  reports: readonly FileReport[],
  format: DiagnosticsFormat,
  options: RenderOptions = {},
): string {
  return renderers[format](reports, options);
}
