// `netc doctor`: what this machine has for netc, and what is missing with the commands that add it.
import type { Command } from "commander";

export function register(program: Command): void {
  program
    .command("doctor")
    .summary("say what this machine can do and what is missing")
    .description("Looks at Node, the processor, WebAssembly, every engine and the data sets, and says what is missing.")
    .action(async () => {
      const { doctor } = await import("./doctor.js");
      process.exitCode = await doctor();
    });
}
