// A run's folder, or that of one of its checkpoints → the network as it was trained up to there.
import { dirname, join, resolve } from "node:path";
import type { Program } from "../../compiler/program.js";
import type { Checkpoint } from "../run/checkpoint.js";
import { isCheckpointPath, nameOfStep, readCheckpoint } from "../run/checkpoint.js";
import type { LoadedRun } from "../run/load-run.js";
import { isFolder, loadProgram, loadRun } from "../run/load-run.js";
import { bestSteps } from "../training/training-progress.js";
import { UserError } from "../process/user-error.js";

/**
 * Of a run, its newest checkpoint that is whole, or with `best` the one of its evaluation with the highest test accuracy.
 * Throws a UserError where there is nothing to load.
 */
export async function loadTrained(path: string, { best = false } = {}): Promise<LoadedRun> {
  const place = resolve(path);
  if (!isCheckpointPath(place)) {
    const run = await loadRun(path);
    return best ? { ...run, checkpoint: await bestCheckpoint(path, run), broken: [] } : run;
  }
  if (best) throw new UserError(`${path} is one checkpoint; name its run, and --best takes its best`);
  if (!(await isFolder(place))) throw new UserError(`there is no checkpoint at ${path}`);
  const run = await loadProgram(dirname(dirname(place)));
  return { ...run, checkpoint: await wholeCheckpoint(place, path, run.program), broken: [] };
}

async function bestCheckpoint(path: string, { folder, program, checkpoint }: LoadedRun): Promise<Checkpoint> {
  const [step] = bestSteps(checkpoint.progress, 1);
  if (step === undefined) throw new UserError(`${path} has not been evaluated yet, so no checkpoint is its best`);
  if (step === checkpoint.progress.step) return checkpoint;
  const best = join(folder.checkpoints, nameOfStep(step));
  if (await isFolder(best)) return await wholeCheckpoint(best, best, program);
  throw new UserError(
    `the best evaluation of ${path} was that after step ${step}, whose state was not kept; ` +
      "`train.checkpoints.keep_best: 1` keeps it in the next run",
  );
}

async function wholeCheckpoint(place: string, named: string, program: Program): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(place, program);
  if ("reason" in checkpoint) throw new UserError(`${named} is not an intact checkpoint: ${checkpoint.reason}`);
  return checkpoint;
}
