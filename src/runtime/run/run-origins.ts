// What set each value of a run's configuration, kept beside it: the file that was run may change or go away.
import { readPlainFile } from "../files/read-plain-file.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import type { RunFolder } from "./run-folder.js";

export interface Origin {
  /** "train.epochs" */
  readonly path: string;
  /** As YAML writes it. */
  readonly value: string;
  /** "network.yaml:12", "--set train.epochs=3" or "default". */
  readonly origin: string;
}

export async function writeOrigins(folder: RunFolder, origins: readonly Origin[]): Promise<void> {
  await writeFileAtomically(folder.origins, JSON.stringify(origins, null, 1) + "\n");
}

/** None where the run was made without them, from a program and not from a file. */
export async function readOrigins(folder: RunFolder): Promise<Origin[]> {
  try {
    return JSON.parse(String(await readPlainFile(folder.origins))) as Origin[];
  } catch {
    return [];
  }
}
