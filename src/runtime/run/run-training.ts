// One run in its folder: the trainer with its event log and checkpoints around it, from the start or from where it stopped.
import { cpus, totalmem } from "node:os";
import { basename } from "node:path";
import type { ResolvedConfig } from "../../compiler/config.js";
import type { Program } from "../../compiler/program.js";
import type { Checkpoint } from "./checkpoint.js";
import { pruneCheckpoints, writeCheckpoint } from "./checkpoint.js";
import { GarbageKeeper } from "../process/collect-garbage.js";
import type { Loader } from "../data/loader.js";
import type { Session, State } from "../engines/engine.js";
import { EventLog, rewindEventLog } from "./event-log.js";
import { sha256Of } from "../files/digest.js";
import { openMetricsFiles } from "../metrics/metrics.js";
import { peakMemoryBytes } from "../process/peak-memory.js";
import type { RunFolder } from "./run-folder.js";
import { sweepRunFolder, writeRunConfig, writeRunKernels } from "./run-folder.js";
import type { TrainingResult } from "../training/trainer.js";
import { train } from "../training/trainer.js";
import type { StartEvent, TrainingEvent } from "../training/training-events.js";
import type { Progress } from "../training/training-progress.js";
import { BEGINNING, bestSteps } from "../training/training-progress.js";
import { netcVersion } from "../process/version.js";

export interface RunOptions {
  /** Locked by the caller for as long as the run lasts. */
  readonly folder: RunFolder;
  /** In its initial state. */
  readonly session: Session;
  readonly engine: { readonly name: string; readonly version: string };
  readonly loader: Loader;
  /** Where to go on; undefined starts from the first step. */
  readonly checkpoint?: Checkpoint;
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
  /** Ends the run at once and without another word in the folder, which is no longer this process's. */
  readonly lost?: AbortSignal;
  /** Sees every event as it is logged. */
  readonly observe?: (event: TrainingEvent) => void;
  readonly onEvaluationBatch?: (done: number, total: number) => void;
}

export type RunResult = TrainingResult & {
  /** The newest checkpoint that is whole, where there is one. */
  readonly checkpoint: string | undefined;
  /** Why the newest state could not be saved, where that is so. */
  readonly unsaved: string | undefined;
};

export async function runTraining(program: Program, options: RunOptions): Promise<RunResult> {
  const { folder, session, loader, checkpoint, lost, observe = () => {} } = options;
  lost?.throwIfAborted();
  const progress = checkpoint?.progress ?? BEGINNING;
  await sweepRunFolder(folder);
  const past = await rewindEventLog(folder.events, progress);
  await writeRunConfig(folder, program.config);
  // Killed before its first checkpoint, it begins again with the same
  if (!checkpoint) await writeRunKernels(folder, session.kernels ?? {});
  if (checkpoint) await session.writeState(checkpoint.state);

  const saved: { newest: string | undefined; fault: string | undefined } = {
    newest: checkpoint?.folder,
    fault: undefined,
  };
  const logFailed = (file: string, reason: string): void => {
    observe({ event: "log_failed", step: progress.step, file, reason });
  };
  const log = new EventLog(folder.events, (reason) => logFailed(basename(folder.events), reason));
  const metrics = await openMetricsFiles(folder, past, logFailed);
  const garbage = new GarbageKeeper();
  const emit = (event: TrainingEvent): void => {
    if (lost?.aborted) return;
    if (event.event === "step") garbage.afterStep();
    log.append(event);
    metrics.append(event);
    observe(event);
  };

  const save = async (at: Progress, state: State): Promise<boolean> => {
    const started = performance.now();
    lost?.throwIfAborted();
    try {
      await log.flush(); // a resumed run finds every line up to its checkpoint
      saved.newest = await writeCheckpoint(folder.checkpoints, program, at, state, session.kernels);
      saved.fault = undefined;
      const milliseconds = performance.now() - started;
      emit({ event: "checkpoint", step: at.step, folder: basename(saved.newest), milliseconds });
      const { keep, keep_best: best } = program.config.train.checkpoints;
      await pruneCheckpoints(folder.checkpoints, keep, saved.newest, bestSteps(at, best));
      return true;
    } catch (error) {
      saved.fault = (error as Error).message;
      emit({ event: "checkpoint_failed", step: at.step, reason: saved.fault });
      return false;
    }
  };

  emit(startEvent(program.config, options, progress));
  const { maxSteps, signal, onEvaluationBatch } = options;
  try {
    const result = await train(program, session, loader, {
      progress,
      maxSteps,
      signal: AbortSignal.any([signal, lost].filter((one) => one !== undefined)),
      emit,
      onEvaluationBatch,
      save,
    });
    lost?.throwIfAborted();
    emit({
      event: "end",
      step: result.progress.step,
      outcome: result.outcome,
      elapsedSeconds: result.progress.elapsedSeconds,
      testAccuracy: testAccuracyOf(program, result),
      peakMemoryBytes: peakMemoryBytes(),
      ...(result.outcome === "diverged" && { divergence: result.divergence }),
    });
    return { ...result, checkpoint: saved.newest, unsaved: saved.fault };
  } finally {
    if (lost?.aborted) for (const file of [log, metrics]) file.discard();
    await Promise.all([log.flush(), metrics.flush()]); // whatever ended the run, what happened is kept
  }
}

/** null where the test images were not evaluated. */
function testAccuracyOf({ plan }: Program, result: TrainingResult): number | null {
  if (plan.validationImages === 0) return result.progress.lastEvaluation?.accuracy ?? null;
  return "test" in result ? (result.test?.accuracy ?? null) : null;
}

function startEvent(config: ResolvedConfig, { engine, checkpoint }: RunOptions, { step }: Progress): StartEvent {
  const processors = cpus();
  return {
    event: checkpoint ? "resume" : "start",
    step,
    time: new Date().toISOString(),
    versions: { netc: netcVersion(), node: process.version, engine: engine.version },
    machine: {
      platform: `${process.platform} ${process.arch}`,
      processor: processors[0]?.model.trim() ?? "unknown",
      cores: processors.length,
      memoryBytes: totalmem(),
    },
    engine: engine.name,
    configDigest: sha256Of(JSON.stringify(config)),
  };
}
