// `netc explain [PATH] [FILE]`: what a key means, takes and defaults to, and what it is in a file.
import type { Command } from "commander";
import { exitCodes } from "../screen/exit-codes.js";
import { collect } from "../screen/options.js";

export function register(program: Command): void {
  program
    .command("explain")
    .summary("explain a key of the language")
    .description(
      "Explains the key at PATH, such as train.learning_rate or model.stages[].stride; without PATH, the whole. layers " +
        "explains the layers of blocks, blocks.bottleneck prints one of netc's blocks.",
    )
    .argument("[path]", "a key")
    .argument("[file]", "a YAML file: also shows the key's value in it, and where that comes from")
    .option("--set <path=value>", "with this value set in FILE (may be repeated)", collect, [])
    .action(explainPath);
}

async function explainPath(
  pathText: string | undefined,
  file: string | undefined,
  flags: { readonly set: readonly string[] },
  command: Command,
): Promise<void> {
  const { entryAt, explain } = await import("../../compiler/front/language/explain.js");
  const path = splitPath(pathText ?? "");
  const block =
    path[0] === "blocks" && path.length === 2 && file === undefined ? await shippedBlock(path[1]!) : undefined;
  if (block) {
    process.stdout.write(block);
    return;
  }
  const entry = entryAt(path);
  if (!entry) return command.error(`error: ${await unknownPath(pathText!)}`);
  const lines = explain(entry);
  if (file !== undefined) {
    const { loadConfigFile } = await import("../load/load-file.js");
    const loaded = await loadConfigFile(file, flags.set);
    if (!loaded) return void (process.exitCode = exitCodes.inputHasErrors);
    const { valuesAt } = await import("../../compiler/front/edit/origins.js");
    lines.push("", `  in ${file}`, ...valuesAt(loaded, path).map((line) => `    ${line}`));
  }
  const { printLines } = await import("../screen/print.js");
  printLines(lines);
}

/** One of netc's blocks as its file describes it, to be read or copied. */
async function shippedBlock(name: string): Promise<string | undefined> {
  const { shippedTexts } = await import("../../compiler/blocks/shipped-blocks.js");
  if (!Object.hasOwn(shippedTexts, name)) return undefined;
  const { file, text } = shippedTexts[name]!;
  const lines = text.split("\n").map((line) => (line === "" ? line : `  ${line}`));
  return [`# ${file} of netc`, "blocks:", ...lines, ""].join("\n");
}

function splitPath(text: string): string[] {
  return text
    .replace(/\[\s*(-?\d*)\s*\]/g, (_, index: string) => `.${index || "[]"}`)
    .split(".")
    .filter((step) => step !== "");
}

/** A path that ends at a key that stands elsewhere, or nearly so. */
async function unknownPath(text: string): Promise<string> {
  const [{ everyPlace, placeText }, { nearest, snakeCase }, { otherKeyNames }] = await Promise.all([
    import("../../compiler/front/language/lookup.js"),
    import("../../compiler/diagnostics/suggest.js"),
    import("../../compiler/front/language/other-names.js"),
  ]);
  const places = everyPlace().map(({ path }) => path);
  const last = splitPath(text).at(-1)!;
  const known = [...new Set(places.map((path) => path.at(-1)!))];
  const others = Object.hasOwn(otherKeyNames, snakeCase(last)) ? otherKeyNames[snakeCase(last)]! : [];
  const near = nearest(last, known);
  const names = known.includes(last) ? [last] : others.length > 0 ? others : near ? [near] : [];
  const found = names.flatMap((name) => places.filter((path) => path.at(-1) === name)).map(placeText);
  const meant =
    found.length > 0 ? `; did you mean ${found.slice(0, 4).join(", ")}?` : "; `netc explain` lists the keys";
  return `the language has no key \`${text}\`${meant}`;
}
