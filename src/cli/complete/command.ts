// `netc complete SHELL`: the script by which bash, zsh, fish or PowerShell completes commands and options; the shell then asks
// `netc complete -- WORDS…` as one types.
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/** Completes what is registered already, so that it comes last. */
export function register(program: Command): void {
  for (const one of program.commands) if (one.summary() !== "") one.description(one.summary()); // a line has room for that
  tab(program);
  program.commands
    .find((one) => one.name() === "complete")
    ?.summary("print the script that completes commands in bash, zsh, fish or PowerShell")
    .description(
      "Prints a script for the shell that is named. To use it now: source <(netc complete bash), source <(netc complete zsh)," +
        " or netc complete fish | source; to use it always, put that line into the shell's start file.",
    );
}
