// One training (or evaluation) step as typed nodes over named tensors: forward, backward and update.
// No layout, batch size or address yet: an engine lowers this to what it runs best.
import type { Shape, Window } from "../graph.js";

/** Index into `TrainingGraph.tensors`. */
export type TensorId = number;

export type Tensor =
  /** One map or vector an image: activations and their gradients. */
  | { readonly kind: "activation"; readonly name: string; readonly shape: Shape }
  /** A parameter or a running statistic; lives from step to step. `source` is its name in a State. */
  | {
      readonly kind: "parameter" | "statistic";
      readonly name: string;
      readonly dims: readonly number[];
      readonly decay: boolean;
    }
  /** Gradient of the parameter with that id. */
  | { readonly kind: "gradient"; readonly name: string; readonly parameter: TensorId }
  /** One float a channel, from forward to backward: batch mean and reciprocal standard deviation. */
  | { readonly kind: "channels"; readonly name: string; readonly channels: number };

/** outer(inner(norm(x)) + residual), each part optional: what follows a convolution in a residual network. */
export interface Pointwise {
  readonly norm: null | { readonly eps: number; readonly momentum: number };
  readonly innerRelu: boolean;
  readonly add: boolean;
  readonly outerRelu: boolean;
}

/** Batch norm's operands; all absent where `norm` is null. */
export interface NormOperands {
  readonly scale: TensorId;
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
      readonly operands: { scale: TensorId; shift: TensorId; mean: TensorId; variance: TensorId } | null;
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
  /** The optimizer's rule on every parameter at once; decayed ones and the others are two groups. */
  | { readonly kind: "update"; readonly parameters: readonly TensorId[]; readonly gradients: readonly TensorId[] }
  /** Moves the running averages of all parameters and statistics towards their new values. */
  | { readonly kind: "average" };

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
