// What `netc run --resume` goes on from: the newest intact checkpoint of a run that the file continues.
import { resolve } from "node:path";
import { compileText } from "../../compiler/compile.js";
import { firstError } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import { changesSince, describeChange } from "../../runtime/run/changes-since.js";
import type { Checkpoint } from "../../runtime/run/checkpoint.js";
import { readNewestCheckpoint, setAside } from "../../runtime/run/checkpoint.js";
import { readLog } from "../../runtime/run/event-log.js";
import { faultsOfLog } from "../../runtime/run/read-run.js";
import type { RunFolder } from "../../runtime/run/run-folder.js";
import { readRunConfig } from "../../runtime/run/run-folder.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { RunReport } from "./run-report.js";

/**
 * Undefined where the run begins again, since it has no whole checkpoint. Broken ones are set aside. Refuses where the file
 * would have trained the steps already done otherwise.
 */
export async function checkpointToResume(
  folder: RunFolder,
  program: Program,
  report: RunReport,
): Promise<Checkpoint | undefined> {
  const { value: before, diagnostics } = compileText(await readRunConfig(folder), folder.config);
  if (!before) {
    throw new UserError(`${folder.config} cannot be resumed by this version of netc: ${firstError(diagnostics)}`);
  }
  const { checkpoint, broken } = await readNewestCheckpoint(folder.checkpoints, before);
  const { changes, effects } = changesSince(before, program, checkpoint?.progress.step ?? 0);
  const refused = changes.filter(({ altersThePast }) => altersThePast);
  if (refused.length > 0) {
    throw new UserError(
      `the run in ${resolve(folder.path)} was trained with other settings, so resuming would not continue it:`,
      [
        ...refused.map((change) => `  ${describeChange(change)}`),
        "start a new run without `--resume`, or give the file the run's values",
      ],
    );
  }
  await setAside(broken);
  report.brokenCheckpoints(broken);
  if (!checkpoint) report.beginsAgain(broken.length > 0);
  report.faultsOfLog(faultsOfLog(folder, await readLog(folder.events), checkpoint?.progress.step));
  report.changes(changes.map(describeChange), effects);
  return checkpoint;
}
