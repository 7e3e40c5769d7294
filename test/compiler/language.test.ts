import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { describeKey, entryAt, explain, namedValues } from "../../src/compiler/front/language/explain.js";
import { isRequired } from "../../src/compiler/front/language/forms.js";
import { jsonSchema } from "../../src/compiler/front/language/json-schema.js";
import { everyPlace, placeText } from "../../src/compiler/front/language/lookup.js";
import { otherKeyNames, otherValueNames } from "../../src/compiler/front/language/other-names.js";
import { languageReference } from "../../src/compiler/front/language/reference.js";

const places = everyPlace().map(({ path, key }) => [placeText(path), key] as const);
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
// Union types are told apart by YAML's own types, and editors' keywords are not ajv's.
const ajv = new Ajv({ strict: false });

describe("the table of the language", () => {
  it.each(places)("says of %s what it takes, and gives a value that it takes", (path, key) => {
    expect(key.description).toMatch(/^[A-Z(+].*\.$/);
    expect(key.example ?? key.default ?? null, "an example or a default").not.toBeNull();
    const schema = schemaAt(path);
    for (const value of [key.example, key.default]) {
      if (value !== undefined) expect(ajv.validate(schema, value), JSON.stringify(value)).toBe(true);
    }
    expect(describeKey(key)).toContain(isRequired(key) ? "Must be given." : "Default: ");
  });

  it("words what each value of a choice means as a part of a sentence", () => {
    const ended = places.flatMap(([path, { form }]) =>
      form.kind === "choice"
        ? namedValues(form)
            .filter(([, meaning]) => meaning.endsWith("."))
            .map(() => path)
        : [],
    );
    expect(ended).toEqual([]);
  });

  it("has no key under one of the names that stand for it elsewhere", () => {
    const names = new Set(places.map(([path]) => path.split(".").at(-1)!));
    const targets = Object.values(otherKeyNames).flat();
    expect(targets.filter((name) => !names.has(name))).toEqual([]);
  });

  it("knows every value that another name stands for", () => {
    const schema = JSON.stringify(jsonSchema());
    expect(Object.values(otherValueNames).filter((value) => !schema.includes(`"${value}"`))).toEqual([]);
  });

  it("finds a key with or without list indices and the option it is a setting of", () => {
    for (const path of [
      ["train", "optimizer", "momentum"],
      ["train", "optimizer", "sgd", "momentum"],
    ]) {
      expect(placeText(entryAt(path)!.path)).toBe("train.optimizer.sgd.momentum");
    }
    for (const path of [
      ["model", "stages", "1", "stride"],
      ["model", "stages", "stride"],
    ]) {
      expect(placeText(entryAt(path)!.path)).toBe("model.stages[].stride");
    }
    expect(entryAt(["model", "nothing"])).toBeUndefined();
  });

  it("explains a key with its values, default and source", () => {
    expect(explain(entryAt(["train", "initialization", "bias"])!).join("\n")).toMatchInlineSnapshot(`
      "train.initialization.bias
        How the biases of convolutions and of the classifier start.

        takes    zero or uniform_fan_in
        default  zero
        example  bias: zero

        values
          zero            zero
          uniform_fan_in  uniform within ±1/√inputs, as PyTorch does by default"
    `);
  });
});

describe("what is generated from the table is up to date (node scripts/build-schema.mjs)", () => {
  it("schema/netc.schema.json", () => {
    expect(read("schema/netc.schema.json")).toBe(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
  });

  it("docs/language.md", () => {
    expect(read("docs/language.md")).toBe(languageReference());
  });
});

/** The part of the schema for a key, found along its path through properties, items and alternatives. */
function schemaAt(path: string): object {
  const steps = path.replaceAll("[]", ".[]").split(".");
  const whole = jsonSchema() as unknown as Schema;
  const { definitions } = whole;
  // Layers stand in many places, and are a definition
  let found: Schema[] = steps[0] === "layers" ? [definitions["layers"]!.items!] : [whole];
  for (const step of steps[0] === "layers" ? steps.slice(1) : steps) {
    found = found
      .flatMap((schema) => [schema, ...(schema.anyOf ?? [])])
      .flatMap((schema) => {
        if (step === "[]") return schema.items ?? [];
        if (step === "NAME") return typeof schema.additionalProperties === "object" ? schema.additionalProperties : [];
        return schema.properties?.[step] ?? [];
      });
  }
  expect(found, path).toHaveLength(1);
  return { ...found[0]!, definitions };
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
}
