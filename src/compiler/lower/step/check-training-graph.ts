// TrainingGraph or KernelGraph → what is wrong with it, a sentence a fault: reads before writes, two writers, what nothing
// uses, dimensions and dtypes that disagree. Tests check what every pass leaves behind; users' steps are lowered without.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Filter, Window } from "../../network/graph.js";
import { spanOf } from "../../network/graph.js";
import type { FlatOp, KernelGraph, KernelOp, TensorId } from "./training-graph.js";
import { flatten, readsOf, writesOf } from "./training-graph.js";
import { demandOf } from "../placement/dtypes.js";
import type { Dtype } from "../placement/layout.js";

const settings = { checksPasses: false };

/** From now on `afterPass` checks. */
export function checkPasses(): void {
  settings.checksPasses = true;
}

/** What a pass made, checked where that was asked for. */
export function afterPass<T>(pass: string, made: T, faultsOf: (made: T) => readonly string[]): T {
  const faults = settings.checksPasses ? faultsOf(made) : [];
  invariant(faults.length === 0, `${pass} left a graph that is none: ${faults.join("; ")}`);
  return made;
}

export function checkTrainingGraph(graph: KernelGraph): string[] {
  const { tensors, nodes } = graph;
  const faults: string[] = [];
  const read = new Set(nodes.flatMap(({ op }) => readsOf(op)));
  const written = new Set<TensorId>();
  const isWhole = nodes[0]?.op.kind === "load_images"; // else it is only the end of a step, and reads gradients that were summed
  const isGiven = (id: TensorId): boolean => {
    const { kind } = tensors[id]!;
    return kind === "parameter" || kind === "statistic" || (kind === "gradient" && !isWhole);
  };
  for (const { name, op } of nodes) {
    const [reads, writes] = [readsOf(op), writesOf(op)];
    const unknown = [...reads, ...writes].find((id) => tensors[id] === undefined);
    if (unknown !== undefined) return [...faults, `${name} names tensor ${unknown}, which does not exist`];
    for (const id of reads) {
      if (!written.has(id) && !isGiven(id)) faults.push(`${name} reads ${tensors[id]!.name} before it is written`);
    }
    const fresh = writes.filter((id) => !reads.includes(id)); // the others are updated in place
    for (const id of fresh) {
      if (written.has(id) || isGiven(id)) faults.push(`${name} writes ${tensors[id]!.name}, which was there`);
    }
    if (fresh.length > 0 && op.kind !== "softmax_cross_entropy" && !fresh.some((id) => read.has(id))) {
      faults.push(`nothing uses what ${name} writes`);
    }
    for (const id of writes) written.add(id);
    faults.push(...disagreements(graph, op).map((fault) => `${name}: ${fault}`));
  }
  return faults;
}

/** `dtypes` by tensor: each operation finds alike what it takes alike, as float32 what it takes as that, and only maps are less. */
export function checkDtypes({ tensors, nodes }: KernelGraph, dtypes: readonly Dtype[]): string[] {
  const narrow = tensors.filter(({ kind }, id) => dtypes[id] !== "float32" && kind !== "activation");
  const faults = narrow.map(({ name, kind }) => `${name} is a ${kind} and not float32`);
  for (const { name, op } of nodes) {
    const { alike = [], plain = [] } = demandOf(op);
    const [first, ...others] = alike.filter((id) => id !== null);
    const wanted = [
      ...others.map((id) => [id, dtypes[first!]!] as const),
      ...plain.map((id) => [id, "float32"] as const),
    ];
    for (const [id, dtype] of wanted) {
      if (id === null || dtypes[id] === dtype) continue;
      faults.push(`${name}: ${tensors[id]!.name} is ${dtypes[id]}, where ${dtype} belongs`);
    }
  }
  return faults;
}

type Dims = readonly number[];
type DimsOf = (id: TensorId) => Dims;
/** The dimensions that operands must have, given those of the others. */
type Expected = readonly (readonly [TensorId | null, Dims])[];

function disagreements({ tensors }: KernelGraph, op: KernelOp): string[] {
  const dims = (id: TensorId): Dims => {
    const tensor = tensors[id]!;
    if (tensor.kind === "gradient" || tensor.kind === "folded") return dims(tensor.parameter);
    if (tensor.kind === "channels") return [tensor.channels];
    if (tensor.kind !== "activation") return tensor.dims;
    const { shape } = tensor;
    return shape.kind === "map" ? [shape.height, shape.width, shape.channels] : [1, 1, shape.channels];
  };
  const expected = dimsRules[op.kind](flatten(op) as never, dims);
  return expected.flatMap(([id, wanted]) =>
    id === null || dims(id).join() === wanted.join()
      ? []
      : [`${tensors[id]!.name} is ${dims(id).join(" × ")}, where ${wanted.join(" × ")} belongs`],
  );
}

const dimsRules: { readonly [K in KernelOp["kind"]]: (op: FlatOp<K>, dims: DimsOf) => Expected } = {
  load_images: () => [],
  conv2d: (op, dims) => [
    ...convolution(op, op.input, op.output, op.weight, dims),
    [op.bias, channels(op.output, dims)],
  ],
  conv2d_inference: (op, dims) => [
    ...convolution(op, op.input, op.output, op.weight, dims),
    [op.bias, channels(op.output, dims)],
    [op.residual, dims(op.output)],
  ],
  conv2d_input_gradient: (op, dims) => [
    ...convolution(op, op.inputGradient, op.outputGradient, op.weight, dims),
    [op.accumulate, dims(op.inputGradient)],
  ],
  conv2d_weight_gradient: (op, dims) => convolution(op, op.input, op.outputGradient, op.weightGradient, dims),
  bias_gradient: (op, dims) => [[op.biasGradient, channels(op.outputGradient, dims)]],
  fold_batch_norm: (op, dims) => [
    [op.foldedWeight, dims(op.weight)],
    ...vectors([op.bias, op.scale, op.shift, op.mean, op.variance, op.foldedBias], dims(op.weight).slice(-1)),
  ],
  pointwise: (op, dims) => [
    ...alike([op.input, op.residual], op.output, dims),
    ...vectors(Object.values({ ...op.operands, ...op.saved }), channels(op.output, dims)),
    ...vectors(Object.values({ ...op.running }), channels(op.output, dims)),
  ],
  pointwise_inference: (op, dims) => [
    ...alike([op.input, op.residual], op.output, dims),
    ...vectors(Object.values({ ...op.operands }), channels(op.output, dims)),
  ],
  pointwise_frozen: (op, dims) => [
    ...alike([op.input, op.residual], op.output, dims),
    ...vectors(Object.values({ ...op.operands, ...op.saved }), channels(op.output, dims)),
  ],
  pointwise_frozen_gradient: (op, dims) => [
    ...alike([op.input, op.output, op.inputGradient, op.residualGradient], op.outputGradient, dims),
    ...vectors(Object.values(op.operands), channels(op.outputGradient, dims)),
  ],
  pointwise_again: (op, dims) => [
    ...alike([op.input, op.residual], op.output, dims),
    ...vectors(Object.values({ ...op.operands }), channels(op.output, dims)),
  ],
  pointwise_gradient: (op, dims) => [
    ...alike([op.input, op.output, op.inputGradient, op.residualGradient], op.outputGradient, dims),
    ...vectors(
      [...Object.values({ ...op.operands }), op.scaleGradient, op.shiftGradient],
      channels(op.outputGradient, dims),
    ),
  ],
  add: (op, dims) => alike([op.left, op.right], op.output, dims),
  multiply: (op, dims) => alike([op.left, op.right], op.output, dims),
  gate: (op, dims) => [...alike([op.input], op.output, dims), [op.gate, [1, 1, ...channels(op.output, dims)]]],
  gate_gradient: (op, dims) => [
    ...alike([op.outputGradient, op.inputGradient], op.input, dims),
    ...[op.gate, op.gateGradient].map((id) => [id, [1, 1, ...channels(op.input, dims)]] as const),
  ],
  concatenate: ({ inputs, output }, dims) => {
    const counts = inputs.map((id) => dims(id).at(-1)!);
    return [
      [output, [...dims(inputs[0]!).slice(0, -1), counts.reduce((sum, count) => sum + count, 0)]],
      ...inputs.map((id, at) => [id, [...dims(inputs[0]!).slice(0, -1), counts[at]!]] as const),
    ];
  },
  slice: (op, dims) => cut(op.output, op.input, op.from, dims),
  slice_gradient: (op, dims) => cut(op.outputGradient, op.inputGradient, op.from, dims),
  shuffle: (op, dims) => alike([op.input], op.output, dims),
  channel_norm: (op, dims) => [
    ...alike([op.input], op.output, dims),
    ...vectors([op.scale, op.shift], channels(op.output, dims)),
  ],
  channel_norm_gradient: (op, dims) => [
    ...alike([op.outputGradient, op.inputGradient], op.input, dims),
    ...vectors([op.scale, op.scaleGradient, op.shiftGradient], channels(op.input, dims)),
  ],
  learned_scale: (op, dims) => [...alike([op.input], op.output, dims), factors(op.weight, op.output, dims)],
  learned_scale_gradient: (op, dims) => [
    ...alike([op.outputGradient, op.inputGradient], op.input, dims),
    factors(op.weight, op.input, dims),
    ...(op.weightGradient === null ? [] : alike([op.weightGradient], op.weight, dims)),
  ],
  drop: (op, dims) => alike([op.input], op.output, dims),
  subsample: (op, dims) => strided(op, op.input, op.output, dims),
  subsample_gradient: (op, dims) => strided(op, op.inputGradient, op.outputGradient, dims),
  max_pool: (op, dims) => pool(op, op.input, op.output, dims),
  max_pool_gradient: (op, dims) => [
    ...pool(op, op.input, op.output, dims),
    ...alike([op.outputGradient], op.output, dims),
    ...alike([op.inputGradient], op.input, dims),
  ],
  average_pool: (op, dims) => pool(op, op.input, op.output, dims),
  average_pool_gradient: (op, dims) => pool(op, op.inputGradient, op.outputGradient, dims),
  scale: (op, dims) => alike([op.input], op.output, dims),
  softmax_cross_entropy: (op, dims) => alike([op.logitsGradient], op.logits, dims),
  accumulate: () => [],
  gradient_norm: () => [],
  update: ({ groups }, dims) =>
    groups.flatMap(({ parameters, gradients }) => parameters.map((id, at) => [gradients[at]!, dims(id)] as const)),
  average: () => [],
};

function alike(ids: readonly (TensorId | null)[], as: TensorId, dims: DimsOf): Expected {
  return ids.map((id) => [id, dims(as)]);
}

function vectors(ids: readonly (TensorId | null)[], wanted: Dims): Expected {
  return ids.map((id) => [id, wanted]);
}

/** One a channel, or one. */
function factors(weight: TensorId, of: TensorId, dims: DimsOf): Expected[number] {
  return [weight, dims(weight).join() === "1" ? [1] : channels(of, dims)];
}

/** Some of the channels, from one on. */
function cut(some: TensorId, whole: TensorId, from: number, dims: DimsOf): Expected {
  const [height, width, count] = dims(whole) as [number, number, number];
  return [[some, [height, width, Math.min(dims(some).at(-1)!, count - from)]]];
}

function channels(map: TensorId, dims: DimsOf): Dims {
  return dims(map).slice(-1);
}

function convolution(filter: Filter, input: TensorId, output: TensorId, weight: TensorId, dims: DimsOf): Expected {
  const inputs = channels(input, dims).map((count) => count / (filter.groups ?? 1));
  return [
    [output, [...slid(filter, dims(input)), ...channels(output, dims)]],
    [weight, [...filter.kernel, ...inputs, ...channels(output, dims)]],
  ];
}

function pool(window: Window, input: TensorId, output: TensorId, dims: DimsOf): Expected {
  return [[output, [...slid(window, dims(input)), ...channels(input, dims)]]];
}

function strided({ stride }: Pick<Window, "stride">, input: TensorId, output: TensorId, dims: DimsOf): Expected {
  const [height, width] = dims(input);
  return [[output, [Math.ceil(height! / stride[0]), Math.ceil(width! / stride[1]), ...channels(output, dims)]]];
}

function slid(filter: Filter, [height, width]: Dims): Dims {
  const { stride, padding } = filter;
  const kernel = spanOf(filter);
  return [
    Math.floor((height! + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1,
    Math.floor((width! + padding.left + padding.right - kernel[1]) / stride[1]) + 1,
  ];
}
