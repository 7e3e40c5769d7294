// Writes what is generated from the language's table and from the catalogue of diagnostics: the JSON schema for editors
// and two reference pages.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { codes } from "../dist/compiler/diagnostics/codes.js";
import { diagnosticsReference } from "../dist/compiler/diagnostics/diagnostics-reference.js";
import { jsonSchema } from "../dist/compiler/front/language/json-schema.js";
import { languageReference } from "../dist/compiler/front/language/reference.js";

const root = new URL("../", import.meta.url);
for (const folder of ["schema/", "docs/"]) mkdirSync(new URL(folder, root), { recursive: true });
writeFileSync(new URL("schema/netc.schema.json", root), `${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
writeFileSync(new URL("docs/language.md", root), languageReference());
writeFileSync(new URL("docs/diagnostics.md", root), diagnosticsReference(examples()));

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
