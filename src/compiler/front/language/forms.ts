// The vocabulary in which the language's table is written: what a value may look like, and what is said about a key.
// Validation, defaults, the JSON schema, `netc explain` and the reference page all read these shapes.

export type Form =
  | NumberForm
  | BooleanForm
  | TextForm
  | ChoiceForm
  | ListForm
  | MapForm
  | DictionaryForm
  | OptionsForm
  | ShortFormsForm
  | ExpressionForm
  | NamedForm
  | AnyForm;

export interface NumberForm {
  readonly kind: "number";
  readonly integer: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Exclusive bounds. */
  readonly above?: number;
  readonly below?: number;
  readonly unit?: string;
}

export interface BooleanForm {
  readonly kind: "boolean";
}

export interface TextForm {
  readonly kind: "text";
}

/** One of several names; each with its meaning. */
export interface ChoiceForm {
  readonly kind: "choice";
  readonly values: Readonly<Record<string, string>>;
}

export interface ListForm {
  readonly kind: "list";
  readonly item: Form;
  readonly minimum: number;
  readonly maximum: number;
}

export interface MapForm {
  readonly kind: "map";
  readonly keys: Readonly<Record<string, Key>>;
}

/** A map whose keys the file chooses, all with values of one form. */
export interface DictionaryForm {
  readonly kind: "dictionary";
  /** What an entry is, in one word: "block". */
  readonly noun: string;
  readonly item: Form;
}

/**
 * A value, or a text that stands for one: the name of a block's setting or, for a number, arithmetic over such names
 * (compiler/blocks/expression.ts). What it comes to is known only where the block is used.
 */
export interface ExpressionForm {
  readonly kind: "expression";
  readonly of: Form;
}

/** Whatever whoever reads it takes. */
export interface AnyForm {
  readonly kind: "any";
}

/** A form that may hold itself, and stands in many places; it is explained once, under its name. */
export interface NamedForm {
  readonly kind: "named";
  readonly name: string;
  readonly form: () => Form;
}

/**
 * Exactly one of several options: its name alone, or a map of that name to its settings.
 * An option without settings is written as its name; one whose settings all have defaults may be.
 */
export interface OptionsForm {
  readonly kind: "options";
  readonly options: Readonly<Record<string, Option>>;
  /** What names beyond the listed ones stand for, where the file may have its own. */
  readonly others?: string;
}

export interface Option {
  readonly description: string;
  readonly settings: SettingsForm | null;
  readonly source?: string;
}

/** A map of settings, which short forms may stand for. */
export type SettingsForm = MapForm | (ShortFormsForm & { readonly long: MapForm });

/** A long form, and short forms that mean a certain value of it; told apart by what is written. */
export interface ShortFormsForm {
  readonly kind: "short-forms";
  readonly long: Form;
  readonly shorts: readonly ShortForm[];
}

export interface ShortForm {
  /** A form, or the one value that is meant. */
  readonly form: Form | { readonly kind: "literal"; readonly value: string | boolean };
  readonly meaning: string;
  /** The long form that is meant; absent where the value stays as it is, or is resolved with the data set's help. */
  readonly expand?: (value: never) => unknown;
}

/** A key of a map: its form, and all that is said about it. */
export interface Key {
  readonly form: Form;
  /** What it does, as sentences. */
  readonly description: string;
  /** In the form a user writes; a key with neither `default` nor `derived` must be given. */
  readonly default?: unknown;
  /** Says where the default comes from when it depends on other settings. */
  readonly derived?: string;
  /** What `null` means here; absent where null is refused. */
  readonly absent?: string;
  /** A value as a user writes it; the default serves where there is none. */
  readonly example?: unknown;
  /** Where the default or the idea comes from. */
  readonly source?: string;
}

export function isRequired(key: Key): boolean {
  return key.default === undefined && key.derived === undefined;
}

/** Whether a value that the language allows is written in this short form. */
export function isWrittenAs({ form }: ShortForm, value: unknown): boolean {
  switch (form.kind) {
    case "literal":
      return value === form.value;
    case "list":
      return Array.isArray(value);
    case "named":
      return isWrittenAs({ form: form.form(), meaning: "" }, value);
    case "expression":
      return typeof value === "string" || isWrittenAs({ form: form.of, meaning: "" }, value);
    default:
      return (form.kind === "text" ? "string" : form.kind) === typeof value;
  }
}

/** The map of settings that a form comes down to, where it is one. */
export function mapOf(form: SettingsForm): MapForm;
export function mapOf(form: Form): MapForm | undefined;
export function mapOf(form: Form): MapForm | undefined {
  if (form.kind === "short-forms") return mapOf(form.long);
  return form.kind === "map" ? form : undefined;
}

export function integer(bounds: Omit<NumberForm, "kind" | "integer"> = {}): NumberForm {
  return { kind: "number", integer: true, ...bounds };
}

export function number(bounds: Omit<NumberForm, "kind" | "integer"> = {}): NumberForm {
  return { kind: "number", integer: false, ...bounds };
}

export const boolean: BooleanForm = { kind: "boolean" };

export const any: AnyForm = { kind: "any" };

export const text: TextForm = { kind: "text" };

export function choice<Name extends string>(values: Readonly<Record<Name, string>>): ChoiceForm {
  return { kind: "choice", values };
}

export function list(item: Form, minimum = 0, maximum = 1000): ListForm {
  return { kind: "list", item, minimum, maximum };
}

/** A map of exactly the keys of `Resolved`, a type of the long form: the table cannot fall behind it. */
export function map<Resolved>(keys: { readonly [Name in keyof Resolved]-?: Key }): MapForm {
  return { kind: "map", keys };
}

export function options<Name extends string>(entries: Readonly<Record<Name, Option>>, others?: string): OptionsForm {
  return { kind: "options", options: entries, ...(others ? { others } : {}) };
}

export function dictionary(noun: string, item: Form): DictionaryForm {
  return { kind: "dictionary", noun, item };
}

export function expression(of: Form): ExpressionForm {
  return { kind: "expression", of };
}

export function shortForms<Long extends Form>(
  long: Long,
  shorts: readonly ShortForm[],
): ShortFormsForm & { readonly long: Long } {
  return { kind: "short-forms", long, shorts };
}

/** The settings of option `Name` in a union of the long form. */
export type SettingsOf<Union, Name extends string> =
  Union extends Readonly<Record<Name, infer Settings>> ? Settings : never;
