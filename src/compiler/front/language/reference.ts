// docs/language.md from the table: every key with what it takes, its default and its meaning.
import { NAMES } from "../../blocks/block-form.js";
import { defaultText, entriesBelow, entryAt, layersEntry, namedValues, takes } from "./explain.js";
import type { Entry } from "./explain.js";
import { flow } from "./describe.js";
import { isRequired } from "./forms.js";
import { placeText } from "./lookup.js";

export function languageReference(): string {
  const sections = ["data", "blocks", "model", "train"].flatMap((name) => sectionsOf(entryAt([name])!));
  return [
    "<!-- Generated from src/compiler/language by `node scripts/build-schema.mjs`. -->",
    "# The language",
    "",
    "A netc file is YAML 1.2. Keys that must be given are marked; all others have the default shown. The same texts are",
    "printed by `netc explain PATH` and shown by editors that read `schema/netc.schema.json`.",
    "",
    ...table(entryAt([])!),
    ...sections,
    ...layerSections(),
  ].join("\n");
}

function layerSections(): string[] {
  const names = Object.entries(NAMES).map(([name, meaning]) => `- \`${name}\`: ${meaning}`);
  return [
    "## Expressions",
    "",
    "Where a layer takes a number, it also takes arithmetic (`+ - * /` and parentheses) over numbers, the settings of its block and",
    "these names. Outside of blocks there are `here` and `classes`, the classes of the data set.",
    "",
    ...names,
    "",
    ...sectionsOf(layersEntry()),
  ];
}

/** A table for a map and, after it, one for each map inside. */
function sectionsOf(entry: Entry): string[] {
  const children = entriesBelow(entry);
  if (children.length === 0) return [];
  const isChoice = children.some((child) => child.option);
  const heading = [`## \`${placeText(entry.path)}\``, "", ...(entry.key ? [entry.key.description, ""] : [])];
  if (isChoice) {
    const optionSections = children.flatMap((child) => (entriesBelow(child).length > 0 ? optionSection(child) : []));
    return [...heading, ...valueList(entry), ...example(entry), ...optionSections];
  }
  return [...heading, ...example(entry), ...table(entry), ...children.flatMap(sectionsOf)];
}

function optionSection(entry: Entry): string[] {
  return [
    `### \`${placeText(entry.path)}\``,
    "",
    entry.option!.description,
    "",
    ...table(entry),
    ...entriesBelow(entry).flatMap(sectionsOf),
  ];
}

function table(entry: Entry): string[] {
  const rows = entriesBelow(entry).map(({ key, path }) => {
    const meaning = [
      key!.description,
      ...meanings(key!.form),
      ...(key!.source ? [`Source: ${key!.source}.`] : []),
    ].join(" ");
    return `| \`${path.at(-1)}\` | ${cell(takes(key!))} | ${isRequired(key!) ? "**must be given**" : cell(defaultText(key!))} | ${cell(meaning)} |`;
  });
  return ["| key | takes | default | meaning |", "|---|---|---|---|", ...rows, ""];
}

/** A choice is explained in its row; options have tables of their own. */
function meanings(form: Entry["form"]): string[] {
  return form.kind === "choice" ? namedValues(form).map(([name, meaning]) => `\`${name}\`: ${meaning}.`) : [];
}

function valueList(entry: Entry): string[] {
  return [...namedValues(entry.form).map(([value, meaning]) => `- \`${value}\`: ${meaning}`), ""];
}

function example({ key, path }: Entry): string[] {
  return key?.example === undefined ? [] : ["```yaml", `${path.at(-1)}: ${flow(key.example)}`, "```", ""];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
