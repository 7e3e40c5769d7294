// Program → one step as a graph of TensorFlow operations: forward, and in training backward and update. The engine makes a
// function of it, whose arguments are the batch, what changes from step to step, and a handle for every variable.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Program } from "../../program.js";
import { averageName, averagesWeights } from "../../training/weight-average.js";
import type { StepMode } from "../step/differentiate.js";
import { trainingGraphOf } from "../lower.js";
import type { BatchInput, HyperName, Storage, Variable } from "./emission.js";
import { Emission } from "./emission.js";
import { stepRules } from "./step-rules.js";
import type { Output, TensorflowGraph, TensorflowNode } from "./tensorflow-graph.js";
import type { TrainingGraph } from "../step/training-graph.js";
import { flatten } from "../step/training-graph.js";

export interface TensorflowStep {
  readonly mode: StepMode;
  readonly batch: number;
  readonly graph: TensorflowGraph;
  readonly inputs: ReadonlyMap<BatchInput, Output>;
  readonly hypers: ReadonlyMap<HyperName, Output>;
  readonly variables: readonly Variable[];
  readonly outputs: StepOutputs;
  /** The step is done when all of these have run. */
  readonly updates: readonly TensorflowNode[];
}

/** What a step yields beside the variables it changes; null where its mode has none. */
export interface StepOutputs {
  /** [batch], label smoothing included. */
  readonly losses: Output | null;
  /** [batch, classes] */
  readonly logits: Output | null;
  /** [] */
  readonly gradientNorm: Output | null;
}

export function emitTensorflow(
  program: Program,
  mode: StepMode,
  batch: number,
  storage: Exclude<Storage, ReadonlyMap<string, unknown>>,
  phase = 0,
): TensorflowStep {
  const emission = emit(program, trainingGraphOf(program, mode, phase), mode, batch, storage, true);
  const { graph, inputs, hypers, variables, losses = null, logits = null, gradientNorm = null, updates } = emission;
  const outputs = { losses, logits, gradientNorm };
  return { mode, batch, graph, inputs, hypers, variables: [...variables.values()], outputs, updates };
}

/** From 8-bit images [n, height, width, channels] to logits [n, classes] for any n, with the weights written into the graph. */
export function emitTensorflowInference(
  program: Program,
  weights: ReadonlyMap<string, { readonly data: Float32Array }>,
): { graph: TensorflowGraph; images: Output; logits: Output } {
  const emission = emit(program, trainingGraphOf(program, "evaluate"), "evaluate", -1, weights, false);
  const { graph, logits } = emission;
  invariant(logits, "an evaluation came out without logits");
  return { graph, images: emission.batchInput("images"), logits };
}

function emit(
  program: Program,
  source: TrainingGraph,
  mode: StepMode,
  batch: number,
  storage: Storage,
  hasLabels: boolean,
): Emission {
  const { config } = program;
  const { height, width, channels } = config.model.input;
  // Weights that are handed in are those of evaluation already
  const readsAverages = mode === "evaluate" && typeof storage === "string" && averagesWeights(config.train);
  const emission: Emission = new Emission({
    source,
    data: config.data,
    train: config.train,
    seed: config.seed,
    batch,
    storage,
    imageShape: [batch, height, width, channels],
    hasLabels,
    nameOf: readsAverages ? averageName : (name) => name,
  });
  for (const { name, op } of emission.source.nodes) {
    emission.graph.scope = `${name}/`;
    stepRules[op.kind](emission, flatten(op) as never);
  }
  return emission;
}
