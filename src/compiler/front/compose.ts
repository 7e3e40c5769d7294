// `extends: FILE`: a file laid over the one it extends. Maps are merged key by key, lists and single values replaced
// whole, and an option that differs from the base's replaces it with its settings. Every value keeps the file it was
// written in, so later diagnostics point there.
import type { Diagnostic, Result, SourceText } from "../diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "../diagnostics/diagnostic.js";
import type { Form } from "./language/forms.js";
import { language } from "./language/language.js";
import { parse } from "./parse.js";
import { wrongType } from "./validate/value-faults.js";
import { childOf, entryOf, fromSource, valueSpan, withSource } from "./yaml/yaml-file.js";
import type { YamlEntry, YamlFile, YamlMap, YamlNode } from "./yaml/yaml-file.js";

/** Finds what `extends` names; `from` is the file that says so. Fails with one diagnostic, without a place. */
export type ReadBase = (name: string, from: SourceText) => Result<SourceText>;

/** The file with all it extends below it, without the key itself. */
export function compose(file: YamlFile, readBase: ReadBase): Result<YamlFile> {
  const composed = composeOver(file, readBase, [file.source.name]);
  return composed.value ? ok({ ...file, root: composed.value }, composed.diagnostics) : failed(composed.diagnostics);
}

function composeOver({ source, root }: YamlFile, readBase: ReadBase, chain: readonly string[]): Result<YamlNode> {
  const entry = entryOf(root, "extends");
  if (!entry || root.kind !== "map") return ok(root);
  const own: YamlMap = { ...root, entries: root.entries.filter((other) => other !== entry) };
  const span = { ...valueSpan({ source, root }, entry.value, entry.keySpan), source };
  if (entry.value.kind !== "scalar" || typeof entry.value.value !== "string" || entry.value.value === "") {
    const fault = wrongType(language.keys["extends"]!.form, entry.value, { path: ["extends"] });
    const message = `extends ${fault.message}`;
    const hint = fault.hint ?? "write the name of one file: `extends: base.yaml`";
    return failed([{ code: "schema/wrong-type", severity: "error", message, path: ["extends"], span, hint }]);
  }
  const fail = (diagnostic: Diagnostic) => failed<YamlNode>([{ ...diagnostic, path: ["extends"], span }]);
  const found = readBase(entry.value.value, source);
  if (!found.value) return fail(found.diagnostics[0]!);
  if (chain.includes(found.value.name)) {
    const circle = [...chain.slice(chain.indexOf(found.value.name)), found.value.name].join(" → ");
    const message = `files extend one another in a circle: ${circle}`;
    return fail({ code: "extends/cycle", severity: "error", message, hint: "take one `extends` out" });
  }

  const parsed = parse(found.value.text, found.value.name);
  const faults = withSource(found.value, parsed.diagnostics);
  if (!parsed.value || hasErrors(faults)) return failed(faults);
  const base = composeOver(parsed.value, readBase, [...chain, found.value.name]);
  if (!base.value) return base;
  return ok(merge(language, own, fromSource(base.value, parsed.value.source)), [...faults, ...base.diagnostics]);
}

function merge(form: Form, own: YamlNode, base: YamlNode): YamlNode {
  if (form.kind === "short-forms") return merge(form.long, own, base);
  if (form.kind === "expression") return merge(form.of, own, base);
  if (own.kind !== "map" || base.kind !== "map") return own;
  if (form.kind === "map") {
    return mergeEntries(own, base, (key) => form.keys[key]?.form);
  }
  if (form.kind === "dictionary") return mergeEntries(own, base, () => form.item);
  if (form.kind !== "options") return own;
  const [chosen] = own.entries;
  const isSame = own.entries.length === 1 && childOf(base, chosen!.key) !== undefined;
  return isSame ? mergeEntries(own, base, (key) => form.options[key]?.settings ?? undefined) : own;
}

function mergeEntries(own: YamlMap, base: YamlMap, formOf: (key: string) => Form | undefined): YamlMap {
  const inherited = base.entries.filter(({ key }) => !entryOf(own, key));
  const merged = own.entries.map((entry): YamlEntry => {
    const below = entryOf(base, entry.key)?.value;
    const form = formOf(entry.key);
    return below && form ? { ...entry, value: merge(form, entry.value, below) } : entry;
  });
  return { ...own, entries: [...merged, ...inherited] };
}
