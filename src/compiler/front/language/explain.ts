// What there is to know about a key, in words: for `netc explain`, the hover texts of editors and the reference page.
import { describeForm, flow, mayStandAlone } from "./describe.js";
import { layerOptions } from "../../blocks/layers.js";
import { isRequired, mapOf } from "./forms.js";
import type { Form, Key, Option } from "./forms.js";
import { language } from "./language.js";
import { placeText } from "./lookup.js";

/** A place of the language that a path names. */
export interface Entry {
  /** `["model", "stages", "[]", "channels"]` */
  readonly path: readonly string[];
  /** Absent for the language itself. */
  readonly key?: Key;
  /** Where the path ends at the name of an option. */
  readonly option?: Option;
  readonly form: Form;
}

/** One paragraph: the description, then default, unit and source as sentences. */
export function describeKey(key: Key): string {
  return [
    key.description,
    `Takes ${takes(key)}.`,
    ...(isRequired(key) ? ["Must be given."] : [`Default: ${defaultText(key)}.`]),
    ...(key.source ? [`Source: ${key.source}.`] : []),
  ].join(" ");
}

/** "an integer from 1 to 512, in pixels; or null: no pooling" */
export function takes(key: Key): string {
  const unit = key.form.kind === "number" && key.form.unit ? `, in ${key.form.unit}` : "";
  return `${describeForm(key.form)}${unit}${key.absent === undefined ? "" : `, or null: ${key.absent}`}`;
}

export function defaultText(key: Key): string {
  if (key.derived !== undefined) return key.derived;
  if (key.default === null) return `null: ${key.absent}`;
  return isEmptyMap(key.default) ? "each key's own" : `\`${flow(key.default)}\``;
}

/**
 * The entry that a path names: indices of lists may be given or left out, and so may the option that is chosen where
 * only one has such a key.
 */
export function entryAt(path: readonly string[]): Entry | undefined {
  const entries = path.reduce<readonly Entry[]>(
    (found, step) => found.flatMap((entry) => stepInto(entry, step)),
    [root],
  );
  return entries[0];
}

/** The keys and options right below an entry. */
export function entriesBelow(entry: Entry): readonly Entry[] {
  return below(entry.form, entry.path);
}

const root: Entry = { path: [], form: language };

/** Layers stand in many places, and are explained once. */
export function layersEntry(): Entry {
  const key: Key = {
    form: layerOptions(),
    description:
      "The layers that blocks are described in, and that `stem`, `pooling` and `classifier` may list: each by its name, or as a map of its name to its settings.",
    example: { conv: { kernel: 3, channels: 64 } },
  };
  return { path: ["layers"], key, form: key.form };
}

function stepInto(entry: Entry, step: string): readonly Entry[] {
  if (entry.path.length === 0 && step === "layers") return [layersEntry()];
  if (entry.form.kind === "named") return stepInto({ ...entry, form: entry.form.form() }, step);
  if (entry.form.kind === "dictionary") return [{ path: [...entry.path, "NAME"], form: entry.form.item }];
  if (/^(\[\]|-?\d+)$/.test(step) && listOf(entry.form)) {
    return [{ ...entry, path: [...entry.path, "[]"], form: listOf(entry.form)! }];
  }
  const named = below(entry.form, entry.path).filter(({ path }) => path.at(-1) === step);
  if (named.length > 0) return named;
  // A key given without the option that it is a setting of.
  return below(entry.form, entry.path).flatMap((inner) => (inner.option ? stepInto(inner, step) : []));
}

function below(form: Form, path: readonly string[]): readonly Entry[] {
  if (form.kind === "list") return below(form.item, [...path, "[]"]);
  if (form.kind === "expression") return below(form.of, path);
  if (form.kind === "dictionary") return below(form.item, [...path, "NAME"]);
  if (form.kind === "short-forms") return below(form.long, path);
  if (form.kind === "map") {
    return Object.entries(form.keys).map(([name, key]) => ({ path: [...path, name], key, form: key.form }));
  }
  if (form.kind !== "options") return [];
  return Object.entries(form.options).map(([name, option]) => ({
    path: [...path, name],
    option,
    form: option.settings ?? { kind: "map", keys: {} },
  }));
}

function listOf(form: Form): Form | undefined {
  if (form.kind === "short-forms") {
    const forms = [form.long, ...form.shorts.flatMap(({ form: short }) => (short.kind === "literal" ? [] : [short]))];
    return forms.map(listOf).find((found) => found !== undefined);
  }
  if (form.kind === "named") return listOf(form.form());
  return form.kind === "list" ? form.item : undefined;
}

/** The values a key takes, each with its meaning, where they are named one by one. */
export function namedValues(form: Form): readonly (readonly [value: string, meaning: string])[] {
  switch (form.kind) {
    case "choice":
      return Object.entries(form.values);
    case "options":
      return Object.entries(form.options).map(([name, option]) => [
        mayStandAlone(form, name) ? name : `{${name}: …}`,
        option.description,
      ]);
    case "expression":
      return namedValues(form.of);
    case "short-forms": {
      const shorts = form.shorts.map(({ form: short, meaning }) => {
        return [short.kind === "literal" ? String(short.value) : describeForm(short), meaning] as const;
      });
      return [...shorts, ...namedValues(form.long)];
    }
    case "list":
      return namedValues(form.item);
    default:
      return [];
  }
}

/** Lines for a terminal: everything about one entry. */
export function explain(entry: Entry): string[] {
  const { key, option, path } = entry;
  const facts: (readonly [string, string])[] = key
    ? [
        ["takes", takes(key)],
        isRequired(key) ? ["default", "none: it must be given"] : ["default", defaultText(key).replaceAll("`", "")],
        ...example(entry),
        ...(key.source ? [["source", key.source] as const] : []),
      ]
    : [...example(entry), ...(option?.source ? [["source", option.source] as const] : [])];
  const values = key ? namedValues(key.form) : [];
  const inner = entriesBelow(entry).filter((child) => child.key);
  return [
    path.length === 0 ? "netc file" : placeText(path),
    `  ${key?.description ?? option?.description ?? "A neural network and its training."}`,
    ...(facts.length > 0 ? ["", ...columns(facts)] : []),
    ...(values.length > 0 ? ["", "  values", ...columns(values, "    ")] : []),
    ...(inner.length > 0
      ? [
          "",
          "  keys",
          ...columns(
            inner.map((child) => [child.path.at(-1)!, firstSentence(child.key!)]),
            "    ",
          ),
        ]
      : []),
  ];
}

/** A line that could stand in a file: the key's own example, or else its default. */
function example({ key, option, path }: Entry): (readonly ["example", string])[] {
  const name = path.at(-1);
  if (option) {
    const keys = option.settings ? mapOf(option.settings).keys : {};
    const required = Object.keys(keys).filter((inner) => isRequired(keys[inner]!));
    const shown = required.length > 0 ? required : Object.keys(keys).slice(0, 1);
    const settings = Object.fromEntries(shown.map((inner) => [inner, valueOf(keys[inner]!)]));
    return [["example", shown.length > 0 ? `{${name}: ${flow(settings)}}` : name!]];
  }
  const value = key && valueOf(key);
  if (value === undefined) return [];
  if (name !== "[]") return [["example", `${name}: ${flow(value)}`]];
  return Array.isArray(value) && value.length > 0 ? [["example", `- ${flow(value[0])}`]] : [];
}

function valueOf(key: Key): unknown {
  return key.example ?? (isEmptyMap(key.default) ? undefined : key.default);
}

function firstSentence(key: Key): string {
  return /^.*?[.:](?=\s|$)/.exec(key.description)?.[0].replace(/[.:]$/, "") ?? key.description;
}

function columns(rows: readonly (readonly [string, string])[], indent = "  "): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${indent}${name.padEnd(width)}  ${text}`);
}

function isEmptyMap(value: unknown): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0;
}
