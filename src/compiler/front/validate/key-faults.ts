// Words for keys: those that the language does not have here, with the one that was meant or the place where it belongs,
// and those that are missing.
import type { Diagnostic, Path, Span } from "../../diagnostics/diagnostic.js";
import { enumeration, flow, quoted } from "../language/describe.js";
import { isRequired, mapOf } from "../language/forms.js";
import type { MapForm, OptionsForm } from "../language/forms.js";
import { everyPlace, placeText } from "../language/lookup.js";
import type { Place } from "../language/lookup.js";
import { otherKeyNames } from "../language/other-names.js";
import { editDistance, nearest, snakeCase } from "../../diagnostics/suggest.js";
import { entryOf, placeName } from "../yaml/yaml-file.js";
import type { Place as FilePlace, YamlFile, YamlMap } from "../yaml/yaml-file.js";

export interface UnknownKey {
  readonly diagnostic: Diagnostic;
  /** The place that the key was meant for: it is there after all. */
  readonly meant?: Path;
  /** The key of the same map that was meant, where the map does not give it too: the value can be held against it. */
  readonly stands?: string;
}

/**
 * A key that stands where the language has none of that name. In this order: a name from elsewhere for a key that
 * stands here, a slip of the finger, a key that belongs elsewhere in the file.
 */
export function unknownKey(form: MapForm | OptionsForm, map: YamlMap, key: string, span: Span, path: Path): UnknownKey {
  const names = Object.keys(form.kind === "map" ? form.keys : form.options);
  const parent = path.slice(0, -1);
  const fault = (hint: string, code: Diagnostic["code"] = "schema/unknown-key"): Diagnostic => {
    const message = `${placeName({ path: parent })} has no key \`${shorten(key)}\``;
    return { code, severity: "error", message, path, span, hint };
  };
  const snake = snakeCase(key).slice(0, 64);
  const synonyms = [snake, ...(Object.hasOwn(otherKeyNames, snake) ? otherKeyNames[snake]! : [])];
  const synonym = synonyms.find((name) => names.includes(name));
  const slip = names.find((name) => snake.length > 2 && editDistance(snake, name) <= 1);
  const here = synonym ?? slip;
  const inPlace = (name: string): UnknownKey => ({
    diagnostic: fault(replaceHint(map, name, span)),
    meant: [...parent, name],
    ...(isGiven(map, name, span) ? {} : { stands: name }),
  });
  if (here) return inPlace(here);

  const inOption = form.kind === "options" ? optionHint(form, names, key, map) : undefined;
  if (inOption) return { diagnostic: fault(inOption.hint, inOption.code) };

  const places = placesOf(synonyms, parent);
  const [elsewhere] = places;
  if (elsewhere) {
    const owners = [...new Set(places.map(ownerText))].slice(0, 3);
    const name = elsewhere.at(-1)!;
    const called = name === key ? "" : `, where it is called \`${name}\``;
    const where = owners[0] === TOP ? `at ${TOP}` : `in ${enumeration(owners, "or")}`;
    const hint = `\`${shorten(key)}\` belongs ${where}${called}`;
    return { diagnostic: fault(hint, "schema/misplaced-key"), meant: elsewhere };
  }
  const near = nearest(key, names);
  if (near) return inPlace(near);
  return { diagnostic: fault(`the keys here are ${quoted(names)}`) };
}

/** Keys without a default that a map does not give: one diagnostic, at the map's own key. */
export function missingKeys(
  file: YamlFile,
  form: MapForm,
  map: YamlMap,
  missing: readonly string[],
  place: FilePlace,
): Diagnostic {
  const examples = missing.map((key) => `\`${key}: ${flow(form.keys[key]!.example)}\``);
  return {
    code: "schema/missing-key",
    severity: "error",
    message: `${placeName(place)} has no ${quoted(missing)}`,
    path: place.path,
    span: place.keySpan ?? firstLine(file, map.span),
    hint: `add ${examples.slice(0, 2).join(" and ")}`,
  };
}

/** Settings written without the option that has them, or the option given by a key such as `type`. */
function optionHint(
  form: OptionsForm,
  names: readonly string[],
  key: string,
  map: YamlMap,
): { readonly code: Diagnostic["code"]; readonly hint: string } | undefined {
  if (/^(type|name|kind|method|class|_target_)$/.test(key)) {
    const value = entryOf(map, key)!.value;
    const name = value.kind === "scalar" && typeof value.value === "string" ? snakeCase(value.value) : undefined;
    const chosen = name && names.includes(name) ? name : names[0]!;
    const rest = map.entries.filter((entry) => entry.key !== key).map((entry) => `${entry.key}: …`);
    const written = rest.length > 0 ? `{${chosen}: {${rest.join(", ")}}}` : chosen;
    return { code: "schema/unknown-key", hint: `write \`${written}\`` };
  }
  const owner = names.find((name) => {
    const { settings } = form.options[name]!;
    return settings && Object.hasOwn(mapOf(settings).keys, key);
  });
  return owner
    ? {
        code: "schema/misplaced-key",
        hint: `\`${key}\` is a setting of \`${owner}\`: write \`{${owner}: {${key}: …}}\``,
      }
    : undefined;
}

function firstLine(file: YamlFile, span: Span): Span {
  const end = (span.source ?? file.source).text.indexOf("\n", span.start);
  return end === -1 || end > span.end ? span : { ...span, end };
}

function replaceHint(map: YamlMap, name: string, span: Span): string {
  return isGiven(map, name, span) ? `\`${name}\` is already given here, remove this one` : `write \`${name}\``;
}

/** In the same text: what the command line sets replaces what the file gives, and that what the file extends. */
function isGiven(map: YamlMap, name: string, span: Span): boolean {
  const entry = entryOf(map, name);
  return entry !== undefined && entry.keySpan.source?.text === span.source?.text;
}

/** Places of the language that have a key of one of these names, those nearest to `from` first. */
function placesOf(names: readonly string[], from: Path): (readonly string[])[] {
  const start = from.map((step) => (typeof step === "number" ? "[]" : step));
  const shared = (path: readonly string[]) => {
    const end = start.findIndex((step, index) => path[index] !== step);
    return end === -1 ? start.length : end;
  };
  for (const name of names) {
    const found = everyPlace().filter(({ path }) => path.at(-1) === name);
    if (found.length > 0) {
      // Of places as near, those that cannot do without the key come first.
      const byNearness = (a: Place, b: Place) =>
        shared(b.path) - shared(a.path) ||
        Number(isRequired(b.key)) - Number(isRequired(a.key)) ||
        a.path.length - b.path.length;
      return found.sort(byNearness).map(({ path }) => path);
    }
  }
  return [];
}

const TOP = "the top level";

/** "`model.stages[]`", "the top level" */
function ownerText(place: readonly string[]): string {
  return place.length === 1 ? TOP : `\`${placeText(place.slice(0, -1))}\``;
}

function shorten(key: string): string {
  return key.length > 40 ? `${key.slice(0, 39)}…` : key;
}
