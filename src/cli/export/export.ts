// The work of `netc export`: finds the run or the file, has the format's files made, and puts them into a new folder.
import { relative, resolve } from "node:path";
import type { Path } from "../../compiler/diagnostics/diagnostic.js";
import { positionAt } from "../../compiler/diagnostics/code-frame.js";
import { loadConfig } from "../../compiler/front/load-config.js";
import type { YamlFile } from "../../compiler/front/parse.js";
import { locate } from "../../compiler/front/parse.js";
import { pathText } from "../../compiler/front/yaml/yaml-file.js";
import { classNames } from "../../runtime/data/class-names.js";
import { placeForFolder } from "../../runtime/files/output-file.js";
import type { ExportSource } from "../../runtime/export/source.js";
import { writeExport } from "../../runtime/export/write-export.js";
import { isCheckpointPath } from "../../runtime/run/checkpoint.js";
import { evaluatedState, isFolder } from "../../runtime/run/load-run.js";
import { loadTrained } from "../../runtime/trained/load-trained.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExportFlags, ExportFormat } from "./command.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { loadProgram } from "../load/load-program.js";
import { readBase } from "../load/read-base.js";
import { readSource } from "../load/read-source.js";
import { printLine, warnLine } from "../screen/print.js";

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
  return exitCodes.done;
}

async function runSource(place: string, { set, best }: ExportFlags): Promise<ExportSource> {
  if (set.length > 0) throw new UserError("--set changes a file, and a run's settings no longer change: leave it out");
  const run = await loadTrained(place, { best });
  for (const { folder, reason } of run.broken) warnLine(`warning: skipping ${folder}: ${reason}`);
  const { program, checkpoint, folder, text } = run;
  const state = evaluatedState(program, checkpoint.state);
  const { value } = loadConfig(text, folder.config);
  return { program, classes: classNames(program.config), trained: { run, state }, placeOf: placesIn(value?.file) };
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
  const program = await loadProgram(place, set);
  if (!program) return undefined;
  const source = await readSource(place);
  const { value } = source.value
    ? loadConfig(source.value.text, source.value.name, { overrides: set, readBase })
    : { value: undefined };
  return { program, classes: classNames(program.config), trained: undefined, placeOf: placesIn(value?.file) };
}

/** "network.yaml:12: train.optimizer", or the path alone where nothing is known of the text. */
function placesIn(file: YamlFile | undefined): (path: Path) => string {
  return (path) => {
    if (!file) return pathText(path);
    const { start, source = file.source } = locate(file, path, "key");
    const where = source.isCommandLine ? source.name : `${source.name}:${positionAt(source.text, start).line}`;
    return `${where}: ${pathText(path)}`;
  };
}
