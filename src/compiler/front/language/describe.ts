// Forms and values in words, as messages, hints, explain texts and the reference page say them.
import type { Form, NumberForm, OptionsForm } from "./forms.js";
import { isRequired, mapOf } from "./forms.js";

/** "an integer of at least 1", "true or false", "one of relu, none" */
export function describeForm(form: Form): string {
  switch (form.kind) {
    case "number":
      return `${form.integer ? "an integer" : "a number"}${describeBounds(form)}`;
    case "boolean":
      return "true or false";
    case "text":
      return "text";
    case "choice":
      return alternatives(Object.keys(form.values));
    case "list":
      return `a list, each ${describeForm(form.item)}`;
    case "map":
      return `a map with ${enumeration(Object.keys(form.keys), "and")}`;
    case "dictionary":
      return `a map of ${form.noun}s by name`;
    case "options":
      return enumeration([...Object.keys(form.options), ...(form.others ? [form.others] : [])], "or");
    case "expression":
      if (form.of.kind === "text") return "the name of a setting";
      return `${describeForm(form.of)}${form.of.kind === "number" ? " or an expression" : " or a setting's name"}`;
    case "named":
      return `a list of ${form.name}`;
    case "any":
      return "any value";
    case "short-forms": {
      const shorts = form.shorts.map(({ form: short }) =>
        short.kind === "literal" ? String(short.value) : describeForm(short),
      );
      return enumeration([...shorts, describeForm(form.long)], "or");
    }
  }
}

/** " of at least 1", " above 0 and below 1"; empty where nothing bounds the number from a user's point of view. */
function describeBounds({ minimum, maximum, above, below }: NumberForm): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${digits(minimum)} to ${digits(maximum)}`;
  const low =
    minimum !== undefined ? `of at least ${digits(minimum)}` : above !== undefined ? `above ${digits(above)}` : "";
  const high =
    maximum !== undefined ? `at most ${digits(maximum)}` : below !== undefined ? `below ${digits(below)}` : "";
  return [low, high].some(Boolean) ? ` ${[low, high].filter(Boolean).join(" and ")}` : "";
}

/** "a", "a or b", "a, b or c" */
export function enumeration(words: readonly string[], conjunction: "and" | "or"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${conjunction} ${words.at(-1)}`;
}

/** "`a`, `b` and `c`" */
export function quoted(words: readonly string[], conjunction: "and" | "or" = "and"): string {
  return enumeration(
    words.map((word) => `\`${word}\``),
    conjunction,
  );
}

function alternatives(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : enumeration(names, "or");
}

function digits(value: number): string {
  return Number.isInteger(value) && Math.abs(value) >= 10_000 ? value.toLocaleString("en-US") : String(value);
}

/** Whether an option may be written as its name alone. */
export function mayStandAlone(form: OptionsForm, name: string): boolean {
  const settings = form.options[name]?.settings;
  return !settings || !Object.values(mapOf(settings).keys).some(isRequired);
}

/** A value in YAML's flow style, on one line: `{batch: {eps: 0.001}}` */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value)
      .map(([key, item]) => `${key}: ${flow(item)}`)
      .join(", ")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value))
    return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  return typeof value === "string" && !/^[A-Za-z_][\w./-]*$/.test(value) ? JSON.stringify(value) : String(value);
}
