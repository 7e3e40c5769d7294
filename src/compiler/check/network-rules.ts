// Rules about layers whose shapes are known: windows, receptive fields, and norms that have nothing to average over.
import type { ResolvedConfig } from "../config.js";
import { trainingSplit } from "../datasets.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import { invariant } from "../diagnostics/diagnostic.js";
import { microBatchSizes } from "../training/micro-batches.js";
import type { Op, ShapedGraph, ShapedNode, Window } from "../network/graph.js";
import { spanOf } from "../network/graph.js";
import { lastNorms } from "../network/last-norms.js";
import type { NetworkRule } from "./rule.js";
import { withoutEffect } from "./without-effect.js";

export const networkRules: readonly NetworkRule[] = [
  paddingIsWithinThePool,
  everyWeightMeetsTheMap,
  receptiveFieldIsWithinTheImage,
  normsHaveSeveralValues,
  biasesExist,
  lastNormsExist,
  branchesCanLearn,
];

/** Padded by more than half its kernel, a window could lie in the padding alone; PyTorch refuses it too. */
function paddingIsWithinThePool(_config: ResolvedConfig, { nodes }: ShapedGraph): readonly Diagnostic[] {
  return nodes.flatMap(({ op, origin }): Diagnostic[] => {
    if (op.kind !== "max_pool" && op.kind !== "average_pool") return [];
    const [kernel] = op.kernel;
    const { top } = op.padding;
    if (top <= kernel / 2) return [];
    const path = [...origin, op.kind === "max_pool" ? "max" : "average", "padding"];
    return [
      {
        code: "shape/pooling-padding",
        severity: "error",
        message: `the pool is padded by ${top}, more than half of its ${kernel}×${kernel} window, so a window could see padding alone`,
        path,
        hint: `write \`padding: ${Math.floor(kernel / 2)}\``,
        related: [{ message: "the window is set here", path: [...path.slice(0, -1), "kernel"] }],
      },
    ];
  });
}

/** On a map much smaller than its kernel a convolution has weights that only ever meet padding: they cost and never learn. */
function everyWeightMeetsTheMap(config: ResolvedConfig, { nodes }: ShapedGraph): readonly Diagnostic[] {
  for (const node of nodes) {
    const input = nodes[node.inputs[0]!]?.shape;
    if (node.op.kind !== "conv2d" || input?.kind !== "map") continue;
    const [height, width] = node.op.kernel;
    const { stride, padding, dilation = [1, 1] } = node.op;
    const rows = weightsInUse(input.height, height, dilation[0], stride[0], padding.top, mapOf(node).height);
    const columns = weightsInUse(input.width, width, dilation[1], stride[1], padding.left, mapOf(node).width);
    if (rows === height && columns === width) continue;
    // Later layers suffer from the same cause.
    return [
      {
        code: "shape/idle-weights",
        severity: "warning",
        message:
          `${node.name} slides ${height}×${width} weights over a map of ${input.height}×${input.width}: ` +
          `only ${rows}×${columns} of them ever meet it, the others see padding alone`,
        path: node.origin,
        hint: "use fewer strides or pools before it, or larger images",
        related: [imagesAreSetHere(config)],
      },
    ];
  }
  return [];
}

/** How many of the kernel's positions along one side fall on the map at some place of the window. */
function weightsInUse(
  size: number,
  kernel: number,
  dilation: number,
  stride: number,
  padding: number,
  outputs: number,
): number {
  let count = 0;
  for (let weight = 0; weight < kernel; weight++) {
    // The first window whose weight lies on or behind the map's start
    const first = Math.max(0, Math.ceil((padding - weight * dilation) / stride));
    if (first < outputs && first * stride - padding + weight * dilation < size) count++;
  }
  return count;
}

/**
 * A block whose input already depends on more than the whole image relates nothing new (Richter et al. 2021,
 * arXiv 2106.12307). Shortcuts carry the smaller field past a block, so a block's is the smallest over all ways to it.
 */
function receptiveFieldIsWithinTheImage(config: ResolvedConfig, { nodes }: ShapedGraph): readonly Diagnostic[] {
  const { height, width } = config.model.input;
  const fields: Field[] = [];
  for (const { op, inputs, name, origin } of nodes) {
    const before = inputs.map((input) => fields[input]!).sort((one, other) => one.size - other.size)[0];
    if (name.endsWith(".conv1") && before && before.size > Math.max(height, width)) {
      return [
        {
          code: "shape/receptive-field",
          severity: "warning",
          message:
            `the receptive field before ${name} is ${before.size}×${before.size}, larger than the ${height}×${width} images: ` +
            "convolutions from here on have nothing new to see",
          path: origin,
          hint: "use a smaller kernel, stride or pool before it, or larger images",
          related: [imagesAreSetHere(config)],
        },
      ];
    }
    fields.push(fieldAfter(op, before));
  }
  return [];
}

/** Of the input's pixels, along one side: how many a value depends on, and how far its neighbour's are away. */
interface Field {
  readonly size: number;
  readonly step: number;
}

function fieldAfter(op: Op, before: Field | undefined): Field {
  if (!before) return { size: 1, step: 1 };
  if (op.kind === "subsample") return { ...before, step: before.step * op.stride[0] };
  if (!isWindowed(op)) return before;
  return { size: before.size + (spanOf(op)[0] - 1) * before.step, step: before.step * op.stride[0] };
}

function isWindowed(op: Op): op is Op & Window {
  return "kernel" in op;
}

/** One value has no variance: normalised it is 0, whatever it was. PyTorch refuses such a batch. */
function normsHaveSeveralValues({ data, train }: ResolvedConfig, { nodes }: ShapedGraph): readonly Diagnostic[] {
  const norm = nodes.find((node) => {
    if (node.op.kind !== "batch_norm") return false;
    const { height, width } = mapOf(node);
    return height * width === 1;
  });
  if (!norm) return [];
  const { trainImages } = trainingSplit(data);
  const smallest = (images: number): number => Math.min(...microBatchSizes(images, train));
  const last = train.drop_last ? 0 : trainImages % train.batch_size;
  const isLast = smallest(train.batch_size) > 1 && last > 0 && smallest(last) === 1;
  if (smallest(train.batch_size) > 1 && !isLast) return [];
  const isCut = train.accumulate > 1;
  const batch = isLast
    ? `the last batch of an epoch has ${isCut ? "a part of 1 image" : `1 of the ${trainImages} images`}`
    : `a ${isCut ? "part of a batch" : "batch"} has 1 image`;
  const larger = isCut
    ? `write \`accumulate: ${Math.max(1, Math.floor(train.batch_size / 2))}\` or less`
    : "write `batch_size: 2` or more";
  return [
    {
      code: "train/single-value-norm",
      severity: "error",
      message: `${batch} and the map at ${norm.name} is 1×1, so batch norm would see a single value a channel and yield 0`,
      path: ["train", isCut && !isLast ? "accumulate" : "batch_size"],
      hint: isLast ? "add `drop_last: true`" : `${larger}, or \`norm: none\` there`,
      related: [{ message: "the norm is asked for here", path: norm.origin }],
    },
  ];
}

function biasesExist({ train }: ResolvedConfig, { nodes }: ShapedGraph): readonly Diagnostic[] {
  if (train.initialization.bias === "zero" || nodes.some(({ op }) => "bias" in op && op.bias)) return [];
  const message = "initialization.bias says how biases start, but no layer has one";
  return [withoutEffect(message, ["train", "initialization", "bias"], "take `bias` out")];
}

function lastNormsExist({ train }: ResolvedConfig, graph: ShapedGraph): readonly Diagnostic[] {
  if (!train.initialization.zero_last_norm || scaledLastNorms(graph).length > 0) return [];
  const message = "zero_last_norm is true, but no stage has a norm that could start at 0";
  const hasNorms = graph.nodes.some(({ op, origin }) => op.kind === "batch_norm" && origin[1] === "stages");
  const related = { message: "a stage's norm is set here", path: ["model", "stages", 0, "norm"] };
  const hint = hasNorms ? "take `zero_last_norm` out" : "write `norm: batch`";
  return [withoutEffect(message, ["train", "initialization", "zero_last_norm"], hint, related)];
}

/**
 * With its last norm's scale and shift at 0 a branch yields 0 everywhere. ReLU behind it has slope 0 there (as in PyTorch,
 * relu'(0) = 0), so no gradient ever reaches the branch; GELU lets half of it through (gelu'(0) = 0.5).
 */
function branchesCanLearn({ train }: ResolvedConfig, graph: ShapedGraph): readonly Diagnostic[] {
  if (!train.initialization.zero_last_norm) return [];
  const relu = scaledLastNorms(graph)
    .flatMap(([, between]) => between)
    .find((index) => graph.nodes[index]!.op.kind === "relu");
  if (relu === undefined) return [];
  const { origin, described } = graph.nodes[relu]!;
  const path = described ?? [...origin.slice(0, 3), "activation_before_add"];
  return [
    {
      code: "train/branch-never-learns",
      severity: "error",
      message:
        "zero_last_norm starts each residual branch at 0, and ReLU before the addition lets no gradient " +
        "through there, so the branch would never learn",
      path: ["train", "initialization", "zero_last_norm"],
      hint: `write \`zero_last_norm: false\`, or take ${described ? "the activation out of the block" : "`activation_before_add` out of the stages"}`,
      related: [{ message: "the activation is asked for here", path }],
    },
  ];
}

function scaledLastNorms(graph: ShapedGraph): [number, readonly number[]][] {
  return [...lastNorms(graph)].filter(([index]) => (graph.nodes[index]!.op as { scale?: boolean }).scale);
}

function mapOf({ name, shape }: ShapedNode) {
  invariant(shape.kind === "map", `${name} yields no map`);
  return shape;
}

function imagesAreSetHere({ data }: ResolvedConfig): { readonly message: string; readonly path: Path } {
  return { message: "the size of the images is set here", path: ["data", data.resize ? "resize" : "dataset"] };
}
