// Holds a file's values against the table of the language and finds every fault at once, each at its place.
// The walk follows the table itself and not a compiled JSON schema: it knows which branch of a union was meant by what
// is written there, so that one mistake gives one diagnostic, and it loads in no time. That it accepts exactly what
// schema/netc.schema.json accepts is held by a test that runs ajv beside it.
import type { Diagnostic, Path, Result, SourceText, Span } from "../../diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "../../diagnostics/diagnostic.js";
import { describeForm, flow, mayStandAlone } from "../language/describe.js";
import { isRequired } from "../language/forms.js";
import type { Form, Key, ListForm, MapForm, NumberForm, OptionsForm, ShortFormsForm } from "../language/forms.js";
import { language } from "../language/language.js";
import { missingKeys, unknownKey } from "./key-faults.js";
import { unknownValue, wrongNumberType, wrongType } from "./value-faults.js";
import { plainCharacters } from "../yaml/look-alikes.js";
import { placeName, valueSpan } from "../yaml/yaml-file.js";
import type { Place, YamlFile, YamlMap, YamlNode, YamlScalar } from "../yaml/yaml-file.js";

/** Values of a file that the language allows: short forms as written, defaults not yet filled in. */
export interface NetConfig {
  readonly [key: string]: unknown;
}

/** Every fault of form in a file; what shapes and data make of the values is for later passes. */
export function validate(file: YamlFile): Result<NetConfig> {
  const validator = new Validator(file);
  const value = validator.value(language, file.root, { path: [] });
  validator.addMissing();
  const { diagnostics } = validator;
  return hasErrors(diagnostics) ? failed(diagnostics) : ok(value as NetConfig, diagnostics);
}

class Validator {
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: YamlFile;
  readonly #reported = new Map<SourceText | undefined, Set<string>>();
  /** Keys that are there after all, under a wrong name or at a wrong place: `model.stages.[].channels`. */
  readonly #meant: string[] = [];
  readonly #missing: {
    readonly form: MapForm;
    readonly map: YamlMap;
    readonly keys: readonly string[];
    readonly place: Place;
  }[] = [];

  constructor(file: YamlFile) {
    this.#file = file;
  }

  /** Reports keys that are missing and not merely misspelt or misplaced. */
  addMissing(): void {
    const isMeant = (path: Path) => {
      const exact = path.join(".");
      const anywhere = path.map((step) => (typeof step === "number" ? "[]" : step)).join(".");
      return this.#meant.some((meant) =>
        [exact, anywhere].some((text) => meant === text || meant.startsWith(`${text}.`)),
      );
    };
    for (const { form, map, keys, place } of this.#missing) {
      const rest = keys.filter((key) => !isMeant([...place.path, key]));
      if (rest.length > 0) this.#add(missingKeys(this.#file, form, map, rest, place), map.anchor ?? map.span);
    }
  }

  /** The plain value of a node; undefined, with a diagnostic, where the form does not allow it. */
  value(form: Form, node: YamlNode, place: Place): unknown {
    if (node.kind === "unknown") return undefined;
    switch (form.kind) {
      case "number":
        return this.#number(form, node, place);
      case "boolean":
        return node.kind === "scalar" && typeof node.value === "boolean"
          ? node.value
          : this.#wrongType(form, node, place);
      case "text":
        return isText(node) && node.value !== "" ? node.value : this.#wrongType(form, node, place);
      case "choice":
        return this.#name(Object.keys(form.values), form, node, place);
      case "list":
        return this.#list(form, node, place);
      case "map":
        return this.#map(form, node, place);
      case "options":
        return this.#options(form, node, place);
      case "short-forms":
        return this.#shortForms(form, node, place);
    }
  }

  #number(form: NumberForm, node: YamlNode, place: Place): unknown {
    if (node.kind !== "scalar" || typeof node.value !== "number") return this.#wrongType(form, node, place);
    const { value } = node;
    if (!Number.isFinite(value) || (form.integer && !Number.isInteger(value))) {
      return this.#report("schema/wrong-type", node, place, wrongNumberType(form, value));
    }
    const { minimum = -Infinity, maximum = Infinity, above = -Infinity, below = Infinity } = form;
    if (value >= minimum && value <= maximum && value > above && value < below) return value;
    const bound = value < minimum ? minimum : value > maximum ? maximum : undefined;
    return this.#report("schema/out-of-range", node, place, {
      message: `is ${flow(value)}, expected ${describeForm(form)}`,
      hint: bound === undefined ? undefined : `the nearest allowed is \`${bound}\``,
    });
  }

  /** A scalar that must be one of `names`. */
  #name(names: readonly string[], form: Form, node: YamlNode, place: Place): unknown {
    if (isText(node) && names.includes(node.value)) return node.value;
    if (node.kind !== "scalar" || node.value === null) return this.#wrongType(form, node, place);
    return this.#report("schema/unknown-value", node, place, unknownValue(form, node.value, names, place));
  }

  #list(form: ListForm, node: YamlNode, place: Place): unknown {
    if (node.kind !== "list") return this.#wrongType(form, node, place);
    const { length } = node.items;
    if (length < form.minimum || length > form.maximum) {
      const bound = length < form.minimum ? `at least ${form.minimum}` : `at most ${form.maximum}`;
      const message = length === 0 ? `is empty, expected ${bound} item` : `has ${length} items, expected ${bound}`;
      return this.#report("schema/out-of-range", node, place, { message });
    }
    return node.items.map((item, index) => this.value(form.item, item, { path: [...place.path, index] }));
  }

  #map(form: MapForm, node: YamlNode, place: Place): unknown {
    if (node.kind !== "map") return this.#wrongType(form, node, place);
    const values: Record<string, unknown> = {};
    for (const { key, keySpan, value } of node.entries) {
      const path = [...place.path, key];
      const known = Object.hasOwn(form.keys, key) ? form.keys[key] : undefined;
      if (!known) {
        const meant = this.#unknownKey(form, node, key, keySpan, path);
        // A misspelt key's value is held against the key that was meant, so that its own faults show in the same go.
        if (meant !== undefined) this.#keyValue(form.keys[meant]!, value, { path, keySpan });
      } else {
        values[key] = this.#keyValue(known, value, { path, keySpan });
      }
    }
    const missing = Object.keys(form.keys).filter((key) => isRequired(form.keys[key]!) && !(key in values));
    if (missing.length > 0) this.#missing.push({ form, map: node, keys: missing, place });
    return values;
  }

  #keyValue({ form, absent }: Key, value: YamlNode, place: Place): unknown {
    const isNullable = absent !== undefined;
    if (isNullable && value.kind === "scalar" && value.value === null) return null;
    return this.value(form, value, { ...place, isNullable });
  }

  /** The key of the form that was meant, where it is not given by its name too. */
  #unknownKey(form: MapForm | OptionsForm, map: YamlMap, key: string, keySpan: Span, path: Path): string | undefined {
    const { diagnostic, meant, stands } = unknownKey(form, map, key, keySpan, path);
    this.#add(diagnostic, keySpan);
    if (meant) this.#meant.push(meant.join("."));
    return stands;
  }

  #options(form: OptionsForm, node: YamlNode, place: Place): unknown {
    const names = Object.keys(form.options);
    if (node.kind === "list") return this.#wrongType(form, node, place);
    if (node.kind === "map") return this.#option(form, node, place);
    const name = this.#name(names, form, node, place);
    if (typeof name !== "string" || mayStandAlone(form, name)) return name;
    const settings = form.options[name]!.settings!;
    const required = Object.keys(settings.keys).filter((key) => isRequired(settings.keys[key]!));
    const examples = required.map((key) => [key, settings.keys[key]!.example]);
    return this.#report("schema/missing-key", node, place, {
      message: `is ${name}, which needs ${required.map((key) => `\`${key}\``).join(", ")}`,
      hint: `write \`${flow({ [name]: Object.fromEntries(examples) })}\``,
    });
  }

  /** An option with its settings: a map of exactly one key. */
  #option(form: OptionsForm, node: YamlMap, place: Place): unknown {
    const names = Object.keys(form.options);
    const chosen = node.entries.filter((entry) => names.includes(entry.key));
    const others = node.entries.filter((entry) => !names.includes(entry.key));
    if (others.length > 0) {
      const [first] = others;
      // With the option's own name missing, its settings are not worth complaints of their own.
      const faults = chosen.length > 0 ? others : [first!];
      for (const { key, keySpan, value } of faults) {
        const path = [...place.path, key];
        const meant = this.#unknownKey(form, node, key, keySpan, path);
        const settings = meant !== undefined && node.entries.length === 1 ? form.options[meant]!.settings : undefined;
        if (settings && value.kind === "map") this.value(settings, value, { path, keySpan });
      }
    }
    if (chosen.length > 1) {
      const [, second] = chosen;
      this.diagnostics.push({
        code: "schema/one-choice",
        severity: "error",
        message: `${placeName(place)} has both \`${chosen[0]!.key}\` and \`${second!.key}\`, expected one`,
        path: [...place.path, second!.key],
        span: second!.keySpan,
        hint: "keep one of them",
        related: [{ message: "the first is here", span: chosen[0]!.keySpan }],
      });
      return undefined;
    }
    if (node.entries.length === 0) {
      return this.#report("schema/one-choice", node, place, {
        message: `is an empty map, expected ${describeForm(form)}`,
      });
    }
    for (const { key, keySpan, value } of chosen) {
      const { settings } = form.options[key]!;
      const inner = { path: [...place.path, key], keySpan };
      if (!settings) {
        this.#report("schema/wrong-type", value, inner, {
          message: "is given settings, but has none",
          hint: `write just \`${key}\``,
        });
      } else if (value.kind === "scalar" && value.value === null && mayStandAlone(form, key)) {
        this.#report("schema/wrong-type", value, inner, {
          message: "has no value",
          hint: `write \`${key}\` without the colon, or give it settings`,
        });
      } else {
        return { [key]: this.value(settings, value, inner) };
      }
    }
    return undefined;
  }

  /** Which form is meant shows in what is written: a number, a name, a list or a map. */
  #shortForms(form: ShortFormsForm, node: YamlNode, place: Place): unknown {
    for (const { form: short } of form.shorts) {
      if (short.kind === "literal") {
        if (node.kind === "scalar" && node.value === short.value) return node.value;
      } else if (accepts(short, node)) {
        return this.value(short, node, place);
      }
    }
    if (accepts(form.long, node)) return this.value(form.long, node, place);
    if (isText(node)) {
      const names = form.shorts.flatMap(({ form: short }) => (short.kind === "literal" ? [String(short.value)] : []));
      const fault = unknownValue(form, node.value, names, place);
      if (fault.hint) return this.#report("schema/unknown-value", node, place, fault);
    }
    return this.#wrongType(form, node, place);
  }

  #wrongType(form: Form, node: YamlNode, place: Place): undefined {
    return this.#report("schema/wrong-type", node, place, wrongType(form, node, place));
  }

  /** Adds an error at a value. The message goes on after the value's name. */
  #report(
    code: Diagnostic["code"],
    node: YamlNode,
    place: Place,
    { message, hint }: { readonly message: string; readonly hint?: string | undefined },
  ): undefined {
    const diagnostic: Diagnostic = {
      code,
      severity: "error",
      message: `${placeName(place)} ${message}`,
      path: place.path,
      span: valueSpan(this.#file, node, place.keySpan),
      ...(hint ? { hint } : {}),
      ...(node.anchor ? { related: [{ message: "the value is written here", span: node.anchor }] } : {}),
    };
    this.#add(diagnostic, node.anchor ?? diagnostic.span!);
    return undefined;
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

function isText(node: YamlNode): node is YamlScalar & { readonly value: string } {
  return node.kind === "scalar" && typeof node.value === "string";
}

/** Whether a value is of the kind that a form is written with, faults within it aside. */
function accepts(form: Form, node: YamlNode): boolean {
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
    case "map":
      return node.kind === "map";
    case "options":
      return node.kind === "map" || (isText(node) && !looksNumeric(node.value));
    case "short-forms":
      return accepts(form.long, node);
  }
}

/** Text that was probably meant as a number: `1_000`, `"0.1"`, with a dash of a word processor. */
function looksNumeric(text: string): boolean {
  return /^[+-]?[\d.][\d_,.]*(e[+-]?\d+)?%?$/i.test(plainCharacters(text));
}
