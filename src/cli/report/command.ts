// `netc report RUN…`: one self-contained page about a run, or about several side by side.
import type { Command } from "commander";
import type { ReportFlags } from "./report.js";

export function register(program: Command): void {
  program
    .command("report")
    .summary("write a page about a run, or compare runs")
    .description(
      "Writes one HTML page with curves, figures, every epoch, the drawn network, the settings and where they come from, the" +
        " environment, the confusion matrix, the most wrong images and the time by kernel. It is self-contained and works offline. With several runs," +
        " compares them.",
    )
    .argument("<run...>", "run folders")
    .option("-o, --out <file>", "where to write it (default: report.html in the run's folder, or here for several)")
    .option("--no-profile", "leave out the time by kernel, which is measured here and now")
    .option("--no-evaluate", "leave out the confusion matrix and the most wrong images, which are found here and now")
    .action(async (runs: string[], flags: ReportFlags) => {
      const { report } = await import("./report.js");
      process.exitCode = await report(runs, flags);
    });
}
