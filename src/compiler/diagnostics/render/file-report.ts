// What was found in one file, as every format is given it.
import type { Diagnostic, SourceText, Span } from "../diagnostic.js";

export interface FileReport {
  readonly source: SourceText;
  readonly diagnostics: readonly Diagnostic[];
}

export interface RenderOptions {
  /** Escape sequences for a terminal; text only. */
  readonly color?: boolean;
}

/** The text that a span is in: its own source, or the file that the report is about. */
export function sourceOf(span: Span, report: FileReport): SourceText {
  return span.source ?? report.source;
}

export function countOf(reports: readonly FileReport[], severity: Diagnostic["severity"]): number {
  return reports.flatMap((report) => report.diagnostics).filter((diagnostic) => diagnostic.severity === severity)
    .length;
}
