// `netc set`: changes values in a file's text and nothing else. Comments, order, quotes, blank lines and line ends stay,
// because an edit replaces or inserts only the characters of its own value. What the new text means is compared with
// what the edit asked for; a text that would mean anything else is never returned.
import { readAssignment, readPath } from "./assignment.js";
import type { Step } from "./assignment.js";
import type { Diagnostic, Result, SourceText } from "../../diagnostics/diagnostic.js";
import { failed, ok } from "../../diagnostics/diagnostic.js";
import { flow } from "../language/describe.js";
import { language } from "../language/language.js";
import { indexIn, removeAt, setAt, unknownStep } from "../overrides.js";
import { parse } from "../parse.js";
import type { YamlEntry, YamlFile, YamlMap, YamlNode } from "../yaml/yaml-file.js";
import { entryOf } from "../yaml/yaml-file.js";

/** `path=value` to set, or a `path` to take out. */
export type Edit = { readonly set: string } | { readonly unset: string };

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text after all edits, in order. A byte order mark stays. */
export function editText(text: string, fileName: string, edits: readonly Edit[]): Result<string> {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  let current = text.slice(mark.length);
  const diagnostics: Diagnostic[] = [];
  for (const edit of edits) {
    const edited = applyEdit(current, fileName, edit);
    diagnostics.push(...edited.diagnostics);
    current = edited.value ?? current;
  }
  return diagnostics.length > 0 ? failed(diagnostics) : ok(mark + current);
}

function applyEdit(text: string, fileName: string, edit: Edit): Result<string> {
  const file = parse(text, fileName);
  if (!file.value || file.diagnostics.length > 0) return failed(file.diagnostics);
  return "set" in edit ? applySet(file.value, edit.set) : applyUnset(file.value, edit.unset);
}

function applySet(file: YamlFile, argument: string): Result<string> {
  const source: SourceText = { name: "set", text: argument, isCommandLine: true };
  const assignment = readAssignment(source);
  if (!assignment.value) return failed(assignment.diagnostics);
  const { steps, value, text: written } = assignment.value;
  const wanted = setAt(file.root, steps, value, language);
  if (!wanted.value) return failed(wanted.diagnostics);
  // As written on the command line; where that does not fit its surroundings (a comma within braces), in quotes.
  const candidates = [written, flow(plainOf(value)), ...(isText(value) ? [JSON.stringify(value.value)] : [])];
  for (const candidate of candidates) {
    const splice = spliceToSet(file, steps, candidate);
    const edited = splice && spliced(file.source.text, splice);
    if (edited !== undefined && means(edited, wanted.value)) return ok(edited);
  }
  // Where more than the value changes (a short form, another option), the smallest part around it that holds the change.
  for (let depth = steps.length - 1; depth > 0; depth--) {
    const around = steps.slice(0, depth);
    const splice = spliceToSet(file, around, flow(plainOf(valueAt(wanted.value, around))));
    if (!splice || !isPlain(file.source.text.slice(splice.start, splice.end))) continue;
    const edited = spliced(file.source.text, splice);
    if (edited && means(edited, wanted.value)) return ok(edited);
  }
  return failed([notEditable(steps.at(-1)!)]);
}

function applyUnset(file: YamlFile, argument: string): Result<string> {
  const source: SourceText = { name: "unset", text: argument, isCommandLine: true };
  const steps = readPath(source, argument.length);
  if (!steps.value) return failed(steps.diagnostics);
  const wanted = removeAt(file.root, steps.value);
  if (!wanted.value) return failed(wanted.diagnostics);
  const splice = spliceToUnset(file, steps.value);
  const edited = splice && spliced(file.source.text, splice);
  if (edited !== undefined && means(edited, wanted.value)) return ok(edited);
  return failed([notEditable(steps.value.at(-1)!)]);
}

/** What stands at the end of the steps in values that have it. */
function valueAt(root: YamlNode, steps: readonly Step[]): YamlNode {
  return steps.reduce<YamlNode>((node, step) => {
    if (node.kind !== "list") return entryOf(node, String(step.name))!.value;
    return node.items[step.name === "+" ? node.items.length - 1 : indexIn(node.items.length, step)!]!;
  }, root);
}

/** Without comments, anchors, aliases and merges, which writing a part anew would lose; or nothing but the one alias. */
function isPlain(text: string): boolean {
  return /^\*[^\s,[\]{}]+$/.test(text.trim()) || !/#|<<\s*:|(^|[\s[{,:-])[&*][^\s,[\]{}]/.test(text);
}

function notEditable(step: Step): Diagnostic {
  return {
    ...unknownStep(step, "the text there cannot be changed by itself: an alias, an anchor or a merge shares it"),
    hint: "edit the file by hand",
  };
}

// ---------------------------------------------------------------- set

function spliceToSet({ source, root }: YamlFile, steps: readonly Step[], value: string): Splice | undefined {
  let node = root;
  let keyEnd: number | undefined;
  for (const [depth, step] of steps.entries()) {
    if (node.anchor) return undefined; // an alias: its value stands elsewhere
    const rest = steps.slice(depth + 1);
    if (node.kind === "list") {
      const index = indexIn(node.items.length, step);
      if (index === undefined) return undefined;
      if (index === node.items.length) return appendItem(source, node, nested(rest, value));
      node = node.items[index]!;
      keyEnd = undefined;
    } else if (node.kind === "map") {
      const entry = ownEntry(node, String(step.name));
      if (!entry) return addEntry(source, node, `${String(step.name)}: ${nested(rest, value)}`);
      node = entry.value;
      keyEnd = entry.keySpan.end;
    } else {
      return replace(source, node, keyEnd, nested([step, ...rest], value));
    }
  }
  return replace(source, node, keyEnd, value);
}

/** The value under maps of one key each: `{batch: {eps: 1e-3}}`. */
function nested(steps: readonly Step[], value: string): string {
  return steps.reduceRight((inner, { name }) => `{${name}: ${inner}}`, value);
}

function replace({ text }: SourceText, node: YamlNode, keyEnd: number | undefined, value: string): Splice | undefined {
  if (node.span.start === node.span.end) {
    // Nothing stands there: the value goes right behind the key's colon.
    if (keyEnd === undefined) return undefined;
    const colon = text.indexOf(":", keyEnd) + 1;
    return { start: colon, end: colon, text: ` ${value}` };
  }
  if (isBlock(text, node) && keyEnd !== undefined) {
    const end = contentEnd(text, node);
    const colon = text.indexOf(":", keyEnd) + 1;
    const lineEnd = endOfLine(text, colon);
    // A comment behind the key stays.
    const comment = text.slice(colon, lineEnd);
    return { start: colon, end, text: ` ${value}${comment.trimEnd()}` };
  }
  const { start } = node.span;
  const quote = text[start] === "'" || text[start] === '"' ? text[start]! : "";
  const isPlainText = quote && /^[A-Za-z][\w ./-]*$/.test(value) && !/^(true|false|null)$/i.test(value);
  return { start, end: contentEnd(text, node), text: isPlainText ? quote + value + quote : value };
}

function addEntry({ text }: SourceText, map: YamlMap, entry: string): Splice | undefined {
  const own = map.entries.filter((other) => isInside(other, map));
  const last = own.at(-1);
  if (!isBlock(text, map)) {
    if (!last) return { start: map.span.start + 1, end: map.span.start + 1, text: entry };
    const at = valueEnd(text, last);
    return { start: at, end: at, text: `, ${entry}` };
  }
  if (!last) return undefined;
  const at = endOfLine(text, valueEnd(text, last));
  return { start: at, end: at, text: lineBreak(text) + " ".repeat(columnOf(text, own[0]!.keySpan.start)) + entry };
}

function appendItem(
  { text }: SourceText,
  list: YamlNode & { readonly kind: "list" },
  value: string,
): Splice | undefined {
  const last = list.items.at(-1);
  if (!isBlock(text, list)) {
    if (!last) return { start: list.span.start + 1, end: list.span.start + 1, text: value };
    const at = contentEnd(text, last);
    return { start: at, end: at, text: `, ${value}` };
  }
  if (!last) return undefined;
  const at = endOfLine(text, contentEnd(text, last));
  return { start: at, end: at, text: `${lineBreak(text)}${" ".repeat(columnOf(text, list.span.start))}- ${value}` };
}

// ---------------------------------------------------------------- unset

function spliceToUnset({ source, root }: YamlFile, steps: readonly Step[]): Splice | undefined {
  const { text } = source;
  let parent = root;
  let parentKeyEnd: number | undefined;
  for (const step of steps.slice(0, -1)) {
    if (parent.anchor) return undefined;
    if (parent.kind === "list") {
      const index = indexIn(parent.items.length, step);
      const item = index === undefined ? undefined : parent.items[index];
      if (!item) return undefined;
      [parent, parentKeyEnd] = [item, undefined];
    } else {
      const entry = ownEntry(parent, String(step.name));
      if (!entry) return undefined;
      [parent, parentKeyEnd] = [entry.value, entry.keySpan.end];
    }
  }
  if (parent.anchor || (parent.kind !== "map" && parent.kind !== "list")) return undefined;
  const pieces =
    parent.kind === "map"
      ? parent.entries
          .filter((entry) => isInside(entry, parent))
          .map((entry) => ({ start: entry.keySpan.start, end: valueEnd(text, entry) }))
      : parent.items.map((item) => ({ start: item.span.start, end: contentEnd(text, item) }));
  const index = indexOfLast(parent, steps.at(-1)!);
  const piece = index === undefined ? undefined : pieces[index];
  if (!piece) return undefined;
  if (pieces.length === 1) {
    const emptied = parent.kind === "map" ? "{}" : "[]";
    return isBlock(text, parent) ? replace(source, parent, parentKeyEnd, emptied) : { ...piece, text: "" };
  }
  const next = pieces[index! + 1];
  if (!isBlock(text, parent)) {
    return next
      ? { start: piece.start, end: next.start, text: "" }
      : { start: pieces[index! - 1]!.end, end: piece.end, text: "" };
  }
  const lineStart = text.lastIndexOf("\n", piece.start - 1) + 1;
  const before = text.slice(lineStart, piece.start);
  // The first key of a list item shares its line with the dash: the next key moves up to it.
  if (parent.kind === "map" && before.trim() !== "") return next && { start: piece.start, end: next.start, text: "" };
  const end = endOfLine(text, piece.end);
  return { start: lineStart, end: text.startsWith("\r\n", end) ? end + 2 : Math.min(end + 1, text.length), text: "" };
}

function indexOfLast(parent: YamlNode, step: Step): number | undefined {
  if (parent.kind === "list") return indexIn(parent.items.length, step);
  if (parent.kind !== "map") return undefined;
  const own = parent.entries.filter((entry) => isInside(entry, parent));
  const index = own.findIndex((entry) => entry.key === String(step.name));
  return index === -1 ? undefined : index;
}

// ---------------------------------------------------------------- places in the text

function isBlock(text: string, node: YamlNode): boolean {
  return node.kind !== "scalar" && text[node.span.start] !== "{" && text[node.span.start] !== "[";
}

/** Where the last character of a value stands; a block's own range goes on over blank lines and comments. */
function contentEnd(text: string, node: YamlNode): number {
  // A block of text (`|`, `>`) ends with its last line, and not with what YAML counts in.
  if (node.kind === "scalar" && /[|>]/.test(text[node.span.start] ?? "")) {
    return node.span.start + text.slice(node.span.start, node.span.end).trimEnd().length;
  }
  if (node.anchor || !isBlock(text, node)) return node.span.end;
  if (node.kind === "list" && node.items.length > 0) return contentEnd(text, node.items.at(-1)!);
  const last = node.kind === "map" ? node.entries.findLast((entry) => isInside(entry, node)) : undefined;
  return last ? valueEnd(text, last) : node.span.end;
}

function valueEnd(text: string, { keySpan, value }: YamlEntry): number {
  if (value.span.start !== value.span.end) return contentEnd(text, value);
  const colon = text.indexOf(":", keySpan.end);
  return colon === -1 ? keySpan.end : colon + 1;
}

/** A merged key stands where the merged map does. */
function isInside({ keySpan }: YamlEntry, map: YamlMap): boolean {
  return keySpan.start >= map.span.start && keySpan.end <= map.span.end;
}

function ownEntry(map: YamlNode, key: string): YamlEntry | undefined {
  const entry = entryOf(map, key);
  return entry && map.kind === "map" && isInside(entry, map) ? entry : undefined;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  if (end === -1) return text.length;
  return text[end - 1] === "\r" && end > offset ? end - 1 : end;
}

function lineBreak(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

function spliced(text: string, { start, end, text: inserted }: Splice): string {
  return text.slice(0, start) + inserted + text.slice(end);
}

// ---------------------------------------------------------------- meaning

/** Whether a text's values are these, key order aside. */
function means(text: string, wanted: YamlNode): boolean {
  const { value, diagnostics } = parse(text, "");
  return (
    value !== undefined && diagnostics.length === 0 && canonical(plainOf(value.root)) === canonical(plainOf(wanted))
  );
}

function plainOf(node: YamlNode): unknown {
  if (node.kind === "list") return node.items.map(plainOf);
  if (node.kind === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainOf(value)]));
  return node.kind === "scalar" ? node.value : undefined;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function isText(node: YamlNode): node is YamlNode & { readonly kind: "scalar"; readonly value: string } {
  return node.kind === "scalar" && typeof node.value === "string";
}
