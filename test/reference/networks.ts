// Small networks that together reach every operation and every shape of residual block; for the tests of lowering.
import type { Filter, Op, ShapedGraph } from "../../src/compiler/network/graph.js";
import type { Layer } from "./build-program.js";
import { graphOf, square } from "./build-program.js";

const conv = (channels: number, filter: Filter, bias = false): Op => ({ kind: "conv2d", channels, bias, ...filter });
const norm: Op = { kind: "batch_norm", eps: 1e-3, momentum: 0.3, scale: true };
const shiftOnly: Op = { kind: "batch_norm", eps: 1e-3, momentum: 0.3, scale: false };
const relu: Op = { kind: "relu" };
const gelu: Op = { kind: "gelu" };
const linear = (features: number, bias = true): Op => ({ kind: "linear", features, bias });
const same = square(3, 1, 1);
const stem: readonly Layer[] = [
  ["stem.conv", conv(4, same)],
  ["stem.norm", norm],
  ["stem.activation", relu],
];
const head: readonly Layer[] = [
  ["pooling", { kind: "global_average_pool" }],
  ["classifier", linear(4)],
];

interface Block {
  readonly channels: number;
  readonly stride?: number;
  readonly isNormed?: boolean;
  readonly isActive?: boolean;
  readonly activationBeforeAdd?: boolean;
  readonly projection?: "subsample" | { readonly bias: boolean; readonly isNormed: boolean };
}

/** As build-graph lays a block out: branch first, then the projection, then the sum. */
function block(name: string, input: string, options: Block): Layer[] {
  const { channels, stride = 1, isNormed = true, isActive = true, projection } = options;
  const layers: Layer[] = [[`${name}.conv1`, conv(channels, square(3, stride, 1)), [input]]];
  if (isNormed) layers.push([`${name}.norm1`, norm]);
  if (isActive) layers.push([`${name}.activation1`, relu]);
  layers.push([`${name}.conv2`, conv(channels, same)]);
  if (isNormed) layers.push([`${name}.norm2`, norm]);
  if (options.activationBeforeAdd) layers.push([`${name}.activation2`, relu]);
  const branch = layers.at(-1)![0];
  if (projection === "subsample") {
    layers.push([`${name}.projection`, { kind: "subsample", channels, stride: [stride, stride] }, [input]]);
  } else if (projection) {
    layers.push([`${name}.projection.conv`, conv(channels, square(1, stride), projection.bias), [input]]);
    if (projection.isNormed) layers.push([`${name}.projection.norm`, norm]);
  }
  const shortcut = projection ? layers.at(-1)![0] : input;
  layers.push([`${name}.add`, { kind: "add" }, [branch, shortcut]]);
  if (isActive) layers.push([`${name}.activation`, relu]);
  return layers;
}

const net = (input: readonly [number, number, number], layers: readonly Layer[]): ShapedGraph => graphOf(input, layers);

export const networks: Readonly<Record<string, ShapedGraph>> = {
  "one linear layer on a map": net(
    [6, 5, 2],
    [
      ["conv", conv(3, same, true)],
      ["classifier", linear(4)],
    ],
  ),
  "no norm": net(
    [7, 5, 3],
    [
      ["conv1", conv(5, same, true)],
      ["activation1", relu],
      ["conv2", conv(6, square(2, 2), true)],
      ["activation2", relu],
      ...head,
    ],
  ),
  "convolutions in groups": net(
    [9, 11, 3],
    [
      ["stem.conv", conv(24, same)],
      ["stem.norm", norm],
      ["stem.activation", relu],
      ["depthwise", conv(24, { ...same, groups: 24 })],
      ["depthwise.norm", norm],
      ["depthwise.activation", relu],
      ["fours", conv(24, { ...same, groups: 6 })],
      ["fours.norm", norm],
      ["fours.activation", relu],
      ["strided", conv(24, { ...square(5, 2, 2), groups: 24 }, true)],
      ["strided.activation", relu],
      ["eights", conv(16, { ...same, groups: 2 })],
      ["eights.add", { kind: "add" }, ["eights", "eights"]],
      ["dilated", conv(16, { ...square(3, 1, 2), dilation: [2, 2], groups: 16 })],
      ["threes", conv(6, { ...same, groups: 2 })],
      ...head,
    ],
  ),
  "a norm without an activation": net([6, 6, 1], [["conv", conv(5, same)], ["norm", norm], ...head]),
  "overlapping maximum pooling with padding": net(
    [9, 8, 3],
    [
      ...stem,
      ["pool", { kind: "max_pool", ...square(3, 2, 1) }],
      ["conv", conv(5, same, true)],
      ["pooling", { kind: "max_pool", ...square(2, 1) }],
      ["classifier", linear(3, false)],
    ],
  ),
  "overlapping average pooling with padding": net(
    [9, 8, 3],
    [
      ["conv", conv(5, same)],
      ["pool", { kind: "average_pool", ...square(3, 2, 1) }],
      ["norm", norm],
      ["activation", relu],
      ["pooling", { kind: "average_pool", ...square(2, 2) }],
      ["classifier", linear(5)],
    ],
  ),
  "oblong kernels, strides and paddings": net(
    [9, 11, 2],
    [
      ["conv1", conv(5, { kernel: [3, 5], stride: [2, 1], padding: { top: 0, bottom: 1, left: 3, right: 2 } }, true)],
      ["norm", norm],
      ["activation", relu],
      ["pool", { kind: "max_pool", kernel: [2, 3], stride: [1, 2], padding: { top: 1, bottom: 0, left: 1, right: 1 } }],
      ["conv2", conv(6, { kernel: [4, 2], stride: [1, 3], padding: { top: 2, bottom: 1, left: 0, right: 1 } })],
      [
        "pooling",
        { kind: "average_pool", kernel: [1, 2], stride: [2, 1], padding: { top: 0, bottom: 0, left: 1, right: 0 } },
      ],
      ["classifier", linear(4)],
    ],
  ),
  "an identity shortcut": net([6, 6, 3], [...stem, ...block("block", "stem.activation", { channels: 4 }), ...head]),
  "an activation before the addition": net(
    [6, 6, 3],
    [...stem, ...block("block", "stem.activation", { channels: 4, activationBeforeAdd: true }), ...head],
  ),
  "an identity shortcut without norms": net(
    [6, 5, 3],
    [
      ["stem.conv", conv(5, same, true)],
      ...block("block", "stem.conv", { channels: 5, isNormed: false, activationBeforeAdd: true }),
      ...head,
    ],
  ),
  "a block without norms and activations": net(
    [5, 5, 2],
    [
      ["stem.conv", conv(3, same, true)],
      ...block("block", "stem.conv", { channels: 3, isNormed: false, isActive: false }),
      ...head,
    ],
  ),
  "a projection with a bias": net(
    [8, 7, 3],
    [
      ...stem,
      ...block("block", "stem.activation", { channels: 6, stride: 2, projection: { bias: true, isNormed: false } }),
      ...head,
    ],
  ),
  "a projection with a norm": net(
    [8, 7, 3],
    [
      ...stem,
      ...block("block", "stem.activation", { channels: 6, stride: 2, projection: { bias: false, isNormed: true } }),
      ...head,
    ],
  ),
  "a projection in a block without norms": net(
    [7, 7, 3],
    [
      ["stem.conv", conv(4, same, true)],
      ...block("block", "stem.conv", {
        channels: 6,
        stride: 3,
        isNormed: false,
        projection: { bias: true, isNormed: false },
      }),
      ...head,
    ],
  ),
  "shortcuts without parameters": net(
    [8, 7, 3],
    [
      ...stem,
      ...block("wider", "stem.activation", { channels: 9, stride: 2, projection: "subsample" }),
      ...block("smaller", "wider.activation", { channels: 9, stride: 3, projection: "subsample" }),
      ...head,
    ],
  ),
  "groups with pools, norms without scales and a factor on the logits": net(
    [13, 12, 3],
    [
      ["stem.conv", conv(8, square(2), true)],
      ["stem.activation", gelu],
      ["group.conv1", conv(10, same)],
      ["group.pool", { kind: "max_pool", ...square(2, 2) }],
      ["group.norm1", shiftOnly],
      ["group.activation1", gelu],
      ["group.conv2", conv(10, same)],
      ["group.norm2", shiftOnly],
      ["group.activation2", gelu],
      ["pooling", { kind: "max_pool", ...square(3, 3) }],
      ["classifier", linear(4, false)],
      ["scale", { kind: "scale", factor: 0.3 }],
    ],
  ),
  "a group with a shortcut": net(
    [7, 6, 3],
    [
      ["group.conv1", conv(6, same)],
      ["group.norm1", norm],
      ["group.activation1", gelu],
      ["group.conv2", conv(6, same)],
      ["group.norm2", shiftOnly],
      ["group.add", { kind: "add" }, ["group.norm2", "group.activation1"]],
      ["group.activation2", gelu],
      ...head,
    ],
  ),
  "a group whose last convolution reads what is added to it": net(
    [12, 12, 3],
    [
      ...stem,
      ["group.conv1", conv(8, same)],
      ["group.activation1", relu],
      ["group.conv2", conv(8, same)],
      ["group.norm2", norm],
      ["group.add", { kind: "add" }, ["group.norm2", "group.activation1"]],
      ["group.activation2", relu],
      ...head,
    ],
  ),
  "stages with pools and several blocks": net(
    [16, 16, 3],
    [
      ["stem.conv", conv(8, square(7, 2), true)],
      ["stem.norm", norm],
      ["stem.activation", relu],
      ["stem.pool", { kind: "max_pool", ...square(3, 1, 1) }],
      ...block("stages.0.blocks.0", "stem.pool", { channels: 8, activationBeforeAdd: true }),
      ...block("stages.0.blocks.1", "stages.0.blocks.0.activation", { channels: 8, activationBeforeAdd: true }),
      ["stages.1.pool", { kind: "max_pool", ...square(2, 2) }],
      ...block("stages.1.blocks.0", "stages.1.pool", {
        channels: 12,
        stride: 2,
        projection: { bias: true, isNormed: false },
      }),
      ["pooling", { kind: "average_pool", ...square(1, 1) }],
      ["classifier", linear(5)],
    ],
  ),
};
