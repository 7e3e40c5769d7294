// The command line: arguments in, an exit code out. Commands are registered cheaply and import their work when they run,
// so that `netc check` starts neither an engine nor tfjs.
import type { Option } from "commander";
import { Command, CommanderError } from "commander";
import { netcVersion } from "../runtime/version.js";
import { register as registerCheck } from "./commands/check.js";
import { register as registerData } from "./commands/data.js";
import { register as registerDiff } from "./commands/diff.js";
import { register as registerDoctor } from "./commands/doctor.js";
import { register as registerExplain } from "./commands/explain.js";
import { register as registerGraph } from "./commands/graph.js";
import { register as registerInit } from "./commands/init.js";
import { register as registerProfile } from "./commands/profile.js";
import { register as registerResolve } from "./commands/resolve.js";
import { register as registerRun } from "./commands/run.js";
import { register as registerSchema } from "./commands/schema.js";
import { register as registerSet } from "./commands/set.js";
import { failureOf } from "./errors.js";
import type { ExitCode } from "./exit-codes.js";
import { exitCodes } from "./exit-codes.js";

/** `args` without node and script. A command that fails softly sets `process.exitCode` and returns. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  endQuietlyWhenNobodyReads();
  process.once("uncaughtException", (error) => process.exit(report(error))); // from a worker or a timer
  process.exitCode = undefined;
  try {
    await commandLine().parseAsync(args, { from: "user" });
    return (process.exitCode as ExitCode | undefined) ?? exitCodes.done;
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

function commandLine(): Command {
  const program = new Command("netc")
    .description("Compiles a neural network described in one YAML file, and trains it.")
    .version(netcVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .configureHelp({ optionDescription })
    .showHelpAfterError("(`netc --help` lists the commands, `netc COMMAND --help` the options of one)")
    .addHelpText("after", EXIT_CODES)
    .exitOverride();
  for (const register of COMMANDS) register(program);
  return program;
}

/** In the order that `netc --help` lists them. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  registerInit,
  registerCheck,
  registerGraph,
  registerRun,
  registerProfile,
  registerSet,
  registerDiff,
  registerResolve,
  registerExplain,
  registerSchema,
  registerData,
  registerDoctor,
];

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
Exit codes: 0 done, 1 the input has errors, 2 wrong usage, 130 interrupted; anything else is a bug in netc.`;

/** `netc graph FILE | head` closes the pipe early; that is no fault. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.done);
    throw error;
  });
}
