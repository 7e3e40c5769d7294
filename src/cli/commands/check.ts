// `netc check FILE...`: everything that is wrong with the files, without training anything.
import type { Command } from "commander";
import { Option } from "commander";
import type { DiagnosticsFormat, FileReport } from "../../compiler/render-diagnostics.js";
import { exitCodes } from "../exit-codes.js";
import { collect } from "../options.js";

interface CheckFlags {
  readonly format: DiagnosticsFormat;
  readonly set: readonly string[];
  readonly watch: boolean;
}

export function register(program: Command): void {
  program
    .command("check")
    .summary("find every fault in files")
    .description("Reads each FILE, works its network and its training out, and reports every fault at its place.")
    .argument("<file...>", "YAML files; - reads standard input")
    .addOption(
      new Option("--format <format>", "how to report: for people, as data, as annotations on GitHub, for code scanners")
        .choices(["text", "json", "github", "sarif"])
        .default("text"),
    )
    .option("--set <path=value>", "check with this value set, e.g. train.epochs=3 (may be repeated)", collect, [])
    .option("--watch", "check again whenever a file is saved, until Ctrl-C", false)
    .action(async (files: readonly string[], flags: CheckFlags) => {
      process.exitCode = await checkAll(files, flags);
      if (flags.watch) await watch(files, () => checkAll(files, flags));
    });
}

async function checkAll(files: readonly string[], flags: CheckFlags): Promise<number> {
  const reports: FileReport[] = [];
  for (const file of files) reports.push(await checkFile(file, flags.set));
  return print(reports, flags.format);
}

/** Looks at the files' times: editors that save by renaming would be lost to notifications about the old file. */
async function watch(files: readonly string[], onSave: () => Promise<unknown>): Promise<void> {
  const { watchFile } = await import("node:fs");
  let checks: Promise<unknown> = Promise.resolve();
  for (const file of files) {
    watchFile(file, { interval: 200 }, () => {
      checks = checks.then(() => {
        process.stdout.write(process.stdout.isTTY ? "\u001b[2J\u001b[H" : "\n");
        return onSave();
      });
    });
  }
  // The watchers keep the process alive.
}

async function checkFile(path: string, overrides: readonly string[]): Promise<FileReport> {
  const [{ readSource }, { readBase }, { compileText }] = await Promise.all([
    import("../read-source.js"),
    import("../read-base.js"),
    import("../../compiler/compile.js"),
  ]);
  const source = await readSource(path);
  if (!source.value) return { source: { name: path, text: "" }, diagnostics: source.diagnostics };
  const { diagnostics } = compileText(source.value.text, source.value.name, overrides, readBase);
  return { source: source.value, diagnostics };
}

async function print(reports: readonly FileReport[], format: DiagnosticsFormat): Promise<number> {
  const { countOf, renderReports } = await import("../../compiler/render-diagnostics.js");
  const { usesColor } = await import("../options.js");
  const output = renderReports(reports, format, { color: usesColor(process.stdout) });
  if (output) process.stdout.write(`${output}\n`);
  const clean = reports.filter((report) => report.diagnostics.length === 0);
  if (format === "text" && clean.length > 0) {
    if (output) process.stdout.write("\n");
    process.stdout.write(`${clean.map((report) => `${report.source.name}: no faults`).join("\n")}\n`);
  }
  return countOf(reports, "error") > 0 ? exitCodes.inputHasErrors : exitCodes.done;
}
