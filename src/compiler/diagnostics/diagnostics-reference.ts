// docs/diagnostics.md from the catalogue and the fixtures: every code with its meaning, what is printed for a wrong file,
// and the edit that puts it right.
import { codes } from "./codes.js";
import type { Code } from "./codes.js";
import { lineDiff } from "../front/edit/line-diff.js";

/** One wrong file of a code: its text (absent where the fault is that there is none), the same put right, what is printed. */
export interface Example {
  readonly wrong?: string;
  readonly right: string;
  readonly output: string;
}

export function diagnosticsReference(examples: Readonly<Partial<Record<Code, Example>>>): string {
  const sections = Object.entries(codes).flatMap(([code, { severity, meaning }]) => [
    `## ${code}`,
    "",
    `${severity === "error" ? "Error" : "Warning"}: ${meaning}.`,
    "",
    ...shown(examples[code as Code]),
  ]);
  return [
    "<!-- Generated from src/compiler/diagnostics/codes.ts and test/fixtures/invalid by `node scripts/build-schema.mjs`. -->",
    "# Diagnostics",
    "",
    "Everything netc can report about a file, in the order in which a file is read. Errors stop a command; warnings do not.",
    "`netc check --format json` gives the same as data, described by `schema/diagnostics.schema.json`.",
    "",
    ...sections,
  ].join("\n");
}

function shown(example: Example | undefined): string[] {
  if (!example) return [];
  const output = example.output.trimEnd().split("\n").slice(0, -2);
  const isText = example.wrong !== undefined && !example.wrong.includes("\uFFFD");
  const change = isText ? lineDiff(example.wrong!, example.right) : [];
  // A file that is wrong throughout has no short way to be put right.
  const isShort = change.length > 0 && change.length <= 16;
  return [...block("text", output), ...(isShort ? ["Put right:", "", ...block("diff", change)] : [])];
}

function block(language: string, lines: readonly string[]): string[] {
  return [`\`\`\`${language}`, ...lines, "```", ""];
}
