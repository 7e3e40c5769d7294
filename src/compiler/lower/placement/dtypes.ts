// KernelGraph → how each tensor lies in the heap. Where training computes in bfloat16, maps and their gradients are stored
// in it too: half the bytes for all that passes over them. Images, vectors, parameters and statistics stay float32.
import { takesBfloat16 } from "../convolutions/convolution-kernels.js";
import { BY_COST } from "../kernels/kernel-provider.js";
import type { KernelSelection } from "../convolutions/kernel-selector.js";
import { KernelSelector } from "../convolutions/kernel-selector.js";
import type { Dtype } from "./layout.js";
import { convolutionTask } from "../convolutions/select-convolution.js";
import type { FlatOp, KernelGraph, KernelOp, TensorId } from "../step/training-graph.js";
import { flatten } from "../step/training-graph.js";

/** What an operation asks of the tensors that it works on; convolutions take each side as it is. */
export interface Demand {
  /** Stored in the same way. */
  readonly alike?: readonly (TensorId | null)[];
  /** Stored as float32. */
  readonly plain?: readonly (TensorId | null)[];
}

type Demands = { readonly [K in KernelOp["kind"]]: (op: FlatOp<K>) => Demand };

const demands: Demands = {
  load_images: ({ output }) => ({ plain: [output] }),
  fold_batch_norm: () => ({}),
  conv2d: () => ({}),
  conv2d_inference: ({ input, residual, output }) => ({ plain: [input, residual, output] }),
  conv2d_input_gradient: ({ accumulate, inputGradient }) => ({ alike: [accumulate, inputGradient] }),
  conv2d_weight_gradient: () => ({}),
  bias_gradient: () => ({}),
  pointwise: ({ input, residual, output }) => ({ alike: [input, residual, output] }),
  pointwise_again: ({ input, residual, output }) => ({ alike: [input, residual, output] }),
  pointwise_frozen: ({ input, residual, output }) => ({ alike: [input, residual, output] }),
  pointwise_frozen_gradient: ({ outputGradient, input, output, inputGradient, residualGradient }) => ({
    alike: [outputGradient, input, output, inputGradient, residualGradient],
  }),
  pointwise_inference: ({ input, residual, output }) => ({ plain: [input, residual, output] }),
  pointwise_gradient: ({ outputGradient, input, output, inputGradient, residualGradient }) => ({
    alike: [outputGradient, input, output, inputGradient, residualGradient],
  }),
  add: ({ left, right, output }) => ({ alike: [left, right, output] }),
  multiply: ({ left, right, output }) => ({ alike: [left, right, output] }),
  gate: ({ input, gate, output }) => ({ alike: [input, output], plain: [gate] }),
  gate_gradient: ({ input, gate, outputGradient, inputGradient, gateGradient }) => ({
    alike: [input, outputGradient, inputGradient],
    plain: [gate, gateGradient],
  }),
  concatenate: ({ inputs, output }) => ({ alike: [...inputs, output] }),
  slice: ({ input, output }) => ({ alike: [input, output] }),
  slice_gradient: ({ outputGradient, inputGradient }) => ({ alike: [outputGradient, inputGradient] }),
  shuffle: ({ input, output }) => ({ alike: [input, output] }),
  channel_norm: ({ input, output }) => ({ alike: [input, output] }),
  channel_norm_gradient: ({ input, outputGradient, inputGradient }) => ({
    alike: [input, outputGradient, inputGradient],
  }),
  learned_scale: ({ input, output }) => ({ alike: [input, output] }),
  learned_scale_gradient: ({ input, outputGradient, inputGradient }) => ({
    alike: [input, outputGradient, inputGradient],
  }),
  drop: ({ input, output }) => ({ alike: [input, output] }),
  subsample: ({ input, output }) => ({ alike: [input, output] }),
  subsample_gradient: ({ outputGradient, inputGradient }) => ({ alike: [outputGradient, inputGradient] }),
  max_pool: ({ input, output }) => ({ alike: [input, output] }),
  max_pool_gradient: ({ input, output, outputGradient, inputGradient }) => ({
    alike: [input, output, outputGradient, inputGradient],
  }),
  average_pool: ({ output }) => ({ plain: [output] }),
  average_pool_gradient: ({ outputGradient }) => ({ plain: [outputGradient] }),
  scale: ({ input, output }) => ({ plain: [input, output] }),
  softmax_cross_entropy: ({ logits, logitsGradient }) => ({ plain: [logits, logitsGradient] }),
  accumulate: () => ({}),
  gradient_norm: () => ({}),
  update: () => ({}),
  average: () => ({}),
};

export function demandOf(op: KernelOp): Demand {
  return demands[op.kind](flatten(op) as never);
}

/** By tensor. Where one of several that must be alike has to be float32, all of them are. */
export function dtypesOf(graph: KernelGraph, selection: KernelSelection): Dtype[] {
  const representative = graph.tensors.map((_, id) => id);
  const find = (id: TensorId): TensorId => (representative[id] === id ? id : find(representative[id]!));
  const plain = new Set<TensorId>();
  graph.tensors.forEach((tensor, id) => {
    if (tensor.kind !== "activation" || tensor.shape.kind !== "map") plain.add(id);
  });
  if (selection.storesBfloat16 !== true) return graph.tensors.map(() => "float32");
  const selector = new KernelSelector(graph, selection);
  for (const { op } of graph.nodes) {
    const { alike = [], plain: wanted = [] } = demandOf(op);
    const [first, ...others] = alike.filter((id) => id !== null);
    for (const other of others) representative[find(other)] = find(first!);
    for (const id of wanted) if (id !== null) plain.add(id);
    const convolution = convolutionTask(selector, op);
    if (!convolution || takesBfloat16(convolution.task, selection.convolutions ?? BY_COST)) continue;
    for (const id of convolution.maps) plain.add(id);
  }
  const plainGroups = new Set([...plain].map(find));
  return graph.tensors.map((_, id) => (plainGroups.has(find(id)) ? "float32" : "bfloat16"));
}
