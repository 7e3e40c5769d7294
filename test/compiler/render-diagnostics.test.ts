import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.js";
import { renderDiagnostics, renderReports } from "../../src/compiler/diagnostics/render-diagnostics.js";

const text = `name: "50% off: demo"
data: { dataset: cifar10 }
model:
  stem: { channels: 16 }
  stages:
    - { channels: 16, blocks: 1 }
    - { channels: 32, blocks: 1, stride: 2 }
train: { epochs: 3, batch_size: 128, learning_rate: 0.1 }
`;
const source = { name: "dir/a b.yaml", text };
const reports = [
  { source, diagnostics: compileText(text, source.name).diagnostics },
  {
    source,
    diagnostics: compileText(text.replace("stride: 2", "projection: true"), source.name, {
      overrides: ["train.epochs=many"],
    }).diagnostics,
  },
];

describe("renderReports", () => {
  it("gives people text, with colour only when asked", () => {
    const plain = renderReports(reports, "text");
    expect(plain).not.toContain("\u001b");
    expect(plain).toContain("2 errors in 2 files");
    const coloured = renderReports(reports, "text", { color: true });
    expect(coloured).toContain("\u001b[");
    // oxlint-disable-next-line no-control-regex
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(plain);
  });

  it("gives data that its schema describes", () => {
    const schema = JSON.parse(
      readFileSync(new URL("../../schema/diagnostics.schema.json", import.meta.url), "utf8"),
    ) as object;
    const data = JSON.parse(renderReports(reports, "json")) as Report;
    const ajv = new Ajv({ allowUnionTypes: true });
    expect(ajv.validate(schema, data), ajv.errorsText()).toBe(true);
    const [first, second] = data.files.map((file) => file.diagnostics[0]!);
    expect(first!.location).toMatchObject({ file: "dir/a b.yaml", argument: null, start: { line: 7, column: 7 } });
    expect(second!.location).toMatchObject({
      file: null,
      argument: "train.epochs=many",
      start: { line: 1, column: 14 },
    });
  });

  it("gives GitHub its workflow commands, each on one line, with what it would misread escaped", () => {
    const [first, second] = renderReports(reports, "github").split("\n");
    expect(first).toMatch(
      /^::error file=dir\/a b\.yaml,line=7,endLine=7,col=7,endColumn=\d+,title=shape\/residual-mismatch::/,
    );
    expect(first).toContain("%0Ahint: ");
    expect(second).toMatch(/^::error title=schema\/wrong-type::/);
  });

  it("gives code scanners SARIF 2.1.0", () => {
    const log = JSON.parse(renderReports(reports, "sarif")) as Sarif;
    expect(log.version).toBe("2.1.0");
    const [run] = log.runs;
    expect(run!.tool.driver.rules.map(({ id }) => id)).toEqual(["schema/wrong-type", "shape/residual-mismatch"]);
    const [first, second] = run!.results;
    expect(first!.locations[0]!.physicalLocation).toEqual({
      artifactLocation: { uri: "dir/a%20b.yaml" },
      region: { startLine: 7, startColumn: 7, endLine: 7, endColumn: 45 },
    });
    expect(first!.relatedLocations).toHaveLength(1);
    expect(second!.locations[0]!.physicalLocation).toEqual({ artifactLocation: { uri: "dir/a%20b.yaml" } });
  });

  it("has nothing to say of files without faults", () => {
    const clean = [{ source, diagnostics: [] }];
    expect(renderReports(clean, "text")).toBe("");
    expect(renderReports(clean, "github")).toBe("");
    expect(JSON.parse(renderReports(clean, "json"))).toMatchObject({ errors: 0, files: [{ diagnostics: [] }] });
  });
});

it("prints fifty faults and counts the others; data for tools has them all", () => {
  const text = Array.from({ length: 2000 }, (_, line) => `key${line}: 1\n`).join("");
  const diagnostics = Array.from({ length: 1234 }, (_, index): Diagnostic => {
    const start = text.indexOf(`key${index}:`);
    const span = { start, end: start + `key${index}`.length };
    return { code: "schema/unknown-key", severity: "error", message: `no key ${index}`, span };
  });
  const reports = [{ source: { name: "many.yaml", text }, diagnostics }];
  const shown = renderReports(reports, "text");
  expect(shown.match(/^error /gm)).toHaveLength(50);
  expect(shown).toMatch(/\n\nand 1,184 more, which `netc check --format json` lists\n\n1,234 errors in many\.yaml$/);
  const annotations = renderReports(reports, "github").split("\n");
  expect(annotations).toHaveLength(51);
  expect(annotations.at(-1)).toBe("::notice::and 1184 more faults, which `netc check` counts");
  expect((JSON.parse(renderReports(reports, "json")) as Report).files[0]!.diagnostics).toHaveLength(1234);
});

it("renderDiagnostics names the file where a diagnostic has no place", () => {
  const diagnostics = [{ code: "file/not-found", severity: "error", message: "there is no file at x" }] as const;
  expect(renderDiagnostics(diagnostics, { source: { name: "x", text: "" } })).toBe(
    "error file/not-found  x\n  there is no file at x\n\n1 error in x",
  );
});

interface Report {
  readonly files: readonly { readonly diagnostics: readonly { readonly location: unknown }[] }[];
}

interface Sarif {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly locations: readonly { readonly physicalLocation: unknown }[];
      readonly relatedLocations?: readonly unknown[];
    }[];
  }[];
}
