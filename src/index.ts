// The public API. Passes return diagnostics; only here do they become an exception, one that holds them all.
import { compileText } from "./compiler/compile.js";
import type { Diagnostic } from "./compiler/diagnostics/diagnostic.js";
import { hasErrors } from "./compiler/diagnostics/diagnostic.js";
import type { SourceOptions } from "./compiler/front/load-config.js";
import type { Program } from "./compiler/program.js";
import { readBase } from "./runtime/source/read-base.js";
import type { Device, EngineOptions, Session } from "./runtime/engines/engine.js";
import { scanImages } from "./runtime/data/images/scan-images.js";
import { chooseEngine } from "./runtime/engines/index.js";
import { UserError } from "./runtime/process/user-error.js";

export type { Compilation } from "./compiler/compile.js";
export type { ReadBase } from "./compiler/front/compose.js";
export type { DataConfig, ResolvedConfig } from "./compiler/config.js";
export type { Diagnostic, Result, SourceText } from "./compiler/diagnostics/diagnostic.js";
export type { ShapedGraph } from "./compiler/network/graph.js";
export type { SourceOptions } from "./compiler/front/load-config.js";
export type { ArgumentName } from "./compiler/front/overrides.js";
export type { Program, TrainPlan } from "./compiler/program.js";
export type { YamlFile } from "./compiler/front/parse.js";
export type { ImagesRequest, ImagesScan, ScanImages } from "./compiler/front/scan-images.js";
export type { BrokenCheckpoint, Checkpoint } from "./runtime/run/checkpoint.js";
export type { ClassificationFigures } from "./runtime/trained/classification-figures.js";
export type { Dataset, ImageSet } from "./runtime/data/dataset.js";
export type { Loader, LoaderConfig } from "./runtime/data/loader.js";
export type { DataProgress, OnDataProgress } from "./runtime/data/progress.js";
export type {
  Batch,
  Device,
  EngineOptions,
  EvaluationResult,
  MixedLabels,
  PlainImages,
  Session,
  State,
  StepHyper,
  StepResult,
} from "./runtime/engines/engine.js";
export type { EvaluateOptions } from "./runtime/training/evaluator.js";
export type {
  NetworkEvaluation,
  OpenRunOptions,
  PredictOptions,
  Prediction,
} from "./runtime/trained/trained-network.js";
export type { TrainingResult, TrainOptions } from "./runtime/training/trainer.js";
export type { Divergence, TrainingEvent } from "./runtime/training/training-events.js";
export type { Progress } from "./runtime/training/training-progress.js";
export { compileText } from "./compiler/compile.js";
export { createLoader } from "./runtime/data/loader.js";
export { openDataset } from "./runtime/data/open-dataset.js";
export { openRun, TrainedNetwork } from "./runtime/trained/trained-network.js";
export { train } from "./runtime/training/trainer.js";
export { UserError } from "./runtime/process/user-error.js";

/** Every fault of a file at once. */
export class NetcError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    super(errors.map(({ code, path = [], message }) => `${code} ${path.join(".")}: ${message}`).join("\n"));
    this.name = "NetcError";
  }
}

/**
 * The Program of a YAML text. What it extends is read beside it and folders of images are looked into, unless the options say
 * how else.
 * @throws NetcError with every diagnostic where the text has an error.
 */
export function compile(text: string, fileName = "network.yaml", options: SourceOptions = {}): Program {
  const { value, diagnostics } = compileText(text, fileName, { readBase, scanImages, ...options });
  if (!value || hasErrors(diagnostics)) throw new NetcError(diagnostics);
  return value;
}

export interface OpenOptions extends Omit<EngineOptions, "memory"> {
  /** A name of an engine; "auto" without it. */
  readonly engine?: string;
}

/**
 * A Program opened on an engine, with its initial state: drawn from its seed, or of the weights that `train.start` names; what is computed from training images comes with
 * `train`, or `Session.initializeFromImages`. Dispose of it when done.
 * @throws UserError where the engine cannot be used on this machine, or cannot train the program.
 */
export async function open(program: Program, options: OpenOptions = {}): Promise<Session> {
  const { engine: name = "auto", threads, device, kernels } = options;
  checkOptions(options);
  const { engine } = await chooseEngine(name, device, program, { isBrief: true });
  await engine.require(program);
  const session = await engine.open(program, { threads, device, kernels });
  if (program.config.train.start === null) return session;
  const { startFrom } = await import("./runtime/weights/start-weights.js");
  try {
    await startFrom(program, session);
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

function checkOptions({ threads, device, kernels }: OpenOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new UserError(`threads must be a whole number of at least 1, found ${String(threads)}`);
  }
  if (device !== undefined && !isDevice(device)) {
    const forms = '{ kind: "cpu" } or { kind: "gpu", index: 0 }';
    throw new UserError(`a device is ${forms}, found ${JSON.stringify(device)}`);
  }
  if (typeof kernels === "string" && !["predicted", "measured"].includes(kernels)) {
    throw new UserError(`kernels are "predicted", "measured", or those of a session, found ${JSON.stringify(kernels)}`);
  }
}

function isDevice(device: Device): boolean {
  return device.kind === "cpu" || (device.kind === "gpu" && Number.isInteger(device.index) && device.index >= 0);
}
