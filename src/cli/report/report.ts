// The work of `netc report`: run folders → one HTML page.
import { join } from "node:path";
import { refuseUnwritable, writeOutput } from "../../runtime/files/output-file.js";
import type { RunRecord } from "../../runtime/run/read-run.js";
import { readRun } from "../../runtime/run/read-run.js";
import { runFolderAt } from "../../runtime/run/run-folder.js";
import { readOrigins } from "../../runtime/run/run-origins.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { kernelSection } from "./kernel-section.js";
import { renderReport } from "./render-report.js";
import type { Section } from "./view.js";
import { reportView } from "./view.js";
import { printLine, warnLine } from "../screen/print.js";

export interface ReportFlags {
  readonly out?: string;
  readonly profile: boolean;
  readonly evaluate: boolean;
}

export async function report(paths: readonly string[], flags: ReportFlags): Promise<ExitCode> {
  const runs: RunRecord[] = [];
  for (const path of paths) runs.push(await readRun(runFolderAt(path)));
  const [only] = runs;
  const isSingle = runs.length === 1;
  const place = flags.out ?? (isSingle ? join(only!.folder.path, "report.html") : "comparison.html");
  await refuseUnwritable(place);
  const view = reportView(runs, {
    origins: isSingle ? await readOrigins(only!.folder) : [],
    sections: isSingle ? await sectionsOf(only!, flags) : [],
  });
  await writeOutput(place, await renderReport(view));
  printLine(place);
  return exitCodes.done;
}

async function sectionsOf({ program, folder }: RunRecord, { profile, evaluate }: ReportFlags): Promise<Section[]> {
  const sections: Section[] = [];
  if (program && evaluate) sections.push(...(await evaluationOrNone(folder.path)));
  if (program && profile) sections.push(await kernelSection(program));
  return sections;
}

/** A report is worth having without what can no longer be evaluated: a run without checkpoints, data that has gone. */
async function evaluationOrNone(run: string): Promise<Section[]> {
  try {
    const { evaluationSections } = await import("./evaluation-sections.js");
    return await evaluationSections(run);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warnLine(`without confusion matrix and samples: ${error.message}`);
    return [];
  }
}
