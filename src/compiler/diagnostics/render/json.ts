// Diagnostics as data for tools; schema/diagnostics.schema.json describes it. `version` goes up when a reader written
// for the version before would be misled.
import { positionAt } from "../code-frame.js";
import type { Diagnostic, Span } from "../diagnostic.js";
import type { FileReport } from "./file-report.js";
import { countOf, sourceOf } from "./file-report.js";
import { printableDocument } from "../printable.js";

export function renderJson(reports: readonly FileReport[]): string {
  const document = {
    version: 1,
    errors: countOf(reports, "error"),
    warnings: countOf(reports, "warning"),
    files: reports.map((report) => ({
      file: report.source.name,
      diagnostics: report.diagnostics.map((diagnostic) => toJson(diagnostic, report)),
    })),
  };
  return printableDocument(JSON.stringify(document, undefined, 2));
}

function toJson({ code, severity, message, path, span, hint, related = [] }: Diagnostic, report: FileReport) {
  return {
    code,
    severity,
    message,
    path: path ?? [],
    location: span ? location(span, report) : null,
    hint: hint ?? null,
    related: related.map((other) => ({
      message: other.message,
      location: other.span ? location(other.span, report) : null,
    })),
  };
}

function location(span: Span, report: FileReport) {
  const source = sourceOf(span, report);
  return {
    // On the command line there is no file: columns count within the argument.
    file: source.isCommandLine ? null : source.name,
    argument: source.isCommandLine ? source.text : null,
    start: positionAt(source.text, span.start),
    end: positionAt(source.text, Math.max(span.start, span.end)),
  };
}
