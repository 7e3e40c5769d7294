// One training (or evaluation) step as typed nodes over named tensors: forward, backward and update.
// No layout, batch size or address yet: an engine lowers this to what it runs best.
import type { ActivationKind, Shape, Window } from "../../network/graph.js";
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
  readonly inner: ActivationKind | null;
  readonly add: boolean;
  /** Only this one, whose slope its output tells: another activation behind an addition is a node of its own. */
  readonly outerRelu: boolean;
}

/** Batch norm's operands; all absent where `norm` is null. */
export interface NormOperands {
  /** null counts as 1. */
  readonly scale: TensorId | null;
  readonly shift: TensorId;
  readonly mean: TensorId;
  readonly reciprocalDeviation: TensorId;
  /** norm(x) = x·factor + term as the forward pass computed it: the backward pass finds the same mask to the bit. */
  readonly factor: TensorId;
  readonly term: TensorId;
}

export type TrainingOp =
  | { readonly kind: "load_images"; readonly output: TensorId }
  | ({
      readonly kind: "conv2d";
      readonly input: TensorId;
      readonly weight: TensorId;
      readonly bias: TensorId | null;
      readonly output: TensorId;
    } & Window)
  | ({
      readonly kind: "conv2d_input_gradient";
      readonly outputGradient: TensorId;
      readonly weight: TensorId;
      /** A gradient that the same input already has; the result is added to it, in its place. */
      readonly accumulate: TensorId | null;
      readonly inputGradient: TensorId;
    } & Window)
  | ({
      readonly kind: "conv2d_weight_gradient";
      readonly input: TensorId;
      readonly outputGradient: TensorId;
      readonly weightGradient: TensorId;
    } & Window)
  | { readonly kind: "bias_gradient"; readonly outputGradient: TensorId; readonly biasGradient: TensorId }
  | ({
      readonly kind: "pointwise";
      readonly input: TensorId;
      readonly residual: TensorId | null;
      readonly operands: NormOperands | null;
      readonly running: { readonly mean: TensorId; readonly variance: TensorId } | null;
      readonly output: TensorId;
    } & Pointwise)
  /** Batch norm with its running statistics, as in evaluation. */
  | ({
      readonly kind: "pointwise_inference";
      readonly input: TensorId;
      readonly residual: TensorId | null;
      readonly operands: { scale: TensorId | null; shift: TensorId; mean: TensorId; variance: TensorId } | null;
      readonly output: TensorId;
    } & Pointwise)
  | ({
      readonly kind: "pointwise_gradient";
      readonly outputGradient: TensorId;
      /** Needed by batch norm and by the inner activation's mask. */
      readonly input: TensorId | null;
      /** Needed by the outer activation's mask. */
      readonly output: TensorId | null;
      readonly operands: NormOperands | null;
      /** null where the parameter is frozen, or there is none. */
      readonly scaleGradient: TensorId | null;
      readonly shiftGradient: TensorId | null;
      readonly inputGradient: TensorId;
      readonly residualGradient: TensorId | null;
    } & Pointwise)
  /** Every stride-th pixel; channels beyond the input's are zero. */
  | {
      readonly kind: "subsample";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly stride: Window["stride"];
    }
  | {
      readonly kind: "subsample_gradient";
      readonly outputGradient: TensorId;
      readonly inputGradient: TensorId;
      readonly stride: Window["stride"];
    }
  | ({ readonly kind: "max_pool" | "average_pool"; readonly input: TensorId; readonly output: TensorId } & Window)
  | ({
      readonly kind: "max_pool_gradient";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly outputGradient: TensorId;
      readonly inputGradient: TensorId;
    } & Window)
  | ({
      readonly kind: "average_pool_gradient";
      readonly outputGradient: TensorId;
      readonly inputGradient: TensorId;
    } & Window)
  /** Every value times the factor; the gradient of one is another. */
  | { readonly kind: "scale"; readonly input: TensorId; readonly factor: number; readonly output: TensorId }
  /** Mean cross-entropy over the batch with label smoothing, the count of correct answers, and the logits' gradient. */
  | {
      readonly kind: "softmax_cross_entropy";
      readonly logits: TensorId;
      readonly labelSmoothing: number;
      /** Whether each image has a second label, and a share of the target that falls to the first (mixup, cutmix). */
      readonly mixedLabels: boolean;
      /** null in evaluation. */
      readonly logitsGradient: TensorId | null;
    }
  /**
   * The end of one part of a batch whose update is still to come: adds the part's gradients, times its share of the
   * batch's images, to the sums that the update reads. The first part begins the sums anew.
   */
  | { readonly kind: "accumulate"; readonly gradients: readonly TensorId[] }
  /**
   * The L2 norm over all gradients together. A step whose loss or norm is not finite ends here: parameters, optimizer
   * slots, statistics and averages are then as before the step. Where `clip` is a number and the norm is larger, all
   * gradients are multiplied by clip / (norm + 1e-6), as PyTorch's clip_grad_norm_ does.
   */
  | { readonly kind: "gradient_norm"; readonly gradients: readonly TensorId[]; readonly clip: number | null }
  /** The new values of all parameters that this phase of training changes; what is frozen is in no group. */
  | { readonly kind: "update"; readonly groups: readonly UpdateGroup[] }
  /**
   * average += share · (value − average) for all parameters and statistics, with the share of the step (`averageShare`; at 0
   * the node does nothing), then, where it writes back, value = average.
   */
  | { readonly kind: "average"; readonly writesBack: boolean };

/** Parameters that share one rule and one rate. */
export interface UpdateGroup {
  /** Which of the step's rates (`groupRates`). */
  readonly rateIndex: number;
  readonly rule: UpdateRule;
  readonly parameters: readonly TensorId[];
  /** Each the gradient of the parameter at the same place. */
  readonly gradients: readonly TensorId[];
}

export type TrainingOpOf<K extends TrainingOp["kind"]> = Extract<TrainingOp, { kind: K }>;

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

/** What an evaluation has besides, once its norms are folded (fold-batch-norm.ts). */
export type FoldedOp =
  /** weight' = weight · factor, bias' = shift + (bias − mean) · factor, a channel, with factor = scale / √(variance + eps). */
  | {
      readonly kind: "fold_batch_norm";
      readonly weight: TensorId;
      readonly bias: TensorId | null;
      /** null counts as 1. */
      readonly scale: TensorId | null;
      readonly shift: TensorId;
      readonly mean: TensorId;
      readonly variance: TensorId;
      readonly eps: number;
      readonly foldedWeight: TensorId;
      readonly foldedBias: TensorId;
    }
  /** relu(convolution + bias + residual), each but the convolution optional. */
  | ({
      readonly kind: "conv2d_inference";
      readonly input: TensorId;
      readonly weight: TensorId;
      readonly bias: TensorId | null;
      readonly residual: TensorId | null;
      readonly relu: boolean;
      readonly output: TensorId;
    } & Window);

/** What a training step has besides, where it computes again what it did not keep (recompute.ts). */
export type RecomputedOp =
  /** What "pointwise" put out, from the same input: the same bits. */
  {
    readonly kind: "pointwise_again";
    readonly input: TensorId;
    readonly residual: TensorId | null;
    readonly operands: NormOperands | null;
    readonly output: TensorId;
  } & Pointwise;

export type KernelOp = TrainingOp | FoldedOp | RecomputedOp;
export type KernelOpOf<K extends KernelOp["kind"]> = Extract<KernelOp, { kind: K }>;

/** What kernels are selected for: a TrainingGraph, one that computes anew, or a folded evaluation. */
export interface KernelGraph {
  readonly tensors: readonly (Tensor | FoldedWeight)[];
  readonly nodes: readonly { readonly name: string; readonly op: KernelOp }[];
}
