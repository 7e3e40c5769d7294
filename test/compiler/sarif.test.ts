// SARIF against the schema of its standard, draft-04, as npm's @microsoft/jest-sarif 1.0.0-beta.0 (MIT) ships it: every
// fixture's diagnostics, and reports over several files and the command line.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { expect, it } from "vitest";
import { readBase } from "../../src/runtime/source/read-base.js";
import { codes } from "../../src/compiler/diagnostics/codes.js";
import { compileText } from "../../src/compiler/compile.js";
import type { FileReport } from "../../src/compiler/diagnostics/render-diagnostics.js";
import { renderReports } from "../../src/compiler/diagnostics/render-diagnostics.js";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const isValid = compileSchema();

it.each(Object.keys(codes))("is valid with a result of %s", (code) => {
  const log = logOf([reportOf(code)]);
  expect(isValid(log), JSON.stringify(isValid.errors)).toBe(true);
});

it("is valid for no files, for clean files, and for values of the command line", () => {
  const clean: FileReport = { source: { name: "a.yaml", text: "" }, diagnostics: [] };
  const text = readFileSync(`${fixtures}invalid/shape/vanished-map/fixed.yaml`, "utf8");
  const { diagnostics } = compileText(text, "odd name?#%.yaml", { overrides: ["train.epochs=many", "x"] });
  expect(diagnostics).toHaveLength(2);
  for (const reports of [[], [clean], [clean, { source: { name: "odd name?#%.yaml", text }, diagnostics }]]) {
    expect(isValid(logOf(reports)), JSON.stringify(isValid.errors)).toBe(true);
  }
});

it("would not be valid with a place that starts in line 0, or without a message", () => {
  const spoilt = (from: RegExp, to: string) =>
    JSON.parse(renderReports([reportOf("schema/unknown-key")], "sarif").replace(from, to)) as object;
  expect(isValid(spoilt(/"startLine": \d+/, '"startLine": 0'))).toBe(false);
  expect(isValid(spoilt(/"message"/, '"massage"'))).toBe(false);
});

function logOf(reports: readonly FileReport[]): object {
  return JSON.parse(renderReports(reports, "sarif")) as object;
}

/** The diagnostics of the code's own fixture, or one without a place where they need more than a text. */
function reportOf(code: string): FileReport {
  const folder = `${fixtures}invalid/${code}/`;
  const path = `${folder}input.yaml`;
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const overrides = readdirSync(folder).includes("set.txt")
    ? readFileSync(`${folder}set.txt`, "utf8").trimEnd().split("\n")
    : [];
  const { diagnostics } = compileText(text, path, { overrides, readBase });
  const found = diagnostics.some((diagnostic) => diagnostic.code === code);
  const own = { code, severity: "error", message: "as the command line finds it" } as (typeof diagnostics)[number];
  return { source: { name: path, text }, diagnostics: found ? diagnostics : [own] };
}

function compileSchema() {
  const text = readFileSync(`${fixtures}sarif/sarif-2.1.0-rtm.5.schema.json`, "utf8");
  // What of draft-04 is read otherwise since: the schema's own name. It uses no exclusive bounds.
  const { id, $schema, ...schema } = JSON.parse(text) as Record<string, unknown>;
  expect(String(id)).toContain("sarif-2.1.0");
  expect($schema).toBe("http://json-schema.org/draft-04/schema#");
  const formats = {
    uri: (value: string) => URL.canParse(value),
    "uri-reference": (value: string) => URL.canParse(value, "https://example.org/") && !/[\s\\]/.test(value),
    "date-time": (value: string) => !Number.isNaN(Date.parse(value)),
  };
  return new Ajv({ strict: false, unicodeRegExp: false, formats }).compile(schema);
}
