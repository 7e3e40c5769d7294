// What is exported: a network as its file describes it, or as a run has trained it so far.
import type { Path } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import type { State } from "../engines/engine.js";
import type { LoadedRun } from "../run/load-run.js";

export interface ExportSource {
  readonly program: Program;
  /** Names of the logits. */
  readonly classes: readonly string[];
  /** Undefined for a file that nothing has trained. */
  readonly trained: TrainedSource | undefined;
  /** Where a value stands, for messages: "network.yaml:12: train.optimizer". */
  readonly placeOf: (path: Path) => string;
}

export interface TrainedSource {
  readonly run: LoadedRun;
  /** Parameters and running statistics that evaluation uses. */
  readonly state: State;
}

/** Files by their paths in the new folder, separated by "/". */
export type ExportedFiles = ReadonlyMap<string, string | readonly Uint8Array[]>;

/** Files that are to be run. */
export function isExecutable(path: string): boolean {
  return path.endsWith(".sh");
}
