// `netc runs`: the runs under a folder with their state and result, and one of them in full.
import type { Command } from "commander";
import { formats } from "../screen/options.js";
import type { RunsFlags } from "./runs.js";

export function register(program: Command): void {
  const runs = program
    .command("runs")
    .summary("list runs, or show one")
    .description("Lists the runs under a folder with their state and result; `netc runs show` shows one in full.");
  formats(runs.command("list", { isDefault: true }))
    .description("list the runs under a folder")
    .argument("[folder]", "where the run folders are", "runs")
    .action(async (folder: string, flags: RunsFlags) => {
      const { listRuns } = await import("./runs.js");
      process.exitCode = await listRuns(folder, flags);
    });
  formats(runs.command("show"))
    .description("show one run: its state, figures, epochs, curves and checkpoints")
    .argument("<run>", "a run folder")
    .action(async (folder: string, flags: RunsFlags) => {
      const { showRun } = await import("./runs.js");
      process.exitCode = await showRun(folder, flags);
    });
}
