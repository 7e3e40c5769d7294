// FusedGraph → TrainingGraph: the forward pass, then the gradient of the loss by reverse accumulation, one rule an
// operation, then the optimizer's update. With `mode: "evaluate"` only the forward pass with running statistics.
import { invariant } from "../../diagnostics/diagnostic.js";
import { filterOf } from "../../network/graph.js";
import { isGate } from "../../network/infer-shapes.js";
import type { Shape } from "../../network/graph.js";
import type { FusedGraph, FusedNode, FusedOp } from "./fuse.js";
import { Tape } from "./tape.js";
import type { GroupRule, TensorId, TrainingGraph, TrainingOp } from "./training-graph.js";

/** "update" is what is left of a training step where the gradients of its micro-batches are summed first. */
export type StepMode = "train" | "evaluate" | "update";

/** How the loss of training is computed. */
export interface LossOptions {
  readonly labelSmoothing?: number;
  readonly mixedLabels?: boolean;
}

/** How the parameters are updated from their gradients. */
export interface UpdatePlan {
  /** Those that are trained, by name; the others are frozen and get no gradient. */
  readonly groups: readonly (GroupRule & { readonly parameters: readonly string[] })[];
  /** Names of norms that keep their running statistics. */
  readonly frozenNorms?: ReadonlySet<string>;
  /** null without an average. */
  readonly average: null | { readonly writesBack: boolean };
  /** The largest norm of the gradients; null where there is no limit. */
  readonly clip: number | null;
  /** Whether "train" ends with its gradients added to sums, and leaves the rest to "update". */
  readonly accumulates: boolean;
}

export function differentiate(
  graph: FusedGraph,
  mode: StepMode,
  updates: UpdatePlan,
  { labelSmoothing = 0, mixedLabels = false }: LossOptions = {},
): TrainingGraph {
  const trained = new Set(updates.groups.flatMap(({ parameters }) => parameters));
  const tape = new Tape(graph, trained, updates.frozenNorms);
  graph.nodes.forEach((node, index) => {
    const before = tape.trainedParameters;
    forwardRules[node.op.kind](tape, node as never, index, mode);
    const isTrained = tape.trainedParameters > before;
    tape.needsGradient[index] = isTrained || node.inputs.some((input) => tape.needsGradient[input]);
  });
  const last = graph.nodes.length - 1;
  const logits = tape.outputs[last]!;
  const logitsGradient = mode === "evaluate" ? null : tape.activation("logits gradient", graph.nodes[last]!.shape);
  tape.push("loss", {
    kind: "softmax_cross_entropy",
    labelSmoothing,
    mixedLabels,
    inputs: { logits },
    outputs: { logitsGradient },
  });
  if (logitsGradient === null) return tape.finish();

  tape.gradients[last] = logitsGradient;
  for (let index = last; index > 0; index--) {
    const node = graph.nodes[index]!;
    if (!tape.needsGradient[index]) continue;
    const outputGradient = tape.gradients[index];
    invariant(outputGradient !== undefined, `nothing uses what ${node.name} computes`);
    backwardRules[node.op.kind](tape, node as never, index, outputGradient);
  }
  const gradients = tape.allGradients();
  if (updates.accumulates && mode === "train") {
    tape.push("accumulate", { kind: "accumulate", inputs: { gradients }, outputs: {} });
    return tape.finish();
  }
  const beginning = mode === "update" ? tape.nodes.length : 0;
  const { clip, groups } = updates;
  const clipped = clip === null ? [] : gradients;
  tape.push("gradient norm", { kind: "gradient_norm", clip, inputs: { gradients }, outputs: { clipped } });
  tape.push("update", {
    kind: "update",
    rules: groups.map(({ rateIndex, rule }) => ({ rateIndex, rule })),
    inputs: { groups: groups.map(({ parameters }) => tape.updateGroup(parameters)) },
    outputs: { updated: groups.flatMap(({ parameters }) => tape.updateGroup(parameters).parameters) },
  });
  if (updates.average) {
    const { writesBack } = updates.average;
    const values = tape.tensors.flatMap(({ kind }, id) => (kind === "parameter" || kind === "statistic" ? [id] : []));
    const outputs = { replaced: writesBack ? values : [] };
    tape.push("weight average", { kind: "average", writesBack, inputs: { values }, outputs });
  }
  const { tensors, nodes } = tape.finish();
  return { tensors, nodes: nodes.slice(beginning) };
}

type NodeOf<K extends FusedOp["kind"]> = FusedNode & { readonly op: Extract<FusedOp, { kind: K }> };
type ForwardRules = {
  readonly [K in FusedOp["kind"]]: (tape: Tape, node: NodeOf<K>, index: number, mode: StepMode) => void;
};
type BackwardRules = {
  readonly [K in FusedOp["kind"]]: (tape: Tape, node: NodeOf<K>, index: number, outputGradient: TensorId) => void;
};

const forwardRules: ForwardRules = {
  input(tape, node, index) {
    tape.outputs[index] = tape.activation("images", node.shape);
    tape.push("images", { kind: "load_images", inputs: {}, outputs: { output: tape.outputs[index]! } });
  },

  conv2d(tape, node, index) {
    const { op, name, shape } = node;
    const inChannels = tape.inputShape(node).channels / (op.groups ?? 1);
    const weight = tape.parameter(`${name}.weight`, [...op.kernel, inChannels, op.channels]);
    const bias = op.bias ? tape.parameter(`${name}.bias`, [op.channels]) : null;
    const output = tape.activation(name, shape);
    tape.outputs[index] = output;
    tape.saved[index] = { weight, bias };
    tape.push(name, {
      kind: "conv2d",
      ...filterOf(op),
      inputs: { input: tape.inputOf(node), weight, bias },
      outputs: { output },
    });
  },

  pointwise(tape, node, index, mode) {
    const { op, name, shape } = node;
    const { normName, kind: _, scale: hasScale, ...pointwise } = op;
    const input = tape.inputOf(node);
    const residual = op.add ? tape.inputOf(node, 1) : null;
    const { channels } = shape;
    const norm =
      normName === null
        ? null
        : {
            scale: hasScale ? tape.parameter(`${normName}.weight`, [channels]) : null,
            shift: tape.parameter(`${normName}.bias`, [channels]),
          };
    const running =
      normName === null
        ? null
        : {
            mean: tape.add({ kind: "statistic", name: `${normName}.running_mean`, dims: [channels] }),
            variance: tape.add({ kind: "statistic", name: `${normName}.running_var`, dims: [channels] }),
          };
    const output = tape.activation(`${name} output`, shape);
    tape.outputs[index] = output;
    if (mode === "evaluate") {
      const operands = norm && running ? { ...norm, ...running } : null;
      const inputs = { input, residual, operands };
      tape.push(name, { kind: "pointwise_inference", ...pointwise, inputs, outputs: { output } });
      return;
    }
    if (normName !== null && norm && running && tape.isFrozen(normName)) {
      const saved = {
        factor: tape.add({ kind: "channels", name: `${normName} factor`, channels }),
        term: tape.add({ kind: "channels", name: `${normName} term`, channels }),
      };
      tape.saved[index] = { frozen: saved };
      const inputs = { input, residual, operands: { ...norm, ...running } };
      tape.push(name, { kind: "pointwise_frozen", ...pointwise, inputs, outputs: { output, saved } });
      return;
    }
    const saved =
      normName === null
        ? null
        : {
            mean: tape.add({ kind: "channels", name: `${normName} mean`, channels }),
            reciprocalDeviation: tape.add({ kind: "channels", name: `${normName} reciprocal deviation`, channels }),
            factor: tape.add({ kind: "channels", name: `${normName} factor`, channels }),
            term: tape.add({ kind: "channels", name: `${normName} term`, channels }),
          };
    tape.saved[index] = { operands: norm && saved ? { ...norm, ...saved } : null };
    tape.push(name, {
      kind: "pointwise",
      ...pointwise,
      inputs: { input, residual, operands: norm, running: running },
      outputs: { output, saved, running: running },
    });
  },

  subsample(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    tape.push(node.name, {
      kind: "subsample",
      stride: node.op.stride,
      inputs: { input: tape.inputOf(node) },
      outputs: { output },
    });
  },

  multiply(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    const [input, factor] = [tape.inputOf(node), tape.inputOf(node, 1)];
    tape.push(
      node.name,
      isGated(tape, node)
        ? { kind: "gate", inputs: { input, gate: factor }, outputs: { output } }
        : { kind: "multiply", inputs: { left: input, right: factor }, outputs: { output } },
    );
  },

  concatenate(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    const inputs = node.inputs.map((_, which) => tape.inputOf(node, which));
    tape.push(node.name, { kind: "concatenate", inputs: { inputs }, outputs: { output } });
  },

  slice(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    const { from } = node.op;
    tape.push(node.name, { kind: "slice", from, inputs: { input: tape.inputOf(node) }, outputs: { output } });
  },

  shuffle(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    const { groups } = node.op;
    tape.push(node.name, { kind: "shuffle", groups, inputs: { input: tape.inputOf(node) }, outputs: { output } });
  },

  channel_norm(tape, node, index) {
    const { name, shape, op } = node;
    const scale = tape.parameter(`${name}.weight`, [shape.channels]);
    const shift = tape.parameter(`${name}.bias`, [shape.channels]);
    const output = tape.activation(name, shape);
    tape.outputs[index] = output;
    tape.saved[index] = { weight: scale, bias: shift };
    const { groups, eps } = op;
    const inputs = { input: tape.inputOf(node), scale, shift };
    tape.push(name, { kind: "channel_norm", groups, eps, inputs, outputs: { output } });
  },

  learned_scale(tape, node, index) {
    const { name, shape, op } = node;
    const weight = tape.parameter(`${name}.weight`, [op.per === "channel" ? shape.channels : 1]);
    const output = tape.activation(name, shape);
    tape.outputs[index] = output;
    tape.saved[index] = { weight };
    tape.push(name, { kind: "learned_scale", inputs: { input: tape.inputOf(node), weight }, outputs: { output } });
  },

  drop(tape, node, index, mode) {
    const input = tape.inputOf(node);
    tape.outputs[index] = input;
    if (mode === "evaluate" || node.op.rate === 0) return;
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    tape.push(node.name, { ...node.op, inputs: { input }, outputs: { output } });
  },

  max_pool: poolForward,
  average_pool: poolForward,

  scale(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    tape.push(node.name, {
      kind: "scale",
      factor: node.op.factor,
      inputs: { input: tape.inputOf(node) },
      outputs: { output },
    });
  },
};

function poolForward(tape: Tape, node: NodeOf<"max_pool"> | NodeOf<"average_pool">, index: number): void {
  const output = tape.activation(node.name, node.shape);
  tape.outputs[index] = output;
  tape.push(node.name, {
    ...windowOf(node.op),
    kind: node.op.kind,
    inputs: { input: tape.inputOf(node) },
    outputs: { output },
  });
}

const backwardRules: BackwardRules = {
  input() {
    invariant(false, "a gradient of the images was asked for");
  },

  conv2d(tape, node, index, outputGradient) {
    const { op, name } = node;
    const { weight, bias } = tape.saved[index]!;
    const filter = filterOf(op);
    const input = tape.inputOf(node);
    const biasGradient = bias === undefined || bias === null ? null : tape.gradientOf(bias);
    if (biasGradient !== null) {
      tape.push(`${name} bias gradient`, {
        kind: "bias_gradient",
        inputs: { outputGradient },
        outputs: { biasGradient },
      });
    }
    const weightGradient = tape.gradientOf(weight!);
    if (weightGradient !== null) {
      tape.push(`${name} weight gradient`, {
        kind: "conv2d_weight_gradient",
        ...filter,
        inputs: { input, outputGradient },
        outputs: { weightGradient },
      });
    }
    const source = node.inputs[0]!;
    if (!tape.needsGradient[source]) return; // images, and what is frozen up to here
    const inputGradient = tape.activation(`${name} input gradient`, tape.inputShape(node));
    tape.push(`${name} input gradient`, {
      kind: "conv2d_input_gradient",
      ...filter,
      inputs: { outputGradient, weight: weight!, accumulate: null },
      outputs: { inputGradient },
    });
    tape.addGradient(source, inputGradient);
  },

  pointwise(tape, node, index, outputGradient) {
    const { op, name, shape } = node;
    const { normName: _, kind: __, scale: ___, ...pointwise } = op;
    const { operands, frozen } = tape.saved[index]!;
    const needsInput = op.norm !== null || op.inner !== null;
    const inputGradient = tape.activation(`${name} input gradient`, shape);
    const reachesResidual = op.add && tape.needsGradient[node.inputs[1]!];
    const residualGradient = reachesResidual ? tape.activation(`${name} residual gradient`, shape) : null;
    const output = op.outerRelu ? tape.outputs[index]! : null;
    if (frozen) {
      const inputs = { outputGradient, input: op.inner ? tape.inputOf(node) : null, output, operands: frozen };
      const outputs = { inputGradient, residualGradient };
      tape.push(`${name} gradient`, { kind: "pointwise_frozen_gradient", ...pointwise, inputs, outputs });
    } else {
      tape.push(`${name} gradient`, {
        kind: "pointwise_gradient",
        ...pointwise,
        inputs: { outputGradient, input: needsInput ? tape.inputOf(node) : null, output, operands: operands ?? null },
        outputs: {
          scaleGradient: operands && operands.scale !== null ? tape.gradientOf(operands.scale) : null,
          shiftGradient: operands ? tape.gradientOf(operands.shift) : null,
          inputGradient,
          residualGradient,
        },
      });
    }
    tape.addGradient(node.inputs[0]!, inputGradient);
    if (residualGradient !== null) tape.addGradient(node.inputs[1]!, residualGradient);
  },

  subsample(tape, node, _index, outputGradient) {
    toInput(tape, node, (inputGradient) => ({
      kind: "subsample_gradient",
      stride: node.op.stride,
      inputs: { outputGradient },
      outputs: { inputGradient },
    }));
  },

  multiply(tape, node, _index, outputGradient) {
    const { name, shape, inputs } = node;
    if (!isGated(tape, node)) {
      for (const [which, input] of inputs.entries()) {
        if (!tape.needsGradient[input]) continue;
        const output = tape.activation(`${name} gradient ${which + 1}`, shape);
        const operands = { left: outputGradient, right: tape.inputOf(node, 1 - which) };
        tape.push(`${name} gradient ${which + 1}`, { kind: "multiply", inputs: operands, outputs: { output } });
        tape.addGradient(input, output);
      }
      return;
    }
    const gateShape = tape.graph.nodes[inputs[1]!]!.shape;
    const inputGradient = tape.activation(`${name} input gradient`, shape);
    const gateGradient = tape.activation(`${name} gate gradient`, gateShape);
    tape.push(`${name} gradient`, {
      kind: "gate_gradient",
      inputs: { input: tape.inputOf(node), gate: tape.inputOf(node, 1), outputGradient },
      outputs: { inputGradient, gateGradient },
    });
    tape.addGradient(inputs[0]!, inputGradient);
    tape.addGradient(inputs[1]!, gateGradient);
  },

  concatenate(tape, node, _index, outputGradient) {
    let from = 0;
    for (const [which, input] of node.inputs.entries()) {
      const { shape } = tape.graph.nodes[input]!;
      if (tape.needsGradient[input]) {
        const name = `${node.name} gradient ${which + 1}`;
        const output = tape.activation(name, shape);
        tape.push(name, { kind: "slice", from, inputs: { input: outputGradient }, outputs: { output } });
        tape.addGradient(input, output);
      }
      from += shape.channels;
    }
  },

  slice(tape, node, _index, outputGradient) {
    toInput(tape, node, (inputGradient) => ({
      kind: "slice_gradient",
      from: node.op.from,
      inputs: { outputGradient },
      outputs: { inputGradient },
    }));
  },

  shuffle(tape, node, _index, outputGradient) {
    toInput(tape, node, (output) => ({
      kind: "shuffle",
      groups: node.shape.channels / node.op.groups,
      inputs: { input: outputGradient },
      outputs: { output },
    }));
  },

  channel_norm(tape, node, index, outputGradient) {
    const { weight, bias } = tape.saved[index]!;
    const { groups, eps } = node.op;
    toInput(tape, node, (inputGradient) => ({
      kind: "channel_norm_gradient",
      groups,
      eps,
      inputs: { input: tape.inputOf(node), outputGradient, scale: weight! },
      outputs: { inputGradient, scaleGradient: tape.gradientOf(weight!), shiftGradient: tape.gradientOf(bias!) },
    }));
  },

  learned_scale(tape, node, index, outputGradient) {
    const weight = tape.saved[index]!.weight!;
    toInput(tape, node, (inputGradient) => ({
      kind: "learned_scale_gradient",
      inputs: { input: tape.inputOf(node), weight, outputGradient },
      outputs: { inputGradient, weightGradient: tape.gradientOf(weight) },
    }));
  },

  drop(tape, node, _index, outputGradient) {
    if (node.op.rate === 0) {
      tape.addGradient(node.inputs[0]!, outputGradient);
      return;
    }
    toInput(tape, node, (output) => ({ ...node.op, inputs: { input: outputGradient }, outputs: { output } }));
  },

  max_pool(tape, node, index, outputGradient) {
    toInput(tape, node, (inputGradient) => ({
      kind: "max_pool_gradient",
      ...windowOf(node.op),
      inputs: { input: tape.inputOf(node), output: tape.outputs[index]!, outputGradient },
      outputs: { inputGradient },
    }));
  },

  average_pool(tape, node, _index, outputGradient) {
    toInput(tape, node, (inputGradient) => ({
      kind: "average_pool_gradient",
      ...windowOf(node.op),
      inputs: { outputGradient },
      outputs: { inputGradient },
    }));
  },

  scale(tape, node, _index, outputGradient) {
    toInput(tape, node, (inputGradient) => ({
      kind: "scale",
      factor: node.op.factor,
      inputs: { input: outputGradient },
      outputs: { output: inputGradient },
    }));
  },
};

/** Whether a product's second factor is one number a channel and image. */
function isGated({ graph }: Tape, { inputs }: NodeOf<"multiply">): boolean {
  const [map, factor] = inputs.map((input) => graph.nodes[input]!.shape) as [Shape, Shape];
  return isGate(map, factor);
}

/** The gradient of a node's only input. */
function toInput(tape: Tape, node: FusedNode, gradientOp: (inputGradient: TensorId) => TrainingOp): void {
  const inputGradient = tape.activation(`${node.name} input gradient`, tape.inputShape(node));
  tape.push(`${node.name} gradient`, gradientOp(inputGradient));
  tape.addGradient(node.inputs[0]!, inputGradient);
}

function windowOf<T extends { kernel: readonly [number, number]; stride: readonly [number, number]; padding: unknown }>(
  op: T,
): Pick<T, "kernel" | "stride" | "padding"> {
  return { kernel: op.kernel, stride: op.stride, padding: op.padding as T["padding"] };
}
