// `netc watch [RUN]`: the report of a run, or of all of them, live in a browser while it trains.
import type { Command } from "commander";
import { wholeNumber } from "../screen/options.js";
import type { WatchFlags } from "./watch.js";

export function register(program: Command): void {
  program
    .command("watch")
    .summary("show runs live in a browser")
    .description(
      "Serves the run's report on this machine only, and keeps it up to date while the run goes on. Without a run it shows all " +
        "that are under runs/, and follows the newest. Ctrl-C ends it.",
    )
    .argument("[run]", "a run folder, or a folder of runs")
    .option("--port <number>", "the port on 127.0.0.1 (0: any that is free)", wholeNumber(0), 7070)
    .action(async (run: string | undefined, flags: WatchFlags) => {
      const { watch } = await import("./watch.js");
      process.exitCode = await watch(run, flags);
    });
}
