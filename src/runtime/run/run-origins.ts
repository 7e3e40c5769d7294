// What set each value of a run's configuration, kept beside it: the file that was run may change or go away.
import { textIfThere } from "../files/if-there.js";
import { isRecord, jsonIn } from "../files/parse-json.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import { UserError } from "../process/user-error.js";
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

/** None where the run was made without them, from a program and not from a file. @throws UserError where they cannot be read. */
export async function readOrigins(folder: RunFolder): Promise<Origin[]> {
  const text = await textIfThere(folder.origins);
  if (text === undefined) return [];
  const origins = jsonIn(text);
  if (Array.isArray(origins) && origins.every(isOrigin)) return origins;
  throw new UserError(
    `${folder.origins} is damaged, so where each value came from is not known; remove it to do without`,
  );
}

function isOrigin(value: unknown): value is Origin {
  return isRecord(value) && ["path", "value", "origin"].every((key) => typeof value[key] === "string");
}
