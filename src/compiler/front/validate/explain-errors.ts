// What ajv found in a file, in words: one diagnostic a fault, at its place, with the key or the branch of a union that was
// meant. The walk follows the language's table into the places that ajv refuses and decides only what is said there; a
// refusal that it has no words for is shown as ajv puts it.
import type { Diagnostic, Path, SourceText, Span } from "../../diagnostics/diagnostic.js";
import { describeForm, flow, mayStandAlone } from "../language/describe.js";
import { isRequired, mapOf } from "../language/forms.js";
import type {
  DictionaryForm,
  ExpressionForm,
  Form,
  ListForm,
  MapForm,
  NumberForm,
  OptionsForm,
  ShortFormsForm,
} from "../language/forms.js";
import { language } from "../language/language.js";
import { missingKeys, unknownKey } from "./key-faults.js";
import type { UnknownKey } from "./key-faults.js";
import type { SchemaError } from "./schema-errors.js";
import { unknownValue, wrongNumberType, wrongType } from "./value-faults.js";
import { plainCharacters } from "../yaml/look-alikes.js";
import { locate, placeName, valueSpan } from "../yaml/yaml-file.js";
import type { Place, YamlEntry, YamlFile, YamlMap, YamlNode, YamlScalar } from "../yaml/yaml-file.js";

/**
 * `errors` are those of `value`, the file's values. A misspelt key's value is held against the key that was meant, so that
 * its own faults show in the same go: the key is renamed in `value`, and `errorsOf` then says what is left.
 */
export function explainErrors(
  file: YamlFile,
  value: unknown,
  errors: readonly SchemaError[],
  errorsOf: (value: unknown) => readonly SchemaError[],
): readonly Diagnostic[] {
  const renamed: Renamed = new Map();
  let explanation = new Explanation(file, value, errors, renamed);
  while (explanation.hasRenamed) explanation = new Explanation(file, value, errorsOf(value), renamed);
  return explanation.diagnostics;
}

/** Of each map's place: keys that were written for others. */
type Renamed = Map<string, Map<string, UnknownKey>>;

/** A place in the file, and where ajv has it. */
interface Spot extends Place {
  /** As ajv's `instancePath`, with misspelt keys under their right names. */
  readonly at: string;
  readonly value: unknown;
}

class Explanation {
  readonly diagnostics: Diagnostic[] = [];
  /** Whether keys were renamed, whose values have yet to be held against the schema. */
  hasRenamed = false;
  readonly #file: YamlFile;
  readonly #renamed: Renamed;
  readonly #errors = new Map<string, SchemaError[]>();
  /** Places with errors at or below them, renamed keys among these. */
  readonly #refused = new Set<string>();
  /** Places of which something was said, or nothing on purpose. */
  readonly #explained = new Set<string>();
  readonly #reported = new Map<SourceText | undefined, Set<string>>();
  /** Keys that are there after all, under a wrong name or at a wrong place: `model.stages.[].channels`. */
  readonly #meant = new Set<string>();
  readonly #missing: {
    readonly form: MapForm;
    readonly map: YamlMap;
    readonly keys: readonly string[];
    readonly place: Place;
  }[] = [];

  constructor(file: YamlFile, value: unknown, errors: readonly SchemaError[], renamed: Renamed) {
    this.#file = file;
    this.#renamed = renamed;
    for (const error of errors) {
      const { instancePath } = error;
      const others = this.#errors.get(instancePath);
      if (others) others.push(error);
      else this.#errors.set(instancePath, [error]);
      addWithParents(this.#refused, instancePath);
    }
    for (const at of renamed.keys()) addWithParents(this.#refused, at);
    this.#value(language, file.root, { path: [], at: "", value });
    this.#addMissing();
    this.#addUnexplained(errors);
  }

  /** Reports keys that are missing and not merely misspelt or misplaced. */
  #addMissing(): void {
    const isMeant = (path: Path) => {
      const exact = path.join(".");
      const anywhere = path.map((step) => (typeof step === "number" ? "[]" : step)).join(".");
      return this.#meant.has(exact) || this.#meant.has(anywhere);
    };
    for (const { form, map, keys, place } of this.#missing) {
      const rest = keys.filter((key) => !isMeant([...place.path, key]));
      if (rest.length > 0) this.#add(missingKeys(this.#file, form, map, rest, place), map.anchor ?? map.span);
    }
  }

  #addUnexplained(errors: readonly SchemaError[]): void {
    const above = new Set<string>();
    for (const at of this.#explained) addWithParents(above, at);
    for (const error of errors) {
      const at = pointOf(error);
      if (error.keyword === "if" || above.has(at) || parentsOf(at).some((parent) => this.#explained.has(parent)))
        continue;
      const path = pathOf(error.instancePath);
      const span = locate(this.#file, path, "value");
      const message = `${placeName({ path })} ${error.message}`;
      this.#add({ code: "schema/wrong-type", severity: "error", message, path, span }, span);
    }
  }

  #value(form: Form, node: YamlNode, spot: Spot): void {
    if (!this.#refused.has(spot.at)) return;
    if (node.kind === "unknown") {
      this.#explained.add(spot.at); // the fault that it has is reported already
      return;
    }
    switch (form.kind) {
      case "number":
        return this.#number(form, node, spot);
      case "boolean":
      case "text":
        return this.#wrongType(form, node, spot);
      case "choice":
        return this.#name(Object.keys(form.values), form, node, spot);
      case "list":
        return this.#list(form, node, spot);
      case "map":
        return this.#map(form, node, spot);
      case "any":
        return;
      case "named":
        return this.#value(form.form(), node, spot);
      case "expression":
        return this.#expression(form, node, spot);
      case "dictionary":
        return this.#dictionary(form, node, spot);
      case "options":
        return this.#options(form, node, spot);
      case "short-forms":
        return this.#shortForms(form, node, spot);
    }
  }

  #number(form: NumberForm, node: YamlNode, spot: Spot): void {
    if (node.kind !== "scalar" || typeof node.value !== "number") return this.#wrongType(form, node, spot);
    const { value } = node;
    const isOfType = !this.#found(spot, "type").some(({ type }) => type === (form.integer ? "integer" : "number"));
    if (!isOfType) return this.#report("schema/wrong-type", node, spot, wrongNumberType(form, value));
    const [bound] = this.#found(spot, "minimum", "maximum");
    if (!bound && this.#found(spot, "exclusiveMinimum", "exclusiveMaximum").length === 0) return;
    this.#report("schema/out-of-range", node, spot, {
      message: `is ${flow(value)}, expected ${describeForm(form)}`,
      hint: bound && `the nearest allowed is \`${String(bound["limit"])}\``,
    });
  }

  /** A scalar that must be one of `names`. */
  #name(names: readonly string[], form: Form, node: YamlNode, spot: Spot): void {
    if (node.kind !== "scalar" || node.value === null) return this.#wrongType(form, node, spot);
    this.#report("schema/unknown-value", node, spot, unknownValue(form, node.value, names, spot));
  }

  #list(form: ListForm, node: YamlNode, spot: Spot): void {
    if (node.kind !== "list") return this.#wrongType(form, node, spot);
    const [few] = this.#found(spot, "minItems");
    const [limit = few] = this.#found(spot, "maxItems");
    if (limit) {
      const { length } = node.items;
      const bound = `${few ? "at least" : "at most"} ${String(limit["limit"])}`;
      const message = length === 0 ? `is empty, expected ${bound} item` : `has ${length} items, expected ${bound}`;
      return this.#report("schema/out-of-range", node, spot, { message });
    }
    for (const [index, item] of node.items.entries()) this.#value(form.item, item, below(spot, index));
  }

  #map(form: MapForm, node: YamlNode, spot: Spot): void {
    if (node.kind !== "map") return this.#wrongType(form, node, spot);
    const unknown = this.#unknownKeys(spot);
    for (const { key, keySpan, value } of node.entries) {
      const stands = this.#keyMeant(form, node, key, keySpan, spot, unknown) ?? key;
      if (Object.hasOwn(form.keys, stands))
        this.#value(form.keys[stands]!.form, value, this.#entry(form, spot, key, stands, keySpan));
    }
    const missing = new Set(this.#found(spot, "required").map(({ missingProperty }) => missingProperty));
    for (const name of missing) this.#explained.add(`${spot.at}/${String(name)}`);
    const unread = new Set(node.entries.filter(({ value }) => value.kind === "unknown").map(({ key }) => key));
    const keys = Object.keys(form.keys).filter((key) => missing.has(key) && !unread.has(key));
    if (keys.length > 0) this.#missing.push({ form, map: node, keys, place: spot });
  }

  #entry(form: MapForm, spot: Spot, key: string, stands: string, keySpan: Span): Spot {
    return { ...below(spot, key, stands), keySpan, isNullable: form.keys[stands]!.absent !== undefined };
  }

  /** Keys that the language does not have here, and those that were renamed for it. */
  #unknownKeys({ at }: Spot): ReadonlySet<unknown> {
    const names = (this.#errors.get(at) ?? []).flatMap(({ keyword, params }) =>
      keyword === "additionalProperties" ? [params["additionalProperty"]] : [],
    );
    return new Set([...names, ...(this.#renamed.get(at)?.keys() ?? [])]);
  }

  /** Reports a key that is not known, and gives the one that it was written for. */
  #keyMeant(
    form: MapForm | OptionsForm,
    map: YamlMap,
    key: string,
    keySpan: Span,
    { path, at, value }: Spot,
    unknown: ReadonlySet<unknown>,
  ): string | undefined {
    if (!unknown.has(key)) return undefined;
    const renamed = this.#renamed.get(at)?.get(key);
    const found = renamed ?? unknownKey(form, map, key, keySpan, [...path, key]);
    this.#explained.add(`${at}/${key}`);
    this.#add(found.diagnostic, keySpan);
    // What holds a key that is meant is meant with it
    found.meant?.forEach((_, index, meant) => this.#meant.add(meant.slice(0, index + 1).join(".")));
    const { stands } = found;
    const values = value as Record<string, unknown>;
    if (renamed || stands === undefined || Object.hasOwn(values, stands)) return renamed && stands;
    values[stands] = values[key];
    delete values[key];
    if (!this.#renamed.has(at)) this.#renamed.set(at, new Map());
    this.#renamed.get(at)!.set(key, found);
    this.hasRenamed = true;
    return stands;
  }

  /** A text that is no expression, or a value that the form does not take. */
  #expression(form: ExpressionForm, node: YamlNode, spot: Spot): void {
    if (isText(node)) return this.#report("schema/wrong-type", node, spot, wrongType(form, node, spot));
    this.#value(form.of, node, spot);
  }

  #dictionary(form: DictionaryForm, node: YamlNode, spot: Spot): void {
    if (node.kind !== "map") return this.#wrongType(form, node, spot);
    const badNames = new Set(this.#found(spot, "propertyNames").map(({ propertyName }) => propertyName));
    for (const { key, keySpan, value } of node.entries) {
      const inner = { ...below(spot, key), keySpan };
      if (badNames.has(key)) {
        const message = `${placeName(spot)} has a ${form.noun} called \`${key}\`, expected a letter, then letters, digits, \`_\` or \`-\``;
        this.#add({ code: "schema/unknown-key", severity: "error", message, path: inner.path, span: keySpan }, keySpan);
        this.#explained.add(spot.at);
      }
      this.#value(form.item, value, inner);
    }
  }

  #options(form: OptionsForm, node: YamlNode, spot: Spot): void {
    const names = Object.keys(form.options);
    if (node.kind === "list") return this.#wrongType(form, node, spot);
    if (node.kind === "map") return this.#option(form, node, spot);
    const name = isText(node) && names.includes(node.value) ? node.value : undefined;
    if (name === undefined) return this.#name(names, form, node, spot);
    const settings = mapOf(form.options[name]!.settings!);
    const required = Object.keys(settings.keys).filter((key) => isRequired(settings.keys[key]!));
    const examples = required.map((key) => [key, settings.keys[key]!.example]);
    this.#report("schema/missing-key", node, spot, {
      message: `is ${name}, which needs ${required.map((key) => `\`${key}\``).join(", ")}`,
      hint: `write \`${flow({ [name]: Object.fromEntries(examples) })}\``,
    });
  }

  /** An option with its settings: a map of exactly one key. */
  #option(form: OptionsForm, node: YamlMap, spot: Spot): void {
    const isKnown = ({ key }: YamlEntry) => Object.hasOwn(form.options, key) || form.others !== undefined;
    const chosen = node.entries.filter(isKnown);
    const others = node.entries.filter((entry) => !isKnown(entry));
    const unknown = new Set(others.map(({ key }) => key));
    // With the option's own name missing, its settings are not worth complaints of their own.
    for (const { key, keySpan, value } of chosen.length > 0 ? others : others.slice(0, 1)) {
      const isAlone = node.entries.length === 1;
      const stands = this.#keyMeant(form, node, key, keySpan, isAlone ? spot : { ...spot, value: {} }, unknown);
      const settings = isAlone && stands !== undefined ? form.options[stands]!.settings : undefined;
      if (settings && value.kind === "map") this.#value(settings, value, { ...below(spot, key, stands), keySpan });
    }
    for (const key of unknown) this.#explained.add(`${spot.at}/${key}`);
    const [first, second] = chosen;
    if (second) {
      this.#explained.add(spot.at);
      this.diagnostics.push({
        code: "schema/one-choice",
        severity: "error",
        message: `${placeName(spot)} has both \`${first!.key}\` and \`${second.key}\`, expected one`,
        path: [...spot.path, second.key],
        span: second.keySpan,
        hint: "keep one of them",
        related: [{ message: "the first is here", span: first!.keySpan }],
      });
    } else if (first) {
      this.#chosen(form, first.key, first.value, { ...below(spot, first.key), keySpan: first.keySpan });
    } else if (others.length === 0) {
      this.#report("schema/one-choice", node, spot, { message: `is an empty map, expected ${describeForm(form)}` });
    }
  }

  #chosen(form: OptionsForm, name: string, node: YamlNode, spot: Spot): void {
    if (!Object.hasOwn(form.options, name))
      return this.#wrongType({ kind: "dictionary", noun: "setting", item: { kind: "any" } }, node, spot);
    const { settings } = form.options[name]!;
    if (!settings) {
      this.#report("schema/wrong-type", node, spot, {
        message: "is given settings, but has none",
        hint: `write just \`${name}\``,
      });
    } else if (node.kind === "scalar" && node.value === null && mayStandAlone(form, name)) {
      this.#report("schema/wrong-type", node, spot, {
        message: "has no value",
        hint: `write \`${name}\` without the colon, or give it settings`,
      });
    } else {
      this.#value(settings, node, spot);
    }
  }

  /** Which form is meant shows in what is written: a number, a name, a list or a map. */
  #shortForms(form: ShortFormsForm, node: YamlNode, spot: Spot): void {
    const forms = [...form.shorts.map(({ form: short }) => short), form.long];
    const meant = forms.find((one): one is Form => one.kind !== "literal" && isWrittenLike(one, node));
    if (meant) return this.#value(meant, node, spot);
    if (isText(node)) {
      const names = form.shorts.flatMap(({ form: short }) => (short.kind === "literal" ? [String(short.value)] : []));
      const fault = unknownValue(form, node.value, names, spot);
      if (fault.hint) return this.#report("schema/unknown-value", node, spot, fault);
    }
    this.#wrongType(form, node, spot);
  }

  /** What ajv says of a value by these keywords. */
  #found({ at }: Spot, ...keywords: readonly string[]): readonly SchemaError["params"][] {
    return (this.#errors.get(at) ?? []).filter(({ keyword }) => keywords.includes(keyword)).map(({ params }) => params);
  }

  #wrongType(form: Form, node: YamlNode, spot: Spot): void {
    if (this.#found(spot, "type", "enum", "const", "minLength").length === 0) return;
    this.#report("schema/wrong-type", node, spot, wrongType(form, node, spot));
  }

  /** Adds an error at a value. The message goes on after the value's name. */
  #report(
    code: Diagnostic["code"],
    node: YamlNode,
    spot: Spot,
    { message, hint }: { readonly message: string; readonly hint?: string | undefined },
  ): void {
    const diagnostic: Diagnostic = {
      code,
      severity: "error",
      message: `${placeName(spot)} ${message}`,
      path: spot.path,
      span: valueSpan(this.#file, node, spot.keySpan),
      ...(hint ? { hint } : {}),
      ...(node.anchor ? { related: [{ message: "the value is written here", span: node.anchor }] } : {}),
    };
    this.#explained.add(spot.at);
    this.#add(diagnostic, node.anchor ?? diagnostic.span!);
  }

  /** A value that aliases repeat is wrong once: `written` is where it stands in the text. */
  #add(diagnostic: Diagnostic, written: Span): void {
    const reported = this.#reported.get(written.source) ?? new Set();
    this.#reported.set(written.source, reported);
    const fault = `${diagnostic.code} ${written.start}`;
    if (!reported.has(fault)) this.diagnostics.push(diagnostic);
    reported.add(fault);
  }
}

function below({ path, at, value }: Spot, step: string | number, stands = step): Spot {
  const inner = (value as Readonly<Record<string | number, unknown>> | undefined)?.[stands];
  return { path: [...path, step], at: `${at}/${stands}`, value: inner };
}

/** Where an error is: of a key that is missing or not known, the key. */
function pointOf({ instancePath, params }: SchemaError): string {
  const key = params["missingProperty"] ?? params["additionalProperty"];
  return key === undefined ? instancePath : `${instancePath}/${String(key)}`;
}

function addWithParents(places: Set<string>, at: string): void {
  for (let place = at; !places.has(place); place = parentOf(place)) places.add(place);
}

/** The place itself and all above it. */
function parentsOf(at: string): string[] {
  return at === "" ? [""] : [at, ...parentsOf(parentOf(at))];
}

function parentOf(at: string): string {
  return at.slice(0, Math.max(0, at.lastIndexOf("/")));
}

function pathOf(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function isText(node: YamlNode): node is YamlScalar & { readonly value: string } {
  return node.kind === "scalar" && typeof node.value === "string";
}

/** Whether a value is of the kind that a form is written with, faults within it aside. */
function isWrittenLike(form: Form, node: YamlNode): boolean {
  switch (form.kind) {
    case "number":
      return node.kind === "scalar" && typeof node.value === "number";
    case "boolean":
      return node.kind === "scalar" && typeof node.value === "boolean";
    case "text":
    case "choice":
      return isText(node);
    case "list":
      return node.kind === "list";
    case "any":
      return true;
    case "named":
      return isWrittenLike(form.form(), node);
    case "expression":
      return isText(node) || isWrittenLike(form.of, node);
    case "dictionary":
    case "map":
      return node.kind === "map";
    case "options":
      return node.kind === "map" || (isText(node) && !looksNumeric(node.value));
    case "short-forms":
      return isWrittenLike(form.long, node);
  }
}

/** Text that was probably meant as a number: `1_000`, `"0.1"`. */
function looksNumeric(text: string): boolean {
  return /^[+-]?[\d.][\d_,.]*(e[+-]?\d+)?%?$/i.test(plainCharacters(text));
}
