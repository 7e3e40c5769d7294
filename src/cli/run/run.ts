// The work of `netc run`: compiles the file, says what it will train, fetches the data, opens the engine, trains, and
// saves the model.
import { originText, origins } from "../../compiler/front/edit/origins.js";
import { flow } from "../../compiler/front/language/describe.js";
import { pathText } from "../../compiler/front/yaml/yaml-file.js";
import type { MemoryLimits } from "../../compiler/memory/memory-limits.js";
import type { Program } from "../../compiler/program.js";
import type { Dataset } from "../../runtime/data/dataset.js";
import { createLoader } from "../../runtime/data/loader.js";
import { openDataset } from "../../runtime/data/open-dataset.js";
import type { Device, Session, State } from "../../runtime/engines/engine.js";
import type { ChosenEngine } from "../../runtime/engines/index.js";
import { chooseEngine } from "../../runtime/engines/index.js";
import { refuseUnmakeable } from "../../runtime/files/output-file.js";
import { collectGarbage } from "../../runtime/process/collect-garbage.js";
import { shellWord } from "../../runtime/process/shell-word.js";
import { netcVersion } from "../../runtime/process/version.js";
import type { Checkpoint } from "../../runtime/run/checkpoint.js";
import { engineChanges } from "../../runtime/run/engine-changes.js";
import { readEventLog } from "../../runtime/run/event-log.js";
import type { RunFolder } from "../../runtime/run/run-folder.js";
import {
  createDatedRunFolder,
  createRunFolder,
  newestRunFolder,
  readRunConfig,
  readRunKernels,
  refuseUsedFolder,
  runFolderAt,
  whileLocked,
} from "../../runtime/run/run-folder.js";
import type { Origin } from "../../runtime/run/run-origins.js";
import { writeOrigins } from "../../runtime/run/run-origins.js";
import { keepPictures } from "../../runtime/run/run-pictures.js";
import type { RunResult } from "../../runtime/run/run-training.js";
import { runTraining } from "../../runtime/run/run-training.js";
import { keepStart } from "../../runtime/weights/run-start.js";
import { fetchStart, startFrom } from "../../runtime/weights/start-weights.js";
import { showingProgress } from "../data/data-progress.js";
import type { SoundFile } from "../load/load-file.js";
import { loadPrepared } from "../load/load-prepared.js";
import { machineLimits } from "../load/machine-limits.js";
import { predictMemory } from "../load/predict-memory.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { deviceText } from "../screen/options.js";
import { checkpointToResume } from "./resume.js";
import { RunReport } from "./run-report.js";
import { stopSignal } from "./stop-signal.js";

export interface RunFlags {
  readonly set: readonly string[];
  readonly out?: string;
  readonly seed?: number;
  readonly maxSteps?: number;
  readonly engine: string;
  readonly device?: Device;
  readonly threads?: number;
  readonly resume: boolean;
  readonly tune: boolean;
  readonly quiet: boolean;
}

export async function run(path: string, flags: RunFlags): Promise<ExitCode> {
  const memory = machineLimits(flags.engine, flags.threads);
  const seed = flags.seed === undefined ? [] : [`seed=${flags.seed}`];
  const file = await loadPrepared(path, [...flags.set, ...seed], flags);
  if (!file) return exitCodes.inputHasErrors;
  const resumed = await folderToResume(file.program, flags);
  const chosen = await chooseEngine(flags.engine, flags.device, file.program);
  await chosen.engine.require(file.program);
  const report = new RunReport(file.program, flags);
  const stop = stopSignal((cause) => report.stopping(cause));
  try {
    report.describe(chosen);
    return await runInFolder({ path, flags, file, memory, resumed, chosen, report, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted && (error as Error).name === "AbortError") return exitCodes.interrupted;
    throw error;
  } finally {
    report.close();
    stop.release();
  }
}

/** Undefined for a new run. Whatever stands in the way of either is said before the data are fetched. */
async function folderToResume({ config }: Program, { resume, out }: RunFlags): Promise<RunFolder | undefined> {
  if (!resume) return void (await (out === undefined ? refuseUnmakeable(RUNS) : refuseUsedFolder(out)));
  const folder = out === undefined ? await newestRunFolder(RUNS, config.name) : runFolderAt(out);
  await readRunConfig(folder);
  return folder;
}

const RUNS = "runs";

/** All that a run is, before its data are fetched. */
interface Run {
  /** As it was named. */
  readonly path: string;
  readonly flags: RunFlags;
  readonly file: SoundFile;
  /** Before anything was read for training. */
  readonly memory: MemoryLimits;
  /** The folder of the run that goes on. */
  readonly resumed: RunFolder | undefined;
  readonly chosen: ChosenEngine;
  readonly report: RunReport;
  readonly signal: AbortSignal;
}

async function runInFolder(run: Run): Promise<ExitCode> {
  const { path, flags, file, resumed, report, signal } = run;
  const { program, config } = file;
  const residentBytes = process.memoryUsage.rss();
  // Before the data, which may take long to prepare; a run that goes on needs none
  if (!resumed) await showingProgress((onProgress) => fetchStart(program, { onProgress, signal }));
  const dataset = await showingProgress((onProgress) => openDataset(config.data, config.seed, onProgress, signal));
  const folder = resumed ?? (await newFolder(program, flags));
  return await whileLocked(folder, async (lost) => {
    const checkpoint = resumed && (await checkpointToResume(folder, program, report));
    await keepPictures(folder, program, dataset, checkpoint !== undefined);
    await writeOrigins(folder, originsOf(file));
    const { result, trained } = await train({ ...run, residentBytes, dataset, folder, checkpoint, lost });
    report.close();
    const fault = trained && (await saveModel(program, trained, folder, dataset.classes));
    report.end(result, folder, resumeCommand(path, flags, folder), fault);
    return fault === undefined ? exitCodeOf(result) : exitCodes.inputHasErrors;
  });
}

async function newFolder({ config }: Program, { out }: RunFlags): Promise<RunFolder> {
  return out === undefined ? createDatedRunFolder(RUNS, config, new Date()) : createRunFolder(out, config);
}

function originsOf(file: SoundFile): Origin[] {
  return origins(file).map(({ path, value, span }) => ({
    path: pathText(path),
    value: flow(value),
    origin: originText(file.file, span),
  }));
}

/** A run whose data and folder are there. */
interface BegunRun extends Run {
  /** Before the images were read. */
  readonly residentBytes: number;
  readonly dataset: Dataset;
  readonly folder: RunFolder;
  readonly checkpoint: Checkpoint | undefined;
  /** See `RunOptions`. */
  readonly lost: AbortSignal;
}

/** Opens the engine, trains and closes it; `trained` is the state at the end of a run that came to its end. */
async function train(run: BegunRun): Promise<{ result: RunResult; trained: State | undefined }> {
  const { file, flags, memory, resumed, chosen, report, folder, dataset, checkpoint, signal, lost } = run;
  const { program, config } = file;
  const { threads, device, tune, maxSteps } = flags;
  const before = checkpoint?.kernels ?? (resumed && (await readRunKernels(folder)));
  const kernels = tune ? (before ?? "measured") : "predicted";
  report.preparing();
  const session = await chosen.engine.open(program, { threads, device, kernels, memory });
  try {
    if (!checkpoint) await startFromWeights(run, session);
    collectGarbage(); // what reading the images, compiling and measuring have left
    await describeBeginning(run, session, before);
    const result = await runTraining(program, {
      folder,
      session,
      engine: { name: chosen.engine.name, version: chosen.availability.version },
      loader: createLoader(dataset, config),
      checkpoint,
      maxSteps,
      signal,
      lost,
      observe: (event) => report.event(event),
      onEvaluationBatch: (done, total) => report.evaluationBatch(done, total),
    });
    const isFinished = result.outcome === "finished" || result.outcome === "stopped_early";
    return { result, trained: isFinished ? await session.readState() : undefined };
  } finally {
    await session.dispose();
  }
}

async function startFromWeights({ file, report, folder, signal }: BegunRun, session: Session): Promise<void> {
  const provenance = await showingProgress((onProgress) => startFrom(file.program, session, { onProgress, signal }));
  if (!provenance) return;
  await keepStart(folder, provenance);
  report.start(provenance);
}

/** `before`: the kernels that the run was begun with. The past is that of the steps which are not trained again. */
async function describeBeginning(
  { file, flags, residentBytes, chosen, report, folder, checkpoint }: BegunRun,
  { heapBytes: engineBytes, kernels = {} }: Session,
  before: Session["kernels"],
): Promise<void> {
  const taken = { threads: flags.threads, engineBytes, kernels, residentBytes };
  report.memory(predictMemory(file.program, taken), engineBytes !== undefined);
  report.kernels(kernels, before);
  const done = checkpoint?.progress.step ?? 0;
  const past = checkpoint ? (await readEventLog(folder.events)).filter(({ step }) => step <= done) : [];
  const versions = { netc: netcVersion(), engine: chosen.availability.version };
  report.changes(engineChanges(past, done, { engine: chosen.engine.name, versions }), []);
  report.begin(folder, checkpoint?.progress, past);
}

/**
 * Why the model could not be written; undefined where it was. It comes after the session is closed, so that its heap makes
 * room for the library that writes the model.
 */
async function saveModel(
  program: Program,
  trained: State,
  folder: RunFolder,
  classes: Dataset["classes"],
): Promise<string | undefined> {
  collectGarbage();
  const { saveTfjsModel } = await import("../../runtime/export/tfjs/save-tfjs-model.js");
  try {
    await saveTfjsModel(program, trained, folder.model, classes);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return (error as Error).message;
  }
}

/** The command that goes on, to be pasted: what the file was overridden with is part of it. */
function resumeCommand(
  file: string,
  { set, seed, engine, device, threads, tune }: RunFlags,
  folder: RunFolder,
): string {
  const words = [
    "netc",
    "run",
    file,
    "--resume",
    "--out",
    folder.path,
    ...set.flatMap((override) => ["--set", override]),
    ...(seed === undefined ? [] : ["--seed", String(seed)]),
    ...(engine === "auto" ? [] : ["--engine", engine]),
    ...(device === undefined ? [] : ["--device", deviceText(device)]),
    ...(threads === undefined ? [] : ["--threads", String(threads)]),
    ...(tune ? [] : ["--no-tune"]),
  ];
  return words.map((word) => shellWord(word)).join(" ");
}

const EXIT_CODE_OF_OUTCOME: Readonly<Record<RunResult["outcome"], ExitCode>> = {
  finished: exitCodes.done,
  stopped_early: exitCodes.done,
  unsaved: exitCodes.inputHasErrors,
  stopped: exitCodes.done,
  interrupted: exitCodes.interrupted,
  diverged: exitCodes.inputHasErrors,
};

function exitCodeOf({ outcome, unsaved }: RunResult): ExitCode {
  const code = EXIT_CODE_OF_OUTCOME[outcome];
  return code === exitCodes.done && unsaved !== undefined ? exitCodes.inputHasErrors : code;
}
