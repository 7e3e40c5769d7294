// What every pass reports. Diagnostics are data: passes collect all they find and return them.
import type { Code } from "./codes.js";

/** Where a value sits in the configuration: keys and list indices from the root. */
export type Path = readonly (string | number)[];

/** A text that values come from: a file, or what was given on the command line. */
export interface SourceText {
  readonly name: string;
  readonly text: string;
  /** One argument, shown without line numbers; its name is the option. */
  readonly isCommandLine?: boolean;
}

/** A range in a source text; offsets in UTF-16 units, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** The text it is a range of; absent within a pass where it is the text of the file at hand. */
  readonly source?: SourceText;
}

export interface Diagnostic {
  readonly code: Code;
  readonly severity: "error" | "warning";
  /** Says what was found and what was expected. */
  readonly message: string;
  readonly path?: Path;
  /** Set once the source text is known; later passes give only `path`. */
  readonly span?: Span;
  /** An edit that the reader can paste. */
  readonly hint?: string;
  readonly related?: readonly { readonly message: string; readonly path?: Path; readonly span?: Span }[];
}

/** A pass's value with all it found; `value` is undefined only when there is an error. */
export interface Result<T> {
  readonly value: T | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function ok<T>(value: T, diagnostics: readonly Diagnostic[] = []): Result<T> {
  return { value, diagnostics };
}

export function failed<T>(diagnostics: readonly Diagnostic[]): Result<T> {
  return { value: undefined, diagnostics };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

/** The first error in one clause: "train.epochs: expected a number". There is one. */
export function firstError(diagnostics: readonly Diagnostic[]): string {
  const { path = [], message } = diagnostics.find(({ severity }) => severity === "error")!;
  return path.length > 0 ? `${path.join(".")}: ${message}` : message;
}

/** A fault of netc itself, never of the user's input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`netc bug: ${message}`);
}
