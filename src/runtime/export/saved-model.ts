// A trained network as TensorFlow's SavedModel; beside it the names of its classes and what has to be done to a picture.
import { SAVED_MODEL_LIMIT, savedModel } from "../../compiler/targets/saved-model.js";
import { classLines } from "./class-lines.js";
import { preprocessingOf } from "./preprocessing.js";
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
  const preprocessing = preprocessingOf(program.config, { layout: "NHWC", type: "uint8" });
  return new Map<string, string | readonly Uint8Array[]>([
    ["saved_model.pb", [savedModel(program, state)]],
    ["assets/classes.txt", classLines(classes)],
    ["assets/preprocessing.json", `${JSON.stringify({ classes, preprocessing }, null, 2)}\n`],
  ]);
}
