// The language's table as a JSON schema (draft-07), for editors and for tools in other languages. Editors show the
// descriptions on hover and complete keys and values; markdown and enum descriptions are extensions that the YAML
// language server and VS Code understand and others ignore.
import { mayStandAlone } from "./describe.js";
import { EXPRESSION_PATTERN } from "../../blocks/expression.js";
import { layersForm } from "../../blocks/layers.js";
import { describeKey } from "./explain.js";
import { isRequired } from "./forms.js";
import type { Form, Key, MapForm, OptionsForm, ShortForm } from "./forms.js";
import { language } from "./language.js";

export type JsonSchema = { readonly [keyword: string]: unknown };

export function jsonSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "netc network",
    description: "A neural network and its training, for netc.",
    ...schemaOf(language, false),
    definitions: { [layersForm.name]: schemaOf(layersForm.form(), true) },
    // A file that extends another may leave to it what must be given.
    if: { required: ["extends"] },
    else: requirements(language),
  };
}

/** What must be given, and nothing else. */
function requirements(form: Form): JsonSchema {
  if (form.kind === "short-forms") return requirements(form.long);
  const settings =
    form.kind === "map"
      ? Object.entries(form.keys).map(([name, key]) => [name, requirements(key.form)] as const)
      : form.kind === "options"
        ? Object.entries(form.options).map(
            ([name, option]) => [name, option.settings ? requirements(option.settings) : {}] as const,
          )
        : [];
  const properties = Object.fromEntries(settings.filter(([, schema]) => Object.keys(schema).length > 0));
  const required = form.kind === "map" ? requiredKeys(form) : [];
  return {
    ...(required.length > 0 ? { required } : {}),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
  };
}

function requiredKeys(form: MapForm): string[] {
  return Object.keys(form.keys).filter((name) => isRequired(form.keys[name]!));
}

/** `isWhole`: with what must be given; lists are replaced whole, so their items are whole. */
function schemaOf(form: Form, isWhole: boolean): JsonSchema {
  switch (form.kind) {
    case "number":
      return {
        type: form.integer ? "integer" : "number",
        ...defined({
          minimum: form.minimum,
          maximum: form.maximum,
          exclusiveMinimum: form.above,
          exclusiveMaximum: form.below,
        }),
      };
    case "boolean":
      return { type: "boolean" };
    case "text":
      return { type: "string", minLength: 1 };
    case "choice":
      return { type: "string", enum: Object.keys(form.values), markdownEnumDescriptions: Object.values(form.values) };
    case "list":
      return { type: "array", items: schemaOf(form.item, true), minItems: form.minimum, maxItems: form.maximum };
    case "any":
      return {};
    case "named":
      return { $ref: `#/definitions/${form.name}` };
    case "expression":
      return alternatives([...flatten(schemaOf(form.of, isWhole)), EXPRESSION]);
    case "dictionary":
      return { type: "object", additionalProperties: schemaOf(form.item, isWhole), propertyNames: { pattern: NAME } };
    case "map": {
      const required = isWhole ? requiredKeys(form) : [];
      return {
        type: "object",
        properties: mapValues(form.keys, (key) => keySchema(key, isWhole)),
        ...(required.length > 0 ? { required } : {}),
        additionalProperties: false,
      };
    }
    case "options":
      return alternatives(optionSchemas(form, isWhole));
    case "short-forms":
      return alternatives([...form.shorts.map(shortSchema), ...flatten(schemaOf(form.long, isWhole))]);
  }
}

function keySchema(key: Key, isWhole: boolean): JsonSchema {
  const schema =
    key.absent === undefined
      ? schemaOf(key.form, isWhole)
      : alternatives([...flatten(schemaOf(key.form, isWhole)), { type: "null", description: key.absent }]);
  const example = key.example ?? key.default;
  return {
    ...tellingOfKey(schema, key),
    description: key.description,
    markdownDescription: describeKey(key),
    ...(key.default === undefined ? {} : { default: key.default }),
    ...(example === undefined || example === null ? {} : { examples: [example] }),
  };
}

/** An editor shows the text of the alternative that a value is written in, and then not the key's own. */
function tellingOfKey(schema: JsonSchema, key: Key): JsonSchema {
  if (!Array.isArray(schema["anyOf"])) return schema;
  const branches = (schema["anyOf"] as readonly JsonSchema[]).map((branch): JsonSchema => {
    const meaning = branch["description"] === undefined ? "" : ` Written so: ${String(branch["description"])}.`;
    return { ...branch, description: key.description + meaning, markdownDescription: describeKey(key) + meaning };
  });
  return { ...schema, anyOf: branches };
}

const EXPRESSION: JsonSchema = {
  type: "string",
  pattern: EXPRESSION_PATTERN,
  description: "The name of a setting of the block, or arithmetic over such names",
};

/** Of what a file names itself. */
const NAME = "^[A-Za-z][A-Za-z0-9_-]*$";

/** The names that may stand alone, and a map of exactly one name to its settings. */
function optionSchemas(form: OptionsForm, isWhole: boolean): JsonSchema[] {
  const alone = Object.entries(form.options).filter(([name]) => mayStandAlone(form, name));
  const withSettings = Object.entries(form.options).filter(([, option]) => option.settings);
  const names = {
    type: "string",
    enum: alone.map(([name]) => name),
    markdownEnumDescriptions: alone.map(([, option]) => option.description),
  };
  const maps = {
    type: "object",
    properties: Object.fromEntries(
      withSettings.map(([name, option]) => [
        name,
        { ...schemaOf(option.settings!, isWhole), description: option.description },
      ]),
    ),
    additionalProperties: form.others ? { type: "object" } : false,
    minProperties: 1,
    maxProperties: 1,
  };
  const others = form.others ? [{ type: "string", pattern: NAME, description: form.others }] : [];
  return [...(alone.length > 0 ? [names] : []), ...others, ...(withSettings.length > 0 ? [maps] : [])];
}

function shortSchema({ form, meaning }: ShortForm): JsonSchema {
  return { ...(form.kind === "literal" ? { const: form.value } : schemaOf(form, true)), description: meaning };
}

function alternatives(schemas: readonly JsonSchema[]): JsonSchema {
  return schemas.length === 1 ? schemas[0]! : { anyOf: schemas };
}

function flatten(schema: JsonSchema): readonly JsonSchema[] {
  return Object.keys(schema).length === 1 && Array.isArray(schema["anyOf"]) ? schema["anyOf"] : [schema];
}

function mapValues(keys: Readonly<Record<string, Key>>, change: (key: Key) => JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, change(key)]));
}

function defined(values: Readonly<Record<string, unknown>>): JsonSchema {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
