// Hostile files cost time in proportion to their size: of each kind one twice as long takes about twice the processor's time, from
// the text to the last line that is printed. A quadratic pass would take four times as much.
import { expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import type { DiagnosticsFormat } from "../../src/compiler/diagnostics/render-diagnostics.js";
import { renderReports } from "../../src/compiler/diagnostics/render-diagnostics.js";

const SIZE = 40_000;
/** Twice, and what a busy machine adds; and what does not grow with the file. */
const [MOST, CONSTANT_MILLISECONDS] = [2.7, 30];
const TRIES = 4;
const FORMATS: readonly DiagnosticsFormat[] = ["text", "json", "github", "sarif"];

const WHOLE = `name: x
data: { dataset: { synthetic: { train_images: 64 } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 1, batch_size: 16, learning_rate: 0.1 }
`;

/** As many pieces as make so many characters. */
function many(characters: number, piece: (index: number) => string): string {
  const pieces: string[] = [];
  for (let length = 0, index = 0; length < characters; index++) {
    pieces.push(piece(index));
    length += pieces.at(-1)!.length;
  }
  return pieces.join("");
}

const KINDS: Readonly<Record<string, (size: number) => string>> = {
  "a comment before an unknown tag": (size) => `${"#".repeat(size)}\nname: x\ndata: !!omap [a: 1]\n`,
  "unknown tags": (size) => `name: x\ndata:\n${many(size, (i) => `  - !a${i} b\n`)}`,
  "unknown tags on one line": (size) => `name: [${many(size, () => "!t x, ")}]\n`,
  "exclamation marks": (size) => `a: [${"! ,".repeat(size / 3)}]\n`,
  "unknown keys": (size) => WHOLE + many(size, (i) => `k${i}: 1\n`),
  "keys given twice": (size) => WHOLE + many(size, () => "name: y\n"),
  "keys that are numbers": (size) => many(size, (i) => `${i}: 1\n`),
  "keys that are lists": (size) => many(size, (i) => `? [a, ${i}]\n: 1\n`),
  "keys with odd spaces": (size) => many(size, (i) => `k${i}\u00a0: 1\n`),
  stages: (size) =>
    WHOLE.replace("[{ channels: 8, blocks: 1 }]", `[${many(size, () => "{ channels: x, bloks: 1 }, ")}]`),
  anchors: (size) => WHOLE + many(size, (i) => `a${i}: &a${i} 1\n`),
  aliases: (size) => `x: &x {a: 1, b: 2}\n${WHOLE}${many(size, (i) => `a${i}: *x\n`)}`,
  "anchors and aliases to none": (size) =>
    WHOLE + many(size / 2, (i) => `a${i}: &a${i} 1\n`) + many(size / 2, (i) => `b${i}: *z${i}\n`),
  "digits that are no number": (size) => WHOLE.replace("epochs: 1", `epochs: '${"1".repeat(size)}x'`),
  "unknown aliases": (size) => WHOLE + many(size, (i) => `a${i}: *b${i}\n`),
  merges: (size) => `y: &y {${many(size / 2, (i) => `k${i}: 1, `)}}\nz:\n${many(size / 2, () => "  <<: *y\n")}`,
  "lines that lack a colon": (size) => many(size, (i) => (i % 3 === 0 ? `a${i} b\n` : `x${i}: 1\n`)),
  tabs: (size) => many(size, () => "a:\n\tb: 1\n"),
  quotes: (size) => many(size, () => 'a: "b\n'),
  "brackets that are never closed": (size) => `a: [${many(size, () => "b: {c,\n")}`,
  "unknown escapes": (size) => `name: "${"\\q".repeat(size / 2)}"\n`,
  documents: (size) => many(size, () => "---\na: 1\n"),
  nesting: (size) => many(size, (i) => `${" ".repeat(i % 60)}a:\n`),
  "empty lines": (size) => `${"\n".repeat(size)}name: 1x: y`,
  "a long name": (size) => WHOLE.replace("name: x", `name: ${"é".repeat(size)}`),
  "a long list of epochs": (size) =>
    WHOLE.replace("0.1 }", `{ multi_step: { rate: 0.1, at_epochs: [${many(size, (i) => `${i}, `)}] } } }`),
};

it.each(Object.entries(KINDS))("%s", (_, make) => {
  const [once, twice] = [make(SIZE), make(2 * SIZE)];
  let [least, leastOfTwice] = [Infinity, Infinity];
  for (let attempt = 0; attempt < TRIES; attempt++) {
    least = Math.min(least, milliseconds(once));
    leastOfTwice = Math.min(leastOfTwice, milliseconds(twice));
    if (leastOfTwice < MOST * least + CONSTANT_MILLISECONDS) return;
  }
  expect(leastOfTwice).toBeLessThan(MOST * least + CONSTANT_MILLISECONDS);
});

/** Of the processor, for this process alone: other work on the machine does not count. */
function milliseconds(text: string): number {
  const before = process.cpuUsage();
  const { diagnostics } = compileText(text, "hostile.yaml", {});
  for (const format of FORMATS) renderReports([{ source: { name: "hostile.yaml", text }, diagnostics }], format);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
