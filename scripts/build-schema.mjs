// Writes what is generated from the language's table: the JSON schema for editors and the reference page.
import { mkdirSync, writeFileSync } from "node:fs";
import { jsonSchema } from "../dist/compiler/language/json-schema.js";
import { languageReference } from "../dist/compiler/language/reference.js";

const root = new URL("../", import.meta.url);
for (const folder of ["schema/", "docs/"]) mkdirSync(new URL(folder, root), { recursive: true });
writeFileSync(new URL("schema/netc.schema.json", root), `${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
writeFileSync(new URL("docs/language.md", root), languageReference());
