import { describe, expect, it } from "vitest";
import { printable, printableDocument, printableSentence } from "../../src/compiler/diagnostics/printable.js";

describe("printable", () => {
  it.each([
    ["two\nlines\r\tend", "two\\nlines\\r\\tend"],
    ["\u001b[31mred\u001b[2J", "\\u001b[31mred\\u001b[2J"],
    ["title\u001b]0;x\u0007", "title\\u001b]0;x\\u0007"],
    ["\u009b31m\u0085\u007f\u0000", "\\u009b31m\\u0085\\u007f\\u0000"],
    ["a\u202egnp.exe\u2066b\u2069", "a\\u202egnp.exe\\u2066b\\u2069"],
    ["a\u2028b\u2029c", "a\\u2028b\\u2029c"],
    ["in\u200bvisible\u{e0041}\ufeff", "in\\u200bvisible\\udb40\\udc41\\ufeff"],
    ["half \ud83d a pair", "half \\ud83d a pair"],
  ])("shows what a terminal would obey or hide: %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it.each(["résumé 猫 🐈 C:\\photos\\new", "مرحبا", "a b–c…"])("leaves other text as it is: %s", (text) => {
    expect(printable(text)).toBe(text);
  });

  it("keeps the lines and indents of a document", () => {
    expect(printableDocument('{\n\t"name": "a\u202e\u0085"\n}')).toBe('{\n\t"name": "a\\u202e\\u0085"\n}');
    expect(JSON.parse(printableDocument(JSON.stringify("a\u202e\u0085\u007f")))).toBe("a\u202e\u0085\u007f");
  });

  it("leaves out the middle of a word that nobody reads to its end, and of no path that the system takes in one part", () => {
    const [long, path] = ["x".repeat(100_000), `/${"y".repeat(255)}/${"z".repeat(255)}`];
    const half = "x".repeat(499);
    expect(printableSentence(`${long} is at\n${path}`)).toBe(`x${half}…${half} is at\\n${path}`);
  });
});
