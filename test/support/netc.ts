// Runs the built command line as a user does: a process of its own, its output in pipes.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../bin/netc.js", import.meta.url));

export interface Outcome {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface NetcOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What standard input holds. */
  readonly input?: string;
  /** Nobody reads the output any more once it holds this text. */
  readonly readUntil?: string;
  /** Sent that many milliseconds after the start or as soon as the output holds a text; `twice`: and at once again. */
  readonly kill?: {
    readonly signal: NodeJS.Signals;
    readonly when: number | string;
    readonly twice?: boolean;
    /** Told the process as soon as the signal is sent. */
    readonly sent?: (pid: number) => void;
  };
}

export function netc(
  args: readonly string[],
  { folder, environment, input, readUntil, kill }: NetcOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, FORCE_COLOR: "", NO_COLOR: "", ...environment };
    const child = spawn(process.execPath, [entry, ...args], {
      cwd: folder,
      env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined).end(input); // of one that ends before it has read
    let output = "";
    let errors = "";
    let isKilled = false;
    const killOnce = (): void => {
      if (!isKilled) child.kill(kill!.signal);
      if (!isKilled && kill!.twice) setTimeout(() => child.kill(kill!.signal), 2);
      if (!isKilled) kill!.sent?.(child.pid!);
      isKilled = true;
    };
    const timer = typeof kill?.when === "number" ? setTimeout(killOnce, kill.when) : undefined;
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (typeof kill?.when === "string" && output.includes(kill.when)) killOnce();
    });
    if (readUntil !== undefined) child.stdout.on("data", () => output.includes(readUntil) && child.stdout.destroy());
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.on("error", reject);
    child.on("close", (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, output, errors });
    });
  });
}
