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

/** A convolution's window, and which channels it joins. */
export interface Filter extends Window {
  /** Pixels from one element of the kernel to the next; without it 1. */
  readonly dilation?: readonly [height: number, width: number];
  /** Equal shares of the input's and the output's channels that are convolved by themselves; without it 1, all to all. */
  readonly groups?: number;
}

export type Op =
  | { readonly kind: "input"; readonly height: number; readonly width: number; readonly channels: number }
  | ({ readonly kind: "conv2d"; readonly channels: number; readonly bias: boolean } & Filter)
  /** `scale`: whether a factor a channel is learned beside the shift. */
  | { readonly kind: "batch_norm"; readonly eps: number; readonly momentum: number; readonly scale: boolean }
  // Activations: activations.ts has what each computes
  | Plain<"relu" | "relu6" | "gelu" | "silu" | "hard_swish" | "sigmoid" | "hard_sigmoid">
  /** `slope`: of what is below zero. */
  | { readonly kind: "leaky_relu"; readonly slope: number }
  | { readonly kind: "add" }
  /**
   * A map times another of its shape, or times a factor a channel and image, as squeeze-and-excitation gates one (Hu et al.
   * 2017, arXiv 1709.01507).
   */
  | { readonly kind: "multiply" }
  /** The channels of all inputs, one input's behind the other's (Huang et al. 2016, arXiv 1608.06993). */
  | { readonly kind: "concatenate" }
  /** So many channels from one on. */
  | { readonly kind: "slice"; readonly from: number; readonly channels: number }
  /** Channel i of group g becomes channel g of group i (Zhang et al. 2017, arXiv 1707.01083). */
  | { readonly kind: "shuffle"; readonly groups: number }
  /** Every stride-th pixel, the first among them; channels beyond the input's are zero. */
  | { readonly kind: "subsample"; readonly channels: number; readonly stride: Window["stride"] }
  | ({ readonly kind: "max_pool" } & Window)
  /** Counts padding in its divisor, as PyTorch's AvgPool2d does by default. */
  | ({ readonly kind: "average_pool" } & Window)
  | { readonly kind: "global_average_pool" }
  /** Flattens a map in height, width, channel order. */
  | { readonly kind: "linear"; readonly features: number; readonly bias: boolean }
  /** Over the channels of each pixel, with a factor and a term a channel (Ba et al. 2016, arXiv 1607.06450). */
  | { readonly kind: "layer_norm"; readonly eps: number }
  /** Over each image's pixels and the channels of a group (Wu and He 2018, arXiv 1803.08494). */
  | { readonly kind: "group_norm"; readonly groups: number; readonly eps: number }
  /** Times a factor that is learned, a channel (Touvron et al. 2021, arXiv 2103.17239) or one for all (arXiv 2002.10444, 2003.04887). */
  | { readonly kind: "learned_scale"; readonly initial: number; readonly per: "channel" | "tensor" }
  /** In training, each element is zero at that rate, and the others grow by as much (Srivastava et al. 2014). */
  | { readonly kind: "dropout"; readonly rate: number }
  /** The same of whole images (Huang et al. 2016, arXiv 1603.09382). */
  | { readonly kind: "drop_path"; readonly rate: number }
  /** Every value times the factor. */
  | { readonly kind: "scale"; readonly factor: number };

/** Operations without settings. */
type Plain<K extends string> = K extends string ? { readonly kind: K } : never;

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

/** Pixels that a kernel spans, its dilation included. */
export function spanOf({ kernel, dilation = [1, 1] }: Filter): [height: number, width: number] {
  return [(kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1];
}

/** Without what is 1 in any case: two convolutions that do the same are said in one way. */
export function filterOf({ kernel, stride, padding, dilation = [1, 1], groups = 1 }: Filter): Filter {
  const spread = dilation[0] * dilation[1] === 1 ? {} : { dilation };
  return { kernel, stride, padding, ...spread, ...(groups === 1 ? {} : { groups }) };
}

export function elements(shape: Shape): number {
  return shape.kind === "map" ? shape.height * shape.width * shape.channels : shape.channels;
}
