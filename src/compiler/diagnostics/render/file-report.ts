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

/** More of them nobody reads; what is counted is all. */
export const MOST_SHOWN = 50;

/** The first of all reports' diagnostics, each with its report, and how many more there are. */
export function shownOf(reports: readonly FileReport[]): {
  readonly shown: readonly (readonly [Diagnostic, FileReport])[];
  readonly more: number;
} {
  const all = reports.flatMap((report) => report.diagnostics.map((diagnostic) => [diagnostic, report] as const));
  return { shown: all.slice(0, MOST_SHOWN), more: Math.max(0, all.length - MOST_SHOWN) };
}
