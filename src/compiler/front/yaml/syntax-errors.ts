// Turns the YAML reader's errors into diagnostics a reader can act on: what is wrong in plain words, at the token that
// causes it, and one diagnostic a cause where the reader reports its confusion several times.
import { isScalar, visit } from "yaml";
import type { Document, YAMLParseError } from "yaml";
import { lookAlikeIn } from "./look-alikes.js";
import { positionAt } from "../../diagnostics/code-frame.js";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.js";

interface Wording {
  readonly code?: Diagnostic["code"];
  readonly message: string;
  readonly hint?: string;
  readonly span?: Span;
}

type Describe = (error: YAMLParseError, text: string, document: Document) => Wording;

/** Diagnostics of a document's syntax errors; at most ten, none a consequence of the one before. */
export function describeSyntaxErrors(document: Document, text: string, offset = 0): Diagnostic[] {
  const content = text.slice(offset);
  const causes = causesAmong(document.errors as readonly YAMLParseError[], content);
  return causes.map((error): Diagnostic => {
    const wording: Wording =
      lookAlikeIn(content, linesBefore(content, error.pos[0])) ??
      (wordings[error.code] ?? describeOther)(error, content, document);
    const span = wording.span ?? { start: error.pos[0], end: error.pos[1] };
    return {
      code: wording.code ?? "yaml/syntax",
      severity: "error",
      message: wording.message,
      // The reader reports what is missing one past the end.
      span: { start: Math.min(span.start + offset, text.length), end: Math.min(span.end + offset, text.length) },
      ...(wording.hint ? { hint: wording.hint } : {}),
    };
  });
}

/**
 * The first of the characters that YAML 1.2 leaves out (section 5.1), such as control codes; and a carriage return that no
 * line feed follows, which YAML takes for the end of a line and the reader does not. What else is then wrong may come of it.
 */
export function unprintableCharacter(text: string, offset = 0): Diagnostic | undefined {
  const pattern = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]|\r(?!\n)/g;
  pattern.lastIndex = offset;
  const found = pattern.exec(text);
  if (!found) return undefined;
  const [character] = found;
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  const isReturn = character === "\r";
  return {
    code: "yaml/syntax",
    severity: "error",
    message: isReturn
      ? "a line ends with a carriage return alone, expected a line feed"
      : `the character U+${code} stands here, YAML takes only characters that can be printed`,
    span: { start: found.index, end: found.index + 1 },
    hint: isReturn
      ? "save the file with the line ends of Unix (LF) or Windows (CRLF)"
      : `remove it, or write it as \`\\u${code}\` within double quotes`,
  };
}

/** Shown of one text; each of the others may be a consequence. */
const MOST = 10;

/** Errors on the line of another, or on the next, are nearly always its consequence; tabs come before all. */
function causesAmong(errors: readonly YAMLParseError[], text: string): YAMLParseError[] {
  const isTab = (error: YAMLParseError) => error.code === "TAB_AS_INDENT";
  const byPlace = [...errors].sort((a, b) => Number(isTab(b)) - Number(isTab(a)) || a.pos[0] - b.pos[0]);
  const kept: { readonly error: YAMLParseError; readonly line: number }[] = [];
  const flow = errors.some(isUnclosed);
  for (const error of byPlace) {
    if (kept.length === MOST) break;
    const { line } = positionAt(text, error.pos[0]);
    const follows = kept.some(
      (other) =>
        (flow && line > other.line) ||
        Math.abs(line - other.line) <= 1 ||
        // What a tab indents is taken for another level, and the lines around it no longer fit.
        (isTab(other.error) && isIndentation(error)),
    );
    if (!follows) kept.push({ error, line });
  }
  return kept.map(({ error }) => error).sort((a, b) => a.pos[0] - b.pos[0]);
}

const wordings: Readonly<Record<string, Describe>> = {
  TAB_AS_INDENT: (error, text) => ({
    code: "yaml/tab",
    message: "a tab is used as indentation, YAML takes only spaces",
    hint: "replace the tab with two spaces",
    span: tabsAt(text, error.pos[0]),
  }),

  MULTIPLE_DOCS: (error) => ({
    code: "yaml/several-documents",
    message: "a second document starts here, a netc file is one",
    hint: "remove the `---`, or put the second network into a file of its own",
    span: { start: error.pos[0], end: error.pos[0] + 3 },
  }),

  BAD_INDENT: (error, text) => {
    if (isUnclosed(error)) return unclosed(error, text);
    return {
      message: "this line is indented differently from the lines it belongs with",
      hint: "start keys of one map, and items of one list, at the same column",
      span: wordAt(text, error.pos[0]),
    };
  },

  BLOCK_AS_IMPLICIT_KEY: (error, text) => {
    const lineEnd = endOfLine(text, error.pos[0]);
    // The second colon is on a line below: that line is indented as if it belonged to this value.
    if (!/:(\s|$)/.test(text.slice(error.pos[0], lineEnd))) {
      const next = /\S/.exec(text.slice(lineEnd));
      return {
        message: "this line is indented deeper than the key above, which already has a value",
        hint: "start it at the same column as the key above",
        span: next ? wordAt(text, lineEnd + next.index) : undefined,
      };
    }
    return {
      message: "a second `key: value` starts on this line",
      hint: "put it on a line of its own, or quote the text if it is one value",
    };
  },

  MULTILINE_IMPLICIT_KEY: missingColon,

  MISSING_CHAR: (error, text, document) => {
    if (/quote/.test(error.message)) {
      return {
        message: "the quote that opens here is never closed",
        hint: "close it at the end of the text",
        span: openQuote(document, text),
      };
    }
    if (isUnclosed(error)) return unclosed(error, text);
    return /map values/.test(error.message) ? missingColon(error, text) : describeOther(error, text);
  },

  BAD_SCALAR_START: (error, text) => ({
    message: `a plain text cannot start with \`${text[error.pos[0]]}\``,
    hint: "put the text in quotes",
  }),

  BAD_DQ_ESCAPE: (error, text) => ({
    message: `\`${text.slice(error.pos[0], error.pos[0] + 2)}\` is not an escape that YAML knows`,
    hint: "write the backslash twice, or use single quotes",
  }),

  MULTIPLE_ANCHORS: () => ({ message: "a value has two anchors, it can have one" }),
};

function isIndentation(error: YAMLParseError): boolean {
  return (error.code === "BAD_INDENT" || error.code === "BLOCK_AS_IMPLICIT_KEY") && !isUnclosed(error);
}

function isUnclosed({ message }: YAMLParseError): boolean {
  return /^Flow (sequence|map)/i.test(message);
}

function unclosed({ message, pos }: YAMLParseError, text: string): Wording {
  const [opening, closing] = /^Flow sequence/i.test(message) ? ["[", "]"] : ["{", "}"];
  return {
    message: `the \`${opening}\` that opens here is never closed`,
    hint: `add a \`${closing}\``,
    span: openBracket(text, pos[0], opening!),
  };
}

function missingColon(error: YAMLParseError, text: string): Wording {
  const span = wordAt(text, error.pos[0]);
  const word = text.slice(span.start, span.end);
  const joined = /^([\w-]+):(\S.*)$/.exec(word);
  if (joined) {
    return { message: `\`${word}\` has no space after its colon`, hint: `write \`${joined[1]}: ${joined[2]}\``, span };
  }
  return {
    message: `\`${word}\` stands where a key is expected, but no colon follows`,
    hint: `write \`${word}: value\``,
    span,
  };
}

function describeOther(error: YAMLParseError, text: string): Wording {
  const token = /^Unexpected (\S+) token in YAML stream/.exec(error.message);
  if (token || error.code === "UNEXPECTED_TOKEN") {
    const span = wordAt(text, error.pos[0]);
    return { message: `\`${text.slice(span.start, span.end)}\` does not belong here`, span };
  }
  const message = error.message.charAt(0).toLowerCase() + error.message.slice(1);
  return { message: `not YAML: ${message}` };
}

/** The line of a place and the one above it, which often has the cause. */
function linesBefore(text: string, offset: number): Span {
  const above = text.lastIndexOf("\n", offset - 1);
  return { start: above <= 0 ? 0 : text.lastIndexOf("\n", above - 1) + 1, end: endOfLine(text, offset) };
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
}

function wordAt(text: string, offset: number): Span {
  const start = offset + /^\s*/.exec(text.slice(offset))![0].length;
  const length = /^\S+/.exec(text.slice(start))?.[0].length ?? 1;
  return { start, end: start + length };
}

function tabsAt(text: string, offset: number): Span {
  let start = offset;
  while (text[start - 1] === "\t") start--;
  let end = start;
  while (text[end] === "\t") end++;
  return { start, end: Math.max(end, start + 1) };
}

/** The bracket that is still open before `offset`; strings and comments are not told apart, the last one is good enough. */
function openBracket(text: string, offset: number, opening: string): Span {
  const closing = opening === "[" ? "]" : "}";
  let depth = 0;
  for (let at = Math.min(offset, text.length) - 1; at >= 0; at--) {
    if (text[at] === closing) depth++;
    else if (text[at] === opening && depth-- === 0) return { start: at, end: at + 1 };
  }
  return { start: offset, end: offset + 1 };
}

function openQuote(document: Document, text: string): Span | undefined {
  let span: Span | undefined;
  visit(document, (_key, node) => {
    if (!isScalar(node) || !node.range || (node.type !== "QUOTE_SINGLE" && node.type !== "QUOTE_DOUBLE")) return;
    const quote = node.type === "QUOTE_SINGLE" ? "'" : '"';
    const [start, end] = node.range;
    if (end - start < 2 || text[end - 1] !== quote) span = { start, end: start + 1 };
  });
  return span;
}
