// The network as typed nodes in topological order. Dimensions are named, so no memory layout is implied;
// padding is explicit per side, since "same" means different things to different libraries.
import type { Path } from "../diagnostics/diagnostic.js";

export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
}

export type Op =
  | { readonly kind: "input"; readonly height: number; readonly width: number; readonly channels: number }
  | ({ readonly kind: "conv2d"; readonly channels: number; readonly bias: boolean } & Window)
  /** `scale`: whether a factor a channel is learned beside the shift. */
  | { readonly kind: "batch_norm"; readonly eps: number; readonly momentum: number; readonly scale: boolean }
  | { readonly kind: "relu" }
  | { readonly kind: "gelu" }
  /** 1 / (1 + exp(−x)). */
  | { readonly kind: "sigmoid" }
  | { readonly kind: "add" }
  /** A map times a factor a channel and image, as squeeze-and-excitation gates one (Hu et al. 2017, arXiv 1709.01507). */
  | { readonly kind: "multiply" }
  /** Every stride-th pixel, the first among them; channels beyond the input's are zero. */
  | { readonly kind: "subsample"; readonly channels: number; readonly stride: Window["stride"] }
  | ({ readonly kind: "max_pool" } & Window)
  /** Counts padding in its divisor, as PyTorch's AvgPool2d does by default. */
  | ({ readonly kind: "average_pool" } & Window)
  | { readonly kind: "global_average_pool" }
  /** Flattens a map in height, width, channel order. */
  | { readonly kind: "linear"; readonly features: number; readonly bias: boolean }
  /** Every value times the factor. */
  | { readonly kind: "scale"; readonly factor: number };

/** max(x, 0), and x·Φ(x) with the normal distribution's own Φ (arXiv 1606.08415), which no tanh stands in for. */
export type ActivationKind = "relu" | "gelu";

/** Whether an operation is an activation; a table, so that the type cannot grow past it. */
export function isActivation(op: Op): op is OpOf<ActivationKind> {
  return op.kind in activations;
}

const activations: Readonly<Record<ActivationKind, true>> = { relu: true, gelu: true };

export type OpOf<K extends Op["kind"]> = Extract<Op, { kind: K }>;

/**
 * `name` is the node's place in the network and the state_dict prefix of its parameters:
 * "stem.conv", "stages.1.blocks.0.norm2", "stages.1.blocks.0.projection.conv", "classifier".
 */
export interface Node {
  readonly name: string;
  readonly op: Op;
  /** Indices of earlier nodes. */
  readonly inputs: readonly number[];
  /** The value in the configuration that asked for this node. */
  readonly origin: Path;
  /** The layer in a block that the file describes, where it is one. */
  readonly described?: Path;
}

/** Topologically ordered: node 0 is the input, the last node yields the logits. */
export interface Graph {
  readonly nodes: readonly Node[];
}

export type Shape =
  | { readonly kind: "map"; readonly height: number; readonly width: number; readonly channels: number }
  | { readonly kind: "vector"; readonly channels: number };

export interface ShapedNode extends Node {
  /** Shape of what it puts out for one image. */
  readonly shape: Shape;
}

export interface ShapedGraph {
  readonly nodes: readonly ShapedNode[];
}

export function elements(shape: Shape): number {
  return shape.kind === "map" ? shape.height * shape.width * shape.channels : shape.channels;
}
