// A parsed file: plain maps, lists and scalars that know their places in the text. Aliases and merge keys are already
// followed, so later passes see values only.
import type { Diagnostic, Path, SourceText, Span } from "../../diagnostics/diagnostic.js";

export interface YamlFile {
  /** The text without a byte order mark. */
  readonly source: SourceText;
  readonly root: YamlNode;
}

export type YamlNode = YamlScalar | YamlMap | YamlList | YamlUnknown;

interface YamlNodeBase {
  readonly span: Span;
  /** Set where the text has an alias: where the value itself is written. */
  readonly anchor?: Span;
}

export interface YamlScalar extends YamlNodeBase {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  readonly quoted: boolean;
}

export interface YamlMap extends YamlNodeBase {
  readonly kind: "map";
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: YamlNode;
}

export interface YamlList extends YamlNodeBase {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

/** A value that could not be read; the fault is reported, and nothing more is to be said about it. */
export interface YamlUnknown extends YamlNodeBase {
  readonly kind: "unknown";
}

export function entryOf(node: YamlNode | undefined, key: string): YamlEntry | undefined {
  return node?.kind === "map" ? node.entries.find((entry) => entry.key === key) : undefined;
}

export function childrenOf(node: YamlNode): readonly YamlNode[] {
  if (node.kind === "list") return node.items;
  return node.kind === "map" ? node.entries.map((entry) => entry.value) : [];
}

export function nodeAt(root: YamlNode, path: Path): YamlNode | undefined {
  return path.reduce<YamlNode | undefined>(childOf, root);
}

export function childOf(node: YamlNode | undefined, part: string | number): YamlNode | undefined {
  if (node?.kind === "list" && typeof part === "number") return node.items[part];
  return entryOf(node, String(part))?.value;
}

/**
 * The place of a value, or of the key that holds it. A path that the file does not have (a default, or the long form
 * of a short form) falls back to the nearest value around it that it has.
 */
export function locate(file: YamlFile, path: Path, part: "key" | "value"): Span {
  let node = file.root;
  let keySpan: Span | undefined;
  for (const step of path) {
    const entry = entryOf(node, String(step));
    const child = entry?.value ?? childOf(node, step);
    if (!child) break;
    keySpan = entry?.keySpan;
    node = child;
  }
  return part === "key" && keySpan ? keySpan : valueSpan(file, node, keySpan);
}

/**
 * Where a value is shown: an empty one, or a block of several lines, by its key; a list item, which has no key, by
 * itself.
 */
export function valueSpan(file: YamlFile, node: YamlNode, keySpan: Span | undefined): Span {
  if (!keySpan) return node.span;
  if (isEmpty(node)) return keySpan;
  return node.kind === "scalar" || isOneLine(file, node.span) ? node.span : keySpan;
}

/** The same values with spans that name their source, where they do not yet. */
export function fromSource(node: YamlNode, source: SourceText): YamlNode {
  const span = { ...node.span, source: node.span.source ?? source };
  if (node.kind === "list") return { ...node, span, items: node.items.map((item) => fromSource(item, source)) };
  if (node.kind !== "map") return { ...node, span };
  const entries = node.entries.map(({ key, keySpan, value }) => ({
    key,
    keySpan: { ...keySpan, source: keySpan.source ?? source },
    value: fromSource(value, source),
  }));
  return { ...node, span, entries };
}

/** Gives diagnostics of passes that know only paths their places in the text. */
export function withSpans(file: YamlFile, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return mapPlaces(diagnostics, ({ path, span }) => {
    const found = span ?? (path && locate(file, path, "value"));
    return found && { ...found, source: found.source ?? file.source };
  });
}

/** Names the text in spans that do not name theirs, so that diagnostics can be shown without the file. */
export function withSource(source: SourceText, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return mapPlaces(diagnostics, ({ span }) => span && { ...span, source: span.source ?? source });
}

type Located = { readonly path?: Path; readonly span?: Span };

function mapPlaces(diagnostics: readonly Diagnostic[], spanOf: (located: Located) => Span | undefined): Diagnostic[] {
  const place = <Kind extends Located>(located: Kind): Kind => {
    const span = spanOf(located);
    return span ? { ...located, span } : located;
  };
  return diagnostics.map((diagnostic) => {
    const { related } = diagnostic;
    return { ...place(diagnostic), ...(related ? { related: related.map(place) } : {}) };
  });
}

/** Where a value stands: its path, and the key that holds it, if it is not an item of a list. */
export interface Place {
  readonly path: Path;
  readonly keySpan?: Span;
  /** The key takes null too. */
  readonly isNullable?: boolean;
}

/** `channels`, `stages[1]`, `the file` */
export function placeName({ path }: Place): string {
  if (path.length === 0) return "the file";
  const last = path.at(-1)!;
  return typeof last === "number" ? `${path.slice(-2, -1).join("")}[${last}]` : last;
}

/** `model.stages.1.channels` */
export function pathText(path: Path): string {
  return path.join(".");
}

function isEmpty(node: YamlNode): boolean {
  return node.span.start === node.span.end;
}

function isOneLine(file: YamlFile, span: Span): boolean {
  return !(span.source ?? file.source).text.slice(span.start, span.end).trimEnd().includes("\n");
}
