// Executes a TrainingGraph in float64 by plain loops, one rule an operation: what the kernels and the gradients' rules are
// held to. Written from the definitions, not from the kernels; test/reference/interpret.test.ts holds it to PyTorch.
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import type { Activation, ActivationKind } from "../../src/compiler/network/activations.js";
import type { Filter, Window } from "../../src/compiler/network/graph.js";
import type { UpdateRule } from "../../src/compiler/training/update-rule.js";
import { NEWTON_SCHULZ } from "../../src/compiler/training/update-rule.js";
import { averageName } from "../../src/compiler/training/weight-average.js";
import { normalDensity, normalShare } from "./normal.js";
import type {
  KernelGraph,
  NormOperands,
  Pointwise,
  Tensor,
  TensorId,
  TrainingGraph,
  TrainingOp,
  TrainingOpOf,
  FlatOp,
} from "../../src/compiler/lower/step/training-graph.js";
import type { DropDraws } from "../../src/runtime/random/drop-words.js";
import { dropWords } from "../../src/runtime/random/drop-words.js";
import { flatten } from "../../src/compiler/lower/step/training-graph.js";

export interface ReferenceBatch {
  readonly count: number;
  /** Normalised, [count, height, width, channels]. */
  readonly images: Float64Array;
  readonly labels: ArrayLike<number>;
  readonly mixed?: { readonly labels: ArrayLike<number>; readonly shares: ArrayLike<number> } | undefined;
  readonly draws?: DropDraws | undefined;
}

export interface ReferenceUpdate {
  /** By the index that the update's groups have. */
  readonly rates: readonly number[];
  /** Counted from 1. */
  readonly step: number;
  readonly averageShare?: number;
}

/** Tensors by their names in a State. */
export type ReferenceState = ReadonlyMap<string, Float64Array>;

export interface ReferenceOutcome {
  readonly loss: number;
  readonly correct: number;
  readonly logits: Float64Array;
  readonly gradientNorm: number;
  /** By parameter name; of those that the graph computes. */
  readonly gradients: ReferenceState;
  /** Parameters, statistics and optimizer slots afterwards. */
  readonly state: ReferenceState;
}

/** One step; without `update` the parameters stay as they are. Slots that `state` lacks start at zero. */
export function interpret(
  graph: TrainingGraph,
  batch: ReferenceBatch,
  state: ReferenceState,
  update?: ReferenceUpdate,
): ReferenceOutcome {
  const values = new Map<TensorId, Float64Array>();
  graph.tensors.forEach((tensor, id) => {
    if (tensor.kind !== "parameter" && tensor.kind !== "statistic") return;
    const value = state.get(tensor.name);
    invariant(value, `the state lacks ${tensor.name}`);
    values.set(id, value);
  });
  const after = new Map<string, Float64Array>([...state].map(([name, value]) => [name, value.slice()]));
  const machine = execute(graph, { ...batch, values, slots: after, update });
  const gradients = new Map<string, Float64Array>();
  graph.tensors.forEach((tensor, id) => {
    if (tensor.kind === "gradient" && machine.has(id)) gradients.set(nameOf(graph, tensor.parameter), machine.read(id));
    if (tensor.kind === "parameter" || tensor.kind === "statistic") after.set(tensor.name, machine.read(id));
  });
  const loss = graph.nodes.find(({ op }) => op.kind === "softmax_cross_entropy")!.op;
  const logits = machine.read((loss as TrainingOpOf<"softmax_cross_entropy">).inputs.logits);
  const { loss: mean, correct, gradientNorm } = machine;
  return { loss: mean, correct, gradientNorm, logits, gradients, state: after };
}

export interface Given {
  readonly count: number;
  readonly images?: Float64Array;
  readonly labels?: ArrayLike<number>;
  readonly mixed?: ReferenceBatch["mixed"];
  /** What tensors hold before the first node. */
  readonly values: ReadonlyMap<TensorId, Float64Array>;
  /** Optimizer slots by name; changed in place. */
  readonly slots?: Map<string, Float64Array>;
  readonly update?: ReferenceUpdate | undefined;
  /** What is dropped; of seed 0 and step 0 where it is absent. */
  readonly draws?: DropDraws | undefined;
}

/** Runs all nodes, of a part of a graph too, and hands out what every tensor then holds. */
export function execute(graph: TrainingGraph, given: Given): Machine {
  const machine = new Machine(graph, given);
  for (const { op } of graph.nodes) rules[op.kind](machine, flatten(op) as never);
  return machine;
}

/** Floats of a tensor for a batch of `count` images. */
export function sizeOf(graph: TrainingGraph, id: TensorId, count: number): number {
  const tensor: Tensor = graph.tensors[id]!;
  if (tensor.kind === "gradient") return sizeOf(graph, tensor.parameter, count);
  if (tensor.kind === "channels") return tensor.channels;
  if (tensor.kind !== "activation") return tensor.dims.reduce((product, size) => product * size, 1);
  const { height, width, channels } = mapOf(graph, id);
  return count * height * width * channels;
}

/** A vector is a map of one pixel. */
export function mapOf(graph: Pick<KernelGraph, "tensors">, id: TensorId) {
  const tensor = graph.tensors[id]!;
  invariant(tensor.kind === "activation", `${nameOf(graph, id)} is no activation`);
  return tensor.shape.kind === "map" ? tensor.shape : { height: 1, width: 1, channels: tensor.shape.channels };
}

class Machine {
  loss = Number.NaN;
  correct = 0;
  gradientNorm = Number.NaN;
  private readonly values: Map<TensorId, Float64Array>;

  constructor(
    readonly graph: TrainingGraph,
    readonly given: Given,
  ) {
    this.values = new Map([...given.values].map(([id, value]) => [id, value.slice()]));
  }

  read(id: TensorId): Float64Array {
    const value = this.values.get(id);
    invariant(value, `${nameOf(this.graph, id)} is read before it is written`);
    return value;
  }

  has(id: TensorId): boolean {
    return this.values.has(id);
  }

  /** Zeros in place of what the tensor held. */
  create(id: TensorId): Float64Array {
    const value = new Float64Array(sizeOf(this.graph, id, this.given.count));
    this.values.set(id, value);
    return value;
  }

  channels(id: TensorId): number {
    return mapOf(this.graph, id).channels;
  }

  /**
   * Every product that a convolution is made of, by the places of its three factors: of an input pixel's channel, of an output
   * pixel's, and of the weight [tap, input channel of the group, output channel] that joins them.
   */
  eachWeight(
    filter: Filter,
    input: TensorId,
    output: TensorId,
    visit: (from: number, to: number, weight: number) => void,
  ): void {
    const [inputs, outputs] = [this.channels(input), this.channels(output)];
    const [read, written] = [inputs / (filter.groups ?? 1), outputs / (filter.groups ?? 1)];
    this.eachTap(filter, input, output, (from, to, tap) => {
      for (let o = 0; o < outputs; o++) {
        const first = Math.floor(o / written) * read;
        for (let i = 0; i < read; i++)
          visit(from * inputs + first + i, to * outputs + o, (tap * read + i) * outputs + o);
      }
    });
  }

  /** Every pair of an input pixel and an output pixel that a tap joins, image by image, windows and taps in row order. */
  eachTap(
    { kernel, stride, padding, dilation = [1, 1] }: Filter,
    input: TensorId,
    output: TensorId,
    visit: (from: number, to: number, tap: number) => void,
  ): void {
    const [map, out] = [mapOf(this.graph, input), mapOf(this.graph, output)];
    for (let to = 0; to < this.given.count * out.height * out.width; to++) {
      const image = Math.floor(to / (out.height * out.width));
      const row = Math.floor(to / out.width) % out.height;
      for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
        const y = row * stride[0] - padding.top + Math.floor(tap / kernel[1]) * dilation[0];
        const x = (to % out.width) * stride[1] - padding.left + (tap % kernel[1]) * dilation[1];
        if (y < 0 || y >= map.height || x < 0 || x >= map.width) continue;
        visit((image * map.height + y) * map.width + x, to, tap);
      }
    }
  }
}

/** A window of one pixel. */
function pixelsOf({ stride }: Pick<Window, "stride">): Window {
  return { kernel: [1, 1], stride, padding: { top: 0, bottom: 0, left: 0, right: 0 } };
}

type PoolOp = FlatOp<"max_pool" | "average_pool">;
type Rules = { readonly [K in TrainingOp["kind"]]: (machine: Machine, op: FlatOp<K>) => void };

const rules: Rules = {
  load_images(machine, { output }) {
    machine.create(output).set(machine.given.images!);
  },

  // y[p, o] = bias[o] + Σ over taps t and channels i of o's group of x[p + t, i] · w[t, i, o]
  conv2d(machine, op) {
    const [x, w] = [machine.read(op.input), machine.read(op.weight)];
    const outputs = machine.channels(op.output);
    const y = machine.create(op.output);
    if (op.bias !== null) {
      const bias = machine.read(op.bias);
      for (let at = 0; at < y.length; at++) y[at] = bias[at % outputs]!;
    }
    machine.eachWeight(op, op.input, op.output, (from, to, weight) => (y[to]! += x[from]! * w[weight]!));
  },

  conv2d_input_gradient(machine, op) {
    const [dy, w] = [machine.read(op.outputGradient), machine.read(op.weight)];
    const before = op.accumulate === null ? null : machine.read(op.accumulate);
    const dx = machine.create(op.inputGradient);
    if (before) dx.set(before);
    machine.eachWeight(
      op,
      op.inputGradient,
      op.outputGradient,
      (from, to, weight) => (dx[from]! += dy[to]! * w[weight]!),
    );
  },

  conv2d_weight_gradient(machine, op) {
    const [x, dy] = [machine.read(op.input), machine.read(op.outputGradient)];
    const dw = machine.create(op.weightGradient);
    machine.eachWeight(op, op.input, op.outputGradient, (from, to, weight) => (dw[weight]! += x[from]! * dy[to]!));
  },

  bias_gradient(machine, op) {
    const sums = machine.create(op.biasGradient);
    machine.read(op.outputGradient).forEach((value, at) => (sums[at % sums.length]! += value));
  },

  add(machine, { left, right, output }) {
    const [a, b] = [machine.read(left), machine.read(right)];
    machine.create(output).set(a.map((value, at) => value + b[at]!));
  },

  multiply(machine, { left, right, output }) {
    const [a, b] = [machine.read(left), machine.read(right)];
    machine.create(output).set(a.map((value, at) => value * b[at]!));
  },

  concatenate(machine, { inputs, output }) {
    let from = 0;
    const y = machine.create(output);
    for (const input of inputs) {
      moveChannels(machine, { narrow: input, wide: output, from }, (at, to) => (y[to] = machine.read(input)[at]!));
      from += machine.channels(input);
    }
  },

  slice(machine, { input, output, from }) {
    const [x, y] = [machine.read(input), machine.create(output)];
    moveChannels(machine, { narrow: output, wide: input, from }, (to, at) => (y[to] = x[at]!));
  },

  slice_gradient(machine, { outputGradient, inputGradient, from }) {
    const [dy, dx] = [machine.read(outputGradient), machine.create(inputGradient)];
    moveChannels(machine, { narrow: outputGradient, wide: inputGradient, from }, (at, to) => (dx[to] = dy[at]!));
  },

  shuffle(machine, { input, output, groups }) {
    const [x, y] = [machine.read(input), machine.create(output)];
    const channels = machine.channels(input);
    x.forEach((value, at) => {
      const channel = at % channels;
      const [group, place] = [Math.floor(channel / (channels / groups)), channel % (channels / groups)];
      y[at - channel + place * groups + group] = value;
    });
  },

  channel_norm(machine, { input, output, scale, shift, groups, eps }) {
    const { hat } = normalizedTogether(machine, input, groups, eps);
    const [factors, terms] = [machine.read(scale), machine.read(shift)];
    const y = machine.create(output);
    hat.forEach((value, at) => (y[at] = value * factors[at % factors.length]! + terms[at % terms.length]!));
  },

  channel_norm_gradient(machine, op) {
    const { hat, reciprocals, setOf } = normalizedTogether(machine, op.input, op.groups, op.eps);
    const [dy, factors] = [machine.read(op.outputGradient), machine.read(op.scale)];
    const d = dy.map((value, at) => value * factors[at % factors.length]!);
    const [sums, products, counts] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
    d.forEach((value, at) => {
      const set = setOf(at);
      sums.set(set, (sums.get(set) ?? 0) + value);
      products.set(set, (products.get(set) ?? 0) + value * hat[at]!);
      counts.set(set, (counts.get(set) ?? 0) + 1);
    });
    const dx = machine.create(op.inputGradient);
    d.forEach((value, at) => {
      const set = setOf(at);
      const count = counts.get(set)!;
      dx[at] = reciprocals.get(set)! * (value - sums.get(set)! / count - (hat[at]! * products.get(set)!) / count);
    });
    const [dScale, dShift] = [op.scaleGradient, op.shiftGradient].map((id) =>
      id === null ? null : machine.create(id),
    );
    dy.forEach((value, at) => {
      if (dScale) dScale[at % factors.length]! += value * hat[at]!;
      if (dShift) dShift[at % factors.length]! += value;
    });
  },

  learned_scale(machine, { input, weight, output }) {
    const factors = machine.read(weight);
    const channels = machine.channels(input);
    machine.create(output).set(machine.read(input).map((x, at) => x * factors[(at % channels) % factors.length]!));
  },

  learned_scale_gradient(machine, { input, weight, outputGradient, inputGradient, weightGradient }) {
    const [x, dy, factors] = [machine.read(input), machine.read(outputGradient), machine.read(weight)];
    const channels = machine.channels(input);
    machine.create(inputGradient).set(dy.map((d, at) => d * factors[(at % channels) % factors.length]!));
    if (weightGradient === null) return;
    const sums = machine.create(weightGradient);
    dy.forEach((d, at) => (sums[(at % channels) % factors.length]! += d * x[at]!));
  },

  drop(machine, { input, output, rate, perImage, node }) {
    const { height, width, channels } = mapOf(machine.graph, input);
    const lanes = Math.ceil(channels / 8) * 8;
    const draws = machine.given.draws ?? { seed: 0, step: 0, microBatch: 0 };
    const words = dropWords(draws, node, perImage ? machine.given.count : machine.given.count * height * width * lanes);
    const kept = machine.read(input).map((x, at) => {
      const element = Math.floor(at / channels) * lanes + (at % channels);
      const word = words[perImage ? Math.floor(at / (height * width * channels)) : element]!;
      return (word + 2 ** 31) / 2 ** 32 < rate ? 0 : x / (1 - rate);
    });
    machine.create(output).set(kept);
  },

  gate(machine, { input, gate, output }) {
    const factor = gateOf(machine, input, gate);
    machine.create(output).set(machine.read(input).map((value, at) => value * factor[at]!));
  },

  gate_gradient(machine, { input, gate, outputGradient, inputGradient, gateGradient }) {
    const [x, dy, factor] = [machine.read(input), machine.read(outputGradient), gateOf(machine, input, gate)];
    machine.create(inputGradient).set(dy.map((value, at) => value * factor[at]!));
    const { height, width, channels } = mapOf(machine.graph, input);
    const sums = machine.create(gateGradient);
    dy.forEach((value, at) => {
      const image = Math.floor(at / (height * width * channels));
      sums[image * channels + (at % channels)]! += value * x[at]!;
    });
  },

  pointwise(machine, op) {
    const x = machine.read(op.input);
    if (op.norm && op.operands && op.saved && op.running) {
      const channels = machine.channels(op.input);
      const count = x.length / channels;
      const mean = machine.create(op.saved.mean);
      const reciprocal = machine.create(op.saved.reciprocalDeviation);
      const [runningMean, runningVariance] = [op.running.mean, op.running.variance].map((id) => machine.read(id)) as [
        Float64Array,
        Float64Array,
      ];
      const { momentum, eps } = op.norm;
      const [scale, shift] = [scaleOf(machine, op.operands), machine.read(op.operands.shift)];
      const [factor, term] = [machine.create(op.saved.factor), machine.create(op.saved.term)];
      x.forEach((value, at) => (mean[at % channels]! += value / count));
      const variance = new Float64Array(channels);
      x.forEach((value, at) => (variance[at % channels]! += (value - mean[at % channels]!) ** 2 / count));
      for (let channel = 0; channel < channels; channel++) {
        reciprocal[channel] = 1 / Math.sqrt(variance[channel]! + eps);
        factor[channel] = scale[channel]! * reciprocal[channel]!;
        term[channel] = shift[channel]! - mean[channel]! * factor[channel]!;
        const unbiased = count > 1 ? (variance[channel]! * count) / (count - 1) : variance[channel]!;
        runningMean[channel] = (1 - momentum) * runningMean[channel]! + momentum * mean[channel]!;
        runningVariance[channel] = (1 - momentum) * runningVariance[channel]! + momentum * unbiased;
      }
    }
    finishPointwise(machine, op, normalized(machine, x, op.operands && op.saved && { ...op.operands, ...op.saved }));
  },

  pointwise_frozen(machine, op) {
    const { scale, shift, mean, variance } = op.operands;
    const [factor, term] = [machine.create(op.saved.factor), machine.create(op.saved.term)];
    const factors = scaleOf(machine, { scale, shift });
    for (let channel = 0; channel < factor.length; channel++) {
      factor[channel] = factors[channel]! / Math.sqrt(machine.read(variance)[channel]! + op.norm!.eps);
      term[channel] = machine.read(shift)[channel]! - machine.read(mean)[channel]! * factor[channel]!;
    }
    const x = machine.read(op.input);
    const result = x.map((value, at) => value * factor[at % factor.length]! + term[at % factor.length]!);
    finishPointwise(machine, op, result);
  },

  pointwise_frozen_gradient(machine, op) {
    const y = op.outerRelu ? machine.read(op.output!) : null;
    const behindOuter = machine.read(op.outputGradient).map((value, at) => (y && y[at]! <= 0 ? 0 : value));
    if (op.residualGradient !== null) machine.create(op.residualGradient).set(behindOuter);
    const [factor, term] = [machine.read(op.operands.factor), machine.read(op.operands.term)];
    const x = op.inner ? machine.read(op.input!) : null;
    const dx = machine.create(op.inputGradient);
    behindOuter.forEach((value, at) => {
      const channel = at % factor.length;
      const slope = op.inner
        ? slopes[op.inner.kind](x![at]! * factor[channel]! + term[channel]!, slopeOf(op.inner))
        : 1;
      dx[at] = value * slope * factor[channel]!;
    });
  },

  pointwise_inference(machine, op) {
    const x = machine.read(op.input);
    if (!op.operands || !op.norm) return finishPointwise(machine, op, x.slice());
    const [shift, mean, variance] = [op.operands.shift, op.operands.mean, op.operands.variance].map((id) =>
      machine.read(id),
    ) as [Float64Array, Float64Array, Float64Array];
    const scale = scaleOf(machine, op.operands);
    const { eps } = op.norm;
    const result = x.map((value, at) => {
      const channel = at % scale.length;
      return ((value - mean[channel]!) / Math.sqrt(variance[channel]! + eps)) * scale[channel]! + shift[channel]!;
    });
    return finishPointwise(machine, op, result);
  },

  pointwise_gradient(machine, op) {
    const dy = machine.read(op.outputGradient);
    const y = op.outerRelu ? machine.read(op.output!) : null;
    const behindOuter = dy.map((value, at) => (y && y[at]! <= 0 ? 0 : value));
    if (op.residualGradient !== null) machine.create(op.residualGradient).set(behindOuter);
    const x = op.input === null ? null : machine.read(op.input);
    const inner = op.inner ? normalized(machine, x!, op.operands) : null;
    const d = behindOuter.map((value, at) =>
      op.inner ? value * slopes[op.inner.kind](inner![at]!, slopeOf(op.inner)) : value,
    );
    const dx = machine.create(op.inputGradient);
    if (!op.operands || !x) {
      dx.set(d);
      return;
    }
    // Ioffe & Szegedy, arXiv 1502.03167 §3: the gradients by scale and shift, and through both statistics to x
    const [mean, reciprocal] = [op.operands.mean, op.operands.reciprocalDeviation].map((id) => machine.read(id)) as [
      Float64Array,
      Float64Array,
    ];
    const scale = scaleOf(machine, op.operands);
    const channels = scale.length;
    const [dScale, dShift] = [op.scaleGradient, op.shiftGradient].map((id) =>
      id === null ? new Float64Array(channels) : machine.create(id),
    ) as [Float64Array, Float64Array];
    const count = x.length / channels;
    const hat = x.map((value, at) => (value - mean[at % channels]!) * reciprocal[at % channels]!);
    d.forEach((value, at) => {
      dShift[at % channels]! += value;
      dScale[at % channels]! += value * hat[at]!;
    });
    for (let at = 0; at < x.length; at++) {
      const channel = at % channels;
      const centred = d[at]! - dShift[channel]! / count - (hat[at]! * dScale[channel]!) / count;
      dx[at] = scale[channel]! * reciprocal[channel]! * centred;
    }
  },

  // y[p, c] = x[p · stride, c] for the input's channels, 0 for the further ones
  subsample(machine, op) {
    const [x, channels, outChannels] = [
      machine.read(op.input),
      machine.channels(op.input),
      machine.channels(op.output),
    ];
    const y = machine.create(op.output);
    machine.eachTap(pixelsOf(op), op.input, op.output, (from, to) => {
      for (let c = 0; c < channels; c++) y[to * outChannels + c] = x[from * channels + c]!;
    });
  },

  subsample_gradient(machine, op) {
    const [dy, channels] = [machine.read(op.outputGradient), machine.channels(op.inputGradient)];
    const outChannels = machine.channels(op.outputGradient);
    const dx = machine.create(op.inputGradient);
    machine.eachTap(pixelsOf(op), op.inputGradient, op.outputGradient, (from, to) => {
      for (let c = 0; c < channels; c++) dx[from * channels + c] = dy[to * outChannels + c]!;
    });
  },

  max_pool(machine, op: PoolOp) {
    const [x, channels] = [machine.read(op.input), machine.channels(op.input)];
    const y = machine.create(op.output).fill(-Infinity);
    machine.eachTap(op, op.input, op.output, (from, to) => {
      for (let c = 0; c < channels; c++) {
        y[to * channels + c] = Math.max(y[to * channels + c]!, x[from * channels + c]!);
      }
    });
  },

  // Of equal values the first takes all, as in PyTorch.
  max_pool_gradient(machine, op) {
    const [x, y, dy] = [op.input, op.output, op.outputGradient].map((id) => machine.read(id)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const channels = machine.channels(op.inputGradient);
    const dx = machine.create(op.inputGradient);
    const given = new Uint8Array(y.length);
    machine.eachTap(op, op.inputGradient, op.outputGradient, (from, to) => {
      for (let c = 0; c < channels; c++) {
        const at = to * channels + c;
        if (given[at] || x[from * channels + c] !== y[at]) continue;
        given[at] = 1;
        dx[from * channels + c]! += dy[at]!;
      }
    });
  },

  average_pool(machine, op: PoolOp) {
    const [x, channels, area] = [machine.read(op.input), machine.channels(op.input), op.kernel[0] * op.kernel[1]];
    const y = machine.create(op.output);
    machine.eachTap(op, op.input, op.output, (from, to) => {
      for (let c = 0; c < channels; c++) y[to * channels + c]! += x[from * channels + c]! / area;
    });
  },

  average_pool_gradient(machine, op) {
    const [dy, channels] = [machine.read(op.outputGradient), machine.channels(op.inputGradient)];
    const area = op.kernel[0] * op.kernel[1];
    const dx = machine.create(op.inputGradient);
    machine.eachTap(op, op.inputGradient, op.outputGradient, (from, to) => {
      for (let c = 0; c < channels; c++) dx[from * channels + c]! += dy[to * channels + c]! / area;
    });
  },

  scale(machine, { input, factor, output }) {
    machine.create(output).set(machine.read(input).map((value) => factor * value));
  },

  softmax_cross_entropy(machine, op) {
    const { count, labels, mixed } = machine.given;
    invariant(!mixed || op.mixedLabels, "the loss takes one label an image");
    const [logits, classes] = [machine.read(op.logits), machine.channels(op.logits)];
    const gradient = op.logitsGradient === null ? null : machine.create(op.logitsGradient);
    machine.loss = 0;
    for (let image = 0; image < count; image++) {
      const row = logits.subarray(image * classes, (image + 1) * classes);
      const largest = Math.max(...row);
      const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
      if (row.indexOf(largest) === labels![image]) machine.correct++;
      for (let c = 0; c < classes; c++) {
        const share = mixed?.shares[image] ?? 1;
        const hot = (c === labels![image] ? share : 0) + (c === mixed?.labels[image] ? 1 - share : 0);
        const target = op.labelSmoothing / classes + hot * (1 - op.labelSmoothing);
        const logProbability = row[c]! - largest - Math.log(sum);
        machine.loss -= (target * logProbability) / count;
        if (gradient) gradient[image * classes + c] = (Math.exp(logProbability) - target) / count;
      }
    }
  },

  average(machine, { writesBack }) {
    const { update, slots = new Map<string, Float64Array>() } = machine.given;
    const share = update?.averageShare ?? 0;
    if (share === 0) return;
    machine.graph.tensors.forEach((tensor, id) => {
      if (tensor.kind !== "parameter" && tensor.kind !== "statistic") return;
      const average = slots.get(averageName(tensor.name));
      invariant(average, `the state lacks the average of ${tensor.name}`);
      const value = machine.read(id);
      average.forEach((old, at) => (average[at] = old + share * (value[at]! - old)));
      if (writesBack) value.set(average);
    });
  },

  /** The parts of a batch are added up by whoever runs them. */
  accumulate() {},

  gradient_norm(machine, { gradients, clip }) {
    const squares = gradients.flatMap((id) => [...machine.read(id)].map((value) => value * value));
    machine.gradientNorm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    if (clip === null || machine.gradientNorm <= clip) return;
    for (const id of gradients) {
      const gradient = machine.read(id);
      for (let at = 0; at < gradient.length; at++) gradient[at]! *= clip / (machine.gradientNorm + 1e-6);
    }
  },

  update(machine, { groups, rules: groupRules }) {
    const { update, slots = new Map<string, Float64Array>() } = machine.given;
    if (!update) return;
    for (const [place, { parameters, gradients }] of groups.entries()) {
      const { rateIndex, rule } = groupRules[place]!;
      parameters.forEach((id, index) => {
        const tensor = machine.graph.tensors[id]!;
        invariant(tensor.kind === "parameter", "only parameters are updated");
        const [weights, gradient] = [machine.read(id), machine.read(gradients[index]!)];
        const slot = (name: string): Float64Array => {
          const key = `${tensor.name}.${name}`;
          if (!slots.has(key)) slots.set(key, new Float64Array(weights.length));
          return slots.get(key)!;
        };
        const at = { rate: update.rates[rateIndex]!, step: update.step, outputs: tensor.dims.at(-1)! };
        if (rule.kind === "sgd") updateSgd(rule, at, weights, gradient, slot);
        else if (rule.kind === "adam") updateAdam(rule, at, weights, gradient, slot);
        else updateMuon(rule, at, weights, gradient, slot);
      });
    }
  },
};

/** x̂ over what is normalised together: `setOf` says what that is for each element. */
function normalizedTogether(machine: Machine, input: TensorId, groups: number | null, eps: number) {
  const x = machine.read(input);
  const { height, width, channels } = mapOf(machine.graph, input);
  const setOf = (at: number): string => {
    if (groups === null) return String(Math.floor(at / channels));
    const group = Math.floor((at % channels) / (channels / groups));
    return `${Math.floor(at / (height * width * channels))}.${group}`;
  };
  const sets = new Map<string, number[]>();
  x.forEach((_, at) => {
    const members = sets.get(setOf(at));
    if (members) members.push(at);
    else sets.set(setOf(at), [at]);
  });
  const hat = new Float64Array(x.length);
  const reciprocals = new Map<string, number>();
  for (const [set, members] of sets) {
    const mean = members.reduce((sum, at) => sum + x[at]!, 0) / members.length;
    const variance = members.reduce((sum, at) => sum + (x[at]! - mean) ** 2, 0) / members.length;
    reciprocals.set(set, 1 / Math.sqrt(variance + eps));
    for (const at of members) hat[at] = (x[at]! - mean) / Math.sqrt(variance + eps);
  }
  return { hat, reciprocals, setOf };
}

/** The factor of every value of a map. */
function gateOf(machine: Machine, input: TensorId, gate: TensorId): Float64Array {
  const { height, width, channels } = mapOf(machine.graph, input);
  const factors = machine.read(gate);
  return machine.read(input).map((_, at) => {
    return factors[Math.floor(at / (height * width * channels)) * channels + (at % channels)]!;
  });
}

type SlotOf = (name: string) => Float64Array;
type RuleOf<K extends UpdateRule["kind"]> = Extract<UpdateRule, { kind: K }>;

interface UpdateAt {
  readonly rate: number;
  readonly step: number;
  /** The parameter's last dimension. */
  readonly outputs: number;
}

/** torch.optim.SGD's documented rule, dampening 0; decoupled, decay comes off the weight first (arXiv 1711.05101, algorithm 1). */
function updateSgd(
  { momentum, nesterov, weightDecay, decoupled }: RuleOf<"sgd">,
  { rate }: UpdateAt,
  weights: Float64Array,
  gradient: Float64Array,
  slot: SlotOf,
): void {
  const velocity = momentum > 0 ? slot("momentum") : null;
  for (let at = 0; at < weights.length; at++) {
    let direction = gradient[at]! + (decoupled ? 0 : weightDecay * weights[at]!);
    if (decoupled) weights[at]! -= rate * weightDecay * weights[at]!;
    if (velocity) {
      velocity[at] = momentum * velocity[at]! + direction;
      direction = nesterov ? direction + momentum * velocity[at]! : velocity[at]!;
    }
    weights[at]! -= rate * direction;
  }
}

/** torch.optim.Adam's documented rule; AdamW takes the decay off the weight instead of adding it to the gradient. */
function updateAdam(
  { beta1, beta2, eps, weightDecay, decoupled }: RuleOf<"adam">,
  { rate, step }: UpdateAt,
  weights: Float64Array,
  gradient: Float64Array,
  slot: SlotOf,
): void {
  const [first, second] = [slot("first_moment"), slot("second_moment")];
  for (let at = 0; at < weights.length; at++) {
    const g = gradient[at]! + (decoupled ? 0 : weightDecay * weights[at]!);
    if (decoupled) weights[at]! -= rate * weightDecay * weights[at]!;
    first[at] = beta1 * first[at]! + (1 - beta1) * g;
    second[at] = beta2 * second[at]! + (1 - beta2) * g * g;
    const unbiasedFirst = first[at]! / (1 - beta1 ** step);
    const unbiasedSecond = second[at]! / (1 - beta2 ** step);
    weights[at]! -= (rate * unbiasedFirst) / (Math.sqrt(unbiasedSecond) + eps);
  }
}

/** Jordan et al. 2024, with the parameter as the matrix [outputs, all else]; its storage is that matrix transposed. */
function updateMuon(
  { momentum, nesterov, iterations, normalizeWeights, weightDecay }: RuleOf<"muon">,
  { rate, outputs }: UpdateAt,
  weights: Float64Array,
  gradient: Float64Array,
  slot: SlotOf,
): void {
  const velocity = slot("momentum");
  const direction = gradient.map((g, at) => {
    velocity[at] = momentum * velocity[at]! + g;
    return nesterov ? g + momentum * velocity[at]! : velocity[at]!;
  });
  const others = weights.length / outputs;
  const { a, b, c, eps } = NEWTON_SCHULZ;
  let x = direction.map((value) => value / (norm(direction) + eps)); // [others, outputs]
  for (let iteration = 0; iteration < iterations; iteration++) {
    const gram = multiply(transposed(x, others, outputs), x, outputs, others, outputs);
    const square = multiply(gram, gram, outputs, outputs, outputs);
    const through = multiply(
      x,
      gram.map((value, at) => b * value + c * square[at]!),
      others,
      outputs,
      outputs,
    );
    x = x.map((value, at) => a * value + through[at]!);
  }
  const grown = normalizeWeights ? Math.sqrt(outputs) / norm(weights) : 1;
  const step = rate * Math.sqrt(Math.max(1, outputs / others));
  for (let at = 0; at < weights.length; at++) {
    weights[at] = weights[at]! * grown * (1 - rate * weightDecay) - step * x[at]!;
  }
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)]!);
}

/** [rows, inner] × [inner, columns] */
function multiply(left: Float64Array, right: Float64Array, rows: number, inner: number, columns: number): Float64Array {
  const product = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const value = left[row * inner + k]!;
      for (let column = 0; column < columns; column++) {
        product[row * columns + column]! += value * right[k * columns + column]!;
      }
    }
  }
  return product;
}

/** scale · (x − mean) / deviation + shift with the batch's statistics, or x where there is no norm. */
function normalized(machine: Machine, x: Float64Array, operands: NormOperands | null): Float64Array {
  if (!operands) return x.slice();
  const [shift, mean, reciprocal] = [operands.shift, operands.mean, operands.reciprocalDeviation].map((id) =>
    machine.read(id),
  ) as [Float64Array, Float64Array, Float64Array];
  const scale = scaleOf(machine, operands);
  return x.map((value, at) => {
    const channel = at % scale.length;
    return (value - mean[channel]!) * reciprocal[channel]! * scale[channel]! + shift[channel]!;
  });
}

/** Ones where the norm has no scale. */
function scaleOf(machine: Machine, { scale, shift }: { scale: TensorId | null; shift: TensorId }): Float64Array {
  return scale === null ? new Float64Array(machine.read(shift).length).fill(1) : machine.read(scale);
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

const activations: Readonly<Record<ActivationKind, (x: number, slope: number) => number>> = {
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
  gelu: (x) => x * normalShare(x),
  silu: (x) => x * logistic(x),
  hard_swish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  sigmoid: logistic,
  hard_sigmoid: (x) => Math.min(6, Math.max(0, x + 3)) / 6,
};

const slopes: Readonly<Record<ActivationKind, (x: number, slope: number) => number>> = {
  relu: (x) => (x > 0 ? 1 : 0),
  relu6: (x) => (x > 0 && x < 6 ? 1 : 0),
  leaky_relu: (x, slope) => (x > 0 ? 1 : slope),
  gelu: (x) => normalShare(x) + x * normalDensity(x),
  silu: (x) => logistic(x) + (x * Math.exp(-x)) / (1 + Math.exp(-x)) ** 2,
  hard_swish: (x) => (x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1),
  sigmoid: (x) => Math.exp(-x) / (1 + Math.exp(-x)) ** 2,
  hard_sigmoid: (x) => (Math.abs(x) < 3 ? 1 / 6 : 0),
};

function slopeOf(activation: Activation): number {
  return activation.kind === "leaky_relu" ? activation.slope : Number.NaN;
}

/** Every element of the narrow map with its place in the wide one, whose channels from one on it has. */
function moveChannels(
  machine: Machine,
  { narrow, wide, from }: { readonly narrow: TensorId; readonly wide: TensorId; readonly from: number },
  move: (narrow: number, wide: number) => void,
): void {
  const [few, many] = [machine.channels(narrow), machine.channels(wide)];
  const pixels = sizeOf(machine.graph, narrow, machine.given.count) / few;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < few; channel++) move(pixel * few + channel, pixel * many + from + channel);
  }
}

/** The activations and the addition behind the norm; changes `value` in place. */
function finishPointwise(
  machine: Machine,
  op: Pointwise & { residual: TensorId | null; output: TensorId },
  value: Float64Array,
): void {
  const residual = op.residual === null ? null : machine.read(op.residual);
  const y = machine.create(op.output);
  for (let at = 0; at < y.length; at++) {
    const inner = op.inner ? activations[op.inner.kind](value[at]!, slopeOf(op.inner)) : value[at]!;
    const sum = inner + (residual ? residual[at]! : 0);
    y[at] = op.outerRelu ? Math.max(0, sum) : sum;
  }
}

function nameOf(graph: Pick<KernelGraph, "tensors">, id: TensorId): string {
  return graph.tensors[id]!.name;
}
