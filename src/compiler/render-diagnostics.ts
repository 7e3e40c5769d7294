// Diagnostics in the formats that people and tools read. What is decided here is only how they look.
import type { Diagnostic, SourceText, Span } from "./diagnostic.js";
import { renderGithub } from "./render/github.js";
import { renderJson } from "./render/json.js";
import { renderSarif } from "./render/sarif.js";
import { renderText } from "./render/text.js";

/** What was found in one file. */
export interface FileReport {
  readonly source: SourceText;
  readonly diagnostics: readonly Diagnostic[];
}

export type DiagnosticsFormat = "text" | "json" | "github" | "sarif";

export interface RenderOptions {
  /** Escape sequences for a terminal; text only. */
  readonly color?: boolean;
}

const renderers: Readonly<
  Record<DiagnosticsFormat, (reports: readonly FileReport[], options: RenderOptions) => string>
> = {
  text: renderText,
  json: renderJson,
  github: renderGithub,
  sarif: renderSarif,
};

export const diagnosticsFormats = Object.keys(renderers) as readonly DiagnosticsFormat[];

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

/** The text that a span is in: its own source, or the file that the report is about. */
export function sourceOf(span: Span, report: FileReport): SourceText {
  return span.source ?? report.source;
}

export function countOf(reports: readonly FileReport[], severity: Diagnostic["severity"]): number {
  return reports.flatMap((report) => report.diagnostics).filter((diagnostic) => diagnostic.severity === severity)
    .length;
}
