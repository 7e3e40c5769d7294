// Shows a place in the user's own text: its line with its number, and carets under the very characters.
import type { SourceText, Span } from "./diagnostic.js";
import { printable } from "./printable.js";

export interface Position {
  /** Both count from 1; columns in UTF-16 units, as editors and SARIF count them. */
  readonly line: number;
  readonly column: number;
}

/** Longest part of a line that is shown. */
const MAX_WIDTH = 110;
/** Characters kept before the place where a longer line is cut. */
const LEAD = 40;

/** In time that grows with the logarithm of the text: a hostile file has as many faults as lines. */
export function positionAt(text: string, offset: number): Position {
  const starts = lineStartsOf(text);
  let [first, last] = [0, starts.length - 1];
  while (first < last) {
    const middle = Math.ceil((first + last) / 2);
    if (starts[middle]! <= offset) first = middle;
    else last = middle - 1;
  }
  return { line: first + 1, column: Math.max(0, offset - starts[first]!) + 1 };
}

/** Of the text that was last asked about: diagnostics of one file come together. */
let known: { readonly text: string; readonly starts: readonly number[] } | undefined;

function lineStartsOf(text: string): readonly number[] {
  if (known?.text === text) return known.starts;
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  known = { text, starts };
  return starts;
}

/**
 * ```
 *   18 |     channels: 32
 *      |               ^^
 * ```
 * `paint` colours the carets. A span of several lines is shown on its first.
 */
export function codeFrame(
  source: SourceText,
  span: Span,
  paint: (carets: string) => string = (carets) => carets,
): string {
  const { line, column } = positionAt(source.text, span.start);
  const lineStart = span.start - (column - 1);
  const lineEnd = source.text.indexOf("\n", lineStart);
  const whole = source.text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).trimEnd();
  const from = Math.min(column - 1, whole.length);
  const to = Math.max(from, Math.min(span.end - lineStart, whole.length));

  const cutBefore = whole.length > MAX_WIDTH ? Math.max(0, from - LEAD) : 0;
  const cutAfter = Math.min(whole.length, cutBefore + MAX_WIDTH);
  const lead = (cutBefore > 0 ? "…" : "") + shownLine(whole.slice(cutBefore, from));
  const shown = shownLine(whole.slice(from, Math.min(to, cutAfter)));
  const rest = shownLine(whole.slice(Math.min(to, cutAfter), cutAfter)) + (cutAfter < whole.length ? "…" : "");

  const gutter = source.isCommandLine ? source.name : String(line);
  const carets = "^".repeat(Math.max(1, displayWidth(shown)));
  return [
    `  ${gutter} | ${lead}${shown}${rest}`.trimEnd(),
    `  ${" ".repeat(gutter.length)} | ${" ".repeat(displayWidth(lead))}${paint(carets)}`,
  ].join("\n");
}

/** Tabs as one space: the columns of the carets go by it. */
function shownLine(text: string): string {
  return printable(text.replaceAll("\t", " "));
}

/** Columns in a terminal: East Asian wide characters and emoji take two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}
