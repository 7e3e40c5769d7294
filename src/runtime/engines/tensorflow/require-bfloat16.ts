// Refuses train.precision: bfloat16 where TensorFlow would only slow down with it: on a processor without instructions for it.
import { readFileSync } from "node:fs";
import type { Program } from "../../../compiler/program.js";
import { UserError } from "../../process/user-error.js";

/** As Linux names them: the two sets of instructions that oneDNN multiplies bfloat16 with. */
const INSTRUCTIONS = /\b(avx512_bf16|amx_bf16)\b/;

/** @throws UserError naming what is missing. */
export function requireBfloat16Instructions({ config }: Program): void {
  if (config.train.precision === "float32" || hasBfloat16Instructions()) return;
  throw new UserError(
    "train.precision: bfloat16 needs a processor with instructions for it (AVX-512 BF16 or AMX) on Linux, and this machine has " +
      "none: write `precision: float32`",
  );
}

export function hasBfloat16Instructions(): boolean {
  try {
    return INSTRUCTIONS.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false; // not Linux
  }
}
