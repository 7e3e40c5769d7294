// One training (or evaluation) step as typed nodes over named tensors: forward, backward and update.
// No layout, batch size or address yet: an engine lowers this to what it runs best.
import type { Activation } from "../../network/activations.js";
import type { Filter, Shape, Window } from "../../network/graph.js";
import type { UpdateRule } from "../../training/update-rule.js";

/** Index into `TrainingGraph.tensors`. */
export type TensorId = number;

export type Tensor =
  /** One map or vector an image: activations and their gradients. */
  | { readonly kind: "activation"; readonly name: string; readonly shape: Shape }
  /** A parameter or a running statistic; lives from step to step. `source` is its name in a State. */
  | { readonly kind: "parameter" | "statistic"; readonly name: string; readonly dims: readonly number[] }
  /** Gradient of the parameter with that id. */
  | { readonly kind: "gradient"; readonly name: string; readonly parameter: TensorId }
  /** One float a channel, from forward to backward: batch mean and reciprocal standard deviation. */
  | { readonly kind: "channels"; readonly name: string; readonly channels: number };

/** outerRelu(inner(norm(x)) + residual), each part optional: what follows a convolution in a residual network. */
export interface Pointwise {
  readonly norm: null | { readonly eps: number; readonly momentum: number };
  readonly inner: Activation | null;
  readonly add: boolean;
  /** Only this one, whose slope its output tells: another activation behind an addition is a node of its own. */
  readonly outerRelu: boolean;
}

/** A tensor, none, or several by place or by name. */
export type Operand = TensorId | null | readonly Operand[] | { readonly [name: string]: Operand };
export type Operands = Readonly<Record<string, Operand>>;

/** An operation's form: the tensors that it reads and writes, by name, and its attributes. What is updated in place is both. */
type Form<Inputs extends Operands, Outputs extends Operands, Attributes = unknown> = {
  readonly inputs: Readonly<Inputs>;
  readonly outputs: Readonly<Outputs>;
} & Readonly<Attributes>;

type OpsOf<Forms extends Readonly<Record<keyof Forms, Form<Operands, Operands>>>> = {
  readonly [K in keyof Forms]: { readonly kind: K } & Forms[K];
}[keyof Forms];

type NormParameters = {
  /** null counts as 1. */
  readonly scale: TensorId | null;
  readonly shift: TensorId;
};
type RunningStatistics = { readonly mean: TensorId; readonly variance: TensorId };
/** What batch norm leaves for its gradient. */
type NormStatistics = {
  readonly mean: TensorId;
  readonly reciprocalDeviation: TensorId;
  /** norm(x) = x·factor + term as the forward pass computed it: the backward pass finds the same mask to the bit. */
  readonly factor: TensorId;
  readonly term: TensorId;
};
export type NormOperands = NormParameters & NormStatistics;

/** Every operation, its inputs, outputs and attributes; operands of a norm are null where there is none. */
type TrainingForms = {
  load_images: Form<{}, { output: TensorId }>;
  conv2d: Form<{ input: TensorId; weight: TensorId; bias: TensorId | null }, { output: TensorId }, Filter>;
  /** `accumulate`: a gradient that the same value already has; the result is added to it, in its place. */
  conv2d_input_gradient: Form<
    { outputGradient: TensorId; weight: TensorId; accumulate: TensorId | null },
    { inputGradient: TensorId },
    Filter
  >;
  conv2d_weight_gradient: Form<{ input: TensorId; outputGradient: TensorId }, { weightGradient: TensorId }, Filter>;
  bias_gradient: Form<{ outputGradient: TensorId }, { biasGradient: TensorId }>;
  pointwise: Form<
    {
      input: TensorId;
      residual: TensorId | null;
      operands: NormParameters | null;
      running: RunningStatistics | null;
    },
    { output: TensorId; saved: NormStatistics | null; running: RunningStatistics | null },
    Pointwise
  >;
  /** Batch norm with its running statistics, as in evaluation. */
  pointwise_inference: Form<
    { input: TensorId; residual: TensorId | null; operands: (NormParameters & RunningStatistics) | null },
    { output: TensorId },
    Pointwise
  >;
  /** In training, with running statistics that stay as they are; parameters of the norm are frozen. */
  pointwise_frozen: Form<
    { input: TensorId; residual: TensorId | null; operands: NormParameters & RunningStatistics },
    { output: TensorId; saved: Pick<NormStatistics, "factor" | "term"> },
    Pointwise
  >;
  /** dx = d·factor, where d is what is left of the gradient behind the activations. */
  pointwise_frozen_gradient: Form<
    {
      outputGradient: TensorId;
      input: TensorId | null;
      output: TensorId | null;
      operands: Pick<NormStatistics, "factor" | "term">;
    },
    { inputGradient: TensorId; residualGradient: TensorId | null },
    Pointwise
  >;
  /** `input` is needed by batch norm and the inner activation, `output` by the outer; no gradient of what is frozen. */
  pointwise_gradient: Form<
    { outputGradient: TensorId; input: TensorId | null; output: TensorId | null; operands: NormOperands | null },
    {
      scaleGradient: TensorId | null;
      shiftGradient: TensorId | null;
      inputGradient: TensorId;
      residualGradient: TensorId | null;
    },
    Pointwise
  >;
  /** The sum of two gradients of one value. */
  add: Form<{ left: TensorId; right: TensorId }, { output: TensorId }>;
  /** Two maps of one shape; each has the other times the output's gradient. */
  multiply: Form<{ left: TensorId; right: TensorId }, { output: TensorId }>;
  /** A map times its gate: one factor a channel and image. */
  gate: Form<{ input: TensorId; gate: TensorId }, { output: TensorId }>;
  /** dx = dy·gate, and the gate's is the sum of dy·x over an image's pixels. */
  gate_gradient: Form<
    { input: TensorId; gate: TensorId; outputGradient: TensorId },
    { inputGradient: TensorId; gateGradient: TensorId }
  >;
  concatenate: Form<{ inputs: readonly TensorId[] }, { output: TensorId }>;
  /** Channels from one on; the gradient of a concatenation by one of its inputs too. */
  slice: Form<{ input: TensorId }, { output: TensorId }, { from: number }>;
  /** Zero in the channels that were left out. */
  slice_gradient: Form<{ outputGradient: TensorId }, { inputGradient: TensorId }, { from: number }>;
  /** Channel i of group g becomes channel g of group i; in as many groups as those have channels, it is its own gradient. */
  shuffle: Form<{ input: TensorId }, { output: TensorId }, { groups: number }>;
  /** Over the channels of each pixel, or of each group over an image's pixels; times scale, plus shift. */
  channel_norm: Form<
    { input: TensorId; scale: TensorId; shift: TensorId },
    { output: TensorId },
    { groups: number | null; eps: number }
  >;
  channel_norm_gradient: Form<
    { input: TensorId; outputGradient: TensorId; scale: TensorId },
    { inputGradient: TensorId; scaleGradient: TensorId | null; shiftGradient: TensorId | null },
    { groups: number | null; eps: number }
  >;
  /** Times the weight: one a channel, or one alone. */
  learned_scale: Form<{ input: TensorId; weight: TensorId }, { output: TensorId }>;
  learned_scale_gradient: Form<
    { input: TensorId; weight: TensorId; outputGradient: TensorId },
    { inputGradient: TensorId; weightGradient: TensorId | null }
  >;
  /** Zero at that rate, element by element or image by image, and 1 / (1 − rate) times as much elsewhere; its own gradient. */
  drop: Form<{ input: TensorId }, { output: TensorId }, { rate: number; perImage: boolean; node: number }>;
  /** Every stride-th pixel; channels beyond the input's are zero. */
  subsample: Form<{ input: TensorId }, { output: TensorId }, Pick<Window, "stride">>;
  subsample_gradient: Form<{ outputGradient: TensorId }, { inputGradient: TensorId }, Pick<Window, "stride">>;
  max_pool: Form<{ input: TensorId }, { output: TensorId }, Window>;
  max_pool_gradient: Form<
    { input: TensorId; output: TensorId; outputGradient: TensorId },
    { inputGradient: TensorId },
    Window
  >;
  average_pool: Form<{ input: TensorId }, { output: TensorId }, Window>;
  average_pool_gradient: Form<{ outputGradient: TensorId }, { inputGradient: TensorId }, Window>;
  /** Every value times the factor; the gradient of one is another. */
  scale: Form<{ input: TensorId }, { output: TensorId }, { factor: number }>;
  /**
   * Mean cross-entropy over the batch with label smoothing, the count of correct answers, and the logits' gradient, which is
   * null in evaluation. `mixedLabels`: whether each image has a second label, and a share of the target that falls to the
   * first (mixup, cutmix).
   */
  softmax_cross_entropy: Form<
    { logits: TensorId },
    { logitsGradient: TensorId | null },
    { labelSmoothing: number; mixedLabels: boolean }
  >;
  /**
   * The end of a micro-batch: adds its gradients, times its share of the
   * batch's images, to the sums that the update reads. The first micro-batch begins the sums anew.
   */
  accumulate: Form<{ gradients: readonly TensorId[] }, {}>;
  /**
   * The L2 norm over all gradients together. A step whose loss or norm is not finite ends here: parameters, optimizer
   * slots, statistics and averages are then as before the step. Where `clip` is a number and the norm is larger, all
   * gradients are multiplied by clip / (norm + 1e-6), as PyTorch's clip_grad_norm_ does.
   */
  gradient_norm: Form<{ gradients: readonly TensorId[] }, { clipped: readonly TensorId[] }, { clip: number | null }>;
  /** The new values of all parameters that this phase of training changes; what is frozen is in no group. */
  update: Form<{ groups: readonly UpdateGroup[] }, { updated: readonly TensorId[] }, { rules: readonly GroupRule[] }>;
  /**
   * average += share · (value − average) for all parameters and statistics, with the share of the step (`averageShare`; at 0
   * the node does nothing), then, where it writes back, value = average.
   */
  average: Form<{ values: readonly TensorId[] }, { replaced: readonly TensorId[] }, { writesBack: boolean }>;
};

/** What an evaluation has besides, once its norms are folded (fold-batch-norm.ts). */
type FoldedForms = {
  /** weight' = weight · factor, bias' = shift + (bias − mean) · factor, a channel, with factor = scale / √(variance + eps). */
  fold_batch_norm: Form<
    { weight: TensorId; bias: TensorId | null } & NormParameters & RunningStatistics,
    { foldedWeight: TensorId; foldedBias: TensorId },
    { eps: number }
  >;
  /** relu(convolution + bias + residual), each but the convolution optional. */
  conv2d_inference: Form<
    { input: TensorId; weight: TensorId; bias: TensorId | null; residual: TensorId | null },
    { output: TensorId },
    Filter & { relu: boolean }
  >;
};

/** What a training step has besides, where it computes again what it did not keep (recompute.ts). */
type RecomputedForms = {
  /** The output of "pointwise" from the same input: the same bits. */
  pointwise_again: Form<
    { input: TensorId; residual: TensorId | null; operands: Pick<NormStatistics, "factor" | "term"> | null },
    { output: TensorId },
    Pointwise
  >;
};

/** Parameters that share one rule and one rate; each gradient is that of the parameter at the same place. */
export type UpdateGroup = { readonly parameters: readonly TensorId[]; readonly gradients: readonly TensorId[] };

/** The rule of the group at the same place. */
export interface GroupRule {
  /** Which of the step's rates (`groupRates`). */
  readonly rateIndex: number;
  readonly rule: UpdateRule;
}

export type TrainingOp = OpsOf<TrainingForms>;
export type TrainingOpOf<K extends TrainingOp["kind"]> = Extract<TrainingOp, { kind: K }>;
export type KernelOp = OpsOf<TrainingForms & FoldedForms & RecomputedForms>;
export type KernelOpOf<K extends KernelOp["kind"]> = Extract<KernelOp, { kind: K }>;

export interface TrainingNode {
  /** "stages.0.blocks.1.conv1", with the pass behind it: "… input gradient". */
  readonly name: string;
  readonly op: TrainingOp;
}

export interface TrainingGraph {
  readonly tensors: readonly Tensor[];
  readonly nodes: readonly TrainingNode[];
}

/** A filter with its norm in it; stored as the parameter is, for one step. */
export interface FoldedWeight {
  readonly kind: "folded";
  readonly name: string;
  readonly parameter: TensorId;
}

/** What kernels are selected for: a TrainingGraph, one that computes anew, or a folded evaluation. */
export interface KernelGraph {
  readonly tensors: readonly (Tensor | FoldedWeight)[];
  readonly nodes: readonly { readonly name: string; readonly op: KernelOp }[];
}

/** An operation as those that carry it out read it: attributes, inputs and outputs beside each other. */
export type FlatOp<K extends KernelOp["kind"]> = FlatOf<KernelOpOf<K>>;
type FlatOf<O> =
  O extends Form<Operands, Operands> ? Omit<O, "inputs" | "outputs"> & O["inputs"] & O["outputs"] : never;

export function flatten<K extends KernelOp["kind"]>(op: KernelOpOf<K>): FlatOp<K> {
  const { inputs, outputs, ...attributes } = op as KernelOp;
  return { ...attributes, ...inputs, ...outputs } as never;
}

export function readsOf({ inputs }: KernelOp): TensorId[] {
  return tensorsIn(inputs);
}

export function writesOf({ outputs }: KernelOp): TensorId[] {
  return tensorsIn(outputs);
}

/** How many times each tensor is read. */
export function usesOf({ nodes }: KernelGraph): ReadonlyMap<TensorId, number> {
  const uses = new Map<TensorId, number>();
  for (const id of nodes.flatMap(({ op }) => readsOf(op))) uses.set(id, (uses.get(id) ?? 0) + 1);
  return uses;
}

/** The operation with other tensors in the place of those that it reads. */
export function withInputs<O extends KernelOp>(op: O, replace: (id: TensorId) => TensorId): O {
  return { ...op, inputs: mapOperand(op.inputs, replace) };
}

function tensorsIn(operand: Operand): TensorId[] {
  if (operand === null) return [];
  return typeof operand === "number" ? [operand] : Object.values(operand).flatMap(tensorsIn);
}

function mapOperand<T extends Operand>(operand: T, replace: (id: TensorId) => TensorId): T;
function mapOperand(operand: Operand, replace: (id: TensorId) => TensorId): Operand {
  if (operand === null) return null;
  if (typeof operand === "number") return replace(operand);
  if (Array.isArray(operand)) return operand.map((each: Operand) => mapOperand(each, replace));
  return Object.fromEntries(Object.entries(operand).map(([name, each]) => [name, mapOperand(each, replace)]));
}
