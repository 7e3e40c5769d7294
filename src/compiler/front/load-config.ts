// The front end of the compiler, read aloud: text in, a resolved configuration out, with every fault found on the way. It has two
// halves: what the text says is parsed once, and may be resolved again where what lies around it has changed.
import type { ResolvedConfig } from "../config.js";
import { compose } from "./compose.js";
import type { ReadBase } from "./compose.js";
import type { Diagnostic, Result, SourceText } from "../diagnostics/diagnostic.js";
import { failed, hasErrors, ok } from "../diagnostics/diagnostic.js";
import { applyOverrides } from "./overrides.js";
import type { ArgumentName } from "./overrides.js";
import { parse, sourceText, withSpans } from "./parse.js";
import { resolve } from "./resolve.js";
import type { ScanImages } from "./scan-images.js";
import { withImages } from "./scan-images.js";
import { soundPart } from "./sound-part.js";
import type { SoundPart } from "./sound-part.js";
import { validate } from "./validate/validate.js";
import { withSource } from "./yaml/yaml-file.js";
import type { YamlFile } from "./yaml/yaml-file.js";

export interface LoadedConfig {
  readonly file: YamlFile;
  readonly config: ResolvedConfig;
}

export interface Loading extends Result<LoadedConfig> {
  /** Where there are errors: what of the file later passes can check nevertheless. */
  readonly rest?: SoundPart & { readonly file: YamlFile };
}

/** What the text of a file may need from its surroundings. */
export interface SourceOptions {
  /** `path=value` texts, taken as if they stood in the file, before it is validated. */
  readonly overrides?: readonly string[];
  /** Finds the files that this one extends; without it an `extends` is a fault. */
  readonly readBase?: ReadBase;
  /** What the overrides were given as, where their faults are shown; "--set" without it. */
  readonly argument?: ArgumentName;
  /** Looks into a folder of images; without it a file must say itself what the folder holds. */
  readonly scanImages?: ScanImages;
}

/**
 * `fileName` is what diagnostics call the text.
 * Diagnostics come in the file's order, those of files it extends after, the command line's last; their spans name their
 * sources, so that they can be shown without the file.
 */
export function loadConfig(text: string, fileName: string, options: SourceOptions = {}): Loading {
  return resolveConfig(parseConfig(text, fileName, options), options.scanImages);
}

/** What the text says, over what it extends and under the overrides. There is a value also where those have faults of their own. */
export function parseConfig(
  text: string,
  fileName: string,
  { overrides = [], readBase = noBase, argument }: SourceOptions = {},
): Result<YamlFile> {
  const found = foundIn(sourceText(text, fileName));
  const parsed = parse(text, fileName);
  if (!parsed.value) return failed(found(parsed.diagnostics));
  const composed = compose(parsed.value, readBase);
  // Without its base a file lacks most of what it needs: complaints about that would be consequences.
  if (!composed.value) return failed(found(parsed.diagnostics, composed.diagnostics));
  const { value = composed.value, diagnostics } = applyOverrides(composed.value, overrides, argument);
  return ok(value, found(parsed.diagnostics, composed.diagnostics, diagnostics));
}

/** Goes on from there, as often as what the folders of images hold may have changed. */
export function resolveConfig(
  { value: file, diagnostics: before }: Result<YamlFile>,
  scanImages?: ScanImages,
): Loading {
  if (!file) return failed(before);
  const found = foundIn(file.source);
  const valid = validate(file);
  const diagnostics = found(before, valid.diagnostics);
  if (!valid.value || hasErrors(diagnostics)) {
    const rest = soundPart(file, diagnostics, scanImages);
    return { ...failed<LoadedConfig>(diagnostics), ...(rest ? { rest: { ...rest, file } } : {}) };
  }
  const images = withImages(valid.value, scanImages);
  const all = found(diagnostics, withSpans(file, images.diagnostics));
  if (!images.value || hasErrors(all)) return failed(all);
  return ok({ file, config: resolve(images.value) }, all);
}

const noBase: ReadBase = (name) =>
  failed([{ code: "extends/not-found", severity: "error", message: `${name} cannot be read here` }]);

function foundIn(source: SourceText): (...diagnostics: (readonly Diagnostic[])[]) => Diagnostic[] {
  return (...diagnostics) => inOrder(source, withSource(source, diagnostics.flat()));
}

/** As a reader of the file meets them. */
export function inOrder(source: SourceText, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const rank = ({ span }: Diagnostic) => {
    if (span?.source?.isCommandLine) return 2;
    return span?.source && span.source.name !== source.name ? 1 : 0;
  };
  // Arguments stay in the order in which they were given.
  const start = (diagnostic: Diagnostic) => (rank(diagnostic) === 2 ? 0 : (diagnostic.span?.start ?? 0));
  return [...diagnostics].sort((a, b) => rank(a) - rank(b) || start(a) - start(b));
}
