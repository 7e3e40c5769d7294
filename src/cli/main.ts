// The command line: arguments in, an exit code out. Only the command that is named is loaded, and it imports its work when
// it runs, so that `netc check` starts neither an engine nor tfjs.
import type { Option } from "commander";
import { Command, CommanderError } from "commander";
import { netcVersion } from "../runtime/process/version.js";
import { habitHint } from "./screen/habits.js";
import { failureOf } from "./screen/errors.js";
import type { ExitCode } from "./screen/exit-codes.js";
import { exitCodes } from "./screen/exit-codes.js";
import { outlivesItsTerminal } from "./run/stop-signal.js";
import { letGoOfGoneTerminal, outputFault, watchOutputs } from "./screen/output-faults.js";
import { printableDocument } from "../compiler/diagnostics/printable.js";

/** `args` without node and script. A command that fails softly sets `process.exitCode` and returns. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  watchOutputs();
  process.once("exit", letGoOfGoneTerminal);
  if (outlivesItsTerminal()) process.on("SIGHUP", () => undefined);
  process.once("uncaughtException", (error) => process.exit(report(error))); // from a worker or a timer
  process.exitCode = undefined;
  try {
    if (process.env["NETC_CHECK_GRAPH"] === "1") {
      (await import("../compiler/lower/step/check-training-graph.js")).checkPasses();
    }
    const program = await commandLine(args);
    await program.parseAsync(args, { from: "user" });
    const exitCode = (process.exitCode as ExitCode | undefined) ?? exitCodes.done;
    const fault = outputFault();
    return fault && exitCode === exitCodes.done ? report(fault) : exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
    return report(error);
  }
}

function report(error: unknown): ExitCode {
  const { message, exitCode } = failureOf(error);
  process.stderr.write(message + "\n");
  return exitCode;
}

async function commandLine(args: readonly string[]): Promise<Command> {
  const program = new Command("netc")
    .description("Compiles a neural network described in one YAML file, and trains it.")
    .version(netcVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .configureHelp({ optionDescription })
    .showHelpAfterError("(`netc --help` lists the commands, `netc COMMAND --help` the options of one)")
    .addHelpText("after", EXIT_CODES)
    .configureOutput({ outputError: (text, write) => write(printableDocument(text + habitHint(text, args))) })
    .exitOverride();
  const [name = ""] = args;
  const isOne = Object.hasOwn(COMMANDS, name) && name !== COMPLETION;
  const named = isOne ? [COMMANDS[name]!] : isVersion(name) ? [] : Object.values(COMMANDS);
  for (const { register } of await Promise.all(named.map((load) => load()))) register(program);
  return program;
}

/** Asked for alone, it needs no command's help. */
function isVersion(argument: string): boolean {
  return argument === "-V" || argument === "--version";
}

/** It completes all the others. */
const COMPLETION = "complete";

/** In the order that `netc --help` lists them. */
const COMMANDS: Readonly<Record<string, () => Promise<{ readonly register: (program: Command) => void }>>> = {
  init: () => import("./init/command.js"),
  check: () => import("./check/command.js"),
  graph: () => import("./graph/command.js"),
  run: () => import("./run/command.js"),
  runs: () => import("./runs/command.js"),
  report: () => import("./report/command.js"),
  watch: () => import("./watch/command.js"),
  evaluate: () => import("./evaluate/command.js"),
  predict: () => import("./predict/command.js"),
  profile: () => import("./profile/command.js"),
  export: () => import("./export/command.js"),
  set: () => import("./set/command.js"),
  diff: () => import("./diff/command.js"),
  resolve: () => import("./resolve/command.js"),
  explain: () => import("./explain/command.js"),
  schema: () => import("./schema/command.js"),
  weights: () => import("./weights/command.js"),
  data: () => import("./data/command.js"),
  doctor: () => import("./doctor/command.js"),
  engine: () => import("./engine/command.js"),
  [COMPLETION]: () => import("./complete/command.js"),
};

/** Commander's own text, without the defaults that say nothing: an empty list, a flag that is off. */
function optionDescription(option: Option): string {
  const { description, argChoices, defaultValue, mandatory } = option;
  const notes = [
    ...(argChoices ? [`choices: ${argChoices.join(", ")}`] : []),
    ...(typeof defaultValue === "string" && !mandatory ? [`default: ${defaultValue}`] : []),
  ];
  return notes.length > 0 ? `${description} (${notes.join("; ")})` : description;
}

const EXIT_CODES = `
Exit codes: 0 done, 1 the input has errors, 2 wrong usage, 130 interrupted, 141 nobody read the output to its end;
anything else is a bug in netc.`;
