// The process that `prepareApart` starts: takes one task, tells how far it is, then its result or what went wrong. Where the
// process that asked goes away, the task is stopped and cleans up behind itself.
import { UserError } from "../process/user-error.js";
import type { PreparationMessage } from "./preparation.js";
import type { PreparationTask } from "./preparation-tasks.js";
import { runTask } from "./preparation-tasks.js";

const stopped = new AbortController();
process.once("disconnect", () => stopped.abort());
if (!process.connected) process.exit(); // gone before this was loaded
// Ctrl-C reaches every process of the terminal; the one that asked decides what it means
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.once("message", (task: PreparationTask) => void prepare(task));

async function prepare(task: PreparationTask): Promise<void> {
  const say = (message: PreparationMessage) => process.connected && process.send!(message);
  try {
    stopped.signal.throwIfAborted();
    const options = {
      onProgress: (progress: object) => say({ progress } as PreparationMessage),
      signal: stopped.signal,
    };
    say({ result: await runTask(task, options) });
  } catch (error) {
    const { message, code, stack } = error as NodeJS.ErrnoException;
    const lines = error instanceof UserError ? error.lines : undefined;
    say({ fault: { message: lines || code ? message : (stack ?? message), lines, ...(code && { code }) } });
  }
  if (process.connected) process.disconnect();
}
