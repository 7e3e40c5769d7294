// `netc check FILE...`: everything that is wrong with the files, without training anything.
import { statSync } from "node:fs";
import type { Command } from "commander";
import { Option } from "commander";
import type { DiagnosticsFormat, FileReport } from "../../compiler/diagnostics/render-diagnostics.js";
import type { CompiledFile } from "../load/load-file.js";
import { exitCodes } from "../screen/exit-codes.js";
import { collect, usesColor } from "../screen/options.js";
import { printLines } from "../screen/print.js";

interface CheckFlags {
  readonly format: DiagnosticsFormat;
  readonly set: readonly string[];
  readonly watch: boolean;
}

export function register(program: Command): void {
  program
    .command("check")
    .summary("find every fault in files")
    .description("Reads each FILE, works out its network and its training, and reports every fault at its place.")
    .argument("<file...>", "YAML files; - reads standard input")
    .addOption(
      new Option("--format <format>", "how to report: for people, as data, as annotations on GitHub, for code scanners")
        .choices(["text", "json", "github", "sarif"])
        .default("text"),
    )
    .addOption(new Option("--json", "the same as --format json").implies({ format: "json" }))
    .option("--set <path=value>", "check with this value set, e.g. train.epochs=3 (may be repeated)", collect, [])
    .option("--watch", "check again whenever a file is saved, until Ctrl-C", false)
    .action(async (files: readonly string[], flags: CheckFlags) => {
      const check = () => checkAll(files, flags);
      const began = Date.now();
      const outcome = await check();
      process.exitCode = outcome.exitCode;
      if (flags.watch) await watch(check, began, outcome);
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

const LOOKS_EVERY = 200; // milliseconds

/**
 * Checks whenever a file is not what it was before the check that read it, also where it was saved while that check ran. It
 * looks at the files themselves: editors that save by renaming would be lost to notifications about the old file.
 */
async function watch(check: () => Promise<Outcome>, began: number, first: Outcome): Promise<void> {
  const { setTimeout: sleep } = await import("node:timers/promises");
  let seen = followed(first, new Map(), began);
  while (seen.size > 0) {
    while ([...seen].every(([path, state]) => stateOf(path).state === state)) await sleep(LOOKS_EVERY);
    const started = Date.now();
    const before = new Map([...seen.keys()].map((path) => [path, stateOf(path).state]));
    process.stdout.write(process.stdout.isTTY ? "\u001b[2J\u001b[H" : "\n");
    seen = followed(await check(), before, started);
  }
}

/** What each file was before the check; one that the check met first, and that was saved since, counts as changed. */
function followed(
  { paths }: Outcome,
  before: ReadonlyMap<string, string>,
  started: number,
): ReadonlyMap<string, string> {
  const files = [...new Set(paths)].filter((path) => path !== "-");
  return new Map(
    files.map((path) => {
      const { state, saved } = stateOf(path);
      return [path, before.get(path) ?? (saved >= started ? "saved meanwhile" : state)];
    }),
  );
}

function stateOf(path: string): { state: string; saved: number } {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return { state: "absent", saved: 0 };
  return { state: `${found.ino} ${found.size} ${found.mtimeMs}`, saved: found.mtimeMs };
}

async function checkFile(path: string, overrides: readonly string[]): Promise<CompiledFile> {
  const { compileFile } = await import("../load/load-file.js");
  return await compileFile(path, overrides, { engine: "auto", isHurried: true });
}

async function print(reports: readonly FileReport[], format: DiagnosticsFormat): Promise<number> {
  const { countOf, renderReports } = await import("../../compiler/diagnostics/render-diagnostics.js");
  const output = renderReports(reports, format, { color: usesColor(process.stdout) });
  if (output) process.stdout.write(`${output}\n`);
  const clean = reports.filter((report) => report.diagnostics.length === 0);
  if (format === "text" && clean.length > 0) {
    if (output) process.stdout.write("\n");
    printLines(clean.map((report) => `${report.source.name}: no faults`));
  }
  return countOf(reports, "error") > 0 ? exitCodes.inputHasErrors : exitCodes.done;
}
