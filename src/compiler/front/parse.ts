// Text to values with places: the one file that knows the `yaml` package's reader. YAML 1.2 with its core schema;
// what the language has no use for (tags, several documents, huge or endless values) is refused in bounded time.
import { Composer, Lexer, Parser, YAMLParseError, isAlias, isMap, isScalar, isSeq } from "yaml";
import type { Alias, CST, Document, Node, Pair, Scalar, YAMLMap } from "yaml";
import type { Diagnostic, Result, SourceText, Span } from "../diagnostics/diagnostic.js";
import { failed, ok } from "../diagnostics/diagnostic.js";
import { nearest } from "../diagnostics/suggest.js";
import { describeSyntaxErrors, unprintableCharacter } from "./yaml/syntax-errors.js";
import { lookAlikeIn, plainCharacters } from "./yaml/look-alikes.js";
import { childrenOf } from "./yaml/yaml-file.js";
import type { YamlEntry, YamlFile, YamlMap, YamlNode } from "./yaml/yaml-file.js";

export type { YamlFile } from "./yaml/yaml-file.js";
export { locate, withSpans } from "./yaml/yaml-file.js";

/** The reader takes about two seconds a megabyte; a file of a hundred stages is a tenth of this. */
const MAX_LENGTH = 256 * 1024;
/** The language itself is 8 deep. */
const MAX_DEPTH = 64;
/** YAML 1.2, section 10.3 */
const CORE_TAGS = new Set(
  ["map", "seq", "null", "bool", "int", "float", "str"].map((name) => `tag:yaml.org,2002:${name}`),
);
/** What may stand within a tag, between its exclamation marks or behind them. */
const TAG_CHARACTER = /[^\s,[\]{}!]/;
const TAG = /\S+/y;
const MOST_SUGGESTED = 100;
/** Values after aliases are followed. */
const MAX_VALUES = 100_000;

/**
 * Reads one YAML document. Faults that leave the rest readable (a key given twice, an unknown tag) are reported with
 * a value, so that later passes report theirs at the same time.
 */
export function parse(text: string, fileName: string): Result<YamlFile> {
  const source = sourceText(text, fileName);
  if (source.text.length > MAX_LENGTH) return failed([tooLarge(source.text)]);
  return parseSource(source);
}

/** Without the byte order mark that some editors put first: it takes up no column. */
export function sourceText(text: string, name: string): SourceText {
  return { name, text: text.startsWith("\uFEFF") ? text.slice(1) : text };
}

/** As `parse`, of a text that may be just a value (`--set` gives one after its equals sign). */
export function parseSource(source: SourceText, offset = 0): Result<YamlFile> {
  const document = read(source.text.slice(offset));
  if ("tooDeepAt" in document) {
    const start = offset + document.tooDeepAt;
    return failed([tooDeep({ start, end: start + 1 })]);
  }
  const reader = new Reader(source.text, offset);
  const root = document.contents ? reader.node(document.contents as Node, 0) : undefined;
  if (reader.stopped) return failed(reader.diagnostics);

  const unprintable = unprintableCharacter(source.text, offset);
  const syntax = unprintable ? [unprintable] : describeSyntaxErrors(document, source.text, offset);
  if (syntax.length > 0) return failed(syntax);
  const diagnostics = [...reader.diagnostics, ...versionErrors(document)];
  if (!root || (root.kind === "scalar" && root.value === null)) {
    return failed([...diagnostics, empty(source.text, root !== undefined && root.span.end > root.span.start)]);
  }
  return ok({ source, root }, diagnostics);
}

/**
 * The document, or where its nesting goes too deep. The package's composer calls itself for each level, and running out
 * of stack inside the engine's regular expressions ends the process; so depth is watched while the tokens come in.
 */
function read(text: string): Document | { readonly tooDeepAt: number } {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // Two entries a level: a collection and the value in it.
    if (parser.stack.length > 4 * MAX_DEPTH) return { tooDeepAt: parser.offset };
  }
  for (const token of parser.end()) tokens.push(token);
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    resolveKnownTags: false, // `!!set` and the like, which the language does not have, are refused below
    prettyErrors: false,
    uniqueKeys: false, // checked here, in linear time and with the place of the first
  });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second)
    document!.errors.push(new YAMLParseError(second.range.slice(0, 2) as [number, number], "MULTIPLE_DOCS", ""));
  return document!;
}

class Reader {
  readonly diagnostics: Diagnostic[] = [];
  /** Set where going on would cost unbounded time: the values are then useless. */
  stopped = false;
  readonly #text: string;
  readonly #offset: number;
  readonly #anchors = new Map<string, YamlNode | undefined>();
  /** Among which what the first aliases to none may mean is looked for: more of both would take for ever. */
  readonly #someAnchors: string[] = [];
  readonly #extents = new Map<YamlNode, { readonly values: number; readonly height: number }>();
  #values = 0;

  constructor(text: string, offset: number) {
    this.#text = text;
    this.#offset = offset;
  }

  node(node: Node, depth: number): YamlNode {
    if (depth > MAX_DEPTH) return this.#stop(tooDeep(this.#span(node)), node);
    if (isAlias(node)) return this.#alias(node, depth);
    const anchor = (node as Scalar).anchor;
    // An alias inside its own value finds the anchor unfinished.
    if (anchor) {
      this.#anchors.set(anchor, undefined);
      if (this.#someAnchors.length < MOST_SUGGESTED) this.#someAnchors.push(anchor);
    }
    this.#values++;
    const before = this.#values;
    const made = this.#make(node, depth);
    if (anchor) {
      this.#anchors.set(anchor, made);
      this.#extents.set(made, { values: this.#values - before + 1, height: this.#height(made) });
    }
    return made;
  }

  #make(node: Node, depth: number): YamlNode {
    const span = this.#span(node);
    const { tag } = node as Scalar;
    if (tag !== undefined && !CORE_TAGS.has(tag)) return this.#unknownTag(span);
    if (isMap(node)) return { kind: "map", span, entries: this.#entries(node, depth) };
    if (isSeq(node)) {
      const items = node.items.map((item) => (this.stopped ? nothing(span) : this.node(item as Node, depth + 1)));
      return { kind: "list", span, items };
    }
    const { value, type } = node as Scalar;
    const quoted = type !== undefined && type !== "PLAIN";
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return { kind: "scalar", span, value, quoted };
    }
    return { kind: "scalar", span, value: String(value), quoted };
  }

  #entries(map: YAMLMap, depth: number): YamlEntry[] {
    const own = new Map<string, YamlEntry>();
    const merged: YamlEntry[] = [];
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      if (this.stopped) break;
      const keySpan = this.#span(pair.key);
      const value = pair.value ? this.node(pair.value, depth + 1) : nothing(keySpan);
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      const lookAlike = lookAlikeIn(this.#text, keySpan);
      if (lookAlike) {
        this.#report({ code: "yaml/syntax", severity: "error", ...lookAlike });
        // What was meant is there, so that nothing is missed: `channels:\u00a08` has a value within its key
        const meant = plainCharacters(String(key)).split(":")[0]!.trim();
        own.set(meant, { key: meant, keySpan, value: { kind: "unknown", span: keySpan } });
      } else if (typeof key !== "string") {
        this.#report(keyType(key, keySpan));
      } else if (key === "<<" && (pair.key as Scalar).type === "PLAIN") {
        merged.push(...this.#merge(value, keySpan));
      } else if (own.has(key)) {
        this.#report(duplicateKey(key, keySpan, own.get(key)!.keySpan));
      } else {
        own.set(key, { key, keySpan, value });
      }
    }
    // What a map says itself beats what it merges; of several merged, the first wins.
    for (const entry of merged) if (!own.has(entry.key)) own.set(entry.key, entry);
    return [...own.values()];
  }

  #merge(value: YamlNode, keySpan: Span): readonly YamlEntry[] {
    if (value.kind === "unknown") return [];
    const maps = value.kind === "list" ? value.items : [value];
    if (maps.every((map): map is YamlMap => map.kind === "map")) return maps.flatMap((map) => map.entries);
    this.#report({
      code: "yaml/bad-merge",
      severity: "error",
      message: "`<<` merges maps, but its value is not a map",
      span: value.span.start === value.span.end ? keySpan : value.span,
      hint: "write `<<: *name`, with `&name` set before a map",
    });
    return [];
  }

  #alias(alias: Alias, depth: number): YamlNode {
    const span = this.#span(alias);
    const target = this.#anchors.get(alias.source);
    if (!target) {
      const known = this.diagnostics.length < MOST_SUGGESTED ? this.#someAnchors : [];
      this.#report(unknownAnchor(alias.source, span, this.#anchors.has(alias.source), known));
      return { kind: "unknown", span };
    }
    const extent = this.#extents.get(target)!;
    this.#values += extent.values;
    if (this.#values > MAX_VALUES) return this.#stop(aliasExpansion(span), alias);
    if (depth + extent.height > MAX_DEPTH) return this.#stop(tooDeep(span), alias);
    const copy = { ...target, span, anchor: target.span };
    this.#extents.set(copy, extent);
    return copy;
  }

  #height(node: YamlNode): number {
    const known = this.#extents.get(node);
    if (known) return known.height;
    return childrenOf(node).reduce((height, child) => Math.max(height, 1 + this.#height(child)), 0);
  }

  #unknownTag(value: Span): YamlNode {
    const start = Math.max(0, this.#text.lastIndexOf("!", value.start - 1));
    let from = start;
    while (from > 0 && TAG_CHARACTER.test(this.#text[from - 1]!)) from--;
    if (this.#text[from - 1] === "!") from--;
    TAG.lastIndex = from;
    const [name] = TAG.exec(this.#text) ?? ["!"];
    this.#report({
      code: "yaml/unknown-tag",
      severity: "error",
      message: `the tag \`${name}\` has no meaning in netc files`,
      span: { start: from, end: from + name.length },
      hint: "remove it",
    });
    return { kind: "unknown", span: value };
  }

  /** Nothing after the stop: values are missing from there on, and faults would be their consequence. */
  #report(diagnostic: Diagnostic): void {
    if (!this.stopped) this.diagnostics.push(diagnostic);
  }

  #stop(diagnostic: Diagnostic, node: Node): YamlNode {
    this.#report(diagnostic);
    this.stopped = true;
    return nothing(this.#span(node));
  }

  #span(node: { readonly range?: readonly [number, number, number] | null } | null): Span {
    const [start, end] = node?.range ?? [0, 0];
    return { start: start + this.#offset, end: end + this.#offset };
  }
}

function nothing(place: Span): YamlNode {
  return { kind: "scalar", span: { start: place.end, end: place.end }, value: null, quoted: false };
}

function tooLarge(text: string): Diagnostic {
  return {
    code: "yaml/too-large",
    severity: "error",
    message: `the file has ${text.length.toLocaleString("en-US")} characters, netc reads up to ${MAX_LENGTH.toLocaleString("en-US")}`,
    span: { start: 0, end: 0 },
    hint: "check that this is the file you meant: a description of a network has a few kilobytes",
  };
}

function tooDeep(span: Span): Diagnostic {
  return {
    code: "yaml/too-deep",
    severity: "error",
    message: `values are nested more than ${MAX_DEPTH} deep`,
    span: { start: span.start, end: span.start + 1 },
  };
}

function aliasExpansion(span: Span): Diagnostic {
  return {
    code: "yaml/alias-expansion",
    severity: "error",
    message: `with this alias the file stands for more than ${MAX_VALUES.toLocaleString("en-US")} values`,
    span,
  };
}

function empty(text: string, isNull: boolean): Diagnostic {
  return {
    code: "yaml/empty",
    severity: "error",
    message: text.trim() === "" ? "the file is empty" : `the file holds no values${isNull ? "" : ", only comments"}`,
    span: { start: 0, end: 0 },
    hint: "start with `name: my-network`",
  };
}

function duplicateKey(key: string, span: Span, first: Span): Diagnostic {
  return {
    code: "yaml/duplicate-key",
    severity: "error",
    message: `\`${key}\` is given twice`,
    span,
    hint: "remove one of the two",
    related: [{ message: "first given here", span: first }],
  };
}

function keyType(key: unknown, span: Span): Diagnostic {
  const found = key === undefined ? "a list or a map" : key === null ? "empty" : `the ${typeof key} ${String(key)}`;
  const place = span.start === span.end ? { ...span, end: span.end + 1 } : span; // an empty key: where it would stand
  return { code: "yaml/key-type", severity: "error", message: `a key is ${found}, expected a name`, span: place };
}

function unknownAnchor(name: string, span: Span, inside: boolean, known: readonly string[]): Diagnostic {
  const meant = nearest(name, known);
  return {
    code: "yaml/unknown-anchor",
    severity: "error",
    message: inside
      ? `\`*${name}\` stands inside the value that it names`
      : `no anchor \`&${name}\` comes before this alias`,
    span,
    ...(meant && !inside ? { hint: `write \`*${meant}\`` } : {}),
  };
}

function versionErrors(document: Document): Diagnostic[] {
  const version = document.directives?.yaml;
  if (!version?.explicit || version.version === "1.2") return [];
  return [
    {
      code: "yaml/version",
      severity: "error",
      message: `the file asks for YAML ${version.version}, netc reads YAML 1.2`,
      span: { start: 0, end: `%YAML ${version.version}`.length },
      hint: "remove the %YAML line",
    },
  ];
}
