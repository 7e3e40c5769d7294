// The work of `netc watch`: serves the report of a run, or of all of them, until it is stopped.
import { once } from "node:events";
import { readRun } from "../../runtime/run/read-run.js";
import { holdsRun, runFolderAt } from "../../runtime/run/run-folder.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { startWatchServer } from "./watch-server.js";
import { stopSignal } from "../run/stop-signal.js";
import { printLine } from "../screen/print.js";
import type { WatchedRuns } from "./watched-runs.js";
import { allRunsUnder, oneRun } from "./watched-runs.js";

/** Where `netc run` makes its folders. */
const RUNS = "runs";

export interface WatchFlags {
  readonly port: number;
}

/** Without a run's folder, all runs under `runs/`: those that begin later too. */
export async function watch(path: string | undefined, { port }: WatchFlags): Promise<ExitCode> {
  const runs = path === undefined ? allRunsUnder(RUNS) : await runsAt(path);
  const [newest] = await runs.list();
  if (!newest) throw new UserError(`there is no run under ${path ?? RUNS}; \`netc run FILE\` starts one`);
  const stop = stopSignal(() => {});
  try {
    const server = await startWatchServer(runs, port).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
      throw new UserError(`port ${port} cannot be used (${error.code}); name another with \`--port\`, or 0 for any`);
    });
    printLine(`${path ?? `${RUNS}, the newest first,`} at ${server.url} (Ctrl-C ends it)`);
    if (!stop.signal.aborted) await once(stop.signal, "abort");
    await server.close();
    return exitCodes.done;
  } finally {
    stop.release();
  }
}

/** A run, or a folder of runs. */
async function runsAt(path: string): Promise<WatchedRuns> {
  const folder = runFolderAt(path);
  if (!(await holdsRun(folder))) {
    const runs = allRunsUnder(path);
    if ((await runs.list()).length > 0) return runs;
  }
  await readRun(folder); // says where there is no run
  return oneRun(folder);
}
