// Diagnostics as GitHub workflow commands, which become annotations on a pull request's lines.
import { positionAt } from "../code-frame.js";
import type { Diagnostic } from "../diagnostic.js";
import type { FileReport } from "./file-report.js";
import { shownOf, sourceOf } from "./file-report.js";
import { printable } from "../printable.js";

export function renderGithub(reports: readonly FileReport[]): string {
  const { shown, more } = shownOf(reports);
  const commands = shown.map(([diagnostic, report]) => command(diagnostic, report));
  return [...commands, ...(more > 0 ? [`::notice::and ${more} more faults, which \`netc check\` counts`] : [])].join(
    "\n",
  );
}

function command({ code, severity, message, span, hint }: Diagnostic, report: FileReport): string {
  const properties = { ...place(span, report), title: code };
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(printable(String(value)))}`);
  return `::${severity} ${list.join(",")}::${escapeMessage([message, ...(hint ? [`hint: ${hint}`] : [])].map(printable).join("\n"))}`;
}

function place(span: Diagnostic["span"], report: FileReport): Record<string, string | number> {
  if (!span) return { file: report.source.name };
  const source = sourceOf(span, report);
  if (source.isCommandLine) return {};
  const start = positionAt(source.text, span.start);
  const end = positionAt(source.text, span.end);
  return {
    file: source.name,
    line: start.line,
    endLine: end.line,
    col: start.column,
    // GitHub takes columns only for a place within one line.
    ...(end.line === start.line ? { endColumn: end.column } : {}),
  };
}

function escapeMessage(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
