// Settings as a file writes them → the values they come to where they stand: short forms made long, defaults filled in,
// expressions computed, all within the bounds of their form.
import { describeForm, flow } from "../front/language/describe.js";
import { isWrittenAs } from "../front/language/forms.js";
import type { Form, MapForm, NumberForm, OptionsForm } from "../front/language/forms.js";
import { parseExpression } from "./expression.js";

/** What names stand for: a number, a truth value, or any other value of a setting. */
export type Names = (name: string) => unknown;

export interface ValueFault {
  /** The keys on the way to the value. */
  readonly at: readonly string[];
  /** Goes on after the name of the layer or of the setting. */
  readonly message: string;
  readonly hint?: string;
  /** Names that its expression reads. */
  readonly reads: readonly string[];
}

/** Thrown with the first fault, and caught where the layer is built. */
export class BadValue extends Error {
  constructor(readonly fault: ValueFault) {
    super(fault.message);
  }
}

export function evaluate(form: Form, value: unknown, names: Names, at: readonly string[] = []): unknown {
  switch (form.kind) {
    case "expression":
      return typeof value === "string" ? fromText(form.of, value, names, at) : evaluate(form.of, value, names, at);
    case "map":
      return evaluateMap(form, value, names, at);
    case "short-forms": {
      const short = form.shorts.find((candidate) => isWrittenAs(candidate, value));
      if (!short) return evaluate(form.long, value, names, at);
      if (short.expand) return evaluate(form.long, short.expand(value as never), names, at);
      return short.form.kind === "literal" ? value : evaluate(short.form, value, names, at);
    }
    case "options":
      return evaluateOption(form, value, names, at);
    case "number":
      return withinBounds(form, value, at, undefined, []);
    case "boolean":
      return typeof value === "boolean" ? value : refuse(form, value, at, undefined, []);
    case "choice":
      return Object.hasOwn(form.values, String(value)) ? value : refuse(form, value, at, undefined, []);
    default:
      return value; // layers, which are evaluated where they are built
  }
}

function evaluateMap(form: MapForm, value: unknown, names: Names, at: readonly string[]): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return refuse(form, value, at, undefined, []);
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(form.keys, key));
  if (unknown !== undefined) return refuse(form, value, at, undefined, []);
  const entries = Object.entries(form.keys).flatMap(([name, key]) => {
    const written = given[name] === undefined ? key.default : given[name];
    if (written === undefined) return [];
    if (written === null && key.absent !== undefined) return [[name, null] as const];
    return [[name, evaluate(key.form, written, names, [...at, name])] as const];
  });
  return Object.fromEntries(entries);
}

function evaluateOption(form: OptionsForm, value: unknown, names: Names, at: readonly string[]): unknown {
  const [[name, settings] = [String(value), {}], second] =
    value !== null && typeof value === "object" ? Object.entries(value) : [];
  const option = Object.hasOwn(form.options, name) ? form.options[name]! : undefined;
  if (!option || second) return refuse(form, value, at, undefined, []);
  return option.settings ? { [name]: evaluate(option.settings, settings, names, [...at, name]) } : name;
}

/** The value that a text stands for: a setting's, or what its arithmetic comes to. */
function fromText(form: Form, text: string, names: Names, at: readonly string[]): unknown {
  if (form.kind === "number") {
    const value = numberOf(text, names);
    return withinBounds(form, value, at, text, parseExpression(text)?.names ?? []);
  }
  const value = names(text);
  if (value === undefined) return evaluate(form, text, names, at);
  if (form.kind === "boolean" && typeof value === "number") return value !== 0;
  if (value === null) return null;
  try {
    return evaluate(form, value, names, at);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    const { fault } = error;
    throw new BadValue({ ...fault, at, reads: [text, ...fault.reads] });
  }
}

/** NaN where the text is no arithmetic, or reads what is no number. */
export function numberOf(text: string, names: Names): number {
  const expression = parseExpression(text);
  if (!expression) return Number.NaN;
  return expression.evaluate((name) => {
    const value = names(name);
    return typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : undefined;
  });
}

function withinBounds(
  form: NumberForm,
  value: unknown,
  at: readonly string[],
  text: string | undefined,
  reads: readonly string[],
): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return refuse(form, value, at, text, reads);
  const whole = Math.round(value);
  const found = form.integer && Math.abs(value - whole) < 1e-6 * Math.max(1, Math.abs(value)) ? whole : value;
  const { minimum = -Infinity, maximum = Infinity, above = -Infinity, below = Infinity } = form;
  const isWithin = found >= minimum && found <= maximum && found > above && found < below;
  return isWithin && (!form.integer || Number.isInteger(found)) ? found : refuse(form, value, at, text, reads);
}

function refuse(
  form: Form,
  value: unknown,
  at: readonly string[],
  text: string | undefined,
  reads: readonly string[],
): never {
  const isNumber = typeof value === "number" && Number.isFinite(value);
  const comesTo = isNumber ? `, which is ${Number(value.toPrecision(7))} here` : "";
  const found = text === undefined ? flow(value) : `\`${text}\`${comesTo}`;
  throw new BadValue({ at, message: `is ${found}, expected ${describeForm(form)}`, reads });
}
