// How npm and Python are started on this machine: by which name, and without a shell, which would take spaces for ends of words.
import { existsSync } from "node:fs";
import * as paths from "node:path";

export interface ProgramSurroundings {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the Node that runs. */
  readonly execPath: string;
  readonly exists: (path: string) => boolean;
}

/** On Windows npm is a .cmd file, which Node starts only through a shell; so its script is run by this Node instead. */
export function npmCommand(surroundings: ProgramSurroundings = thisMachine()): readonly [string, ...string[]] {
  const { platform, execPath, exists } = surroundings;
  if (platform !== "win32") return ["npm"];
  const { dirname, join } = paths.win32;
  const scripts = [...foldersOnPath(surroundings), dirname(execPath)].map((folder) =>
    join(folder, "node_modules", "npm", "bin", "npm-cli.js"),
  );
  const script = scripts.find(exists);
  return script === undefined ? ["npm"] : [execPath, script];
}

/** `python3`; `python` where that is all there is, as on Windows, whose installer brings no python3. */
export function pythonCommand(surroundings: ProgramSurroundings = thisMachine()): string {
  const isWindows = surroundings.platform === "win32";
  const { join } = isWindows ? paths.win32 : paths.posix;
  const isThere = (name: string): boolean =>
    foldersOnPath(surroundings).some((folder) => surroundings.exists(join(folder, isWindows ? `${name}.exe` : name)));
  const names = isWindows ? ["python", "python3"] : ["python3", "python"];
  return names.find(isThere) ?? names[0]!;
}

/** Windows writes PATH in any case. */
function foldersOnPath({ platform, environment }: ProgramSurroundings): string[] {
  const isWindows = platform === "win32";
  const name = Object.keys(environment).find((key) => (isWindows ? key.toUpperCase() : key) === "PATH") ?? "PATH";
  return (environment[name] ?? "").split(isWindows ? ";" : ":").filter((folder) => folder !== "");
}

function thisMachine(): ProgramSurroundings {
  return { platform: process.platform, environment: process.env, execPath: process.execPath, exists: existsSync };
}
