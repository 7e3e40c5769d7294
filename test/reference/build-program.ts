// Programs of any network, node by node: the tests of lowering reach what no configuration asks for.
import type { OptimizerConfig } from "../../src/compiler/config.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import type { Activation } from "../../src/compiler/network/activations.js";
import { activationKinds } from "../../src/compiler/network/activations.js";
import type { Node, Op, ShapedGraph, Window } from "../../src/compiler/network/graph.js";
import { inferShapes } from "../../src/compiler/network/infer-shapes.js";
import type { UpdatePlan } from "../../src/compiler/lower/step/differentiate.js";
import type { FusedGraph } from "../../src/compiler/lower/step/fuse.js";
import { parametersOf, statisticsOf } from "../../src/compiler/network/parameters.js";
import { plan } from "../../src/compiler/training/plan.js";
import type { Program } from "../../src/compiler/program.js";
import type { UpdateRule } from "../../src/compiler/training/update-rule.js";
import { updateRule } from "../../src/compiler/training/update-rule.js";
import type { Batch } from "../../src/runtime/engines/engine.js";
import { draw, symmetric } from "../oracle/counter-random.js";
import { tinyConfig } from "../support/tiny-config.js";
import type { ReferenceBatch } from "./interpret.js";

/** A node without a name for its input: it reads the one before it. `from` and `with` name others. */
export type Layer = readonly [name: string, op: Op, inputs?: readonly string[]];

export function graphOf(
  [height, width, channels]: readonly [number, number, number],
  layers: readonly Layer[],
): ShapedGraph {
  const nodes: Node[] = [{ name: "input", op: { kind: "input", height, width, channels }, inputs: [], origin: [] }];
  for (const [name, op, inputs] of layers) {
    const indices = inputs?.map((input) => nodes.findIndex((node) => node.name === input)) ?? [nodes.length - 1];
    nodes.push({ name, op, inputs: indices, origin: [] });
  }
  const shaped = inferShapes({ nodes }).value;
  invariant(shaped, "the network has shapes");
  return shaped;
}

export interface ProgramOptions {
  readonly batch: number;
  readonly optimizer?: OptimizerConfig;
  readonly labelSmoothing?: number;
  readonly seed?: number;
}

export function programOf(graph: ShapedGraph, options: ProgramOptions): Program {
  const { batch, optimizer = plainSgd, labelSmoothing = 0, seed = 1 } = options;
  const { kind, ...input } = graph.nodes[0]!.op;
  invariant(kind === "input", "the first node is the input");
  const { channels: classes } = graph.nodes.at(-1)!.shape;
  const half = Array.from({ length: (input as { channels: number }).channels }, () => 0.5);
  const size = input as { height: number; width: number; channels: number };
  const base = tinyConfig({
    seed,
    data: {
      dataset: { synthetic: { ...size, classes, train_images: batch, test_images: batch } },
      normalize: { mean: half, std: half },
    },
    train: {
      batch_size: batch,
      optimizer,
      loss: { cross_entropy: { label_smoothing: labelSmoothing } },
      evaluation: { every_epochs: 1, every_steps: null, batch_size: batch, flip: false, translate: 0 },
      initialization: { weights: "kaiming_uniform", bias: "uniform_fan_in", dirac: false, zero_last_norm: false },
    },
  });
  const config = {
    ...base,
    model: { ...base.model, input: size, classifier: { classes, bias: true, scale: 1, layers: [] } },
  };
  return { config, graph, plan: plan(config) };
}

export const everyActivation = activationKinds.map((kind): Activation =>
  kind === "leaky_relu" ? { kind, slope: 0.3 } : { kind },
);

export const plainSgd: OptimizerConfig = {
  sgd: { momentum: 0, nesterov: false, weight_decay: 0, decoupled: false, decay_norm_and_bias: true },
};

/** Every parameter of the graph by one rule and rate. */
export function updateAll({ nodes }: FusedGraph, rule: UpdateRule = updateRule(plainSgd, 0)): UpdatePlan {
  const parameters = nodes.flatMap(({ name, op }) => {
    if (op.kind === "conv2d") return [`${name}.weight`, ...(op.bias ? [`${name}.bias`] : [])];
    if (op.kind === "channel_norm") return [`${name}.weight`, `${name}.bias`];
    if (op.kind === "learned_scale") return [`${name}.weight`];
    if (op.kind !== "pointwise" || op.normName === null) return [];
    return [...(op.scale ? [`${op.normName}.weight`] : []), `${op.normName}.bias`];
  });
  return { groups: [{ rateIndex: 0, rule, parameters }], average: null, clip: null, accumulates: false };
}

export const adamSettings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, decay_norm_and_bias: true };

/** A square window with the same padding on all sides. */
export function square(kernel: number, stride = 1, padding = 0): Window {
  const sides = { top: padding, bottom: padding, left: padding, right: padding };
  return { kernel: [kernel, kernel], stride: [stride, stride], padding: sides };
}

/** Random 8-bit images and labels. */
export function randomBatch({ config }: Program, count: number, seed: number): Batch {
  const { height, width, channels } = config.model.input;
  const { classes } = config.model.classifier;
  const images = Uint8Array.from(draw(seed, 1, count * height * width * channels), (bits) => bits >>> 24);
  return { count, images, labels: Int32Array.from(draw(seed, 2, count), (bits) => bits % classes) };
}

/** The same batch, normalised and rounded to float32 as a session does. */
export function referenceBatch({ config }: Program, { count, images, labels, mixed }: Batch): ReferenceBatch {
  const { mean, std } = config.data.normalize;
  const values = Float64Array.from(images, (value, at) => {
    const channel = at % mean.length;
    const centred = Math.fround(Math.fround(value / 255) - Math.fround(mean[channel]!));
    return Math.fround(centred / Math.fround(std[channel]!));
  });
  return { count, images: values, labels, mixed };
}

/** Parameters and statistics that are random everywhere, scales around 1 and variances above 0; exact in float32. */
export function randomState(graph: ShapedGraph, seed: number): Map<string, Float64Array> {
  const state = new Map<string, Float64Array>();
  parametersOf(graph).forEach(({ name, role, shape, fanIn }, index) => {
    const values = symmetric(
      seed,
      100 + index,
      shape.reduce((product, size) => product * size, 1),
    );
    const spread = role.endsWith("_weight") ? Math.sqrt(3 / fanIn) : 0.5;
    const centre = role === "norm_scale" ? 1 : 0;
    state.set(
      name,
      values.map((value) => Math.fround(centre + spread * value)),
    );
  });
  statisticsOf(graph).forEach(({ name, role, shape }, index) => {
    const centre = role === "running_var" ? 1 : 0;
    state.set(
      name,
      symmetric(seed, 900 + index, shape[0]).map((value) => Math.fround(centre + 0.5 * value)),
    );
  });
  return state;
}
