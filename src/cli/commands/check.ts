// `netc check FILE...`: everything that is wrong with the files, without training anything.
import type { Command } from "commander";
import { Option } from "commander";
import type { DiagnosticsFormat, FileReport } from "../../compiler/diagnostics/render-diagnostics.js";
import type { CompiledFile } from "../compile-file.js";
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
      const outcome = await checkAll(files, flags);
      process.exitCode = outcome.exitCode;
      if (flags.watch) await watch(outcome, () => checkAll(files, flags));
    });
}

interface Outcome {
  readonly exitCode: number;
  /** What was read: the files themselves, and those that they extend. */
  readonly paths: readonly string[];
}

async function checkAll(files: readonly string[], flags: CheckFlags): Promise<Outcome> {
  const reports: CompiledFile[] = [];
  for (const file of files) reports.push(await checkFile(file, flags.set));
  const exitCode = await print(reports, flags.format);
  return { exitCode, paths: [...files, ...reports.flatMap(({ bases }) => bases)] };
}

/** Looks at the files' times: editors that save by renaming would be lost to notifications about the old file. */
async function watch(first: Outcome, onSave: () => Promise<Outcome>): Promise<void> {
  const { unwatchFile, watchFile } = await import("node:fs");
  const watched = new Set<string>();
  let checks: Promise<unknown> = Promise.resolve();
  const follow = ({ paths }: Outcome) => {
    // What a file extends changes as it is edited.
    for (const path of watched) {
      if (paths.includes(path)) continue;
      unwatchFile(path);
      watched.delete(path);
    }
    for (const path of paths) {
      if (path === "-" || watched.has(path)) continue;
      watched.add(path);
      watchFile(path, { interval: 200 }, () => (checks = checks.then(checkAgain)));
    }
  };
  const checkAgain = async () => {
    process.stdout.write(process.stdout.isTTY ? "\u001b[2J\u001b[H" : "\n");
    follow(await onSave());
  };
  follow(first);
  // The watchers keep the process alive.
}

async function checkFile(path: string, overrides: readonly string[]): Promise<CompiledFile> {
  const { compileFile } = await import("../compile-file.js");
  return await compileFile(path, overrides, { engine: "auto", isHurried: true });
}

async function print(reports: readonly FileReport[], format: DiagnosticsFormat): Promise<number> {
  const { countOf, renderReports } = await import("../../compiler/diagnostics/render-diagnostics.js");
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
