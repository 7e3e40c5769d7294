// The work of `netc watch`: serves the report of a run until it is stopped.
import { once } from "node:events";
import { readRun } from "../../runtime/run/read-run.js";
import { runFolderAt } from "../../runtime/run/run-folder.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { startWatchServer } from "./watch-server.js";
import { stopSignal } from "../run/stop-signal.js";
import { printLine } from "../screen/print.js";

export interface WatchFlags {
  readonly port: number;
}

export async function watch(path: string, { port }: WatchFlags): Promise<ExitCode> {
  const folder = runFolderAt(path);
  await readRun(folder); // says where there is no run
  const stop = stopSignal(() => {});
  try {
    const server = await startWatchServer(folder, port).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
      throw new UserError(`port ${port} cannot be used (${error.code}); name another with \`--port\`, or 0 for any`);
    });
    printLine(`${path} at ${server.url} (Ctrl-C ends it)`);
    if (!stop.signal.aborted) await once(stop.signal, "abort");
    await server.close();
    return exitCodes.done;
  } finally {
    stop.release();
  }
}
