// The work of `netc runs`: run folders → a table of them, or all that one of them tells.
import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import { readRun } from "../../runtime/run/read-run.js";
import type { RunRecord, RunState } from "../../runtime/run/read-run.js";
import { ifThere } from "../../runtime/files/if-there.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { RunFolder } from "../../runtime/run/run-folder.js";
import { foldersIn, holdsRun, runFolderAt } from "../../runtime/run/run-folder.js";
import { shellWord } from "../../runtime/process/shell-word.js";
import { chartLines } from "../screen/charts.js";
import { epochColumns, epochRows, momentText } from "../run/epoch-table.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { usesColor } from "../screen/options.js";
import type { Column } from "../screen/terminal.js";
import { formatBytes, formatCount, formatDuration, formatPercent, tableLines } from "../screen/terminal.js";
import { jsonText, printLine, warnLine } from "../screen/print.js";

export interface RunsFlags {
  readonly format: "text" | "json";
}

const COLUMNS: readonly Column[] = [
  { title: "run", align: "left" },
  { title: "network", align: "left" },
  { title: "state", align: "left" },
  { title: "steps", align: "right" },
  { title: "test acc", align: "right" },
  { title: "best", align: "right" },
  { title: "trained", align: "right" },
  { title: "engine", align: "left" },
  { title: "started", align: "left" },
];

export async function listRuns(parent: string, { format }: RunsFlags): Promise<ExitCode> {
  const runs: RunRecord[] = [];
  const unreadable: string[] = [];
  for (const folder of await foldersIn(parent)) {
    const run = await readIfRun(folder);
    if (typeof run === "string") unreadable.push(run);
    else if (run) runs.push(run);
  }
  runs.sort((one, other) => (one.start?.time ?? "").localeCompare(other.start?.time ?? ""));
  if (format === "json") process.stdout.write(jsonText(runs.map(summaryOf)));
  else if (runs.length === 0 && unreadable.length === 0) printLine(await wayOn(parent));
  else if (runs.length > 0) for (const line of tableLines(COLUMNS, runs.map(cellsOf))) printLine(line);
  for (const fault of runs.flatMap(({ faults }) => faults)) warnLine(fault);
  for (const reason of unreadable) warnLine(`not listed: ${reason}`);
  return unreadable.length > 0 ? exitCodes.inputHasErrors : exitCodes.done;
}

async function wayOn(parent: string): Promise<string> {
  if (await holdsRun(runFolderAt(parent)))
    return `${parent} is a run itself; \`netc runs show ${shellWord(parent)}\` tells all of it`;
  return `there is no run under ${parent}; \`netc run FILE\` starts one`;
}

/** Undefined where the folder holds no run; a sentence where it may hold one that cannot be read. */
async function readIfRun(folder: RunFolder): Promise<RunRecord | string | undefined> {
  try {
    return (await holdsRun(folder)) ? await readRun(folder) : undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

export async function showRun(path: string, { format }: RunsFlags): Promise<ExitCode> {
  const run = await readRun(runFolderAt(path));
  const { checkpoints: place } = run.folder;
  const checkpoints = ((await ifThere(place, readdir(place))) ?? []).filter((name) => name.startsWith("step-"));
  for (const fault of run.faults) warnLine(fault);
  if (format === "json") {
    const { epochs, evaluations } = run;
    process.stdout.write(jsonText({ ...summaryOf(run), epochs, evaluations, checkpoints }));
    return exitCodes.done;
  }
  printLine(run.name);
  for (const [label, text] of headLines(run, checkpoints)) printLine(`  ${label.padEnd(12)}${text}`);
  const { epochs, steps, evaluations, program } = run;
  const rows = epochRows(epochs, evaluations, program?.plan.stepsPerEpoch ?? 1);
  if (rows.length > 0) {
    printLine("");
    for (const line of tableLines(epochColumns(run.evaluations.at(-1)?.set ?? "test"), rows)) printLine(line);
  }
  if (program) {
    const { stepsPerEpoch } = program.plan;
    const width = process.stdout.columns ?? 100;
    const lines = chartLines({ steps, evaluations, stepsPerEpoch }, { width, colors: usesColor(process.stdout) });
    if (lines.length > 0) process.stdout.write(["", ...lines, ""].join("\n")); // in colours
  }
  return exitCodes.done;
}

/** What a script asks of a run. */
function summaryOf(run: RunRecord) {
  const { folder, name, state, program, step, start, lastEvaluation, bestEvaluation, testEvaluation, elapsedSeconds, end } = run;
  return {
    folder: folder.path,
    name,
    state,
    step,
    steps: program?.plan.steps ?? null,
    seed: program?.config.seed ?? null,
    testAccuracy: testEvaluation?.accuracy ?? null,
    testLoss: testEvaluation?.loss ?? null,
    evaluatedOn: lastEvaluation?.set ?? null,
    lastAccuracy: lastEvaluation?.accuracy ?? null,
    bestAccuracy: bestEvaluation?.accuracy ?? null,
    bestEpoch: bestEvaluation?.epoch ?? null,
    bestStep: bestEvaluation?.step ?? null,
    elapsedSeconds,
    peakMemoryBytes: end?.peakMemoryBytes ?? null,
    started: start?.time ?? null,
    engine: start?.engine ?? null,
    versions: start?.versions ?? null,
    machine: start?.machine ?? null,
  };
}

function cellsOf(run: RunRecord): string[] {
  const { folder, name, state, program, step, start, testEvaluation, bestEvaluation, elapsedSeconds } = run;
  return [
    basename(folder.path),
    name,
    state,
    program ? `${formatCount(step)} of ${formatCount(program.plan.steps)}` : formatCount(step),
    testEvaluation ? formatPercent(testEvaluation.accuracy) : "–",
    bestEvaluation ? formatPercent(bestEvaluation.accuracy) : "–",
    formatDuration(elapsedSeconds),
    start?.engine ?? "–",
    start ? localTime(start.time) : "–",
  ];
}

function headLines(run: RunRecord, checkpoints: readonly string[]): [label: string, text: string][] {
  const { state, program, step, start, bestEvaluation, lastEvaluation, testEvaluation, elapsedSeconds, end, folder } = run;
  const moment = (at: { readonly step: number }) => momentText(at.step, program?.plan.stepsPerEpoch ?? Infinity);
  const total = program ? ` of ${formatCount(program.plan.steps)}` : "";
  return [
    ["folder", folder.path],
    ["state", `${state}: ${MEANINGS[state]}`],
    ["steps", `${formatCount(step)}${total}${program ? `, seed ${program.config.seed}` : ""}`],
    ...(lastEvaluation && bestEvaluation
      ? ([
          [
            lastEvaluation.set,
            `${formatPercent(lastEvaluation.accuracy)} after ${moment(lastEvaluation)}; best ${formatPercent(bestEvaluation.accuracy)} after ${moment(bestEvaluation)}`,
          ],
        ] as [string, string][])
      : []),
    ...(testEvaluation && testEvaluation !== lastEvaluation
      ? ([["test", `${formatPercent(testEvaluation.accuracy)} at the end`]] as [string, string][])
      : []),
    ["trained", formatDuration(elapsedSeconds)],
    ...(end ? ([["peak memory", formatBytes(end.peakMemoryBytes)]] as [string, string][]) : []),
    ...(start
      ? ([
          ["started", localTime(start.time)],
          [
            "engine",
            `${start.engine} ${start.versions.engine}, netc ${start.versions.netc}, Node ${start.versions.node}`,
          ],
          ["machine", `${start.machine.processor}, ${start.machine.cores} cores, ${start.machine.platform}`],
        ] as [string, string][])
      : []),
    ["checkpoints", checkpoints.length > 0 ? checkpoints.toSorted().join(", ") : "none"],
  ];
}

const MEANINGS: Readonly<Record<RunState, string>> = {
  running: "a process is training it now",
  killed: "it ended unexpectedly; `netc run FILE --resume --out FOLDER` goes on",
  finished: "trained to the end of its plan",
  stopped_early: "ended before its last epoch, as `train.early_stop` asks",
  unsaved: "its state could not be saved; `netc run FILE --resume --out FOLDER` goes on from what was saved before",
  stopped: "--max-steps ended it; `netc run FILE --resume --out FOLDER` goes on",
  interrupted: "it was asked to stop; `netc run FILE --resume --out FOLDER` goes on",
  diverged: "its numbers went wrong",
};

/** 2026-11-25T17:18:30.123Z → "2026-11-25 17:18" by the clock on the wall here */
function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
