// Writes what is generated from the language's table and from the catalogue of diagnostics: the JSON schema for editors,
// the code that holds a file against it, and two reference pages. That code goes beside its types in src, where tests run it,
// and into dist.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { codes } from "../dist/compiler/diagnostics/codes.js";
import { diagnosticsReference } from "../dist/compiler/diagnostics/diagnostics-reference.js";
import { jsonSchema } from "../dist/compiler/front/language/json-schema.js";
import { languageReference } from "../dist/compiler/front/language/reference.js";

/** Keywords that decide nothing. */
const notes = new Set([
  "$schema",
  "title",
  "description",
  "markdownDescription",
  "markdownEnumDescriptions",
  "default",
  "examples",
]);

const root = new URL("../", import.meta.url);
for (const folder of ["schema/", "docs/"]) mkdirSync(new URL(folder, root), { recursive: true });
const schema = `${JSON.stringify(jsonSchema(), undefined, 2)}\n`;
writeFileSync(new URL("schema/netc.schema.json", root), schema);
for (const folder of ["src", "dist"]) {
  writeFileSync(new URL(`${folder}/compiler/front/validate/schema-errors.js`, root), schemaErrors(JSON.parse(schema)));
}
writeFileSync(new URL("docs/language.md", root), languageReference());
writeFileSync(new URL("docs/diagnostics.md", root), diagnosticsReference(examples()));

/** ajv's code for the schema, which imports nothing. Equal parts are one function each, compiled when it is first called. */
function schemaErrors(whole) {
  const ajv = new Ajv({
    allErrors: true,
    inlineRefs: false,
    strict: false, // unions are told apart by YAML's own types
    strictNumbers: true, // neither .inf nor .nan is a number
    code: { source: true, esm: true },
  });
  const code = standalone
    .default(ajv, ajv.compile(withParts(whole)))
    // Joined in place: copying all errors so far for each part's would take the square of their number
    .replaceAll(
      /vErrors = vErrors === null \? ([\w.]+)\.errors : vErrors\.concat\(\1\.errors\)/g,
      "vErrors = joined(vErrors, $1.errors)",
    )
    .replaceAll(/schemaPath:"[^"]*",/g, "") // read by nobody, and a tenth of the text
    .replaceAll('require("ajv/dist/runtime/ucs2length")', "{ default: (text) => [...text].length }");
  if (/\brequire\(|^import\b|\.concat\(/m.test(code)) throw new Error("ajv's code needs more than is put into it here");
  return `// Written by scripts/build-schema.mjs: what ajv made of schema/netc.schema.json.
${code}
function joined(errors, more) {
  if (errors === null) return more;
  for (const error of more) errors.push(error);
  return errors;
}
`;
}

/** The same schema with each map as a definition of its own, without what only people and editors read. */
function withParts({ if: condition, else: otherwise, definitions: named, ...whole }) {
  const definitions = {};
  const names = new Map();
  const part = (schema) => {
    const kept = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !notes.has(keyword)));
    if (kept.properties) {
      kept.properties = Object.fromEntries(
        Object.entries(kept.properties).map(([name, property]) => [name, part(property)]),
      );
    }
    if (kept.items) kept.items = part(kept.items);
    if (typeof kept.additionalProperties === "object") kept.additionalProperties = part(kept.additionalProperties);
    if (kept.anyOf) kept.anyOf = kept.anyOf.map(part);
    if (kept.type !== "object") return kept;
    const text = JSON.stringify(kept);
    if (!names.has(text)) {
      names.set(text, `part${names.size}`);
      definitions[names.get(text)] = kept;
    }
    return { $ref: `#/definitions/${names.get(text)}` };
  };
  for (const [name, schema] of Object.entries(named)) definitions[name] = part(schema);
  return { allOf: [part(whole)], if: condition, else: otherwise, definitions };
}

function examples() {
  const found = {};
  for (const code of Object.keys(codes)) {
    const folder = new URL(`test/fixtures/invalid/${code}/`, root);
    if (!existsSync(folder)) continue;
    const read = (name) => readFileSync(new URL(name, folder), "utf8");
    const wrong = existsSync(new URL("input.yaml", folder)) ? read("input.yaml") : undefined;
    found[code] = { wrong, right: read("fixed.yaml"), output: read("expected.txt") };
  }
  return found;
}
