// `netc set FILE PATH=VALUE...`: edits a file only if what comes out is right, and only the bytes that must change.
import type { Command } from "commander";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.js";
import type { Edit } from "../../compiler/front/edit/edit-text.js";
import { exitCodes } from "../screen/exit-codes.js";
import { collect } from "../screen/options.js";

interface SetFlags {
  readonly unset: readonly string[];
  readonly dryRun: boolean;
}

export function register(program: Command): void {
  program
    .command("set")
    .summary("change values in a file, checked before anything is written")
    .description(
      "Sets values in FILE. The new file is checked as a whole first: if it has errors, nothing is written. Comments,\n" +
        "order, quotes and blank lines stay as they are. List items: stages[1], stages[-1]; stages[+] adds one.",
    )
    .argument("<file>", "the YAML file")
    .argument("[assignments...]", "path=value, e.g. train.epochs=30 'model.stages[1].channels=64'")
    .option("--unset <path>", "remove a value, so that its default applies again (may be repeated)", collect, [])
    .option("--dry-run", "show the change and write nothing", false)
    .action(async (file: string, assignments: readonly string[], flags: SetFlags, command: Command) => {
      if (assignments.length + flags.unset.length === 0) {
        command.error("error: nothing to set: give path=value or --unset path");
      }
      if (file === "-" && !flags.dryRun) {
        command.error("error: standard input cannot be changed in place: give --dry-run, or name a file");
      }
      process.exitCode = await setValues(file, assignments, flags);
    });
}

async function setValues(path: string, assignments: readonly string[], { unset, dryRun }: SetFlags): Promise<number> {
  const [{ readSource }, { reportFaults }, { editText }, { lineDiff }, { hasErrors }] = await Promise.all([
    import("../../runtime/source/read-source.js"),
    import("../load/load-file.js"),
    import("../../compiler/front/edit/edit-text.js"),
    import("../../compiler/front/edit/line-diff.js"),
    import("../../compiler/diagnostics/diagnostic.js"),
  ]);
  const refuse = (text: string, diagnostics: readonly Diagnostic[]) => {
    reportFaults({ source: { name: path, text }, diagnostics });
    return exitCodes.inputHasErrors;
  };
  const source = await readSource(path);
  if (!source.value) return refuse("", source.diagnostics);
  const { text, name } = source.value;
  if (name !== path && !dryRun) {
    const { warnLine } = await import("../screen/print.js");
    warnLine(
      `error: ${path} is a network that comes with netc; \`netc init ${path.replace(/^netc:/, "")}\` makes a file of it to change`,
    );
    return exitCodes.inputHasErrors;
  }
  const edits: Edit[] = [...assignments.map((set) => ({ set })), ...unset.map((gone) => ({ unset: gone }))];
  const edited = editText(text, path, edits);
  if (edited.value === undefined) return refuse(text, edited.diagnostics);
  const diagnostics = await faultsOf(path, text, edited.value, assignments, unset);
  if (hasErrors(diagnostics)) return refuse(edited.value, diagnostics);
  reportFaults({ source: { name: path, text: edited.value }, diagnostics });
  const changes = lineDiff(text, edited.value);
  if (!dryRun && changes.length > 0) {
    const { writeOutput } = await import("../../runtime/files/output-file.js");
    await writeOutput(path, edited.value);
  }
  const { printLines } = await import("../screen/print.js");
  printLines(changes.length > 0 ? changes : ["nothing changes"]);
  return exitCodes.done;
}

/** Of the file as it would be. What the command line got wrong is shown there, and not in a text that is never written. */
async function faultsOf(
  path: string,
  before: string,
  after: string,
  assignments: readonly string[],
  unset: readonly string[],
) {
  const [{ compileText }, { readBase }, { hasErrors }, { scanImages }] = await Promise.all([
    import("../../compiler/compile.js"),
    import("../../runtime/source/read-base.js"),
    import("../../compiler/diagnostics/diagnostic.js"),
    import("../../runtime/data/images/scan-images.js"),
  ]);
  const { diagnostics } = compileText(after, path, { readBase, scanImages });
  if (!hasErrors(diagnostics) || unset.length > 0) return diagnostics;
  const asOverrides = compileText(before, path, {
    overrides: assignments,
    readBase,
    argument: "set",
    scanImages,
  }).diagnostics;
  // The edit itself went through, so that a path is refused only where `--set` takes less than an edit: `extends`.
  const isTheirs = asOverrides.every(({ code, span }) => span?.source?.isCommandLine && code !== "set/unknown-path");
  return hasErrors(asOverrides) && isTheirs ? asOverrides : diagnostics;
}
