// `--set path=value`: values from the command line put into a parsed file before it is validated, so that they meet the
// same rules. They keep the command line as their source, and faults in them are shown there.
import { readAssignment } from "./edit/assignment.js";
import type { Step } from "./edit/assignment.js";
import type { Diagnostic, Result, SourceText, Span } from "../diagnostics/diagnostic.js";
import { failed, ok } from "../diagnostics/diagnostic.js";
import { isWrittenAs } from "./language/forms.js";
import type { Form, ShortFormsForm } from "./language/forms.js";
import { language } from "./language/language.js";
import { entryOf } from "./yaml/yaml-file.js";
import type { YamlEntry, YamlFile, YamlNode, YamlScalar } from "./yaml/yaml-file.js";

/** What faults in an override are shown to stand in: an option, or an argument of `netc set`. */
export type ArgumentName = "--set" | "set";

/**
 * Sets each `path=value`, in order; later ones win. The value is YAML (`0.1`, `true`, `[1, 2]`, `{batch: {eps: 1e-3}}`).
 * Paths name list items as `stages[1]`, `stages.1` or, from the end, `stages[-1]`; `stages[+]` appends. Maps on the way
 * are made where the file has none.
 */
export function applyOverrides(
  file: YamlFile,
  overrides: readonly string[],
  argument: ArgumentName = "--set",
): Result<YamlFile> {
  let { root } = file;
  const diagnostics: Diagnostic[] = [];
  for (const override of overrides) {
    const source: SourceText = { name: argument, text: override, isCommandLine: true };
    const assignment = readAssignment(source);
    const [first] = assignment.value?.steps ?? [];
    if (first?.name === "extends") {
      diagnostics.push({
        ...unknownStep(first, "`extends` is read before the command line is"),
        hint: "write it in the file",
      });
      continue;
    }
    const changed = assignment.value && setAt(root, assignment.value.steps, assignment.value.value, language);
    diagnostics.push(...assignment.diagnostics, ...(changed?.diagnostics ?? []));
    root = changed?.value ?? root;
  }
  // What the others set is there also where one is refused, so that faults in their values are found too.
  return { value: { ...file, root }, diagnostics };
}

/**
 * A copy of the node with `value` at the end of the steps. Settings of an option choose it: another option that the file
 * has there gives way. A short form on the way is first written out, so that what it says stays.
 */
export function setAt(node: YamlNode, steps: readonly Step[], value: YamlNode, form?: Form): Result<YamlNode> {
  const [step, ...rest] = steps;
  if (!step) return ok(value);
  if (form?.kind === "short-forms") {
    const short =
      node.kind === "list"
        ? form.shorts.find(({ form: one }) => one.kind === "named" || one.kind === "list")
        : undefined;
    return setAt(writtenOut(node, form), steps, value, short ? (short.form as Form) : form.long);
  }
  if (form?.kind === "named") return setAt(node, steps, value, form.form());
  if (form?.kind === "expression") return setAt(node, steps, value, form.of);
  if (node.kind === "list") {
    const index = indexIn(node.items.length, step);
    if (index === undefined) return failed([unknownStep(step, listMessage(step, node.items.length))]);
    const inner = setAt(
      node.items[index] ?? emptyMap(step.span),
      rest,
      value,
      form?.kind === "list" ? form.item : undefined,
    );
    if (!inner.value) return inner;
    const items = [...node.items.slice(0, index), inner.value, ...node.items.slice(index + 1)];
    return ok({ ...node, items });
  }
  if (typeof step.name === "number" || step.name === "+") {
    return failed([noListFor(step, node)]);
  }
  // A name or a value on the way gives way to the map that the path goes through.
  const all = node.kind === "map" ? node.entries : [];
  const isOption = form?.kind === "options" && Object.hasOwn(form.options, step.name);
  const entries = isOption ? all.filter((entry) => entry.key === step.name) : all;
  const old = entries.find((entry) => entry.key === step.name);
  const inner = setAt(old?.value ?? emptyMap(step.span), rest, value, formBelow(form, step.name));
  if (!inner.value) return inner;
  const entry: YamlEntry = { key: step.name, keySpan: step.span, value: inner.value };
  const replaced = old ? entries.map((other) => (other === old ? entry : other)) : [...entries, entry];
  return ok({ kind: "map", span: node.kind === "map" ? node.span : step.span, entries: replaced });
}

function noListFor(step: Step, node: YamlNode): Diagnostic {
  const isNothing = node.kind === "map" && node.entries.length === 0;
  const found = isNothing ? "nothing" : node.kind === "map" ? "a map" : "a single value";
  const fault = unknownStep(step, `\`[${step.name}]\` asks for a list item, but the file has ${found} there`);
  return isNothing ? { ...fault, hint: "set the whole list: `path=[…]`" } : fault;
}

function formBelow(form: Form | undefined, name: string): Form | undefined {
  if (form?.kind === "dictionary") return form.item;
  if (form?.kind === "map" && Object.hasOwn(form.keys, name)) return form.keys[name]!.form;
  if (form?.kind === "options" && Object.hasOwn(form.options, name)) return form.options[name]!.settings ?? undefined;
  return undefined;
}

/** `0.1` as `{constant: {rate: 0.1}}`, at the place of the short form. */
function writtenOut(node: YamlNode, form: ShortFormsForm): YamlNode {
  if (node.kind !== "scalar") return node;
  const { value } = node;
  const short = form.shorts.find((candidate) => isWrittenAs(candidate, value));
  return short?.expand ? nodeOf(short.expand(value as never), node) : node;
}

function nodeOf(value: unknown, place: YamlScalar): YamlNode {
  if (value === null || typeof value !== "object") return { ...place, value: value as YamlScalar["value"] };
  const entries = Object.entries(value).map(([key, inner]) => ({
    key,
    keySpan: place.span,
    value: nodeOf(inner, place),
  }));
  return { kind: "map", span: place.span, entries };
}

/** A copy of the node without what is at the end of the steps. */
export function removeAt(node: YamlNode, steps: readonly Step[]): Result<YamlNode> {
  const [step, ...rest] = steps as [Step, ...Step[]];
  if (node.kind === "list") {
    const index = indexIn(node.items.length, step);
    const item = index === undefined ? undefined : node.items[index];
    if (!item) return failed([unknownStep(step, listMessage(step, node.items.length))]);
    const inner = rest.length > 0 ? removeAt(item, rest) : undefined;
    if (inner && !inner.value) return inner;
    const items = node.items.flatMap((other) => (other === item ? (inner?.value ?? []) : other));
    return ok({ ...node, items });
  }
  const entry = entryOf(node, String(step.name));
  if (!entry || node.kind !== "map") {
    return failed([
      {
        ...unknownStep(step, `the file does not set \`${step.name}\` there`),
        hint: "see what it sets with `netc resolve --origins`",
      },
    ]);
  }
  const inner = rest.length > 0 ? removeAt(entry.value, rest) : undefined;
  if (inner && !inner.value) return inner;
  const entries = node.entries.flatMap((other) =>
    other !== entry ? other : inner ? { ...entry, value: inner.value! } : [],
  );
  return ok({ ...node, entries });
}

/** Where a step leads in a list: its length for `[+]`; undefined where there is no such item. */
export function indexIn(length: number, { name }: Step): number | undefined {
  if (name === "+") return length;
  const index = typeof name === "number" && name < 0 ? length + name : name;
  return typeof index === "number" && index >= 0 && index < length ? index : undefined;
}

function emptyMap(span: Span): YamlNode {
  return { kind: "map", span, entries: [] };
}

function listMessage(step: Step, length: number): string {
  const items = length === 1 ? "1 item" : `${length} items`;
  return `\`${step.name}\` is not an item of this list, which has ${items}`;
}

export function unknownStep(step: Step, message: string): Diagnostic {
  const hint = "items count from 0; `[-1]` is the last, `[+]` adds one";
  return { code: "set/unknown-path", severity: "error", message, span: step.span, hint };
}
