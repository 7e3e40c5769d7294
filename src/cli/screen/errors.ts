// Whatever a command throws → what the user reads, and the exit code. Faults that a user can mend get one sentence;
// everything else is netc's own fault: it says so and keeps the details in a file.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printable, printableSentence } from "../../compiler/diagnostics/printable.js";
import { randomHex } from "../../runtime/files/digest.js";
import { systemFault } from "../../runtime/process/system-faults.js";
import { UserError } from "../../runtime/process/user-error.js";
import { netcVersion } from "../../runtime/process/version.js";
import type { ExitCode } from "./exit-codes.js";
import { exitCodes } from "./exit-codes.js";

export interface Failure {
  readonly message: string;
  readonly exitCode: ExitCode;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof UserError) {
    return { message: `error: ${error.lines.map(printableSentence).join("\n")}`, exitCode: exitCodes.inputHasErrors };
  }
  const outside = faultOfTheSystem(error);
  if (outside) return { message: `error: ${printableSentence(outside)}`, exitCode: exitCodes.inputHasErrors };
  return { message: bugReport(error), exitCode: exitCodes.bugInNetc };
}

function faultOfTheSystem(error: unknown): string | undefined {
  const fault = systemFault(error);
  const { path, dest = path } = (error ?? {}) as NodeJS.ErrnoException & { readonly dest?: string };
  return fault && (dest ? `${fault}: ${dest}` : fault);
}

function bugReport(error: unknown): string {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const summary = `this is a bug in netc: ${printable(thrown.message.replace(/^netc bug: /, ""))}`;
  const path = join(tmpdir(), `netc-bug-${randomHex(4)}.txt`);
  const details = [
    `netc ${netcVersion()}, Node ${process.version}, ${process.platform} ${process.arch}`,
    `command: ${process.argv.slice(2).join(" ")}`,
    thrown.stack ?? thrown.message,
    ...(thrown.cause ? [`cause: ${String((thrown.cause as Error).stack ?? thrown.cause)}`] : []),
  ].join("\n");
  try {
    writeFileSync(path, details + "\n");
  } catch {
    return `${summary}\nplease report it to netc's maintainers with these details:\n${details}`;
  }
  return `${summary}\nplease report it to netc's maintainers with the details in ${path}`;
}
