import { readFileSync, readdirSync } from "node:fs";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse as parseYaml, stringify } from "yaml";
import { hasErrors } from "../../../../src/compiler/diagnostics/diagnostic.js";
import { jsonSchema } from "../../../../src/compiler/front/language/json-schema.js";
import { everyPlace } from "../../../../src/compiler/front/language/lookup.js";
import { loadConfig } from "../../../../src/compiler/front/load-config.js";
import { parse } from "../../../../src/compiler/front/parse.js";
import { explainErrors } from "../../../../src/compiler/front/validate/explain-errors.js";
import { validate } from "../../../../src/compiler/front/validate/validate.js";

const folder = new URL("../../../../configs/", import.meta.url);
const configs = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const plainConfigs = configs.map((name) => parseYaml(readFileSync(new URL(name, folder), "utf8")) as object);

describe("validate", () => {
  it.each(configs)("finds nothing wrong with configs/%s", (name) => {
    expect(loadConfig(readFileSync(new URL(name, folder), "utf8"), name).diagnostics).toEqual([]);
  });

  it("accepts exactly the values that the JSON schema accepts, and has words for whatever ajv refuses", () => {
    const accepts = new Ajv({ strict: false, strictNumbers: true }).compile(jsonSchema());
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...plainConfigs),
        fc.array(change, { minLength: 0, maxLength: 2 }),
        (config, changes) => {
          const value = changes.reduce((before, apply) => apply(before), config as unknown);
          const file = parse(stringify(value), "mutant.yaml").value;
          if (!file) return; // only empty files are refused before validation
          const diagnostics = validate(file).diagnostics;
          if (accepts(value)) accepted++;
          expect(hasErrors(diagnostics), JSON.stringify(diagnostics)).toBe(!accepts(value));
          // What ajv says by itself is a way out, and nothing that a file can have needs it
          expect(diagnostics.filter(({ message }) => / must (NOT )?(be|have|match) /.test(message))).toEqual([]);
        },
      ),
      { numRuns: 1500, seed: 7 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("shows a refusal that it has no words for at its place, as ajv puts it", () => {
    const file = parse("name: a\nmodel:\n  stages:\n    - { channels: 3 }\n", "a.yaml").value!;
    const refusal = { keyword: "multipleOf", params: { multipleOf: 2 }, message: "must be multiple of 2" };
    const explain = (instancePath: string) => explainErrors(file, {}, [{ ...refusal, instancePath }], () => []);
    expect(explain("/model/stages/0/channels")).toMatchObject([
      {
        code: "schema/wrong-type",
        message: "channels must be multiple of 2",
        path: ["model", "stages", 0, "channels"],
        span: { start: 43, end: 44 },
      },
    ]);
    expect(explain("/elsewhere")).toHaveLength(1);
  });

  it("reports one fault once, wherever aliases repeat it", () => {
    const faults = faultsOf("stages: [&first { channels: 16, blocks: 0, kernel: 3 }, *first, *first]");
    expect(faults.map(({ code }) => code)).toEqual(["schema/out-of-range", "schema/misplaced-key"]);
  });

  it("keeps a missing key quiet when it is there under another name", () => {
    expect(faultsOf("stages: [{ filters: 16, blocks: 1 }]").map(({ code }) => code)).toEqual(["schema/unknown-key"]);
  });

  it("holds the settings of an option whose name is misspelt against those of the one that was meant", () => {
    const faults = faultsOf("stages: [{ channels: 16, blocks: 1, norm: { bacth: { epsilon: -1 } } }]");
    expect(faults.map(({ hint }) => hint)).toEqual(["write `batch`", "write `eps`", undefined]);
  });

  it("says nothing of the settings of an option that cannot be told", () => {
    const faults = faultsOf("stages: [{ channels: 16, blocks: 1, norm: { spectral: { epsilon: -1 } } }]");
    expect(faults.map(({ path }) => path?.at(-1))).toEqual(["spectral"]);
  });

  function faultsOf(stages: string) {
    const text = `name: a\ndata: { dataset: cifar10 }\nmodel:\n  stem: { channels: 4 }\n  ${stages}\ntrain: { epochs: 1, batch_size: 8, learning_rate: 0.1 }\n`;
    return loadConfig(text, "a.yaml").diagnostics;
  }
});

const names = [...new Set(everyPlace().flatMap(({ path }) => path))].filter(
  (name) => name !== "[]" && name !== "extends",
); // what it extends is another file
const words = [
  "batch",
  "none",
  "relu",
  "sgd",
  "adam",
  "cosine",
  "constant",
  "max",
  "dataset",
  "horizontal_flip",
  "cutout",
  "",
  "yes",
  "3",
  "nonsense",
];

const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...words) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 2, -1, 3, 0.1, 0.5, 1e-3, 1e9, 2.5, 96, Infinity, NaN) },
  fc.constantFrom(true, false, null),
  fc.constant([]),
  fc.constant({}),
  fc.array(fc.constantFrom<unknown>(0.5, 1, "horizontal_flip", { cutout: {} }, null), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom(...names), fc.constantFrom<unknown>(0.1, 1, {}, { rate: 0.1 }, true, "batch"), {
    maxKeys: 2,
  }),
);

interface Change {
  /** Which child to go down to, level by level. */
  readonly picks: readonly number[];
  readonly kind: "replace" | "remove" | "rename" | "add";
  readonly value: unknown;
  readonly name: string;
}

/** One change somewhere in a tree: a value replaced, or a key removed, renamed or added. */
const change: fc.Arbitrary<(tree: unknown) => unknown> = fc
  .record({
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
    kind: fc.constantFrom<Change["kind"]>("replace", "replace", "remove", "rename", "add"),
    value: anyValue,
    name: fc.constantFrom(...names),
  })
  .map((one) => (tree: unknown) => applied(tree, one));

function applied(tree: unknown, { picks: [pick, ...rest], ...one }: Change): unknown {
  if (pick === undefined || tree === null || typeof tree !== "object") return one.value;
  if (Array.isArray(tree)) {
    if (tree.length === 0) return [one.value];
    return tree.map((item, index) => (index === pick % tree.length ? applied(item, { ...one, picks: rest }) : item));
  }
  const entries: [string, unknown][] = Object.entries(tree);
  const index = pick % Math.max(1, entries.length);
  if (entries.length > 0 && rest.length > 0) {
    entries[index] = [entries[index]![0], applied(entries[index]![1], { ...one, picks: rest })];
  } else if (one.kind === "remove") {
    entries.splice(index, 1);
  } else if (one.kind === "rename" && entries.length > 0) {
    entries[index] = [one.name, entries[index]![1]];
  } else {
    entries.push([one.name, one.value]);
  }
  return Object.fromEntries(entries);
}
