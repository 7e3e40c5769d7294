// A file's path → what it makes, with what only decoding tells already known: which images cannot be read and are left out.
import { hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import { showingProgress } from "../data/data-progress.js";
import { warnLine } from "../screen/print.js";
import type { SoundFile, Target } from "./load-file.js";
import { compile, parseFile, reportFaults, soundIn } from "./load-file.js";

/** Undefined where the file has errors, which are then printed. */
export async function loadPrepared(
  path: string,
  overrides: readonly string[],
  target?: Target,
): Promise<SoundFile | undefined> {
  const parsed = await parseFile(path, overrides);
  const compiled = await compile(parsed, target);
  reportFaults(compiled);
  const sound = soundIn(compiled);
  if (!sound || !(await hasFoundBroken(sound))) return sound;
  // The images are counted again, without those
  const counted = await compile(parsed, target);
  if (hasErrors(counted.diagnostics)) reportFaults(counted);
  return soundIn(counted);
}

/** Names each image that cannot be read, where the file leaves such out. */
async function hasFoundBroken({ config }: SoundFile): Promise<boolean> {
  const { dataset } = config.data;
  if (typeof dataset !== "object" || !("images" in dataset) || dataset.images.broken === "error") return false;
  const { findBroken } = await import("../../runtime/data/images/open-images.js");
  const broken = await showingProgress((onProgress) => findBroken(dataset.images, onProgress));
  for (const { path, reason } of broken) warnLine(`left out: ${dataset.images.folder}/${path} ${reason}`);
  return broken.length > 0;
}
