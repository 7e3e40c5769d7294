// `--set path=value`: values from the command line put into a parsed file before it is validated, so that they meet the
// same rules. They keep the command line as their source, and faults in them are shown there.
import type { Diagnostic, Result, SourceText, Span } from "./diagnostic.js";
import { failed, ok } from "./diagnostic.js";
import { parseSource } from "./parse.js";
import { withSource } from "./yaml-file.js";
import type { YamlEntry, YamlFile, YamlNode } from "./yaml-file.js";

/** One step of a path on the command line, with its place in the argument. */
export interface Step {
  readonly name: string | number | "+";
  readonly span: Span;
}

/**
 * Sets each `path=value`, in order; later ones win. The value is YAML (`0.1`, `true`, `[1, 2]`, `{batch: {eps: 1e-3}}`).
 * Paths name list items as `stages[1]`, `stages.1` or, from the end, `stages[-1]`; `stages[+]` appends. Maps on the way
 * are made where the file has none.
 */
export function applyOverrides(file: YamlFile, overrides: readonly string[]): Result<YamlFile> {
  let { root } = file;
  const diagnostics: Diagnostic[] = [];
  for (const override of overrides) {
    const source: SourceText = { name: "--set", text: override, isCommandLine: true };
    const assignment = readAssignment(source);
    const changed = assignment.value && setAt(root, assignment.value.steps, assignment.value.value);
    diagnostics.push(...assignment.diagnostics, ...(changed?.diagnostics ?? []));
    root = changed?.value ?? root;
  }
  return diagnostics.length > 0 ? failed(diagnostics) : ok({ ...file, root });
}

interface Assignment {
  readonly steps: readonly Step[];
  readonly value: YamlNode;
}

function readAssignment(source: SourceText): Result<Assignment> {
  const equals = source.text.indexOf("=");
  if (equals < 1) {
    return failed([
      syntaxError("an override has no `=`", "write `--set path=value`", { start: 0, end: source.text.length, source }),
    ]);
  }
  const steps = readPath(source, equals);
  if (!steps.value) return failed(steps.diagnostics);
  const valueStart = equals + 1;
  if (source.text.slice(valueStart).trim() === "") {
    const hint = "write a value after the `=`, or `null`";
    return failed([syntaxError("an override has no value", hint, { start: equals, end: equals + 1, source })]);
  }
  const parsed = parseSource(source, valueStart);
  const diagnostics = withSource(source, parsed.diagnostics);
  const isNull = parsed.value === undefined && diagnostics.every(({ code }) => code === "yaml/empty");
  if (isNull) {
    const span = { start: valueStart, end: source.text.length, source };
    return ok({ steps: steps.value, value: { kind: "scalar", value: null, quoted: false, span } });
  }
  if (!parsed.value || diagnostics.length > 0) return failed(diagnostics);
  return ok({ steps: steps.value, value: fromSource(parsed.value.root, source) });
}

/** The steps of a path that ends at `end`; dots and brackets may be mixed. */
export function readPath(source: SourceText, end: number): Result<readonly Step[]> {
  const steps: Step[] = [];
  const pattern = /\s*(?:([\w-]+)|\[\s*(-?\d+|\+)\s*\])\s*(\.(?=\s*[\w-])|(?=\[)|$)/gy;
  const path = source.text.slice(0, end);
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const match = pattern.exec(path);
    if (!match) {
      const hint = "write a path such as `model.stages[1].channels`";
      const span = { start: from, end: Math.max(end, from + 1), source };
      return failed([syntaxError(`\`${path.slice(from)}\` is not a path`, hint, span)]);
    }
    const [, word, index] = match;
    const text = word ?? index!;
    const start = path.indexOf(text, from);
    const name = text === "+" ? "+" : /^-?\d+$/.test(text) ? Number(text) : text;
    steps.push({ name, span: { start, end: start + text.length, source } });
  }
  return ok(steps);
}

/** A copy of the node with `value` at the end of the steps. */
function setAt(node: YamlNode, steps: readonly Step[], value: YamlNode): Result<YamlNode> {
  const [step, ...rest] = steps;
  if (!step) return ok(value);
  if (node.kind === "list") {
    const { length } = node.items;
    const index =
      step.name === "+" ? length : typeof step.name === "number" && step.name < 0 ? length + step.name : step.name;
    if (typeof index !== "number" || index < 0 || index > length || (index === length && step.name !== "+")) {
      return failed([unknownStep(step, listMessage(step, length))]);
    }
    const inner = setAt(node.items[index] ?? emptyMap(step.span), rest, value);
    if (!inner.value) return inner;
    const items = [...node.items.slice(0, index), inner.value, ...node.items.slice(index + 1)];
    return ok({ ...node, items });
  }
  if (typeof step.name === "number" || step.name === "+") {
    const found = node.kind === "map" ? "a map" : "a single value";
    return failed([unknownStep(step, `\`[${step.name}]\` asks for a list item, but the file has ${found} there`)]);
  }
  // A short form on the way gives way to the map that the path goes through.
  const entries = node.kind === "map" ? node.entries : [];
  const old = entries.find((entry) => entry.key === step.name);
  const inner = setAt(old?.value ?? emptyMap(step.span), rest, value);
  if (!inner.value) return inner;
  const entry: YamlEntry = { key: step.name, keySpan: step.span, value: inner.value };
  const replaced = old ? entries.map((other) => (other === old ? entry : other)) : [...entries, entry];
  return ok({ kind: "map", span: node.kind === "map" ? node.span : step.span, entries: replaced });
}

function emptyMap(span: Span): YamlNode {
  return { kind: "map", span, entries: [] };
}

function listMessage(step: Step, length: number): string {
  const items = length === 1 ? "1 item" : `${length} items`;
  return `\`${step.name}\` is not an item of this list, which has ${items}`;
}

function unknownStep(step: Step, message: string): Diagnostic {
  const hint = "items count from 0; `[-1]` is the last, `[+]` adds one";
  return { code: "set/unknown-path", severity: "error", message, span: step.span, hint };
}

function syntaxError(message: string, hint: string, span: Span): Diagnostic {
  return { code: "set/syntax", severity: "error", message, span, hint };
}

/** The same values with spans that name their source. */
function fromSource(node: YamlNode, source: SourceText): YamlNode {
  const span = { ...node.span, source };
  if (node.kind === "list") return { ...node, span, items: node.items.map((item) => fromSource(item, source)) };
  if (node.kind !== "map") return { ...node, span };
  const entries = node.entries.map(({ key, keySpan, value }) => ({
    key,
    keySpan: { ...keySpan, source },
    value: fromSource(value, source),
  }));
  return { ...node, span, entries };
}
