// What is made of a data set once, fetched or decoded, is made in a process of its own: a decoder leaves hundreds of megabytes
// behind that Node.js does not give back, and training would carry them to its end.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { builtModule } from "../process/built-module.js";
import { machineMemoryBytes } from "../process/machine-memory.js";
import { UserError } from "../process/user-error.js";
import type { PreparationTask, ResultOf } from "./preparation-tasks.js";
import type { DataProgress, PreparationNeeds, PreparationOptions } from "./progress.js";

/** What the process of its own says; the last of its messages is how it ended. */
export type PreparationMessage =
  | { readonly progress: DataProgress }
  | { readonly result: unknown }
  | { readonly fault: Fault };

/**
 * Result of the task, worked on in a process that ends with it, and with this one. What it takes is told first. Rejects with
 * the task's own UserError, with the signal's reason where that ended it, and with a UserError where the system did, or where
 * there is too little memory to begin.
 */
export async function prepareApart<Task extends PreparationTask>(
  task: Task,
  needs: PreparationNeeds,
  { onProgress, signal }: PreparationOptions,
  has = machineMemoryBytes() - process.memoryUsage.rss(),
): Promise<ResultOf<Task>> {
  signal?.throwIfAborted();
  onProgress({ doing: announcement(needs, has), done: 0, total: 0, unit: "parts" });
  signal?.throwIfAborted(); // by who heard that
  // Standard output is a command's own; what a library prints belongs to the errors
  const child = fork(ENTRY, { stdio: ["ignore", 2, 2, "ipc"], execArgv: [], serialization: "advanced" });
  const stop = () => child.connected && child.disconnect();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    let end: PreparationMessage | undefined;
    child.on("message", (message: PreparationMessage) => {
      if ("progress" in message) onProgress(message.progress);
      else end = message;
    });
    child.send(task);
    // The channel closes behind its last message; with the exit, nothing of the task is running any more
    const [[code, killedBy]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
    signal?.throwIfAborted();
    if (end === undefined || "progress" in end) throw endedBy(killedBy ?? `exit code ${code}`);
    if ("fault" in end) throw errorOf(end.fault);
    return end.result as ResultOf<Task>;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

const ENTRY = fileURLToPath(builtModule("runtime/data/preparation-process"));

/** @throws UserError where it surely is too much. */
function announcement({ doing, most, least, wayOn }: PreparationNeeds, has: number): string {
  const takes = `${doing} takes up to ${mebibytes(most)} of memory in a process of its own`;
  const short = `this machine has ${mebibytes(Math.max(has, 0))} for it`;
  if (least > has) throw new UserError(`${takes}, and ${short}; ${wayOn}`);
  return most > has ? `${takes}, and ${short}, which may not be enough` : takes;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function endedBy(cause: string): UserError {
  const advice = cause === "SIGKILL" ? "the system may be out of memory" : "try again";
  return new UserError(`the process that prepares the images was ended by ${cause}; ${advice}`);
}

interface Fault {
  readonly message: string;
  /** Of a UserError. */
  readonly lines?: readonly string[] | undefined;
  readonly code?: string;
}

function errorOf({ message, lines, code }: Fault): Error {
  const [sentence, ...details] = lines ?? [];
  return sentence !== undefined
    ? new UserError(sentence, details)
    : Object.assign(new Error(message), code === undefined ? {} : { code });
}
