// How commands print: whole lines to standard output and standard error, with nothing in them that a terminal would obey.
import { printable, printableDocument } from "../../compiler/diagnostics/printable.js";

export function printLine(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${printable(line)}\n`).join(""));
}

/** To standard error. */
export function warnLine(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/** A value as JSON that is plain text, whatever its strings hold. */
export function jsonText(value: unknown): string {
  return `${printableDocument(JSON.stringify(value, undefined, 2))}\n`;
}
