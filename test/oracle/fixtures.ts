// Reads what PyTorch recorded (losses/*.json) and draws the same initial state and batches that it was given.
import { existsSync, readFileSync } from "node:fs";
import type { Graph } from "../../src/compiler/network/graph.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import { type Parameter, parametersOf } from "../../src/compiler/network/parameters.js";
import type { Batch, State } from "../../src/runtime/engines/engine.js";
import { averageName, averagesWeights } from "../../src/compiler/training/weight-average.js";
import { draw, streams, symmetric } from "./counter-random.js";
import type { OracleCase } from "./networks.js";

export interface GradientRecord {
  readonly norm: number;
  /** Dot products with symmetric(index of the parameter, streams.projection + k), k = 0, 1, 2. */
  readonly projections: readonly number[];
  /** The whole tensor in netc's layout, for networks of few parameters. */
  readonly values?: readonly number[];
}

/** Computed in float64 unless it says otherwise; float32 weights and float32 normalised images in both. */
export interface LossRecord {
  readonly name: string;
  readonly generator: string;
  readonly parameters: number;
  /** Training loss of each step, before its update. */
  readonly losses: readonly number[];
  /** The same in float32: how far rounding alone carries PyTorch. */
  readonly losses32: readonly number[];
  readonly correct: readonly number[];
  /** L2 over all gradients of a step together, before any limit to it. */
  readonly gradientNorms: readonly number[];
  /** Of the first step, by parameter name. */
  readonly gradients: Readonly<Record<string, GradientRecord>>;
  /** Norm of each running statistic after the last step. */
  readonly statistics: Readonly<Record<string, number>>;
  /** In evaluation mode after the last step, on the batch of step `steps`; no label smoothing. */
  readonly evaluation: { readonly loss: number; readonly logits: readonly number[] };
}

export function lossRecord(name: string): LossRecord {
  return readFixture(`losses/${name}.json`, "write_losses.py");
}

/** In the order of `probeCases`. */
export function probeRecords(): readonly LossRecord[] {
  return readFixture("losses/probes.json", "write_losses.py probes");
}

export function readFixture<T>(path: string, script: string): T {
  const url = new URL(path, import.meta.url);
  invariant(existsSync(url), `test/oracle/${path} is missing: run /usr/bin/python3 test/oracle/${script}`);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

/** Initial parameters, running statistics of mean 0 and variance 1, and averages equal to them. */
export function initialState(oracle: OracleCase): State {
  const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  parametersOf(oracle.program.graph).forEach((parameter, index) => {
    const count = parameter.shape.reduce((product, size) => product * size, 1);
    const centred = symmetric(oracle.seed, streams.parameter + index, count);
    state.set(parameter.name, {
      shape: parameter.shape,
      data: new Float32Array(centred.map(spread(parameter))),
    });
  });
  for (const node of oracle.program.graph.nodes) {
    if (node.op.kind !== "batch_norm") continue;
    const shape = [node.shape.channels];
    state.set(`${node.name}.running_mean`, { shape, data: new Float32Array(node.shape.channels) });
    state.set(`${node.name}.running_var`, {
      shape,
      data: new Float32Array(node.shape.channels).fill(1),
    });
  }
  if (averagesWeights(oracle.program.config.train)) {
    for (const [name, tensor] of [...state]) state.set(averageName(name), tensor);
  }
  return state;
}

function spread({ role, fanIn, fanOut }: Parameter): (centred: number) => number {
  const rules: Record<Parameter["role"], (centred: number) => number> = {
    conv_weight: (centred) => centred * Math.sqrt(6 / (fanIn + fanOut)),
    linear_weight: (centred) => centred / Math.sqrt(fanIn),
    bias: (centred) => centred / Math.sqrt(fanIn),
    norm_scale: (centred) => 1 + centred * 0.25,
    norm_shift: (centred) => centred * 0.25,
  };
  return rules[role];
}

/** Batch of a step, counted from 0; the evaluation's batch is that of step `oracle.steps`. */
export function batchOf(oracle: OracleCase, step: number): Batch {
  const { height, width, channels } = inputOf(oracle.program.graph);
  const { classes } = oracle.program.config.model.classifier;
  const { seed, batch: count } = oracle;
  const labels = Int32Array.from(draw(seed, streams.labels + step, count), (bits) => bits % classes);
  const noise = draw(seed, streams.noise + step, count * height * width * channels);
  const rows = Math.ceil(height / 4);
  const columns = Math.ceil(width / 4);
  const patterns = Array.from({ length: classes }, (_, label) =>
    draw(seed, streams.pattern + label, rows * columns * channels),
  );
  const images = new Uint8Array(noise.length);
  let at = 0;
  for (const label of labels) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let channel = 0; channel < channels; channel++, at++) {
          const place = ((y >> 2) * columns + (x >> 2)) * channels + channel;
          images[at] = ((noise[at]! >>> 24) + (patterns[label]![place]! >>> 24)) >> 1;
        }
      }
    }
  }
  return { count, images, labels };
}

function inputOf(graph: Graph): { height: number; width: number; channels: number } {
  const op = graph.nodes[0]!.op;
  invariant(op.kind === "input", "the first node is the input");
  return op;
}

/** How far a gradient lies from its record: the largest difference of norm, projections and values. `index`: of the parameter. */
export function gradientDistance(record: GradientRecord, index: number, gradient: Float32Array): number {
  const distances = [Math.abs(norm(gradient) - record.norm)];
  record.projections.forEach((expected, k) => {
    const direction = symmetric(index, streams.projection + k, gradient.length);
    let projection = 0;
    for (let at = 0; at < gradient.length; at++) projection += gradient[at]! * direction[at]!;
    distances.push(Math.abs(projection - expected));
  });
  record.values?.forEach((expected, at) => distances.push(Math.abs(expected - gradient[at]!)));
  return Math.max(...distances);
}

export function norm(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
