// Words for values of the wrong type, with the edit that was probably meant.
import { describeForm, enumeration, flow, mayStandAlone } from "../language/describe.js";
import { isRequired, mapOf } from "../language/forms.js";
import type { Form, NumberForm } from "../language/forms.js";
import { otherValueNames } from "../language/other-names.js";
import { nearest, snakeCase } from "../../diagnostics/suggest.js";
import { plainCharacters } from "../yaml/look-alikes.js";
import type { Place, YamlNode, YamlScalar } from "../yaml/yaml-file.js";

interface Fault {
  /** Goes on after the name of the value. */
  readonly message: string;
  readonly hint?: string | undefined;
}

export function wrongType(form: Form, node: YamlNode, place: Place): Fault {
  if (place.path.length === 0) {
    const required = form.kind === "map" ? Object.keys(form.keys).filter((name) => isRequired(form.keys[name]!)) : [];
    const message = `is ${describeNode(node)}, expected a map with ${enumeration(required, "and")}`;
    return { message, hint: "start with `name: my-network`" };
  }
  const expected = expectation(form, place);
  if (node.kind === "scalar" && node.value === null) {
    const found = node.span.start === node.span.end ? "has no value" : "is null";
    return { message: `${found}, expected ${expected}`, hint: nothingHint(form) };
  }
  return {
    message: `is ${describeNode(node)}, expected ${expected}`,
    hint: meantValue(form, node) ?? meantNull(node, place) ?? meantShape(form, node),
  };
}

/** A word, number or boolean where one of a few names is expected. */
export function unknownValue(
  form: Form,
  found: string | number | boolean,
  names: readonly string[],
  place: Place,
): Fault {
  const meant = nameMeant(found, names);
  const hint =
    (meant && `write \`${withSettings(form, meant)}\``) ??
    (isNothing(found) ? nullHint(place) : undefined) ??
    (typeof found === "number" ? settingMeant(form, found) : undefined);
  return { message: `is ${flow(found)}, expected ${expectation(form, place)}`, hint };
}

function expectation(form: Form, { isNullable = false }: Place): string {
  return `${describeForm(form)}${isNullable ? " or null" : ""}`;
}

function meantNull(node: YamlNode, place: Place): string | undefined {
  return node.kind === "scalar" && node.value !== null && isNothing(node.value) ? nullHint(place) : undefined;
}

function isNothing(value: string | number | boolean): boolean {
  return value === false || (typeof value === "string" && /^(none|no|off|nothing|nil|false)$/i.test(value));
}

function nullHint({ isNullable = false, path }: Place): string | undefined {
  return isNullable ? `write \`null\`, or leave \`${path.at(-1)}\` out` : undefined;
}

export function wrongNumberType(form: NumberForm, value: number): Fault {
  if (!Number.isFinite(value)) return { message: `is ${flow(value)}, expected ${describeForm(form)}` };
  return { message: `is ${value}, expected ${describeForm(form)}`, hint: `write \`${Math.round(value)}\`` };
}

/** `relu` for `Relu`, `rleu` or `re-lu`; undefined where nothing is near. */
function nameMeant(found: string | number | boolean, names: readonly string[]): string | undefined {
  if (found === false && names.includes("none")) return "none";
  if (found === true && names.includes("none")) return names.find((name) => name !== "none");
  if (typeof found !== "string") return undefined;
  const snake = snakeCase(found);
  const known = Object.hasOwn(otherValueNames, snake) ? otherValueNames[snake] : undefined;
  return known && names.includes(known) ? known : nearest(found, names);
}

/** An option as it can be pasted: `relu`, or `{max: {kernel: 2}}` where it does not stand alone. */
function withSettings(form: Form, name: string): string {
  const [long] = alternativesOf(form).slice(-1);
  if (long?.kind !== "options" || mayStandAlone(long, name)) return name;
  const required = Object.entries(mapOf(long.options[name]!.settings!).keys).filter(([, key]) => isRequired(key));
  return flow({ [name]: Object.fromEntries(required.map(([setting, key]) => [setting, key.example])) });
}

/** A number where an option is chosen is most likely meant for the option whose one setting takes it. */
function settingMeant(form: Form, found: number): string | undefined {
  const [long] = alternativesOf(form).slice(-1);
  if (long?.kind !== "options") return undefined;
  const fits = Object.entries(long.options).flatMap(([name, { settings }]) => {
    const entries = settings ? Object.entries(mapOf(settings).keys) : [];
    const required = entries.filter(([, key]) => isRequired(key));
    const [first] = required.length > 0 ? required : entries;
    if (required.length > 1 || !first) return [];
    const [setting, { form: taken }] = first;
    return taken.kind === "number" && accepts(taken, found) ? [flow({ [name]: { [setting]: found } })] : [];
  });
  return fits.length === 1 ? `write \`${fits[0]}\`` : undefined;
}

function accepts(
  { integer, minimum = -Infinity, maximum = Infinity, above, below }: NumberForm,
  value: number,
): boolean {
  const isWithin = value >= minimum && value <= maximum && value > (above ?? -Infinity) && value < (below ?? Infinity);
  return isWithin && (!integer || Number.isInteger(value));
}

/** `"thirty-two"`, `3.5`, `a map`, `a list` */
function describeNode(node: YamlNode): string {
  if (node.kind !== "scalar") return node.kind === "map" ? "a map" : "a list";
  if (typeof node.value !== "string") return node.value === null ? "empty" : flow(node.value);
  return JSON.stringify(node.value.length > 60 ? `${node.value.slice(0, 59)}…` : node.value);
}

function nothingHint(form: Form): string | undefined {
  if (form.kind === "short-forms") return nothingHint(form.long);
  const names = form.kind === "options" ? form.options : form.kind === "choice" ? form.values : {};
  if ("none" in names) return "write `none`";
  if (form.kind === "map") {
    const entries = Object.entries(form.keys);
    const [name, key] = entries.find(([, other]) => isRequired(other)) ?? entries[0]!;
    return `put its keys on the lines below, indented, such as \`${name}: ${flow(key.example ?? key.default)}\``;
  }
  if (form.kind === "list") return "put its items on the lines below, each after `- `";
  return undefined;
}

/** A scalar that YAML 1.2 reads otherwise than its writer meant. */
function meantValue(form: Form, node: YamlNode): string | undefined {
  if (node.kind !== "scalar") return undefined;
  const { value } = node;
  const forms = alternativesOf(form);
  const number = numberHint(form, value, node.quoted);
  if (number) return number;
  if (forms.some(({ kind }) => kind === "boolean")) {
    const word = String(value).toLowerCase();
    const meant = value !== null && Object.hasOwn(booleans, word) ? booleans[word] : undefined;
    if (meant !== undefined) {
      return node.quoted
        ? `write \`${meant}\` without quotes`
        : `write \`${meant}\`: YAML 1.2 has no other word for it`;
    }
  }
  if (typeof value !== "string" && value !== null && forms.some(({ kind }) => kind === "text")) {
    return `put it in quotes: \`"${flow(value)}"\``;
  }
  return undefined;
}

/** Where a number may stand: the one that a text means. */
function numberHint(form: Form, found: YamlScalar["value"], isQuoted: boolean): string | undefined {
  if (typeof found !== "string" || !alternativesOf(form).some(({ kind }) => kind === "number")) return undefined;
  const number = numberIn(found);
  if (number === undefined) return undefined;
  return isQuoted && number === found ? `write \`${number}\` without quotes` : `write \`${number}\``;
}

/** A value of the right sort in the wrong brackets. */
function meantShape(form: Form, node: YamlNode): string | undefined {
  const [long] = alternativesOf(form).slice(-1);
  if (long?.kind === "list" && node.kind === "scalar") return `write \`[${flow(node.value)}]\``;
  if (long?.kind === "list" && node.kind === "map") return "begin each item with `- `";
  if (long?.kind === "options" && node.kind === "list" && node.items.length === 1) {
    return "write it without the brackets or the dash: exactly one is chosen";
  }
  if (long?.kind === "options" && node.kind === "list") {
    const first = Object.keys(long.options).find((name) => mayStandAlone(long, name));
    return first && `exactly one is chosen, such as \`${first}\``;
  }
  if (long?.kind === "map") {
    const required = Object.entries(long.keys).filter(([, key]) => isRequired(key));
    const shown = required.length > 0 ? required : Object.entries(long.keys).slice(0, 1);
    if (node.kind === "list") return `write a map: \`${shown[0]![0]}: …\`, without dashes`;
    // A number alone is most likely meant for the first key that takes one.
    const given = node.kind === "scalar" && typeof node.value === "number" ? node.value : undefined;
    const target = given === undefined ? undefined : shown.find(([, key]) => key.form.kind === "number")?.[0];
    const values = shown.map(([name, key]) => [name, name === target ? given : (key.example ?? key.default)]);
    return `write \`${flow(Object.fromEntries(values))}\``;
  }
  return undefined;
}

function alternativesOf(form: Form): readonly Form[] {
  if (form.kind === "expression") return alternativesOf(form.of);
  if (form.kind === "named") return alternativesOf(form.form());
  if (form.kind !== "short-forms") return [form];
  const shorts = form.shorts.map(({ form: short }): Form => {
    if (short.kind !== "literal") return short;
    return typeof short.value === "boolean" ? { kind: "boolean" } : { kind: "choice", values: { [short.value]: "" } };
  });
  return [...shorts, form.long];
}

const booleans: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  y: true,
  "1": true,
  true: true,
  t: true,
  no: false,
  off: false,
  n: false,
  "0": false,
  false: false,
  f: false,
  none: false,
};

/** The number that a text means: thousands set apart, a percentage, a fraction, quotes, characters that look like a number's. */
function numberIn(text: string): string | undefined {
  const bare = plainCharacters(text);
  const fraction = /^(\d+)\s*\/\s*(\d+)$/.exec(bare);
  if (fraction && Number(fraction[2]) > 0) return String(Number(fraction[1]) / Number(fraction[2]));
  if (/^[+-]?[\d.]+%$/.test(bare) && Number.isFinite(Number(bare.slice(0, -1))))
    return String(Number(bare.slice(0, -1)) / 100);
  const grouped = /^[+-]?\d{1,3}([_,]\d{3})+$/.test(bare) ? bare.replace(/[_,]/g, "") : bare.replaceAll("_", "");
  const comma = /^\d+,\d+$/.test(grouped) ? grouped.replace(",", ".") : grouped;
  return /^[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(comma) ? comma : undefined;
}
