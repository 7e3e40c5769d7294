// The work of `netc export`: finds the run or the file, has the format's files made, and puts them into a new folder.
import { relative, resolve } from "node:path";
import type { Command } from "commander";
import type { Path } from "../../compiler/diagnostics/diagnostic.js";
import { positionAt } from "../../compiler/diagnostics/code-frame.js";
import type { YamlFile } from "../../compiler/front/parse.js";
import { locate } from "../../compiler/front/parse.js";
import { pathText } from "../../compiler/front/yaml/yaml-file.js";
import { classNames } from "../../runtime/data/class-names.js";
import { placeForFolder } from "../../runtime/files/output-file.js";
import type { ExportedFiles, ExportSource } from "../../runtime/export/source.js";
import { writeExport } from "../../runtime/export/write-export.js";
import { isCheckpointPath } from "../../runtime/run/checkpoint.js";
import { evaluatedState, isFolder } from "../../runtime/run/load-run.js";
import { loadTrained } from "../../runtime/trained/load-trained.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { loadFile } from "../load/load-file.js";
import { printLine, warnLine } from "../screen/print.js";

export interface ExportFormat {
  /** After "export a run as": for the list of formats. */
  readonly summary: string;
  readonly description: string;
  /** Whether a file that nothing has trained yet will do. */
  readonly takesFile: boolean;
  /** Options beyond `-o`, as commander declares them. */
  readonly options?: (command: Command) => Command;
  readonly write: (source: ExportSource, flags: ExportFlags) => Promise<ExportedFiles>;
  /** What a user should know of what was written. */
  readonly note?: (source: ExportSource) => Promise<string | undefined>;
}

export interface ExportFlags {
  readonly out: string;
  readonly set: readonly string[];
  readonly best: boolean;
  readonly [option: string]: unknown;
}

export async function exportTo(place: string, format: ExportFormat, flags: ExportFlags): Promise<ExitCode> {
  await placeForFolder(flags.out);
  const isRun = (await isFolder(place)) || isCheckpointPath(resolve(place));
  const source = isRun ? await runSource(place, flags) : await fileSource(place, format, flags);
  if (!source) return exitCodes.inputHasErrors;
  const files = await format.write(source, flags);
  await writeExport(flags.out, files);
  const { trained } = source;
  const what = trained ? `${place} after step ${trained.run.checkpoint.progress.step.toLocaleString("en-US")}` : place;
  printLine(`${what} is in ${relative("", flags.out) || flags.out}:`);
  for (const path of [...files.keys()].toSorted()) printLine(`  ${path}`);
  const note = await format.note?.(source);
  if (note !== undefined) printLine(`note: ${note}`);
  return exitCodes.done;
}

async function runSource(place: string, { set, best }: ExportFlags): Promise<ExportSource> {
  if (set.length > 0) throw new UserError("--set changes a file, and a run's settings no longer change: leave it out");
  const run = await loadTrained(place, { best });
  for (const { folder, reason } of run.broken) warnLine(`warning: skipping ${folder}: ${reason}`);
  const { program, checkpoint, file } = run;
  const state = evaluatedState(program, checkpoint.state);
  return { program, classes: classNames(program.config), trained: { run, state }, placeOf: placesIn(file) };
}

async function fileSource(
  place: string,
  { takesFile }: ExportFormat,
  { set, best }: ExportFlags,
): Promise<ExportSource | undefined> {
  if (best) throw new UserError(`--best takes a run's best checkpoint, and ${place} is not a run: leave it out`);
  if (!takesFile) {
    throw new UserError(
      `there is no run at ${place}; name the folder that \`netc run\` printed, such as runs/NAME-DATE`,
    );
  }
  const loaded = await loadFile(place, set);
  if (!loaded) return undefined;
  const { program, config, file } = loaded;
  return { program, classes: classNames(config), trained: undefined, placeOf: placesIn(file) };
}

/** "network.yaml:12: train.optimizer" */
function placesIn(file: YamlFile): (path: Path) => string {
  return (path) => {
    const { start, source = file.source } = locate(file, path, "key");
    const where = source.isCommandLine ? source.name : `${source.name}:${positionAt(source.text, start).line}`;
    return `${where}: ${pathText(path)}`;
  };
}
