// For engines that do not plan their memory.
import type { Program } from "../../compiler/program.js";
import { UserError } from "../process/user-error.js";

/** @throws UserError where the program asks to compute more maps again rather than keep them. */
export function refuseRecompute({ config }: Program, engine: string): void {
  if (!config.train.recompute) return;
  throw new UserError(
    `the ${engine} engine cannot choose which maps are kept for the backward pass, and the file asks for train.recompute; ` +
      "train with `--engine wasm`, or write `recompute: false`",
  );
}
