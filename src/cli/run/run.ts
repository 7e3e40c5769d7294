// The work of `netc run`: compiles the file, says what it will train, fetches the data, opens the engine, trains, and
// saves the model.
import type { MemoryLimits } from "../../compiler/memory/memory-limits.js";
import type { Program } from "../../compiler/program.js";
import { originText, origins } from "../../compiler/front/edit/origins.js";
import { flow } from "../../compiler/front/language/describe.js";
import { loadConfig } from "../../compiler/front/load-config.js";
import { pathText } from "../../compiler/front/yaml/yaml-file.js";
import type { Checkpoint } from "../../runtime/run/checkpoint.js";
import type { Dataset } from "../../runtime/data/dataset.js";
import { scanImages } from "../../runtime/data/images/scan-images.js";
import { createLoader } from "../../runtime/data/loader.js";
import { openDataset } from "../../runtime/data/open-dataset.js";
import { engineChanges } from "../../runtime/run/engine-changes.js";
import type { ChosenEngine } from "../../runtime/engines/index.js";
import { chooseEngine } from "../../runtime/engines/index.js";
import { collectGarbage } from "../../runtime/process/collect-garbage.js";
import type { State } from "../../runtime/engines/engine.js";
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
import { refuseUnmakeable } from "../../runtime/files/output-file.js";
import { keepPictures } from "../../runtime/run/run-pictures.js";
import type { RunResult } from "../../runtime/run/run-training.js";
import { runTraining } from "../../runtime/run/run-training.js";
import type { TrainingEvent } from "../../runtime/training/training-events.js";
import { shellWord } from "../../runtime/process/shell-word.js";
import { netcVersion } from "../../runtime/process/version.js";
import type { RunFlags } from "./command.js";
import { dataProgressDisplay } from "../data/data-progress.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { loadPrepared } from "../load/load-prepared.js";
import { machineLimits } from "../load/machine-limits.js";
import { deviceText } from "../screen/options.js";
import { predictMemory } from "../load/predict-memory.js";
import { readBase } from "../load/read-base.js";
import { readSource } from "../load/read-source.js";
import { checkpointToResume } from "./resume.js";
import { RunReport } from "./run-report.js";
import { stopSignal } from "./stop-signal.js";

export async function run(file: string, flags: RunFlags): Promise<ExitCode> {
  const overrides = [...flags.set, ...(flags.seed === undefined ? [] : [`seed=${flags.seed}`])];
  const memory = machineLimits(flags.engine, flags.threads);
  const program = await loadPrepared(file, overrides, flags);
  if (!program) return exitCodes.inputHasErrors;

  if (!flags.resume) await (flags.out === undefined ? refuseUnmakeable("runs") : refuseUsedFolder(flags.out));
  else await readRunConfig(await folderToResume(program, flags)); // says where there is none, before the data are fetched
  const chosen = await chooseEngine(flags.engine, flags.device, program);
  await chosen.engine.require(program);
  const report = new RunReport(program);
  const stop = stopSignal((signal) => report.stopping(signal));
  try {
    report.describe(chosen);
    const residentBytes = process.memoryUsage.rss();
    const dataset = await openData(program, stop.signal);
    const folder = flags.resume ? await folderToResume(program, flags) : await newFolder(program, flags);
    return await whileLocked(folder, async (lost) => {
      const checkpoint = flags.resume ? await checkpointToResume(folder, program, report) : undefined;
      await keepPictures(folder, program, dataset, checkpoint !== undefined);
      await writeOrigins(folder, await originsOf(file, overrides));
      const signal = stop.signal;
      const run = { program, flags, memory, chosen, residentBytes, folder, dataset, checkpoint, report, signal, lost };
      const { result, trained } = await trainInFolder(run);
      report.close();
      const fault = trained && (await saveModel(program, trained, folder, dataset.classes));
      report.end(result, folder, resumeCommand(file, flags, folder), fault);
      return fault === undefined ? exitCodeOf(result) : exitCodes.inputHasErrors;
    });
  } catch (error) {
    if (stop.signal.aborted && (error as Error).name === "AbortError") return exitCodes.interrupted;
    throw error;
  } finally {
    report.close();
    stop.release();
  }
}

interface RunInFolder {
  readonly program: Program;
  readonly flags: RunFlags;
  readonly memory: MemoryLimits;
  readonly chosen: ChosenEngine;
  /** Before the images were read. */
  readonly residentBytes: number;
  readonly folder: RunFolder;
  readonly dataset: Dataset;
  readonly checkpoint: Checkpoint | undefined;
  readonly report: RunReport;
  readonly signal: AbortSignal;
  /** See `RunOptions`. */
  readonly lost: AbortSignal;
}

/** Opens the engine, trains and closes it; `trained` is the state at the end of a run that came to its end. */
async function trainInFolder(run: RunInFolder): Promise<{ result: RunResult; trained: State | undefined }> {
  const { program, flags, memory, chosen, residentBytes, folder, dataset, checkpoint, report, signal, lost } = run;
  const { maxSteps, threads, device } = flags;
  const before = checkpoint?.kernels ?? (flags.resume ? await readRunKernels(folder) : undefined);
  const kernels = flags.tune ? (before ?? "measured") : "predicted";
  const session = await chosen.engine.open(program, { threads, device, kernels, memory });
  try {
    collectGarbage(); // what reading the images, compiling and measuring have left
    const { kernels: chosenKernels, heapBytes: engineBytes } = session;
    report.memory(
      predictMemory(program, { threads, engineBytes, kernels: chosenKernels, residentBytes }),
      engineBytes !== undefined,
    );
    report.kernels(session.kernels ?? {}, before);
    const past = await pastEvents(folder, checkpoint);
    const engine = { name: chosen.engine.name, version: chosen.availability.version };
    const versions = { netc: netcVersion(), engine: engine.version };
    report.changes(engineChanges(past, checkpoint?.progress.step ?? 0, { engine: engine.name, versions }), []);
    report.begin(folder, checkpoint?.progress, past);
    const result = await runTraining(program, {
      folder,
      session,
      engine,
      loader: createLoader(dataset, program.config),
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

async function openData({ config }: Program, signal: AbortSignal): Promise<Dataset> {
  const display = await dataProgressDisplay();
  try {
    return await openDataset(config.data, config.seed, display.onProgress, signal);
  } finally {
    display.stop();
  }
}

async function originsOf(file: string, overrides: readonly string[]): Promise<Origin[]> {
  const { value: source } = await readSource(file);
  const loaded = source && loadConfig(source.text, source.name, { overrides, readBase, scanImages }).value;
  if (!loaded) return [];
  return origins(loaded).map(({ path, value, span }) => ({
    path: pathText(path),
    value: flow(value),
    origin: originText(loaded.file, span),
  }));
}

/** What the log tells of the steps that a resumed run does not train again. */
async function pastEvents(folder: RunFolder, checkpoint: Checkpoint | undefined): Promise<TrainingEvent[]> {
  if (!checkpoint) return [];
  const events = await readEventLog(folder.events);
  return events.filter(({ step }) => step <= checkpoint.progress.step);
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

async function newFolder({ config }: Program, { out }: RunFlags): Promise<RunFolder> {
  return out === undefined ? createDatedRunFolder("runs", config, new Date()) : createRunFolder(out, config);
}

async function folderToResume({ config }: Program, { out }: RunFlags): Promise<RunFolder> {
  return out === undefined ? newestRunFolder("runs", config.name) : runFolderAt(out);
}
