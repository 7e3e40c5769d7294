// A run's folder, or that of one of its checkpoints → the network as it was trained up to there.
import { dirname, resolve } from "node:path";
import { isCheckpointPath, readCheckpoint } from "../run/checkpoint.js";
import type { LoadedRun } from "../run/load-run.js";
import { isFolder, loadProgram, loadRun } from "../run/load-run.js";
import { UserError } from "../process/user-error.js";

/** Of a run, its newest checkpoint that is whole. Throws a UserError where there is nothing to load. */
export async function loadTrained(path: string): Promise<LoadedRun> {
  const place = resolve(path);
  if (!isCheckpointPath(place)) return await loadRun(path);
  if (!(await isFolder(place))) throw new UserError(`there is no checkpoint at ${path}`);
  const run = await loadProgram(dirname(dirname(place)));
  const checkpoint = await readCheckpoint(place, run.program);
  if ("reason" in checkpoint) throw new UserError(`${path} is not a whole checkpoint: ${checkpoint.reason}`);
  return { ...run, checkpoint, broken: [] };
}
