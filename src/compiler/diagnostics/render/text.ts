// Diagnostics for people: what, where, the user's own line with carets, the way out.
import pc from "picocolors";
import { codeFrame, positionAt } from "../code-frame.js";
import type { Diagnostic, SourceText, Span } from "../diagnostic.js";
import type { FileReport, RenderOptions } from "./file-report.js";
import { countOf, shownOf, sourceOf } from "./file-report.js";
import { printable, printableSentence } from "../printable.js";
import { pathText } from "../../front/yaml/yaml-file.js";

type Colors = ReturnType<typeof pc.createColors>;

export function renderText(reports: readonly FileReport[], { color = false }: RenderOptions): string {
  const colors = pc.createColors(color);
  const { shown, more } = shownOf(reports);
  if (shown.length === 0) return "";
  const blocks = shown.map(([diagnostic, report]) => block(diagnostic, report, colors));
  const rest = more > 0 ? [`and ${more.toLocaleString("en-US")} more, which \`netc check --format json\` lists`] : [];
  return [...blocks, ...rest, summary(reports)].join("\n\n");
}

function block(diagnostic: Diagnostic, report: FileReport, colors: Colors): string {
  const { code, severity, message, path, span, hint, related = [] } = diagnostic;
  const tint = severity === "error" ? colors.red : colors.yellow;
  const place = span ? placeText(sourceOf(span, report), span) : printable(report.source.name);
  const frame =
    span && hasText(sourceOf(span, report), span) ? codeFrame(sourceOf(span, report), span, tint) : undefined;
  return [
    [
      `${tint(colors.bold(severity))} ${colors.bold(code)}`,
      place,
      path ? colors.dim(printableSentence(pathText(path))) : "",
    ]
      .filter(Boolean)
      .join("  "),
    `  ${printableSentence(message)}`,
    ...(frame ? [frame] : []),
    ...related.flatMap((other) => relatedLines(other, report, colors)),
    ...(hint ? [`  ${colors.cyan("hint:")} ${printableSentence(hint)}`] : []),
  ].join("\n");
}

function relatedLines(
  { message, span }: NonNullable<Diagnostic["related"]>[number],
  report: FileReport,
  colors: Colors,
): string[] {
  if (!span) return [`  ${printableSentence(message)}`];
  const source = sourceOf(span, report);
  const heading = `  ${printableSentence(message)}: ${colors.dim(placeText(source, span))}`;
  return hasText(source, span) ? [heading, codeFrame(source, span, colors.cyan)] : [heading];
}

/** `configs/r20.yaml:18:15`, `--set` */
function placeText(source: SourceText, span: Span): string {
  if (source.isCommandLine) return source.name;
  const { line, column } = positionAt(source.text, span.start);
  return `${printable(source.name)}:${line}:${column}`;
}

function hasText(source: SourceText, span: Span): boolean {
  return source.text.slice(span.start, span.end).trim() !== "" || span.end > span.start;
}

/** "2 errors and 1 warning in 3 files" */
function summary(reports: readonly FileReport[]): string {
  const count = (total: number, word: string) =>
    total === 0 ? [] : [`${total.toLocaleString("en-US")} ${word}${total === 1 ? "" : "s"}`];
  const faults = [...count(countOf(reports, "error"), "error"), ...count(countOf(reports, "warning"), "warning")];
  const files = reports.filter((report) => report.diagnostics.length > 0);
  const where = files.length === 1 ? printable(files[0]!.source.name) : `${files.length} files`;
  return `${faults.join(" and ")} in ${where}`;
}
