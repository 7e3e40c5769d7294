// Mutants of the shipped files: whatever is done to a text, the compiler answers with a program or with diagnostics that
// have places, soon. FUZZ_MUTANTS=20000 FUZZ_SEED=n runs more of them.
import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parse as parseYaml, stringify } from "yaml";
import { compileText } from "../../src/compiler/compile.js";
import { hasErrors } from "../../src/compiler/diagnostics/diagnostic.js";
import { everyPlace } from "../../src/compiler/front/language/lookup.js";
import { renderReports } from "../../src/compiler/diagnostics/render-diagnostics.js";

/** Blocks of its own, and lists of layers wherever they may stand. */
const described = `name: own
data:
  dataset: { synthetic: { train_images: 64, test_images: 32, height: 32, width: 32, classes: 10 } }
blocks:
  mine:
    settings: { width: 1/2 }
    before: [norm, activation]
    branch:
      - conv: { kernel: 1, channels: out * width }
      - norm
      - activation
      - conv: { kernel: 3, channels: here, stride: stage }
      - norm
      - squeeze_excite: { channels: here / 4 }
      - conv: { kernel: 1 }
    projection: [{ conv: { kernel: 1, stride: stage } }]
  se:
    extends: se_bottleneck
model:
  stem: [{ conv: { kernel: 3, channels: 16 } }]
  stages:
    - { channels: 32, blocks: 2, block: mine, projection: true }
    - { channels: 64, blocks: 2, block: { mine: { width: 1/4 } }, stride: 2, projection: true }
    - { channels: 64, blocks: 2, block: se, stride: 2, projection: true, before: [norm, gelu, {average_pool: {kernel: 2}}] }
    - { channels: 64, blocks: 2, block: repvgg, activation: gelu }
  pooling: [norm, activation, global_average]
  classifier: [{ linear: 32 }, activation]
train: { epochs: 1, batch_size: 8, learning_rate: 0.1 }
`;

const folder = new URL("../../configs/", import.meta.url);
const texts = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => readFileSync(new URL(name, folder), "utf8"));
texts.push(...Array.from({ length: 4 }, () => described));
const numRuns = Number(process.env["FUZZ_MUTANTS"] ?? 1000);
const seed = Number(process.env["FUZZ_SEED"] ?? 20);

const names = [...new Set(everyPlace().flatMap(({ path }) => path))];
const snippets = [
  ..."\t\n\r \"'`@%&*!|>{}[],:#-?~<\\\0\uFEFF\u2028é🙂",
  "\r\n",
  "\n\n",
  "  ",
  "- ",
  ": ",
  "---\n",
  "...\n",
  "<<: ",
  "&a ",
  "*a",
  "!!int ",
  "!x ",
  "%YAML 1.1\n---\n",
  "null",
  "true",
  "yes",
  "0x10",
  "1_000",
  ".inf",
  ".nan",
  "1e400",
  "-1",
  "0",
  "99999999999999999999",
  "[",
  "{{",
  "# ",
  "__proto__: 1\n",
  "constructor: 1\n",
  "toString",
  "hasOwnProperty: {}\n",
  ...names,
];

/** Values at the edges of what the language, YAML and numbers take. */
const extremes: readonly unknown[] = [
  ...[0, -0, -1, 1e-300, 1e300, 2 ** 31, 2 ** 53, -(2 ** 63), Infinity, -Infinity, NaN, 65_536, 1_000_000, 0.5],
  ...["", " ", "a".repeat(5000), "\u0000", "\u001b[31m", "\u2028", "é🙂", "１２", "null", "1e999", "__proto__"],
  ...[true, false, null, [], {}, [[[[[[]]]]]], { a: { b: { c: {} } } }, { constructor: {} }, Array(1001).fill(1)],
];

/** A file whose parts come from others: subtrees put in the place of others, keys moved, values made extreme. */
const splice = fc.record({
  kind: fc.constantFrom("subtree", "extreme", "subtree", "rename", "repeat"),
  to: fc.nat(),
  from: fc.nat(),
  donor: fc.nat(),
});

interface Leaf {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Leaf[] {
  if (value === null || typeof value !== "object") return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

function spliced(text: string, splices: readonly { kind: string; to: number; from: number; donor: number }[]): string {
  const root = parseYaml(text) as Record<string, unknown>;
  for (const { kind, to, from, donor } of splices) {
    const places = placesIn(root);
    if (places.length === 0) break;
    const { holder, key } = places[to % places.length]!;
    if (kind === "extreme") {
      holder[key] = structuredClone(extremes[from % extremes.length]);
    } else if (kind === "repeat" && Array.isArray(holder[key])) {
      holder[key] = Array.from({ length: 1 + (from % 12) }, () => structuredClone((holder[key] as unknown[])[0]));
    } else if (kind === "rename" && !Array.isArray(holder)) {
      holder[names[from % names.length]!] = holder[key];
      delete holder[key];
    } else {
      const others = placesIn(parseYaml(texts[donor % texts.length]!));
      const other = others[from % others.length]!;
      holder[key] = other.holder[other.key];
    }
  }
  return stringify(root);
}

const edit = fc.record({
  kind: fc.constantFrom("insert", "delete", "replace", "copy", "swap lines", "indent", "cut"),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 40 }),
  to: fc.nat(),
  snippet: fc.constantFrom(...snippets),
});

const original = fc.constantFrom(...texts);
const mutants = fc.oneof(
  fc.tuple(original, fc.array(edit, { minLength: 1, maxLength: 5 })).map(([text, edits]) => edits.reduce(mutate, text)),
  fc.tuple(original, fc.array(splice, { minLength: 1, maxLength: 3 })).map(([text, splices]) => spliced(text, splices)),
);

it(`compiles or explains ${numRuns} mutants of seed ${seed}, none of them for longer than a second`, () => {
  let slowest = 0;
  let compiled = 0;
  fc.assert(
    fc.property(mutants, (text) => {
      const start = process.cpuUsage();
      const { value, diagnostics } = compileText(text, "mutant.yaml");
      slowest = Math.max(slowest, milliseconds(process.cpuUsage(start)));
      expect(value !== undefined).toBe(!hasErrors(diagnostics));
      if (value) compiled++;
      for (const { span, message, hint } of diagnostics) {
        expect(span, message).toBeDefined();
        const { start: from, end } = span!;
        expect(from >= 0 && end >= from && end <= text.length, `${message}: ${from} to ${end}`).toBe(true);
        expect(`${message}${hint}`).not.toMatch(/\[object|NaN|function /);
      }
      for (const format of ["text", "json", "github", "sarif"] as const) {
        renderReports([{ source: { name: "mutant.yaml", text }, diagnostics }], format);
      }
    }),
    { numRuns, seed },
  );
  expect(slowest).toBeLessThan(1000);
  expect(compiled, "some mutants are still right").toBeGreaterThan(numRuns / 100);
}, 600_000);

/** Of the processor's time: a machine that is busy otherwise makes nothing slow here. */
function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

function mutate(
  text: string,
  { kind, at, length, to, snippet }: { kind: string; at: number; length: number; to: number; snippet: string },
): string {
  const from = at % (text.length + 1);
  const target = to % (text.length + 1);
  switch (kind) {
    case "insert":
      return text.slice(0, from) + snippet + text.slice(from);
    case "delete":
      return text.slice(0, from) + text.slice(from + length);
    case "replace":
      return text.slice(0, from) + snippet + text.slice(from + length);
    case "copy":
      return text.slice(0, target) + text.slice(from, from + length) + text.slice(target);
    case "cut":
      return text.slice(0, from);
    case "indent":
      return text.slice(0, from) + text.slice(from).replace("\n", `\n${" ".repeat(length % 8)}`);
    default: {
      const lines = text.split("\n");
      const [a, b] = [at % lines.length, to % lines.length];
      [lines[a], lines[b]] = [lines[b]!, lines[a]!];
      return lines.join("\n");
    }
  }
}
