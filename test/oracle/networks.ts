// The networks and their training that PyTorch's numbers are recorded for, as Programs. Two are configs of ours; small
// ones are built node by node, so that they reach what no configuration asks for: uneven padding, oblong kernels, several poolings.
import { readFileSync } from "node:fs";
import { compileText } from "../../src/compiler/compile.js";
import type { OptimizerConfig, ResolvedConfig } from "../../src/compiler/config.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import type { Filter, Node, Op, ShapedGraph, Window } from "../../src/compiler/network/graph.js";
import { inferShapes } from "../../src/compiler/network/infer-shapes.js";
import { plan } from "../../src/compiler/training/plan.js";
import type { Program } from "../../src/compiler/program.js";

export interface OracleCase {
  readonly name: string;
  /** Key of every draw: initial parameters, images, labels. */
  readonly seed: number;
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly program: Program;
}

interface Training {
  readonly optimizer: OptimizerConfig;
  readonly labelSmoothing: number;
  readonly classes: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly accumulate?: number;
  readonly clip?: number;
}

const sgd = (options: Partial<Extract<OptimizerConfig, { sgd: unknown }>["sgd"]> = {}): OptimizerConfig => ({
  sgd: { momentum: 0, nesterov: false, weight_decay: 0, decoupled: false, decay_norm_and_bias: true, ...options },
});
const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, decay_norm_and_bias: true };
const cifarMean = [0.49139968, 0.48215841, 0.44653091];
const cifarStd = [0.24703223, 0.24348513, 0.26158784];

/**
 * The rates of the two large networks are low because rounding alone drives two correct float32 trajectories apart: at these
 * rates PyTorch's own float32 stays within 1e-4 of its float64 (a rate of 0.01 gives 7e-2 after 20 steps, by relu masks that flip).
 */
export function oracleCases(): OracleCase[] {
  return [
    resNet20(),
    tutorial(),
    oddWindows(),
    residualAdamW(),
    noNormAdam(),
    unevenStrides(),
    optionA(),
    groupsLookahead(),
    muonStochastic(),
    clippedParts(),
    squeezeAndExcitation(),
    convolutionsInGroups(),
    splitAndConcatenated(),
    scaledAndDropped(),
  ];
}

/** configs/resnet-20.yaml, its optimizer written out. */
function resNet20(): OracleCase {
  const optimizer = sgd({ momentum: 0.9, weight_decay: 1e-4 });
  const training = { optimizer, labelSmoothing: 0, classes: 10, mean: cifarMean, std: cifarStd };
  const run = { seed: 20, batch: 16, learningRate: 0.0005 };
  return fromFile("resnet-20", "resnet-20.yaml", run, training);
}

/** configs/resnet-cifar-96.yaml with its plain SGD. */
function tutorial(): OracleCase {
  const half = [0.5, 0.5, 0.5];
  const training = { optimizer: sgd(), labelSmoothing: 0, classes: 10, mean: half, std: half };
  const run = { seed: 96, batch: 4, learningRate: 0.0001 };
  return fromFile("tutorial-96", "resnet-cifar-96.yaml", run, training);
}

/** Nesterov; no norm, a bias everywhere, 5×5 at stride 3, and pooling with padding over values below zero. */
function oddWindows(): OracleCase {
  const net = new Network(17, 13, 3);
  let x = net.add("stem.conv", { kind: "conv2d", channels: 5, bias: true, ...window(5, 1, 2) }, 0);
  x = net.add("stem.pool", { kind: "max_pool", ...window(3, 2, 1) }, x); // before any relu: padding must not win
  x = net.add("stem.activation", { kind: "relu" }, x);
  x = net.add("middle.conv", { kind: "conv2d", channels: 7, bias: true, ...window(5, 3, 2) }, x);
  x = net.add("middle.pool", { kind: "average_pool", ...window(2, 1, 1) }, x);
  net.add("classifier", { kind: "linear", features: 4, bias: true }, x);
  const optimizer = sgd({ momentum: 0.9, nesterov: true, weight_decay: 5e-3 });
  const training = { optimizer, labelSmoothing: 0.1, classes: 4, mean: cifarMean, std: cifarStd };
  return fromGraph("odd-windows", { seed: 1, batch: 6, learningRate: 0.02 }, net, training);
}

/** AdamW, decay spared for norms and biases; activation before the addition, a biased projection, two residual blocks. */
function residualAdamW(): OracleCase {
  const net = new Network(12, 12, 3);
  let x = net.add("stem.conv", { kind: "conv2d", channels: 6, bias: false, ...window(3, 1, 1) }, 0);
  x = net.add("stem.norm", { kind: "batch_norm", eps: 1e-3, momentum: 0.1, scale: true }, x);
  x = net.add("stem.activation", { kind: "relu" }, x);
  x = residualBlock(net, "stages.0.blocks.0", x, 6, 1);
  x = residualBlock(net, "stages.1.blocks.0", x, 11, 2);
  x = net.add("pooling", { kind: "average_pool", ...window(3, 3, 0) }, x);
  net.add("classifier", { kind: "linear", features: 5, bias: false }, x);
  const optimizer: OptimizerConfig = {
    adamw: { ...adam, weight_decay: 0.05, decay_norm_and_bias: false },
  };
  const training = { optimizer, labelSmoothing: 0, classes: 5, mean: cifarMean, std: cifarStd };
  return fromGraph("residual-adamw", { seed: 5, batch: 6, learningRate: 0.002 }, net, training);
}

/** Adam with coupled weight decay; one channel in, 5×5 at stride 3, global average pooling. */
function noNormAdam(): OracleCase {
  const net = new Network(16, 11, 1);
  let x = net.add("stem.conv", { kind: "conv2d", channels: 3, bias: true, ...window(5, 3, 1) }, 0);
  x = net.add("stem.activation", { kind: "relu" }, x);
  x = net.add("middle.conv", { kind: "conv2d", channels: 10, bias: true, ...window(2, 1, 1) }, x);
  x = net.add("middle.activation", { kind: "relu" }, x);
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  net.add("classifier", { kind: "linear", features: 3, bias: true }, x);
  const optimizer: OptimizerConfig = {
    adam: { ...adam, beta1: 0.8, beta2: 0.99, eps: 1e-6, weight_decay: 0.01 },
  };
  const training = { optimizer, labelSmoothing: 0.2, classes: 3, mean: [0.4], std: [0.3] };
  return fromGraph("no-norm-adam", { seed: 3, batch: 5, learningRate: 0.004 }, net, training);
}

/** Momentum, decay spared for norms and biases; oblong kernels, strides and paddings that differ per side and axis. */
function unevenStrides(): OracleCase {
  const net = new Network(15, 20, 2);
  const uneven: Window = {
    kernel: [3, 5],
    stride: [2, 1],
    padding: { top: 0, bottom: 1, left: 3, right: 2 },
  };
  const tall: Window = {
    kernel: [4, 2],
    stride: [1, 3],
    padding: { top: 2, bottom: 1, left: 0, right: 1 },
  };
  const pool: Window = {
    kernel: [2, 3],
    stride: [1, 2],
    padding: { top: 1, bottom: 0, left: 1, right: 1 },
  };
  let x = net.add("stem.conv", { kind: "conv2d", channels: 9, bias: true, ...uneven }, 0);
  x = net.add("stem.norm", { kind: "batch_norm", eps: 1e-5, momentum: 0.3, scale: true }, x);
  x = net.add("stem.pool", { kind: "max_pool", ...pool }, x);
  x = net.add("middle.conv", { kind: "conv2d", channels: 6, bias: false, ...tall }, x);
  x = net.add("middle.norm", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, x);
  x = net.add("middle.activation", { kind: "relu" }, x);
  x = net.add("pooling", { kind: "max_pool", ...window(3, 3, 0) }, x);
  net.add("classifier", { kind: "linear", features: 6, bias: true }, x);
  const optimizer = sgd({ momentum: 0.8, weight_decay: 0.01, decay_norm_and_bias: false });
  const training = { optimizer, labelSmoothing: 0, classes: 6, mean: [0.5, 0.3], std: [0.25, 0.5] };
  return fromGraph("uneven-strides", { seed: 4, batch: 7, learningRate: 0.01 }, net, training);
}

/** Shortcuts without parameters, as in the paper's own CIFAR-10 networks: wider and smaller, wider alone, smaller alone. */
function optionA(): OracleCase {
  const net = new Network(11, 12, 3);
  let x = net.add("stem.conv", { kind: "conv2d", channels: 5, bias: false, ...window(3, 1, 1) }, 0);
  x = net.add("stem.norm", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, x);
  x = net.add("stem.activation", { kind: "relu" }, x);
  x = residualBlock(net, "stages.0.blocks.0", x, 10, 2, "subsample");
  x = residualBlock(net, "stages.1.blocks.0", x, 13, 1, "subsample");
  x = residualBlock(net, "stages.2.blocks.0", x, 13, 3, "subsample");
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  net.add("classifier", { kind: "linear", features: 5, bias: true }, x);
  const training = { optimizer: sgd({ momentum: 0.9 }), labelSmoothing: 0, classes: 5, mean: cifarMean, std: cifarStd };
  return fromGraph("option-a", { seed: 8, batch: 6, learningRate: 0.01 }, net, training);
}

/** configs/cifar-94.yaml in small: whitening, groups with pools and a shortcut, rates of their own, a bias that freezes, Lookahead. */
function groupsLookahead(): OracleCase {
  const text = `
name: groups-lookahead
data: { dataset: { synthetic: { train_images: 120, height: 14, width: 13, classes: 5 } } }
model:
  stem: { channels: 24, kernel: 2, bias: true, whitening: { images: 120 }, norm: none, activation: gelu }
  stages:
    - channels: 9
      blocks: 1
      block: { group: { pool: { max: { kernel: 2 } } } }
      norm: &norm { batch: { eps: 1e-12, momentum: 0.4, scale: false } }
      activation: gelu
    - { channels: 12, blocks: 1, block: { group: { convolutions: 3, shortcut: true } }, norm: *norm, activation: gelu }
  pooling: { max: { kernel: 3 } }
  classifier: { bias: false, scale: 0.3 }
train:
  epochs: 2
  batch_size: 6
  optimizer: { sgd: { momentum: 0.85, nesterov: true, weight_decay: 1e-3 } }
  groups:
    - { roles: [norm_shift], rate_factor: 8, weight_decay: 1e-4 }
    - { layers: [stem], roles: [bias], epochs: 0.4 }
  learning_rate: 0.05
  loss: { cross_entropy: { label_smoothing: 0.2 } }
  weight_average: { lookahead: { decay: 0.77, power: 3 } }
`;
  return fromText(text, { seed: 94, batch: 6, learningRate: 0.05 });
}

/** Muon for filters, decoupled decay for the classifier, AdamW for the rest, each at its own rate; the mean of late weights. */
function muonStochastic(): OracleCase {
  const text = `
name: muon-stochastic
data: { dataset: { synthetic: { train_images: 120, height: 12, width: 12, classes: 4 } } }
model:
  stem: { channels: 40 }
  stages:
    - { channels: 7, blocks: 1, stride: 2, projection: { bias: true, norm: none } }
train:
  epochs: 1
  batch_size: 6
  optimizer: { adamw: { weight_decay: 0.02, decay_norm_and_bias: false } }
  groups:
    - { roles: [conv_weight], layers: [stages], optimizer: { muon: { momentum: 0.6, iterations: 3, normalize_weights: true } }, learning_rate: { one_cycle: { peak: 0.1, start: 0.1, peak_at: 0.01 } } }
    - { roles: [conv_weight], optimizer: { muon: { weight_decay: 0.1, nesterov: false } }, learning_rate: 0.02 }
    - { roles: [linear_weight], optimizer: { sgd: { momentum: 0.9, decoupled: true, weight_decay: 0.05 } }, rate_factor: 10 }
  learning_rate: 0.002
  weight_average: { stochastic: { from_epoch: 0.5, every_steps: 2 } }
`;
  return fromText(text, { seed: 95, batch: 6, learningRate: 0.002 });
}

/** Gradients accumulated over three parts of each batch and limited to a norm that some steps exceed and others do not. */
function clippedParts(): OracleCase {
  const net = new Network(12, 12, 3);
  let x = net.add("stem.conv", { kind: "conv2d", channels: 6, bias: false, ...window(3, 1, 1) }, 0);
  x = net.add("stem.norm", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, x);
  x = net.add("stem.activation", { kind: "relu" }, x);
  x = residualBlock(net, "stages.0.blocks.0", x, 11, 2);
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  net.add("classifier", { kind: "linear", features: 5, bias: true }, x);
  const optimizer = sgd({ momentum: 0.9, nesterov: true, weight_decay: 1e-3 });
  const parts = { accumulate: 3, clip: 0.8 };
  const training = { optimizer, labelSmoothing: 0.1, classes: 5, mean: cifarMean, std: cifarStd, ...parts };
  return fromGraph("clipped-parts", { seed: 8, batch: 6, learningRate: 0.01 }, net, training);
}

/** Gates a factor a channel and image (Hu et al. 2017): one whose map is added to what it gates, one before a strided block. */
function squeezeAndExcitation(): OracleCase {
  const net = new Network(11, 14, 3);
  const gated = (name: string, input: number, channels: number, squeezed: number): number => {
    let x = net.add(`${name}.pooling`, { kind: "global_average_pool" }, input);
    x = net.add(`${name}.squeeze`, { kind: "linear", features: squeezed, bias: true }, x);
    x = net.add(`${name}.squeezed`, { kind: "relu" }, x);
    x = net.add(`${name}.excite`, { kind: "linear", features: channels, bias: true }, x);
    x = net.add(`${name}.gate`, { kind: "sigmoid" }, x);
    return net.add(`${name}.gated`, { kind: "multiply" }, input, x);
  };
  let x = net.add("stem.conv", { kind: "conv2d", channels: 12, bias: false, ...window(3, 1, 1) }, 0);
  x = net.add("stem.norm", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, x);
  x = net.add("stem.activation", { kind: "relu" }, x);
  x = net.add("stem.add", { kind: "add" }, gated("stem", x, 12, 5), x);
  x = net.add("middle.conv", { kind: "conv2d", channels: 9, bias: true, ...window(3, 2, 1) }, x);
  x = net.add("middle.activation", { kind: "gelu" }, x);
  x = gated("middle", x, 9, 4);
  x = residualBlock(net, "stages.0.blocks.0", x, 10, 2);
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  net.add("classifier", { kind: "linear", features: 4, bias: true }, x);
  const optimizer = sgd({ momentum: 0.9, weight_decay: 1e-3 });
  const training = { optimizer, labelSmoothing: 0.1, classes: 4, mean: cifarMean, std: cifarStd };
  return fromGraph("squeeze-and-excitation", { seed: 17, batch: 6, learningRate: 0.02 }, net, training);
}

/** What MobileNetV2, ResNeXt and dilated networks are made of: filters a channel, several a channel, groups of four, dilation. */
function convolutionsInGroups(): OracleCase {
  const net = new Network(13, 11, 3);
  const joined = (name: string, input: number, channels: number, filter: Filter): number => {
    const conv = net.add(`${name}.conv`, { kind: "conv2d", channels, bias: false, ...filter }, input);
    const norm = net.add(`${name}.norm`, { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, conv);
    return net.add(`${name}.activation`, { kind: "relu" }, norm);
  };
  let x = joined("stem", 0, 12, window(3, 1, 1));
  const expanded = joined("inverted.expand", x, 20, window(1, 1, 0));
  const depthwise = joined("inverted.depthwise", expanded, 20, { ...window(3, 1, 1), groups: 20 });
  const projected = net.add(
    "inverted.conv",
    { kind: "conv2d", channels: 12, bias: true, ...window(1, 1, 0) },
    depthwise,
  );
  x = net.add("inverted.add", { kind: "add" }, projected, x);
  x = joined("strided.depthwise", x, 24, { ...window(5, 2, 2), groups: 12 });
  x = joined("grouped", x, 16, { ...window(3, 1, 1), groups: 4 });
  x = joined("dilated", x, 9, { ...window(3, 1, 2), dilation: [2, 2] });
  x = joined("wide", x, 9, { ...window(3, 1, 3), dilation: [3, 3], groups: 9 });
  x = net.add("shares", { kind: "conv2d", channels: 6, bias: true, ...window(3, 2, 1), groups: 3 }, x);
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  net.add("classifier", { kind: "linear", features: 4, bias: true }, x);
  const optimizer = sgd({ momentum: 0.9, weight_decay: 1e-3 });
  const training = { optimizer, labelSmoothing: 0.1, classes: 4, mean: cifarMean, std: cifarStd };
  return fromGraph("convolutions-in-groups", { seed: 23, batch: 6, learningRate: 0.02 }, net, training);
}

/** Every activation behind a norm, products of maps, and channels that are split, shuffled and concatenated. */
function splitAndConcatenated(): OracleCase {
  const net = new Network(11, 14, 3);
  const norm: Op = { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true };
  const layer = (name: string, input: number, channels: number, activation: Op, stride = 1): number => {
    let x = net.add(`${name}.conv`, { kind: "conv2d", channels, bias: false, ...window(3, stride, 1) }, input);
    x = net.add(`${name}.norm`, norm, x);
    return net.add(`${name}.activation`, activation, x);
  };
  let x = layer("stem", 0, 13, { kind: "silu" });
  const left = net.add("left", { kind: "slice", from: 0, channels: 5 }, x);
  const right = net.add("right", { kind: "slice", from: 5, channels: 8 }, x);
  let branch = layer("first", right, 6, { kind: "hard_swish" });
  branch = layer("second", branch, 4, { kind: "relu6" });
  x = net.add("concatenated", { kind: "concatenate" }, left, branch, right, branch); // 5 + 4 + 8 + 4 channels
  x = net.add("shuffled", { kind: "shuffle", groups: 3 }, x);
  x = layer("third", x, 12, { kind: "leaky_relu", slope: 0.1 }, 2);
  const gate = layer("gate", x, 12, { kind: "hard_sigmoid" });
  x = net.add("gated", { kind: "multiply" }, x, gate);
  x = net.add("squared", { kind: "multiply" }, x, x);
  x = net.add("summed", { kind: "add" }, x, layer("fourth", x, 12, { kind: "sigmoid" }));
  x = net.add("activation", { kind: "gelu" }, x);
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  net.add("classifier", { kind: "linear", features: 4, bias: true }, x);
  const optimizer = sgd({ momentum: 0.9, weight_decay: 1e-3 });
  const training = { optimizer, labelSmoothing: 0.1, classes: 4, mean: cifarMean, std: cifarStd };
  return fromGraph("split-and-concatenated", { seed: 18, batch: 6, learningRate: 0.02 }, net, training);
}

/** Blocks like ConvNeXt's (arXiv 2201.03545), with drop path over micro-batches, group norm, one factor a block, and dropout. */
function scaledAndDropped(): OracleCase {
  const net = new Network(11, 14, 3);
  const conv = (name: string, input: number, channels: number, kernel: number, stride = 1): number =>
    net.add(name, { kind: "conv2d", channels, bias: true, ...window(kernel, stride, (kernel - 1) / 2) }, input);
  const block = (name: string, input: number, channels: number, rate: number, per: "channel" | "tensor"): number => {
    let x = conv(`${name}.conv`, input, channels, 3);
    x = net.add(`${name}.norm`, { kind: "layer_norm", eps: 1e-6 }, x);
    x = conv(`${name}.widen`, x, 3 * channels, 1);
    x = net.add(`${name}.activation`, { kind: "gelu" }, x);
    x = conv(`${name}.narrow`, x, channels, 1);
    x = net.add(`${name}.scale`, { kind: "learned_scale", initial: 0.1, per }, x);
    x = net.add(`${name}.drop_path`, { kind: "drop_path", rate }, x);
    return net.add(`${name}.add`, { kind: "add" }, x, input);
  };
  let x = conv("stem", 0, 12, 3, 2);
  x = net.add("norm", { kind: "layer_norm", eps: 1e-6 }, x);
  x = block("first", x, 12, 0, "channel");
  x = block("second", x, 12, 0.2, "tensor");
  x = net.add("groups", { kind: "group_norm", groups: 3, eps: 1e-5 }, x);
  x = net.add("activation", { kind: "silu" }, x);
  x = block("third", x, 12, 0.4, "channel");
  x = net.add("thinned", { kind: "dropout", rate: 0.1 }, x);
  x = net.add("pooling", { kind: "global_average_pool" }, x);
  x = net.add("head", { kind: "layer_norm", eps: 1e-6 }, x);
  x = net.add("dropout", { kind: "dropout", rate: 0.5 }, x);
  net.add("classifier", { kind: "linear", features: 4, bias: true }, x);
  const optimizer: OptimizerConfig = { adamw: { ...adam, weight_decay: 0.02, decay_norm_and_bias: false } };
  const training = { optimizer, labelSmoothing: 0.1, classes: 4, mean: cifarMean, std: cifarStd, accumulate: 2 };
  return fromGraph("scaled-and-dropped", { seed: 19, batch: 8, learningRate: 0.002 }, net, training);
}

/**
 * One operation each, between a 1×1 convolution, whose gradient tells the operation's gradient by its input, and a classifier.
 * Two steps, momentum without decay.
 */
export function probeCases(): OracleCase[] {
  const conv = (channels: number, size: Filter, bias = false): Op => ({
    kind: "conv2d",
    channels,
    bias,
    ...size,
  });
  const same = window(3, 1, 1); // what Winograd kernels are for
  const uneven: Window = {
    kernel: [3, 5],
    stride: [2, 1],
    padding: { top: 0, bottom: 1, left: 3, right: 2 },
  };
  const lopsided: Window = { ...same, padding: { top: 2, bottom: 0, left: 0, right: 1 } };
  const probes: readonly (readonly [map: string, channels: number, op: Op, batch?: number])[] = [
    ["8x8", 4, conv(8, same)],
    ["8x8", 8, conv(16, same, true)],
    ["12x12", 16, conv(16, same)],
    ["9x7", 16, conv(24, same)],
    ["4x4", 32, conv(32, same), 5],
    ["3x3", 40, conv(64, same), 9],
    ["2x2", 8, conv(8, same), 17],
    ["1x1", 12, conv(12, same)],
    ["10x6", 5, conv(7, same, true)],
    ["5x5", 3, conv(1, same)],
    ["6x6", 1, conv(6, same)],
    ["6x9", 6, conv(10, lopsided)],
    ["7x5", 9, conv(4, window(3, 1, 0))],
    ["7x7", 4, conv(12, window(3, 1, 2), true)],
    ["8x8", 16, conv(32, window(3, 2, 1))],
    ["9x7", 3, conv(5, window(3, 2, 1), true)],
    ["11x13", 7, conv(3, window(3, 3, 1))],
    ["6x6", 8, conv(16, window(1, 1, 0))],
    ["8x8", 16, conv(32, window(1, 2, 0), true)],
    ["7x5", 5, conv(11, window(1, 2, 0))],
    ["5x5", 4, conv(4, window(1, 3, 1))],
    ["15x17", 3, conv(16, window(7, 2, 0), true)],
    ["9x9", 4, conv(8, window(5, 1, 2))],
    ["17x13", 2, conv(5, window(5, 3, 2))],
    ["6x7", 6, conv(9, window(2, 1, 1))],
    ["8x8", 8, conv(8, window(2, 2, 0))],
    ["9x8", 3, conv(4, uneven, true)],
    ["4x4", 8, conv(16, window(4, 1, 0))],
    ["6x6", 8, { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }],
    ["5x3", 7, { kind: "batch_norm", eps: 1e-3, momentum: 0.5, scale: true }],
    ["1x1", 3, { kind: "batch_norm", eps: 1e-5, momentum: 1, scale: true }],
    ["5x7", 6, { kind: "relu" }],
    ["8x8", 8, { kind: "max_pool", ...window(2, 2, 0) }],
    ["9x7", 5, { kind: "max_pool", ...window(3, 2, 1) }],
    ["6x6", 3, { kind: "max_pool", ...window(3, 1, 1) }],
    ["8x7", 4, { kind: "max_pool", ...window(2, 3, 0) }],
    ["9x8", 3, { kind: "max_pool", ...uneven }],
    ["8x8", 8, { kind: "average_pool", ...window(2, 2, 0) }],
    ["9x7", 5, { kind: "average_pool", ...window(3, 2, 1) }],
    ["6x6", 3, { kind: "average_pool", ...window(2, 1, 1) }],
    ["9x8", 4, { kind: "average_pool", ...uneven }],
    ["5x6", 16, { kind: "global_average_pool" }],
    ["4x3", 5, { kind: "global_average_pool" }],
    ["5x7", 6, { kind: "gelu" }],
    ["4x6", 5, { kind: "batch_norm", eps: 1e-12, momentum: 0.4, scale: false }],
    ["9x8", 5, { kind: "subsample", channels: 12, stride: [2, 3] }],
    ["5x7", 6, { kind: "sigmoid" }],
    ["1x1", 9, { kind: "sigmoid" }],
    ["8x7", 16, conv(16, { ...same, groups: 16 })],
    ["9x8", 13, conv(13, { ...window(3, 2, 1), groups: 13 }, true)],
    ["7x9", 6, conv(6, { ...window(5, 1, 2), groups: 6 })],
    ["9x9", 24, conv(24, { ...window(7, 1, 3), groups: 24 }, true)],
    ["9x8", 5, conv(5, { ...uneven, groups: 5 })],
    ["6x7", 3, conv(12, { ...same, groups: 3 })],
    ["7x6", 16, conv(16, { ...same, groups: 4 })],
    ["9x7", 8, conv(24, { ...window(3, 2, 1), groups: 2 }, true)],
    ["6x6", 9, conv(6, { ...lopsided, groups: 3 })],
    ["9x8", 4, conv(7, { ...window(3, 1, 2), dilation: [2, 2] })],
    ["8x9", 10, conv(10, { ...window(3, 1, 2), dilation: [2, 1], groups: 10 })],
    ["9x9", 8, conv(8, { ...window(3, 2, 2), dilation: [2, 2], groups: 2 }, true)],
    ["5x7", 6, { kind: "relu6" }],
    ["5x7", 6, { kind: "leaky_relu", slope: 0.2 }],
    ["5x7", 6, { kind: "silu" }],
    ["5x7", 6, { kind: "hard_swish" }],
    ["5x7", 6, { kind: "hard_sigmoid" }],
    ["1x1", 11, { kind: "hard_sigmoid" }],
    ["4x3", 13, { kind: "slice", from: 3, channels: 9 }],
    ["4x3", 12, { kind: "shuffle", groups: 3 }],
    ["5x7", 11, { kind: "layer_norm", eps: 1e-6 }],
    ["1x1", 9, { kind: "layer_norm", eps: 1e-3 }],
    ["5x7", 12, { kind: "group_norm", groups: 4, eps: 1e-5 }],
    ["5x7", 7, { kind: "group_norm", groups: 1, eps: 1e-5 }],
    ["5x7", 6, { kind: "learned_scale", initial: 1, per: "channel" }],
    ["6x7", 6, { kind: "learned_scale", initial: 1, per: "tensor" }],
    ["5x7", 6, { kind: "dropout", rate: 0.3 }, 5],
    ["1x1", 20, { kind: "dropout", rate: 0.5 }],
    ["5x7", 6, { kind: "drop_path", rate: 0.4 }, 9],
  ];
  return probes.map(([map, channels, op, batch = 3], index) => {
    const [height, width] = map.split("x").map(Number) as [number, number];
    const net = new Network(height, width, 3);
    let x = net.add("probe", conv(channels, window(1, 1, 0), true), 0);
    x = net.add("op", op, x);
    net.add("classifier", { kind: "linear", features: 5, bias: true }, x);
    const half = [0.5, 0.5, 0.5];
    const optimizer = sgd({ momentum: 0.9 });
    const training = { optimizer, labelSmoothing: 0, classes: 5, mean: half, std: half };
    const run = { seed: 100 + index, batch, learningRate: 0.05, steps: 2 };
    return fromGraph(probeName(map, channels, op), run, net, training);
  });
}

function probeName(map: string, channels: number, op: Op): string {
  const size = `${op.kind} of ${map}x${channels}`;
  if (op.kind === "subsample") return `${size} to ${op.channels}, stride ${op.stride.join("x")}`;
  if (!("kernel" in op)) return size;
  const { top, bottom, left, right } = op.padding;
  const outputs = op.kind === "conv2d" ? ` to ${op.channels}${filterName(op)}${op.bias ? " with bias" : ""}` : "";
  const padding = [top, bottom, left, right].join(" ");
  return `${size}${outputs}, kernel ${op.kernel.join("x")}, stride ${op.stride.join("x")}, padding ${padding}`;
}

function filterName({ groups, dilation }: Filter): string {
  return (groups ? ` in ${groups} groups` : "") + (dilation ? ` dilated ${dilation.join("x")}` : "");
}

// ---------------------------------------------------------------- building

class Network {
  readonly nodes: Node[] = [];

  constructor(height: number, width: number, channels: number) {
    this.nodes.push({
      name: "input",
      op: { kind: "input", height, width, channels },
      inputs: [],
      origin: [],
    });
  }

  add(name: string, op: Op, ...inputs: number[]): number {
    this.nodes.push({ name, op, inputs, origin: [] });
    return this.nodes.length - 1;
  }
}

function residualBlock(
  net: Network,
  name: string,
  input: number,
  channels: number,
  stride: number,
  shortcut: "convolution" | "subsample" = "convolution",
): number {
  let x = net.add(`${name}.conv1`, { kind: "conv2d", channels, bias: false, ...window(3, stride, 1) }, input);
  x = net.add(`${name}.norm1`, { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, x);
  x = net.add(`${name}.activation1`, { kind: "relu" }, x);
  x = net.add(`${name}.conv2`, { kind: "conv2d", channels, bias: false, ...window(3, 1, 1) }, x);
  x = net.add(`${name}.norm2`, { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }, x);
  x = net.add(`${name}.activation2`, { kind: "relu" }, x);
  let around = input;
  if (shortcut === "subsample") {
    around = net.add(`${name}.projection`, { kind: "subsample", channels, stride: [stride, stride] }, input);
  } else if (stride !== 1) {
    const projection: Op = { kind: "conv2d", channels, bias: true, ...window(1, stride, 0) };
    around = net.add(`${name}.projection.conv`, projection, input);
  }
  return net.add(`${name}.activation`, { kind: "relu" }, net.add(`${name}.add`, { kind: "add" }, x, around));
}

function window(kernel: number, stride: number, padding: number): Window {
  const sides = { top: padding, bottom: padding, left: padding, right: padding };
  return { kernel: [kernel, kernel], stride: [stride, stride], padding: sides };
}

type Run = Pick<OracleCase, "seed" | "batch" | "learningRate"> & { readonly steps?: number };

function fromFile(name: string, file: string, run: Run, training: Training): OracleCase {
  const text = readFileSync(new URL(`../../configs/${file}`, import.meta.url), "utf8");
  const { value: program, diagnostics } = compileText(text, file);
  invariant(program, `${file} compiles: ${diagnostics.map(({ message }) => message).join("; ")}`);
  return caseOf(name, run, program.config, program.graph, training);
}

/** The text's own network, optimizer, groups and averages; batch and rate are the run's. */
function fromText(text: string, run: Run): OracleCase {
  const { value: program, diagnostics } = compileText(text, "case.yaml");
  invariant(program, `the case compiles: ${diagnostics.map(({ message }) => message).join("; ")}`);
  const { name, data, model, train } = program.config;
  const training = {
    optimizer: train.optimizer,
    labelSmoothing: train.loss.cross_entropy.label_smoothing,
    classes: model.classifier.classes,
    ...data.normalize,
  };
  return caseOf(name, run, program.config, program.graph, training);
}

/** The configuration's `model` tells only input and classes: the graph is the network. */
function fromGraph(name: string, run: Run, net: Network, training: Training): OracleCase {
  const { kind, ...input } = net.nodes[0]!.op;
  invariant(kind === "input", "the first node is the input");
  const synthetic = { train_images: 1000, test_images: 1000, ...input, classes: training.classes };
  const text = JSON.stringify({
    name,
    data: { dataset: { synthetic } },
    model: { stem: { channels: 1, kernel: 1, norm: "none" }, stages: [{ channels: 1, blocks: 1, norm: "none" }] },
    train: { epochs: 1, batch_size: 1, learning_rate: 1 },
  });
  const { value: program, diagnostics } = compileText(text, `${name}.yaml`);
  invariant(program, `${name} compiles: ${diagnostics.map(({ message }) => message).join("; ")}`);
  const graph = inferShapes({ nodes: net.nodes }).value;
  invariant(graph, `${name} has shapes`);
  return caseOf(name, run, program.config, graph, training);
}

function caseOf(name: string, run: Run, base: ResolvedConfig, graph: ShapedGraph, training: Training): OracleCase {
  const { learningRate, batch, seed } = run;
  const { data, train } = base;
  const config: ResolvedConfig = {
    ...base,
    name,
    seed,
    data: { ...data, normalize: { mean: training.mean, std: training.std } },
    train: {
      ...train,
      batch_size: batch,
      accumulate: training.accumulate ?? 1,
      gradient_clip: training.clip === undefined ? null : { norm: training.clip },
      optimizer: training.optimizer,
      learning_rate: { constant: { rate: learningRate, warmup_epochs: 0, warmup_steps: null } },
      loss: { cross_entropy: { label_smoothing: training.labelSmoothing } },
      evaluation: { ...train.evaluation, batch_size: batch, flip: false, translate: 0 },
    },
  };
  return { name, steps: 20, ...run, program: { config, graph, plan: plan(config) } };
}
