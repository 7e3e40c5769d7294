// How tensors lie in the heap: NHWC with channels padded to whole SIMD lanes, so that no kernel has a tail to treat.
// Padding lanes hold zeros and stay zero: weights, gradients and statistics there are zero.
import type { ShapedGraph } from "../../network/graph.js";
import type { ParameterGroups } from "../../training/parameter-groups.js";
import type { Parameter, Statistic } from "../../network/parameters.js";
import { statisticsOf } from "../../network/parameters.js";

/** How the values of a map are stored. */
export type Dtype = "float32" | "bfloat16";

export const elementBytes: Readonly<Record<Dtype, number>> = { float32: 4, bfloat16: 2 };

/** Channels as stored: a multiple of 8, the width of a kernel's output tile. */
export function lanesOf(channels: number): number {
  return Math.ceil(channels / 8) * 8;
}

/** The network's images: a multiple of 4, since nothing is ever written to them in tiles. */
export function imageLanesOf(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

/**
 * A logical tensor in padded storage: `blocks` of `rows` rows of `columns` floats, stored as `storedRows` rows of
 * `storedColumns` floats. A filter's blocks are its taps, its rows the input channels; those of a group are as many as there
 * are, since padding a depthwise filter's one row to eight would make eight of it.
 */
export interface StoredTensor {
  readonly name: string;
  /** Bytes from the start of its region. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly blocks: number;
  readonly rows: number;
  readonly storedRows: number;
  readonly columns: number;
  readonly storedColumns: number;
}

/** Gradients and optimizer slots lie as their parameters do, each kind in a region of the same extent. */
export interface ParameterLayout {
  /** Group by group, so that an update sweeps over one stretch; what is never trained comes last. */
  readonly parameters: readonly StoredTensor[];
  readonly parameterBytes: number;
  readonly statistics: readonly StoredTensor[];
  readonly statisticBytes: number;
}

export function layoutParameters(graph: ShapedGraph, { trained, frozen }: ParameterGroups): ParameterLayout {
  const grouped = [...trained.flatMap(({ parameters }) => parameters), ...frozen];
  const parameters = place(graph, grouped);
  const statistics = place(graph, statisticsOf(graph));
  return {
    parameters: parameters.tensors,
    parameterBytes: parameters.end,
    statistics: statistics.tensors,
    statisticBytes: statistics.end,
  };
}

function place(graph: ShapedGraph, tensors: readonly (Parameter | Statistic)[]) {
  let end = 0;
  const placed = tensors.map((tensor): StoredTensor => {
    const stored = { name: tensor.name, offset: end, shape: tensor.shape, ...storageOf(graph, tensor) };
    end += storedBytes(stored);
    return stored;
  });
  return { tensors: placed, end };
}

export function storedBytes({ blocks, storedRows, storedColumns }: StoredTensor): number {
  return blocks * storedRows * storedColumns * 4;
}

function storageOf(graph: ShapedGraph, tensor: Parameter | Statistic) {
  const columns = tensor.shape.at(-1)!;
  const storedColumns = lanesOf(columns);
  if (tensor.role !== "conv_weight" && tensor.role !== "linear_weight") {
    return { blocks: 1, rows: 1, storedRows: 1, columns, storedColumns };
  }
  const { op, inputs } = graph.nodes[tensor.node]!;
  const inputIndex = inputs[0]!;
  if (op.kind === "conv2d" && (op.groups ?? 1) > 1) {
    const [height, width, rows] = tensor.shape as [number, number, number];
    return { blocks: height * width, rows, storedRows: rows, columns, storedColumns };
  }
  const rows = graph.nodes[inputIndex]!.shape.channels;
  const storedRows = inputIndex === 0 ? imageLanesOf(rows) : lanesOf(rows);
  const blocks = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1) / rows;
  return { blocks, rows, storedRows, columns, storedColumns };
}
