// A value in the form that a user writes → its long form, with the defaults that the table itself knows.
import { invariant } from "../../diagnostics/diagnostic.js";
import { isWrittenAs } from "./forms.js";
import type { Form, MapForm, OptionsForm, ShortFormsForm } from "./forms.js";

/** The long form of a value that the table's form allows, with the defaults that the table itself knows. */
export function fill(form: Form, value: unknown): unknown {
  switch (form.kind) {
    case "map":
      return fillMap(form, value as Readonly<Record<string, unknown>>);
    case "options":
      return fillOption(form, value as string | Readonly<Record<string, unknown>>);
    case "short-forms":
      return fillShort(form, value);
    case "list":
      return (value as readonly unknown[]).map((item) => fill(form.item, item));
    case "dictionary":
      return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, fill(form.item, item)]));
    case "named":
      return fill(form.form(), value);
    case "expression":
      return typeof value === "string" ? value : fill(form.of, value);
    default:
      return value;
  }
}

function fillMap(form: MapForm, values: Readonly<Record<string, unknown>>): unknown {
  const filled: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(form.keys)) {
    const value = values[name] === undefined ? key.default : values[name];
    if (value !== undefined) filled[name] = value === null ? null : fill(key.form, value);
    else invariant(key.derived !== undefined, `${name} has neither value nor default`);
  }
  return filled;
}

/** An option without settings stays its name; any other becomes a map of its name to all its settings. */
function fillOption(form: OptionsForm, value: string | Readonly<Record<string, unknown>>): unknown {
  const [name, settings] = typeof value === "string" ? [value, {}] : Object.entries(value)[0]!;
  const option = Object.hasOwn(form.options, name) ? form.options[name]! : undefined;
  if (!option) return typeof value === "string" ? name : { [name]: settings };
  return option.settings ? { [name]: fill(option.settings, settings) } : name;
}

function fillShort(form: ShortFormsForm, value: unknown): unknown {
  const short = form.shorts.find((candidate) => isWrittenAs(candidate, value));
  if (!short) return fill(form.long, value);
  if (short.expand) return fill(form.long, short.expand(value as never));
  return short.form.kind === "literal" ? value : fill(short.form, value);
}
