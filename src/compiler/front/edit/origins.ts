// Where each value of a resolved configuration comes from: the file (and its line), the command line, or a default.
import type { LoadedConfig } from "../load-config.js";
import type { Path, Span } from "../../diagnostics/diagnostic.js";
import { positionAt } from "../../diagnostics/code-frame.js";
import { flow } from "../language/describe.js";
import type { YamlFile, YamlNode } from "../yaml/yaml-file.js";
import { childOf, pathText } from "../yaml/yaml-file.js";

export interface ValueWithOrigin {
  readonly path: Path;
  readonly value: unknown;
  /** The place of the value, or of the short form that stands for it; undefined for a default. */
  readonly span: Span | undefined;
}

/** Every single value of the configuration in order. */
export function origins({ file, config }: LoadedConfig): ValueWithOrigin[] {
  return leaves(config, [], file.root);
}

/** `configs/a.yaml:12`, `--set train.epochs=3` or `default` */
export function originText(file: YamlFile, span: Span | undefined): string {
  if (!span) return "default";
  const source = span.source ?? file.source;
  return source.isCommandLine
    ? `${source.name} ${source.text}`
    : `${source.name}:${positionAt(source.text, span.start).line}`;
}

/** Lines `path: value  (origin)` for what stands at a path, in which `[]` stands for every item of a list. */
export function valuesAt(loaded: LoadedConfig, path: readonly string[]): string[] {
  const found = origins(loaded).filter((origin) =>
    path.every((step, index) =>
      step === "[]" ? typeof origin.path[index] === "number" : String(origin.path[index]) === step,
    ),
  );
  if (found.length === 0) {
    const asksForItem = path.some((step) => step === "[]" || /^-?\d+$/.test(step));
    return [asksForItem ? "not used: there is no such item" : "not used: another option is chosen"];
  }
  const texts = found.map(({ path: at, value }) => `${pathText(at)}: ${flow(value)}`);
  const width = Math.max(...texts.map((text) => text.length));
  return found.map(({ span }, index) => `${texts[index]!.padEnd(width)}  ${originText(loaded.file, span)}`);
}

/** `node` is what the file has at the path or, where `isShort`, a short form that stands above it. */
function leaves(value: unknown, path: Path, node: YamlNode | undefined, isShort = false): ValueWithOrigin[] {
  const isGroup = value !== null && typeof value === "object" && Object.keys(value).length > 0;
  if (!isGroup) {
    // `learning_rate: 0.1` sets the long form's rate, and leaves its warm-up to the default.
    const isSet = !isShort || (typeof value === "number" && node?.kind === "scalar" && node.value === value);
    return [{ path, value, span: isSet ? node?.span : undefined }];
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const step = Array.isArray(value) ? Number(name) : name;
    return node?.kind === "scalar"
      ? leaves(inner, [...path, step], node, true)
      : leaves(inner, [...path, step], childOf(node, step));
  });
}
