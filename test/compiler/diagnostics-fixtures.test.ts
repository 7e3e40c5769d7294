// Every diagnostic, as it is printed: a folder a case under test/fixtures/invalid, named for its code (`--` sets several
// cases of one code apart). input.yaml is the wrong file, fixed.yaml the same file put right, set.txt what `--set` is
// given; expected.txt is the whole output. UPDATE_FIXTURES=1 writes it anew.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readBase } from "../../src/runtime/source/read-base.js";
import { readSource } from "../../src/runtime/source/read-source.js";
import { checkMemory } from "../../src/compiler/memory/check-memory.js";
import { codes } from "../../src/compiler/diagnostics/codes.js";
import { compileText } from "../../src/compiler/compile.js";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.js";
import { diagnosticsReference } from "../../src/compiler/diagnostics/diagnostics-reference.js";
import type { ScanImages } from "../../src/compiler/front/scan-images.js";
import { scanImages } from "../../src/runtime/data/images/scan-images.js";
import { startFaults } from "../../src/runtime/weights/start-weights.js";
import type { MemoryLimits } from "../../src/compiler/memory/memory-limits.js";
import { memoryBound } from "../../src/compiler/memory/memory-limits.js";
import { withSpans } from "../../src/compiler/front/parse.js";
import { renderDiagnostics } from "../../src/compiler/diagnostics/render-diagnostics.js";

const root = fileURLToPath(new URL("../fixtures/invalid/", import.meta.url));

/** Inputs too large to be kept. */
const generated: Readonly<Record<string, string>> = {
  "yaml/too-large": `name: demo\n${"# a comment that goes on and on\n".repeat(10_000)}`,
};

const cases = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isDirectory() && dirname(join(entry.parentPath, entry.name)) !== dirname(root))
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll("\\", "/"))
  .filter((name) => name.split("/").length === 2) // a case may have folders of its own
  .sort();

describe("each wrong file", () => {
  it.each(cases)("%s is reported as expected", async (name) => {
    const { diagnostics, output } = await check(name, "input.yaml");
    expect(diagnostics.map(({ code }) => code)).toContain(name.split("--")[0]);
    const golden = join(root, name, "expected.txt");
    if (process.env["UPDATE_FIXTURES"]) writeFileSync(golden, output);
    expect(output).toBe(readFileSync(golden, "utf8"));
  });

  it.each(cases)("%s is put right by its fixed.yaml", async (name) => {
    const { output } = await check(name, "fixed.yaml");
    expect(output).toBe("\n");
  });
});

it("has a folder for every code of the catalogue, and no other", () => {
  const shown = [...new Set(cases.map((name) => name.split("--")[0]))].sort();
  expect(shown).toEqual(Object.keys(codes).sort());
});

it("docs/diagnostics.md shows every code as it is (node scripts/build-schema.mjs)", () => {
  const page = readFileSync(new URL("../../docs/diagnostics.md", import.meta.url), "utf8");
  expect(page).toBe(diagnosticsReference(Object.fromEntries(cases.map((name) => [name, exampleOf(name)]))));
});

function exampleOf(name: string) {
  const text = (file: string) => readFileSync(join(root, name, file), "utf8");
  const wrong = existsSync(join(root, name, "input.yaml")) ? text("input.yaml") : undefined;
  return { wrong, right: text("fixed.yaml"), output: text("expected.txt") };
}

async function check(name: string, fileName: "input.yaml" | "fixed.yaml") {
  const folder = join(root, name);
  const path = join(folder, fileName);
  const text = fileName === "input.yaml" ? generated[name] : undefined;
  const found = text === undefined ? await readSource(path) : { value: { name: path, text }, diagnostics: [] };
  const overrides = fileName === "input.yaml" ? overridesOf(name) : [];
  const diagnostics: readonly Diagnostic[] = found.value
    ? await compile(found.value.text, folder, path, overrides)
    : found.diagnostics;
  const source = { name: path, text: found.value?.text ?? "" };
  const output = `${renderDiagnostics(diagnostics, { source })}\n`;
  // As if run in the folder.
  return { diagnostics, output: output.replaceAll(`${folder}/`, "") };
}

/** On a machine of two threads and any amount of memory, of which WebAssembly addresses 4 GiB. */
const limits: MemoryLimits = { threads: 2, addressableBytes: 2 ** 32, machineBytes: Infinity };

async function compile(
  text: string,
  folder: string,
  path: string,
  overrides: readonly string[],
): Promise<readonly Diagnostic[]> {
  const scan: ScanImages = (request) => scanImages(request, folder);
  const { value, file, diagnostics } = compileText(text, path, { overrides, readBase, scanImages: scan });
  if (!value || !file) return diagnostics;
  const found = withSpans(file, await startFaults(value, { folder }));
  if (memoryBound(value, limits.threads) <= limits.addressableBytes) return [...diagnostics, ...found];
  return [...diagnostics, ...found, ...withSpans(file, checkMemory(value, limits))];
}

function overridesOf(name: string): readonly string[] {
  const path = join(root, name, "set.txt");
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
}
