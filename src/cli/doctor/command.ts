// `netc doctor`: what this machine has for netc, and what is missing with the commands that add it.
import type { Command } from "commander";
import { formats } from "../screen/options.js";
import type { DoctorFlags } from "./doctor.js";

export function register(program: Command): void {
  formats(program.command("doctor"))
    .summary("say what this machine can do and what is missing")
    .description("Looks at Node, the processor, WebAssembly, every engine and the data sets, and says what is missing.")
    .action(async (flags: DoctorFlags) => {
      const { doctor } = await import("./doctor.js");
      process.exitCode = await doctor(flags);
    });
}
