// What a run started from, kept in its folder as `start.json`: a file, its digest, and which of its tensors were taken. A run that
// begins again finds the same file or is refused; one that goes on from a checkpoint needs it no more.
import { textIfThere } from "../files/if-there.js";
import { isRecord, jsonIn } from "../files/parse-json.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import { UserError } from "../process/user-error.js";
import type { RunFolder } from "../run/run-folder.js";

/** Where the weights of a run came from; kept in its folder, and told by its report. */
export interface Provenance {
  /** As the file names them. */
  readonly weights: string;
  readonly sha256: string;
  /** "safetensors" */
  readonly format: string;
  /** How its tensors found their partners. */
  readonly how: string;
  /** Tensors that were taken from it. */
  readonly taken: number;
  /** Names of the network's that were drawn all the same, and of the file's that were not used. */
  readonly fresh: readonly string[];
  readonly skipped: readonly string[];
}

/** @throws UserError where the run has begun with other weights already. */
export async function keepStart(folder: RunFolder, provenance: Provenance): Promise<void> {
  const before = await readProvenance(folder);
  if (before && before.sha256 !== provenance.sha256) {
    throw new UserError(
      `${provenance.weights} has the SHA-256 ${provenance.sha256}, and the run in ${folder.path} began with ${before.sha256}; ` +
        "put that file back, or start a new run without `--resume`",
    );
  }
  await writeFileAtomically(folder.start, JSON.stringify(provenance, null, 2) + "\n");
}

/** Undefined where the run drew its weights. @throws UserError where what is kept cannot be read. */
export async function readProvenance(folder: RunFolder): Promise<Provenance | undefined> {
  const text = await textIfThere(folder.start);
  if (text === undefined) return undefined;
  const found = jsonIn(text);
  if (isProvenance(found)) return found;
  throw new UserError(
    `${folder.start} is damaged, so which weights the run began with is not known; remove it to do without`,
  );
}

function isProvenance(value: unknown): value is Provenance {
  if (!isRecord(value)) return false;
  const { taken, fresh, skipped } = value;
  return (
    ["weights", "sha256", "format", "how"].every((key) => typeof value[key] === "string") &&
    Number.isSafeInteger(taken) &&
    [fresh, skipped].every((names) => Array.isArray(names) && names.every((name) => typeof name === "string"))
  );
}
