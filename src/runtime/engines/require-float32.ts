// For engines that compute in float32 alone.
import type { Program } from "../../compiler/program.js";
import { UserError } from "../process/user-error.js";

/** @throws UserError where the program asks for another precision. */
export function requireFloat32({ config }: Program, engine: string): void {
  const { precision } = config.train;
  if (precision === "float32") return;
  throw new UserError(
    `the ${engine} engine computes in float32, and the file asks for train.precision: ${precision}; ` +
      "train with `--engine wasm` or `--engine tensorflow`, or write `precision: float32`",
  );
}
