// A trained network as TensorFlow's SavedModel, and the names of its classes beside it.
import { SAVED_MODEL_LIMIT, savedModel } from "../../compiler/targets/saved-model.js";
import { UserError } from "../process/user-error.js";
import type { ExportedFiles, ExportSource } from "./source.js";

/** @throws UserError where the weights are larger than one SavedModel file can be. */
export function savedModelFiles({ program, classes, trained }: ExportSource): ExportedFiles {
  const { state } = trained!;
  const bytes = [...state.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes > SAVED_MODEL_LIMIT) {
    throw new UserError(
      `the weights take ${(bytes / 1e9).toFixed(1)} GB, and a SavedModel of one file can hold 2.1 GB; export safetensors instead`,
    );
  }
  return new Map<string, string | readonly Uint8Array[]>([
    ["saved_model.pb", [savedModel(program, state)]],
    ["assets/classes.txt", classes.map((name) => `${name}\n`).join("")],
  ]);
}
