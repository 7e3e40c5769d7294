// `netc schema`: the JSON schema of the language, for editors and other tools.
import type { Command } from "commander";

export function register(program: Command): void {
  program
    .command("schema")
    .summary("print the language as a JSON schema")
    .description(
      "Prints the JSON schema (draft-07) of netc files. Editors with the YAML language server complete, explain and check\n" +
        "a file whose first line is: # yaml-language-server: $schema=PATH/netc.schema.json",
    )
    .action(async () => {
      const { jsonSchema } = await import("../../compiler/front/language/json-schema.js");
      process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
    });
}
