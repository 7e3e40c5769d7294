// A file with faults of form in one section can still be checked in the others: its shapes need not wait until a slip in
// `train` is mended. The faulty section is replaced by a stand-in, and what is then said of it is left out.
import type { ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import { hasErrors, invariant } from "../diagnostics/diagnostic.js";
import { parse } from "./parse.js";
import { resolve } from "./resolve.js";
import type { ScanImages } from "./scan-images.js";
import { withImages } from "./scan-images.js";
import { validate } from "./validate/validate.js";
import type { YamlFile } from "./yaml/yaml-file.js";

export interface SoundPart {
  readonly config: ResolvedConfig;
  /** Whether a fault that a later pass finds is the file's own, and not the stand-in's. */
  readonly concerns: (diagnostic: Diagnostic) => boolean;
}

/** The network depends on the data, so without sound data nothing is left to check. */
const standIns = {
  model: "{ stem: { channels: 1 }, stages: [{ channels: 1, blocks: 1 }] }",
  train: "{ epochs: 1, batch_size: 1, learning_rate: 1 }",
} as const;

/** Undefined unless all faults lie within one section that others do not depend on. */
export function soundPart(
  file: YamlFile,
  diagnostics: readonly Diagnostic[],
  scanImages?: ScanImages,
): SoundPart | undefined {
  const faulty = new Set(diagnostics.filter(({ severity }) => severity === "error").map(({ path }) => path?.[0]));
  const [section] = faulty;
  if (faulty.size !== 1 || (section !== "model" && section !== "train")) return undefined;
  if (file.root.kind !== "map") return undefined;
  const standIn = parse(standIns[section], "").value;
  invariant(standIn, `the stand-in for ${section} is not YAML`);
  const entries = file.root.entries.map((entry) => (entry.key === section ? { ...entry, value: standIn.root } : entry));
  const valid = validate({ ...file, root: { ...file.root, entries } }).value;
  const images = valid && withImages(valid, scanImages);
  if (!images?.value || hasErrors(images.diagnostics)) return undefined;
  const isOther = ({ path }: { readonly path?: Path }) => path !== undefined && path[0] !== section;
  const concerns = (diagnostic: Diagnostic) => [diagnostic, ...(diagnostic.related ?? [])].every(isOther);
  return { config: resolve(images.value), concerns };
}
