// The public API. Passes return diagnostics; only here do they become an exception, one that holds them all.
import type { Compilation } from "./compiler/compile.js";
import { compileText } from "./compiler/compile.js";
import type { Diagnostic } from "./compiler/diagnostic.js";
import { hasErrors } from "./compiler/diagnostic.js";
import type { Program } from "./compiler/program.js";
import type { Device, Session } from "./runtime/engine.js";
import { scanImages } from "./runtime/data/images/scan-images.js";
import { chooseEngine } from "./runtime/engines/index.js";

export type { Compilation } from "./compiler/compile.js";
export type { ResolvedConfig } from "./compiler/config.js";
export type { Diagnostic } from "./compiler/diagnostic.js";
export type { ShapedGraph } from "./compiler/graph.js";
export type { ClassificationFigures } from "./runtime/classification-figures.js";
export type { Program, TrainPlan } from "./compiler/program.js";
export type { Batch, EvaluationResult, Session, State, StepResult } from "./runtime/engine.js";
export { compileText } from "./compiler/compile.js";
export { inferShapes } from "./compiler/infer-shapes.js";
export { createLoader } from "./runtime/data/loader.js";
export { openDataset } from "./runtime/data/open-dataset.js";
export { train } from "./runtime/trainer.js";
export type { NetworkEvaluation, OpenRunOptions, PredictOptions, Prediction } from "./runtime/trained-network.js";
export { openRun, TrainedNetwork } from "./runtime/trained-network.js";

/** Every fault of a file at once. */
export class NetcError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    super(errors.map(({ code, path = [], message }) => `${code} ${path.join(".")}: ${message}`).join("\n"));
    this.name = "NetcError";
  }
}

/**
 * The Program of a YAML text. `overrides` are `path=value` texts, as `--set` takes them.
 * @throws NetcError with every diagnostic where the text has an error.
 */
export function compile(text: string, fileName = "network.yaml", overrides: readonly string[] = []): Program {
  const { value, diagnostics }: Compilation = compileText(text, fileName, overrides, undefined, undefined, scanImages);
  if (!value || hasErrors(diagnostics)) throw new NetcError(diagnostics);
  return value;
}

/**
 * A Program opened on an engine, with its initial state drawn from its seed. Dispose of it when done.
 * @throws UserError where the engine cannot be used on this machine.
 */
export async function open(
  program: Program,
  { engine: name = "auto", threads, device }: { engine?: string; threads?: number; device?: Device } = {},
): Promise<Session> {
  const { engine } = await chooseEngine(name, device, program);
  return engine.open(program, { threads, device });
}
