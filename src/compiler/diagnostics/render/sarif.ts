// Diagnostics as SARIF 2.1.0, the OASIS format that code scanners exchange.
import { positionAt } from "../code-frame.js";
import { codes } from "../codes.js";
import type { Diagnostic, Span } from "../diagnostic.js";
import type { FileReport } from "./file-report.js";
import { sourceOf } from "./file-report.js";
import { printableDocument } from "../printable.js";

export function renderSarif(reports: readonly FileReport[]): string {
  const used = new Set(reports.flatMap((report) => report.diagnostics.map(({ code }) => code)));
  const rules = [...used].sort().map((code) => ({
    id: code,
    shortDescription: { text: codes[code].meaning },
    defaultConfiguration: { level: codes[code].severity },
  }));
  const results = reports.flatMap((report) => report.diagnostics.map((diagnostic) => result(diagnostic, report)));
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "netc", rules } }, columnKind: "utf16CodeUnits", results }],
  };
  return printableDocument(JSON.stringify(log, undefined, 2));
}

function result({ code, severity, message, path, span, hint, related = [] }: Diagnostic, report: FileReport) {
  const places = related.flatMap(({ message: text, span: other }) => (other ? [{ text, span: other }] : []));
  return {
    ruleId: code,
    level: severity,
    message: { text: hint ? `${message}\nhint: ${hint}` : message },
    locations: [
      {
        ...physicalLocation(span, report),
        ...(path && path.length > 0
          ? { logicalLocations: [{ fullyQualifiedName: path.join("."), kind: "member" }] }
          : {}),
      },
    ],
    ...(places.length > 0
      ? {
          relatedLocations: places.map(({ text, span: other }, id) => ({
            id,
            message: { text },
            ...physicalLocation(other, report),
          })),
        }
      : {}),
  };
}

function physicalLocation(span: Span | undefined, report: FileReport) {
  const source = span ? sourceOf(span, report) : report.source;
  // A value from the command line stands in no file: the result is about the file it was given for.
  const artifactLocation = { uri: relativeUri(source.isCommandLine ? report.source.name : source.name) };
  if (!span || source.isCommandLine) return { physicalLocation: { artifactLocation } };
  const start = positionAt(source.text, span.start);
  const end = positionAt(source.text, Math.max(span.start, span.end));
  const region = { startLine: start.line, startColumn: start.column, endLine: end.line, endColumn: end.column };
  return { physicalLocation: { artifactLocation, region } };
}

function relativeUri(path: string): string {
  return encodeURI(path.replaceAll("\\", "/")).replace(/[?#]/g, encodeURIComponent);
}
