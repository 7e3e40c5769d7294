// Holds a file's values against the language's schema. Whether a file is of the right form is ajv's to say, by code that is
// compiled ahead from schema/netc.schema.json; what is wrong with one that is not is said by explain-errors.ts.
import type { Result } from "../../diagnostics/diagnostic.js";
import { failed, ok } from "../../diagnostics/diagnostic.js";
import type { YamlFile, YamlNode } from "../yaml/yaml-file.js";
import { explainErrors } from "./explain-errors.js";
import { validate as holdsSchema } from "./schema-errors.js";

/** Values of a file that the language allows: short forms as written, defaults not yet filled in. */
export interface NetConfig {
  readonly [key: string]: unknown;
}

/** Every fault of form in a file; what shapes and data make of the values is for later passes. */
export function validate(file: YamlFile): Result<NetConfig> {
  const value = plainValue(file.root);
  if (holdsSchema(value)) return ok(value as NetConfig);
  return failed(
    explainErrors(file, value, holdsSchema.errors!, (other) => (holdsSchema(other) ? [] : holdsSchema.errors!)),
  );
}

/** Values that could not be read are left out: their faults are reported. */
function plainValue(node: YamlNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  if (node.kind === "unknown") return undefined;
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainValue(value)]));
}
