// `path=value` from the command line: the steps of the path, and the value as YAML. Both keep the argument as their
// source, so that faults are shown in it.
import type { Diagnostic, Result, SourceText, Span } from "../../diagnostics/diagnostic.js";
import { failed, ok } from "../../diagnostics/diagnostic.js";
import { parseSource } from "../parse.js";
import { fromSource, withSource } from "../yaml/yaml-file.js";
import type { YamlNode } from "../yaml/yaml-file.js";

/** One step of a path on the command line, with its place in the argument. */
export interface Step {
  readonly name: string | number | "+";
  readonly span: Span;
}

export interface Assignment {
  readonly steps: readonly Step[];
  readonly value: YamlNode;
  /** The value as it was written. */
  readonly text: string;
}

/** The value is YAML: `0.1`, `true`, `[1, 2]`, `{batch: {eps: 1e-3}}`. */
export function readAssignment(source: SourceText): Result<Assignment> {
  const equals = source.text.indexOf("=");
  if (equals < 1) {
    return failed([
      syntaxError("an override has no `=`", `write \`${source.name === "set" ? "" : `${source.name} `}path=value\``, {
        start: 0,
        end: source.text.length,
        source,
      }),
    ]);
  }
  const steps = readPath(source, equals);
  if (!steps.value) return failed(steps.diagnostics);
  const valueStart = equals + 1;
  if (source.text.slice(valueStart).trim() === "") {
    const hint = "write a value after the `=`, or `null`";
    return failed([syntaxError("an override has no value", hint, { start: equals, end: equals + 1, source })]);
  }
  const parsed = parseSource(source, valueStart);
  const diagnostics = withSource(source, parsed.diagnostics);
  const isNull = parsed.value === undefined && diagnostics.every(({ code }) => code === "yaml/empty");
  if (isNull) {
    const span = { start: valueStart, end: source.text.length, source };
    return ok({ steps: steps.value, value: { kind: "scalar", value: null, quoted: false, span }, text: "null" });
  }
  if (!parsed.value || diagnostics.length > 0) return failed(diagnostics);
  const text = source.text.slice(valueStart, parsed.value.root.span.end).trim();
  return ok({ steps: steps.value, value: fromSource(parsed.value.root, source), text });
}

/** Far more than any path of the language has. */
const MOST_STEPS = 100;

/** The steps of a path that ends at `end`; dots and brackets may be mixed. */
export function readPath(source: SourceText, end: number): Result<readonly Step[]> {
  const steps: Step[] = [];
  const pattern = /\s*(?:([\w-]+)|\[\s*(-?\d+|\+)\s*\])\s*(\.(?=\s*[\w-])|(?=\[)|$)/gy;
  const path = source.text.slice(0, end);
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    if (steps.length === MOST_STEPS) {
      const hint = "write a path such as `model.stages[1].channels`";
      return failed([syntaxError(`a path has more than ${MOST_STEPS} steps`, hint, { start: from, end, source })]);
    }
    const match = pattern.exec(path);
    if (!match) {
      const hint = "write a path such as `model.stages[1].channels`";
      const span = { start: from, end: Math.max(end, from + 1), source };
      return failed([syntaxError(`\`${path.slice(from)}\` is not a path`, hint, span)]);
    }
    const [, word, index] = match;
    const text = word ?? index!;
    const start = path.indexOf(text, from);
    const name = text === "+" ? "+" : /^-?\d+$/.test(text) ? Number(text) : text;
    steps.push({ name, span: { start, end: start + text.length, source } });
  }
  return ok(steps);
}

function syntaxError(message: string, hint: string, span: Span): Diagnostic {
  return { code: "set/syntax", severity: "error", message, span, hint };
}
