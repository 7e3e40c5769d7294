// The work of `netc engine add`: prints the commands that set an engine up, or runs them one after the other.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { addOn, addOnFolder } from "../../runtime/engines/add-ons.js";
import type { addOnNames } from "../../runtime/engines/add-ons.js";
import { engineNames, loadEngine } from "../../runtime/engines/index.js";
import { makeInCache } from "../../runtime/files/cache-folder.js";
import { npmCommand } from "../../runtime/process/programs.js";
import { shellWord } from "../../runtime/process/shell-word.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";

export interface EngineAddFlags {
  readonly yes: boolean;
}

export async function addEngine(name: (typeof addOnNames)[number], { yes }: EngineAddFlags): Promise<ExitCode> {
  const { description, commands } = addOn(name);
  const lines = commands.map((words) => words.map((word) => shellWord(word)).join(" "));
  if (!yes) {
    process.stdout.write(`# ${description}\n${lines.join("\n")}\n# or: netc engine add ${name} --yes\n`);
    return exitCodes.done;
  }
  process.stdout.write(`${description}\n`);
  await makeInCache(addOnFolder(name));
  for (const [index, [program, ...args]] of commands.entries()) {
    process.stdout.write(`$ ${lines[index]}\n`);
    await execute(program, args, lines[index]!);
  }
  if (!engineNames.includes(name)) return exitCodes.done;
  const availability = await (await loadEngine(name)).probe();
  process.stdout.write(
    availability.available
      ? `engine ${name} is ready: ${availability.version} on ${availability.device}\n`
      : `what it installs is there, but something is still missing: ${availability.reason}; ${availability.remedy}\n`,
  );
  return availability.available ? exitCodes.done : exitCodes.inputHasErrors;
}

async function execute(program: string, args: readonly string[], line: string): Promise<void> {
  const [command, ...first] = program === "npm" ? npmCommand() : [program];
  const child = spawn(command, [...first, ...args], { stdio: "inherit" });
  const [code] = (await once(child, "close").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`\`${program}\` cannot be run (${error.code}); install it first, then try again`);
  })) as [number | null];
  if (code !== 0) throw new UserError(`\`${line}\` ended with exit code ${code}; what it printed above says why`);
}
