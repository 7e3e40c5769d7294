// Every kernel alone against the float64 reference on random numbers, over shapes that leave tails in every direction.
// Buffers lie apart between guards and start as NaN, so a stray read or write fails too (test/reference/run-kernels.ts).
import { describe, expect, it } from "vitest";
import { invariant } from "../../../src/compiler/diagnostics/diagnostic.js";
import type { Padding, Shape, Window } from "../../../src/compiler/network/graph.js";
import { filterOf, spanOf } from "../../../src/compiler/network/graph.js";
import type { KernelChoice, KernelProvider } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import { candidates, suiting } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { BY_COST } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import { taskKey } from "../../../src/compiler/lower/convolutions/convolution-task.js";
import { libraryWinograd } from "../../../src/compiler/lower/convolutions/emit-library-winograd.js";
import { KernelSelector } from "../../../src/compiler/lower/convolutions/kernel-selector.js";
import { convolutionTasks } from "../../../src/compiler/lower/convolutions/select-convolution.js";
import type {
  Pointwise,
  Tensor,
  TensorId,
  TrainingGraph,
  TrainingNode,
  TrainingOp,
} from "../../../src/compiler/lower/step/training-graph.js";
import type { UpdateRule } from "../../../src/compiler/training/update-rule.js";
import { wasmFeatures } from "../../../src/runtime/engines/wasm/kernels-module.js";
import type { MixedLabels } from "../../../src/runtime/engines/engine.js";
import { draw, symmetric } from "../../oracle/counter-random.js";
import { execute, sizeOf } from "../../reference/interpret.js";
import type { KernelOutcome, KernelRun } from "../../reference/run-kernels.js";
import { everyActivation } from "../../reference/build-program.js";
import { runKernels, selectionOf } from "../../reference/run-kernels.js";

// Largest distance, relative to the tensor's largest magnitude.
// Rounding of a float32 sum grows as the square root of its terms.
const DIRECT = (terms: number): number => 1e-6 * Math.sqrt(Math.max(1, terms / 500));
const UNFUSED = 1.25; // without fused multiply-add each product is rounded as well
const WINOGRAD = (terms: number): number => 5 * DIRECT(terms); // the transforms multiply it by about five
// Of how far a weight moves, which is rounded with the weight.
// Muon's iterations raise small singular values, and their rounding with them.
const UPDATE = { sgd: 1e-6, adam: 2e-6, muon: 3e-5 };
const ELEMENTWISE = 1e-6; // a few float32 operations on statistics that are summed in double
const STORED = 2 ** -8 + 1e-6; // half of the last of bfloat16's eight bits

const builds = (["kernels.wasm", "kernels-relaxed.wasm"] as const).filter(
  (file) => file === "kernels.wasm" || wasmFeatures().relaxedSimd,
);

// ---------------------------------------------------------------- convolutions

interface Convolution {
  readonly map: readonly [height: number, width: number];
  readonly channels: readonly [inputs: number, outputs: number];
  readonly batch: number;
  readonly kernel: number | readonly [number, number];
  readonly stride?: number | readonly [number, number];
  /** top, bottom, left, right, or the same on all sides */
  readonly padding?: number | readonly [number, number, number, number];
  readonly groups?: number;
  readonly dilation?: readonly [number, number];
  /** Reads the network's images, which have fewer lanes and no gradient. */
  readonly isFirst?: boolean;
}

const convolutions: readonly Convolution[] = [
  // Winograd: whole tiles, tails in both directions, maps below a tile, groups of tiles that do not fill
  { map: [8, 8], channels: [8, 8], batch: 1, kernel: 3, padding: 1 },
  { map: [7, 5], channels: [5, 12], batch: 3, kernel: 3, padding: 1 },
  { map: [9, 9], channels: [17, 8], batch: 5, kernel: 3, padding: 1 },
  { map: [1, 1], channels: [8, 8], batch: 17, kernel: 3, padding: 1 },
  { map: [3, 3], channels: [24, 40], batch: 2, kernel: 3, padding: 1 },
  { map: [2, 6], channels: [1, 1], batch: 3, kernel: 3, padding: 1 },
  { map: [33, 31], channels: [3, 8], batch: 2, kernel: 3, padding: 1 },
  { map: [12, 12], channels: [16, 64], batch: 8, kernel: 3, padding: 1 },
  { map: [5, 5], channels: [120, 136], batch: 2, kernel: 3, padding: 1 },
  // more tiles than are transformed at once
  { map: [3, 3], channels: [8, 8], batch: 4100, kernel: 3, padding: 1 },
  // more channels: a product a frequency
  { map: [5, 6], channels: [176, 184], batch: 2, kernel: 3, padding: 1 },
  { map: [3, 3], channels: [256, 250], batch: 1, kernel: 3, padding: 1 },
  { map: [1, 2], channels: [200, 200], batch: 3, kernel: 3, padding: 1 },
  // more still: direct, the filter gradient by blocks of channels
  { map: [3, 3], channels: [300, 300], batch: 2, kernel: 3, padding: 1 },
  { map: [4, 3], channels: [288, 264], batch: 3, kernel: 3, stride: 2, padding: 1 },
  { map: [2, 2], channels: [176, 65], batch: 5, kernel: 7, padding: [3, 2, 4, 3] },
  // large filters whose channels make no whole blocks
  { map: [2, 2], channels: [296, 300], batch: 3, kernel: 3, padding: 1 },
  // other kernels, strides and paddings
  { map: [1, 1], channels: [12, 5], batch: 3, kernel: 1 },
  { map: [9, 9], channels: [8, 16], batch: 2, kernel: 1, stride: 2 },
  { map: [7, 5], channels: [17, 3], batch: 5, kernel: 1, stride: 3, padding: 1 },
  { map: [7, 5], channels: [3, 12], batch: 5, kernel: 2, padding: 1 },
  { map: [8, 8], channels: [5, 8], batch: 3, kernel: 2, stride: 2 },
  { map: [9, 9], channels: [12, 5], batch: 8, kernel: 3, stride: 2, padding: 1 },
  { map: [16, 16], channels: [16, 32], batch: 3, kernel: 3, stride: 2, padding: 1 },
  { map: [70, 7], channels: [8, 24], batch: 2, kernel: 3, stride: 2, padding: [1, 0, 1, 1] },
  { map: [5, 150], channels: [24, 8], batch: 1, kernel: 3, stride: 2, padding: [1, 1, 1, 0] },
  { map: [10, 10], channels: [8, 8], batch: 1, kernel: 3, stride: 3 },
  { map: [33, 31], channels: [5, 3], batch: 2, kernel: 3, stride: 2, padding: [0, 1, 0, 1] },
  { map: [9, 7], channels: [8, 8], batch: 3, kernel: 3, padding: [2, 0, 0, 1] },
  { map: [7, 5], channels: [8, 8], batch: 2, kernel: 3 },
  { map: [4, 4], channels: [3, 17], batch: 17, kernel: 4 },
  { map: [9, 9], channels: [1, 5], batch: 3, kernel: 5, padding: 2 },
  { map: [9, 8], channels: [8, 1], batch: 2, kernel: 5, stride: 3, padding: 2 },
  { map: [6, 9], channels: [4, 4], batch: 1, kernel: 6, padding: [3, 2, 0, 1] },
  { map: [15, 17], channels: [3, 9], batch: 3, kernel: 7, stride: 2 },
  { map: [9, 9], channels: [5, 5], batch: 2, kernel: 7, stride: 3, padding: 3 },
  { map: [9, 8], channels: [3, 4], batch: 3, kernel: [3, 5], stride: [2, 1], padding: [0, 1, 3, 2] },
  { map: [8, 11], channels: [9, 6], batch: 2, kernel: [4, 2], stride: [1, 3], padding: [2, 1, 0, 1] },
  // the most channels, and the most classes, that the language allows
  { map: [2, 1], channels: [65536, 2], batch: 1, kernel: 3, padding: 1 },
  { map: [1, 2], channels: [2, 65536], batch: 1, kernel: 3, padding: 1 },
  { map: [1, 1], channels: [3, 100_000], batch: 1, kernel: 1 },
  // strides beyond the map: residue classes without a pixel or without a tap
  { map: [1, 1], channels: [8, 8], batch: 2, kernel: 3, stride: 2, padding: 1 },
  { map: [2, 3], channels: [5, 8], batch: 3, kernel: 2, stride: 3, padding: 1 },
  // last groups of images that are not full: small maps go by four images, odd maps by four, even ones by two
  { map: [5, 5], channels: [8, 8], batch: 6, kernel: 1 },
  { map: [9, 9], channels: [8, 8], batch: 5, kernel: 1 },
  { map: [9, 10], channels: [8, 8], batch: 3, kernel: 1 },
  { map: [13, 13], channels: [4, 8], batch: 2, kernel: 1 },
  // images
  { map: [9, 9], channels: [3, 8], batch: 3, kernel: 3, padding: 1, isFirst: true },
  { map: [33, 31], channels: [1, 12], batch: 2, kernel: 7, stride: 2, isFirst: true },
  { map: [8, 8], channels: [4, 5], batch: 5, kernel: 1, isFirst: true },
  { map: [7, 5], channels: [5, 8], batch: 1, kernel: 3, padding: 1, isFirst: true },
  // a filter a channel: rows shorter than a tile, one, and more; all strides; what reaches the map with some taps only
  { map: [8, 8], channels: [8, 8], batch: 2, kernel: 3, padding: 1, groups: 8 },
  { map: [7, 5], channels: [13, 13], batch: 3, kernel: 3, padding: 1, groups: 13 },
  { map: [1, 1], channels: [8, 8], batch: 17, kernel: 3, padding: 1, groups: 8 },
  { map: [2, 3], channels: [24, 24], batch: 5, kernel: 5, padding: 2, groups: 24 },
  { map: [33, 31], channels: [5, 5], batch: 2, kernel: 3, padding: 1, groups: 5 },
  { map: [14, 14], channels: [96, 96], batch: 3, kernel: 3, padding: 1, groups: 96 },
  { map: [14, 13], channels: [40, 40], batch: 2, kernel: 3, stride: 2, padding: 1, groups: 40 },
  { map: [15, 17], channels: [16, 16], batch: 3, kernel: 5, stride: 2, padding: [1, 2, 1, 2], groups: 16 },
  { map: [14, 14], channels: [24, 24], batch: 2, kernel: 7, padding: 3, groups: 24 },
  { map: [9, 8], channels: [7, 7], batch: 3, kernel: [3, 5], stride: [2, 1], padding: [0, 1, 3, 2], groups: 7 },
  { map: [8, 11], channels: [9, 9], batch: 2, kernel: [4, 2], stride: [1, 3], padding: [2, 1, 0, 1], groups: 9 },
  { map: [2, 3], channels: [5, 5], batch: 3, kernel: 2, stride: 3, padding: 1, groups: 5 },
  { map: [9, 9], channels: [8, 8], batch: 2, kernel: 1, stride: 2, groups: 8 },
  { map: [12, 13], channels: [10, 10], batch: 2, kernel: 3, padding: 4, dilation: [4, 3], groups: 10 },
  { map: [3, 3], channels: [3, 3], batch: 2, kernel: 3, padding: 1, isFirst: true, groups: 3 },
  // several filters a channel
  { map: [7, 6], channels: [5, 10], batch: 3, kernel: 3, padding: 1, groups: 5 },
  { map: [9, 9], channels: [6, 24], batch: 2, kernel: 3, stride: 2, padding: 1, groups: 6 },
  // groups of four channels, of other multiples, and of what vectors do not divide
  { map: [8, 8], channels: [8, 8], batch: 2, kernel: 3, padding: 1, groups: 2 },
  { map: [14, 14], channels: [64, 64], batch: 2, kernel: 3, padding: 1, groups: 16 },
  { map: [9, 7], channels: [12, 12], batch: 3, kernel: 3, stride: 2, padding: 1, groups: 3 },
  { map: [7, 9], channels: [32, 32], batch: 2, kernel: 3, padding: 1, groups: 4 },
  { map: [6, 5], channels: [40, 24], batch: 3, kernel: 3, padding: 1, groups: 2 },
  { map: [6, 7], channels: [16, 32], batch: 2, kernel: 1, groups: 4 },
  { map: [5, 6], channels: [48, 16], batch: 2, kernel: [3, 1], stride: [1, 2], padding: [1, 0, 0, 1], groups: 4 },
  { map: [6, 6], channels: [9, 6], batch: 3, kernel: 3, padding: [2, 0, 0, 1], groups: 3 },
  { map: [7, 5], channels: [20, 8], batch: 2, kernel: 3, padding: 1, groups: 2 },
  { map: [9, 9], channels: [16, 16], batch: 2, kernel: 3, stride: 2, padding: 2, dilation: [2, 2], groups: 4 },
  // dilation alone
  { map: [8, 9], channels: [5, 12], batch: 3, kernel: 3, padding: 2, dilation: [2, 2] },
  {
    map: [9, 7],
    channels: [3, 8],
    batch: 2,
    kernel: [3, 2],
    stride: [2, 1],
    padding: [3, 1, 0, 2],
    dilation: [3, 2],
    isFirst: true,
  },
];

const DRAWS = { seed: 2 ** 40 + 12345, step: 70_000, microBatch: 3 };
type OperationOf = (map: readonly [number, number], channels: number, batch: number) => Operation;
const perImage: readonly (readonly [string, OperationOf])[] = [
  ["layer norm", channelNormGraph(null)],
  ["group norm in one group", channelNormGraph(1)],
  ["group norm in twelve groups", channelNormGraph(12)],
  ["a learned scale a channel", learnedScaleGraph("channel")],
  ["a learned scale for all", learnedScaleGraph("tensor")],
  ["dropout", dropGraph(false, 0.3)],
  ["drop path", dropGraph(true, 0.5)],
];

describe.each(builds)("%s", (build) => {
  it.each(convolutions.map((size) => [titleOf(size), size] as const))(
    "convolves %s, forward and backward, by every kernel that suits as the reference does",
    (_, size) => {
      const operation = convolutionGraph(size);
      for (const convolutions of everyChoice(operation)) {
        const { outcome, distances } = compare(operation, { build, convolutions });
        const tolerance = (name: string) => (isWinograd(outcome, name) ? WINOGRAD : DIRECT)(termsOf(size));
        for (const [name, distance] of distances) {
          const limit = tolerance(name) * (build === "kernels.wasm" ? UNFUSED : 1);
          expect(distance, `${name} by ${outcome.kernels.join(", ")}`).toBeLessThan(limit);
        }
        expect(outcome.strays()).toEqual([]);
      }
    },
  );

  it.each([
    { map: [9, 9], channels: [8, 16], batch: 5, kernel: 3, padding: 1 },
    { map: [15, 7], channels: [24, 40], batch: 3, kernel: 3, padding: 1 },
    { map: [33, 31], channels: [16, 8], batch: 2, kernel: 3, padding: 1 },
  ] satisfies Convolution[])(
    "has the same bits in a weight gradient of maps stored as bfloat16 as in that of the same maps as float32",
    (size) => {
      const { graph, batch, values } = roundMaps(convolutionGraph(size));
      const nodes = graph.nodes.filter(({ op }) => op.kind === "conv2d_weight_gradient");
      const result = graph.tensors.findIndex(({ kind }) => kind === "gradient");
      const [float32, bfloat16] = [false, true].map((storesBfloat16) => {
        const convolutions = byWinogradF4({ tensors: graph.tensors, nodes }, batch, storesBfloat16);
        return runKernels({
          graph: { tensors: graph.tensors, nodes },
          batch,
          values,
          build,
          storesBfloat16,
          convolutions,
        });
      });
      expect(float32!.kernels).toEqual(["weight_gradient_winograd_library"]);
      expect(bfloat16!.kernels).toEqual(["weight_gradient_winograd_library_bfloat16"]);
      expect(bfloat16!.read(result)).toEqual(float32!.read(result));
      expect(bfloat16!.strays()).toEqual([]);
    },
  );

  const flags = [null, ...everyActivation].flatMap((inner) => {
    const isOneOfAll = inner !== null && inner.kind !== "relu" && inner.kind !== "gelu"; // which share GELU's loops
    return [false, true].flatMap((add) =>
      (isOneOfAll ? [add] : [false, true]).map((outerRelu) => ({ inner, add, outerRelu })),
    );
  });
  const pointwises = [null, { eps: 1e-5, momentum: 0.1 }, { eps: 1e-2, momentum: 1 }].flatMap((norm) =>
    flags.map((flag): Pointwise => ({ norm, ...flag })),
  );
  const maps = [
    [[1, 1], 3, 8],
    [[7, 5], 12, 3],
    [[33, 31], 17, 2],
    [[3, 3], 300, 5],
  ] as const;
  it.each(
    pointwises.flatMap((pointwise) =>
      [false, true].map((inPlace) => [pointwiseTitle(pointwise), inPlace ? "in place" : "apart", pointwise] as const),
    ),
  )("applies %s, %s, forward and backward, as the reference does", (_, where, pointwise) => {
    for (const [map, channels, batch] of maps) {
      for (const isTraining of [true, false]) {
        const operation = pointwiseGraph(map, channels, batch, pointwise, isTraining);
        const { outcome, distances } = compare(operation, { build, inPlace: where === "in place" });
        for (const [name, distance] of distances) {
          expect(distance, `${name} of ${map.join("×")}×${channels}`).toBeLessThan(ELEMENTWISE);
        }
        expect(outcome.strays()).toEqual([]);
      }
    }
  });

  it("leaves out a norm's scale, and the gradients of frozen ones", () => {
    for (const inner of [null, ...everyActivation]) {
      const pointwise = { norm: { eps: 1e-5, momentum: 0.1 }, inner, add: true, outerRelu: false };
      for (const [map, channels, batch] of maps) {
        for (const isTraining of [true, false]) {
          const operation = pointwiseGraph(map, channels, batch, pointwise, isTraining, {
            hasScale: false,
            isFrozen: true,
          });
          const { outcome, distances } = compare(operation, { build });
          for (const [name, distance] of distances) expect(distance, name).toBeLessThan(ELEMENTWISE);
          expect(outcome.strays()).toEqual([]);
        }
      }
    }
  });

  it("keeps a norm's precision where the mean is two hundred deviations from zero", () => {
    const plain = { norm: { eps: 1e-5, momentum: 0.1 }, inner: null, add: false, outerRelu: false };
    const operation = pointwiseGraph([33, 31], 17, 2, plain, true);
    const input = operation.graph.tensors.findIndex(({ name }) => name === "input");
    const shifted = operation.values.get(input)!.map((value) => Math.fround(value + 100));
    operation.values.set(input, shifted);
    const { distances } = compare(operation, { build });
    // Factor and term are float32s near 200: their rounding alone is 1e-5. Sums of squares about zero would lose 1e-3.
    expect(new Map(distances).get("output")).toBeLessThan(3e-5);
  });

  const windows: readonly (readonly [string, Window])[] = [
    ["2×2 at stride 2", window(2, 2)],
    ["3×3 at stride 2, padding 1", window(3, 2, 1)],
    ["3×3 at stride 1, padding 1", window(3, 1, 1)],
    ["2×2 at stride 3", window(2, 3)],
    ["5×5 at stride 2, padding 2", window(5, 2, 2)],
    ["3×5 at stride 2×1, padding 0 1 2 2", window([3, 5], [2, 1], [0, 1, 2, 2])],
    ["2×1 at stride 1×2, padding 1 0 0 0", window([2, 1], [1, 2], [1, 0, 0, 0])],
  ];
  it.each(windows)("pools by %s, forward and backward, as the reference does", (_, size) => {
    for (const [map, channels, batch] of [
      [[7, 5], 5, 3],
      [[9, 9], 17, 1],
      [[33, 31], 8, 2],
    ] as const) {
      for (const kind of ["max_pool", "average_pool"] as const) {
        const { outcome, distances } = compare(poolGraph(kind, map, channels, batch, size), { build });
        for (const [name, distance] of distances) expect(distance, `${kind} ${name}`).toBeLessThan(ELEMENTWISE);
        expect(outcome.strays()).toEqual([]);
      }
    }
  });

  it("pools a whole map, of any number of channels", () => {
    for (const [map, channels, batch] of [
      [[1, 1], 1, 2],
      [[7, 5], 12, 3],
      [[3, 3], 300, 17],
    ] as const) {
      const operation = poolGraph("average_pool", map, channels, batch, window(map, 1));
      const { outcome, distances } = compare(operation, { build });
      for (const [name, distance] of distances) expect(distance, name).toBeLessThan(ELEMENTWISE);
      expect(outcome.strays()).toEqual([]);
    }
  });

  it.each([
    [[9, 7], 20, 3],
    [[1, 1], 1, 1],
    [[16, 16], 8, 17],
  ] as const)("multiplies a map of %j × %i channels by its gate, in a batch of %i", (map, channels, batch) => {
    const { outcome, distances } = compare(gateGraph(map, channels, batch), { build });
    for (const [name, distance] of distances) expect(distance, name).toBeLessThan(2e-6);
    expect(outcome.strays()).toEqual([]);
  });

  it("multiplies maps, and takes channels from map to map", () => {
    for (const [map, counts, batch] of [
      [[5, 3], [8, 16], 2],
      [[7, 5], [3, 5, 1], 3], // lanes of one input lie where another's channels begin
      [[33, 31], [12, 20, 17], 2],
      [[1, 1], [300, 7], 5],
    ] as const) {
      const { outcome, distances } = compare(channelGraph(map, counts, batch), { build });
      for (const [name, distance] of distances) expect(distance, name).toBeLessThan(name === "product" ? 1e-7 : 1e-12);
      expect(outcome.strays()).toEqual([]);
    }
  });

  it.each(perImage)("computes %s, forward and backward, as the reference does", (_, operationOf) => {
    for (const [map, channels, batch] of [
      [[1, 2], 12, 5],
      [[7, 5], 24, 3],
      [[17, 13], 36, 2],
      [[3, 3], 300, 6],
    ] as const) {
      for (const inPlace of [false, true]) {
        const { outcome, distances } = compare(operationOf(map, channels, batch), { build, inPlace, draws: DRAWS });
        for (const [name, distance] of distances) expect(distance, name).toBeLessThan(2e-6); // sums of float32 products
        expect(outcome.strays()).toEqual([]);
      }
    }
  });

  it("subsamples maps and adds channels of zeros, of any number of channels", () => {
    for (const [map, channels, batch, stride] of [
      [[8, 8], [16, 32], 2, [2, 2]],
      [[9, 7], [5, 5], 3, [2, 3]],
      [[5, 6], [12, 27], 17, [1, 1]], // channels that are zero in the input's own lanes
      [[1, 1], [3, 4], 1, [3, 3]],
    ] as const) {
      const { outcome, distances } = compare(subsampleGraph(map, channels, batch, stride), { build });
      for (const [name, distance] of distances) expect(distance, name).toBe(0);
      expect(outcome.strays()).toEqual([]);
    }
  });

  it("gives a maximum's gradient to the first of equal values", () => {
    const operation = poolGraph("max_pool", [6, 6], 5, 2, window(3, 2, 1));
    operation.values.set(
      0,
      operation.values.get(0)!.map((value) => Math.round(value)),
    ); // −1, 0 and 1: ties everywhere
    const { distances } = compare(operation, { build });
    for (const [name, distance] of distances) expect(distance, name).toBe(0);
  });

  it.each([false, true])("gives NaN as the maximum of a window that holds one (bfloat16: %s)", (storesBfloat16) => {
    const operation = poolGraph("max_pool", [5, 5], 9, 1, window(3, 2, 1));
    const values = operation.values.get(0)!.map((value, at) => (at === 9 * 12 + 4 ? NaN : Math.round(8 * value) / 8));
    operation.values.set(0, values); // in the middle pixel's fifth channel
    const outcome = runKernels({ ...operation, build, storesBfloat16 });
    const found = [...outcome.read(1)].flatMap((value, at) => (Number.isNaN(value) ? [at] : []));
    expect(found).toEqual([9 * 4 + 4]);
    expect(outcome.strays()).toEqual([]);
  });

  it.each([
    [1, 2, 0],
    [3, 10, 0.1],
    [17, 10, 0],
    [5, 300, 0.2],
    [8, 1, 0],
  ])(
    "computes the loss of %i images of %i classes at smoothing %f, its gradient and the count",
    (batch, classes, smoothing) => {
      const operation = lossGraph(batch, classes, smoothing, 8);
      const { outcome, distances, reference } = compare(operation, { build });
      // Doubles, but for the smoothing, which is a float32.
      expect(Math.abs(outcome.loss - reference.loss)).toBeLessThan(1e-8 * reference.loss + 1e-12);
      expect(outcome.correct).toBe(reference.correct);
      for (const [name, distance] of distances) expect(distance, name).toBeLessThan(ELEMENTWISE);
      expect(outcome.strays()).toEqual([]);
    },
  );

  it.each([0, 0.1])("computes the loss of images with two labels at smoothing %f", (smoothing) => {
    const operation = lossGraph(11, 6, smoothing, 8, true);
    const { outcome, distances, reference } = compare(operation, { build });
    expect(Math.abs(outcome.loss - reference.loss)).toBeLessThan(1e-8 * reference.loss);
    expect(outcome.correct).toBe(reference.correct);
    for (const [name, distance] of distances) expect(distance, name).toBeLessThan(ELEMENTWISE);
    expect(outcome.strays()).toEqual([]);
  });

  it("stays finite in the loss of logits that are far apart", () => {
    const operation = lossGraph(6, 10, 0.1, 3000);
    const { outcome, distances, reference } = compare(operation, { build });
    expect(Math.abs(outcome.loss - reference.loss)).toBeLessThan(1e-8 * reference.loss);
    for (const [name, distance] of distances) expect(distance, name).toBeLessThan(ELEMENTWISE);
  });

  describe("on maps of bfloat16", () => {
    /** Kernels of another form, tensors that are further off than they may, and stray writes. */
    const faults = (
      operation: Operation,
      limit: number,
      options: Pick<KernelRun, "inPlace" | "draws"> = {},
    ): string[] => {
      const rounded = roundMaps(operation);
      const { outcome, distances } = compare(rounded, { build, storesBfloat16: true, ...options });
      const isMap = (name: string): boolean =>
        rounded.graph.tensors.some((tensor) => tensor.kind === "activation" && tensor.name === name);
      const distant = distances.filter(([name, distance]) => !(distance < (isMap(name) ? limit : ELEMENTWISE)));
      return [
        ...outcome.kernels.filter((kernel) => !kernel.endsWith("_bfloat16")),
        ...distant.map(([name, distance]) => `${name} is ${distance} off`),
        ...outcome.strays(),
      ];
    };

    it.each(pointwises.map((pointwise) => [pointwiseTitle(pointwise), pointwise] as const))(
      "applies %s, forward and backward, rounded once",
      (_, pointwise) => {
        for (const [map, channels, batch] of maps) {
          for (const inPlace of [false, true]) {
            const operation = pointwiseGraph(map, channels, batch, pointwise, true);
            // But for ReLU's, the gradient is kept rounded between the two passes of a norm's
            const isKept = pointwise.norm !== null && pointwise.inner !== null && pointwise.inner.kind !== "relu";
            expect(faults(operation, isKept ? 2 * STORED : STORED, { inPlace })).toEqual([]);
          }
        }
      },
    );

    it.each(windows)("pools by %s, forward and backward", (_, size) => {
      const sums = Math.max(...size.kernel.map((taps, axis) => Math.ceil(taps / size.stride[axis]!))) ** 2;
      for (const [map, channels, batch] of [
        [[7, 5], 5, 3],
        [[33, 31], 17, 2],
      ] as const) {
        expect(faults(poolGraph("max_pool", map, channels, batch, size), sums * STORED)).toEqual([]); // each sum is rounded
        expect(faults(poolGraph("average_pool", map, channels, batch, size), sums * STORED)).toEqual([]);
      }
    });

    it("multiplies a map by its gate", () => {
      // The vectors' kernels are those of float32
      expect(faults(gateGraph([9, 7], 20, 3), STORED)).toEqual(["pointwise", "pointwise_gradient"]);
    });

    it("multiplies maps, and takes channels from map to map", () => {
      expect(faults(channelGraph([7, 5], [3, 12, 21], 3), STORED)).toEqual([]);
    });

    it.each(perImage)("computes %s, forward and backward", (_, operationOf) => {
      expect(faults(operationOf([7, 5], 36, 3), STORED, { draws: DRAWS })).toEqual([]);
    });

    it("subsamples, and sums a bias' gradient", () => {
      expect(faults(subsampleGraph([9, 7], [5, 5], 3, [2, 3]), 1e-9)).toEqual([]);
      expect(faults(subsampleGraph([5, 6], [12, 27], 17, [1, 1]), 1e-9)).toEqual([]);
      const builder = new Builder(3, 1);
      const bias = builder.add({ kind: "parameter", name: "bias", dims: [20] }, (value) => value);
      const outputGradient = builder.map("output gradient", [9, 9], 20, true);
      const biasGradient = builder.add({ kind: "gradient", name: "bias gradient", parameter: bias });
      builder.node("to bias", { kind: "bias_gradient", inputs: { outputGradient }, outputs: { biasGradient } });
      expect(faults({ graph: builder.graph, batch: 3, values: builder.values, outputs: [biasGradient] }, 0)).toEqual(
        [],
      );
    });

    it("rounds to the nearest, ties to the even one, and keeps what is not finite", () => {
      const values = [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1 - 2 ** -8, 3.4e38, -Infinity, NaN, 0];
      const builder = new Builder(1, 1);
      const input = builder.map("input", [1, 1], 8, true);
      const factors = builder.map("output", [1, 1], 8);
      builder.node("pool", {
        kind: "average_pool_gradient",
        ...window(1),
        inputs: { outputGradient: input },
        outputs: { inputGradient: factors },
      });
      builder.values.set(input, Float64Array.from(values, Math.fround));
      const { graph } = builder;
      const outcome = runKernels({ graph, batch: 1, values: builder.values, build, storesBfloat16: true });
      const expected = [1, 1 + 2 ** -6, 1 + 2 ** -7, -1, Infinity, -Infinity, NaN, 0];
      expect([...outcome.read(factors)]).toEqual(expected);
    });
  });

  it.each([1, 3, 4, 5])("looks %i channels of 8-bit images up in their tables", (channels) => {
    const [height, width, batch] = [33, 31, 9]; // beyond one unit of work
    const images = Uint8Array.from(draw(7, 0, batch * height * width * channels), (bits) => bits >>> 24);
    const pixelValues = new Float32Array(symmetric(7, 1, channels * 256));
    const shape: Shape = { kind: "map", height, width, channels };
    const graph: TrainingGraph = {
      tensors: [{ kind: "activation", name: "images", shape }],
      nodes: [{ name: "images", op: { kind: "load_images", inputs: {}, outputs: { output: 0 } } }],
    };
    const outcome = runKernels({ graph, batch, values: new Map(), images, pixelValues, build });
    const expected = Float64Array.from(images, (value, at) => pixelValues[(at % channels) * 256 + value]!);
    expect(outcome.read(0)).toEqual(expected);
    expect(outcome.strays()).toEqual([]);
  });
});

// ---------------------------------------------------------------- updates

const sgd = (options: Partial<Extract<UpdateRule, { kind: "sgd" }>>): UpdateRule => ({
  ...{ kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0, decoupled: false },
  ...options,
});
const adam = (options: Partial<Extract<UpdateRule, { kind: "adam" }>>): UpdateRule => ({
  ...{ kind: "adam", beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, decoupled: false },
  ...options,
});
const muon = (options: Partial<Extract<UpdateRule, { kind: "muon" }>>): UpdateRule => ({
  ...{ kind: "muon", momentum: 0.9, nesterov: true, iterations: 5, normalizeWeights: false, weightDecay: 0 },
  ...options,
});
const rules: readonly (readonly [string, UpdateRule])[] = [
  ["plain SGD", sgd({})],
  ["SGD with decay", sgd({ weightDecay: 0.1 })],
  ["SGD with decoupled decay", sgd({ momentum: 0.9, weightDecay: 0.1, decoupled: true })],
  ["momentum", sgd({ momentum: 0.9, weightDecay: 0.01 })],
  ["Nesterov's momentum", sgd({ momentum: 0.8, nesterov: true, weightDecay: 0.01 })],
  ["Adam", adam({})],
  ["Adam with decay", adam({ weightDecay: 0.1 })],
  ["AdamW", adam({ beta1: 0.8, beta2: 0.99, eps: 1e-6, weightDecay: 0.1, decoupled: true })],
  ["Muon", muon({})],
  ["Muon with plain momentum and decay", muon({ nesterov: false, iterations: 1, weightDecay: 0.1 })],
  ["Muon on weights of one norm", muon({ momentum: 0.6, iterations: 3, normalizeWeights: true })],
];

it.each(rules)("updates by %s as the reference does, over three steps, group by group", (_, rule) => {
  // More than one unit of work; Muon's reference multiplies matrices in plain loops
  const shapes = { matrix: [rule.kind === "muon" ? 90 : 500, 40], filter: [2, 1, 5, 70], bias: [300] } as const;
  const builder = new Builder(1, 5);
  const parameter = (name: string, dims: readonly number[]): [TensorId, TensorId] => {
    const id = builder.add({ kind: "parameter", name, dims }, (value) => value);
    return [id, builder.add({ kind: "gradient", name: `${name} gradient`, parameter: id }, (value) => value)];
  };
  const [matrix, toMatrix] = parameter("matrix", shapes.matrix);
  const [filter, toFilter] = parameter("filter", shapes.filter);
  const [bias, toBias] = parameter("bias", shapes.bias);
  const plain: UpdateRule = { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0, decoupled: false };
  const isForVectors = rule.kind !== "muon";
  const second = isForVectors ? { ...rule, weightDecay: 0 } : plain;
  builder.node("update", {
    kind: "update",
    rules: [
      { rateIndex: 1, rule },
      { rateIndex: 0, rule: second },
    ],
    inputs: {
      groups: [
        { parameters: [matrix, filter], gradients: [toMatrix, toFilter] },
        { parameters: [bias], gradients: [toBias] },
      ],
    },
    outputs: { updated: [matrix, filter, bias] },
  });
  const hyper = [1, 2, 3].map((step) => ({ rates: [0.2 / step, 0.1 / step], step }));
  const found = runKernels({ graph: builder.graph, batch: 1, values: builder.values, hyper });
  const slots = new Map<string, Float64Array>();
  let values: ReadonlyMap<TensorId, Float64Array> = builder.values;
  for (const update of hyper) {
    const machine = execute(builder.graph, { count: 1, values, slots, update });
    values = new Map([...values.keys()].map((id) => [id, machine.read(id)]));
  }
  for (const id of [matrix, filter, bias]) {
    const moved = (value: Float64Array) => value.map((after, at) => after - builder.values.get(id)![at]!);
    expect(distanceOf(moved(found.read(id)), moved(values.get(id)!))).toBeLessThan(UPDATE[rule.kind]);
  }
  expect(found.strays()).toEqual([]);
});

// ---------------------------------------------------------------- operations

interface Operation {
  readonly graph: TrainingGraph;
  readonly batch: number;
  readonly values: Map<TensorId, Float64Array>;
  readonly labels?: Int32Array;
  readonly mixed?: MixedLabels;
  readonly images?: Uint8Array;
  readonly pixelValues?: Float32Array;
  /** What is compared. */
  readonly outputs: readonly TensorId[];
}

/** Choices of kernels that together use each that suits each pass. */
function everyChoice({ graph, batch }: Operation): KernelChoice[] {
  const selection = selectionOf(graph, { batch });
  const choice = { ...BY_COST, providers: [products] };
  const suitable = convolutionTasks(new KernelSelector(graph, selection)).map((task) => {
    return { key: taskKey(task), names: candidates(task, choice).map(({ name }) => name) };
  });
  const most = Math.max(...suitable.map(({ names }) => names.length));
  return Array.from({ length: most }, (_, index) => {
    const chosen = suitable.map(({ key, names }) => [key, names[index % names.length]!] as const);
    return { ...choice, chosen: Object.fromEntries(chosen) };
  });
}

/** What a library that multiplies matrices is asked for; test/reference/multiply-matrices.ts plays it. */
const productKernels = libraryWinograd("products", "products 1");
const products: KernelProvider = {
  id: "products",
  name: "products",
  version: "1",
  candidates: (task) => suiting(productKernels, task),
};

/** Weight gradients by that library's Winograd; maps are only stored as bfloat16 where some kernel takes each form of them. */
function byWinogradF4(graph: TrainingGraph, batch: number, storesBfloat16: boolean): KernelChoice {
  const emit = () => invariant(false, "it is never chosen");
  const all = { name: "all", suits: () => true, cost: () => Infinity, emit };
  const kernels = { ...productKernels, "weight gradient": [...productKernels["weight gradient"], all] };
  const convolutions: KernelChoice = {
    ...BY_COST,
    providers: [{ ...products, candidates: (task) => suiting(kernels, task) }],
  };
  const selector = new KernelSelector(graph, selectionOf(graph, { batch, convolutions, storesBfloat16 }));
  const keys = convolutionTasks(selector).map(taskKey);
  return { ...convolutions, chosen: Object.fromEntries(keys.map((key) => [key, "products 1 winograd fours"])) };
}

const references = new WeakMap<Operation, ReturnType<typeof execute>>();

function compare(
  operation: Operation,
  options: Pick<KernelRun, "build" | "inPlace" | "convolutions" | "storesBfloat16" | "draws">,
) {
  const { graph, batch, values, labels, mixed, outputs, images, pixelValues } = operation;
  const normalised =
    images &&
    Float64Array.from(images, (value, at) => {
      return pixelValues![(at % (pixelValues!.length / 256)) * 256 + value]!;
    });
  const reference =
    references.get(operation) ??
    execute(graph, {
      count: batch,
      values,
      ...(labels ? { labels } : {}),
      ...(mixed ? { mixed } : {}),
      ...(normalised ? { images: normalised } : {}),
      draws: options.draws,
    });
  references.set(operation, reference);
  const outcome = runKernels({
    graph,
    batch,
    values,
    ...(labels ? { labels } : {}),
    ...(mixed ? { mixed } : {}),
    ...(images ? { images } : {}),
    ...(pixelValues ? { pixelValues } : {}),
    ...options,
  });
  const distances = outputs.map((id): [name: string, distance: number] => {
    return [graph.tensors[id]!.name, distanceOf(outcome.read(id), reference.read(id))];
  });
  return { outcome, reference, distances };
}

/** What is given for maps rounded to bfloat16. */
function roundMaps(operation: Operation): Operation {
  const values = new Map(operation.values);
  for (const [id, given] of values) {
    if (operation.graph.tensors[id]!.kind !== "activation") continue;
    const bits = new Uint32Array(Float32Array.from(given).buffer);
    const upper = new Float32Array(bits.map((word) => (word + 0x8000) & 0xffff0000).buffer);
    values.set(id, Float64Array.from(upper));
  }
  return { ...operation, values };
}

/** Relative to the largest magnitude; infinite where a value is not a number. */
function distanceOf(found: Float64Array, expected: Float64Array): number {
  let [largest, distance] = [0, 0];
  expected.forEach((value, at) => {
    largest = Math.max(largest, Math.abs(value));
    const difference = Math.abs(value - found[at]!);
    distance = Math.max(distance, Number.isNaN(difference) ? Infinity : difference);
  });
  return distance === 0 ? 0 : distance / largest;
}

/** Tensors one by one, each filled with random numbers if it is an input. */
class Builder {
  readonly tensors: Tensor[] = [];
  readonly nodes: TrainingNode[] = [];
  readonly values = new Map<TensorId, Float64Array>();

  constructor(
    readonly batch: number,
    readonly seed: number,
  ) {}

  add(tensor: Tensor, fill?: (value: number) => number): TensorId {
    const id = this.tensors.push(tensor) - 1;
    if (fill) {
      const count = sizeOf({ tensors: this.tensors, nodes: [] }, id, this.batch);
      this.values.set(
        id,
        symmetric(this.seed, id, count).map((value) => Math.fround(fill(value))),
      );
    }
    return id;
  }

  map(name: string, [height, width]: readonly [number, number], channels: number, isInput = false): TensorId {
    const shape: Shape = { kind: "map", height, width, channels };
    return this.add({ kind: "activation", name, shape }, isInput ? (value) => value : undefined);
  }

  node(name: string, op: TrainingOp): void {
    this.nodes.push({ name, op });
  }

  get graph(): TrainingGraph {
    return { tensors: this.tensors, nodes: this.nodes };
  }
}

function convolutionGraph({ map, channels, batch, isFirst = false, ...rest }: Convolution): Operation {
  const { groups, dilation } = rest;
  const size = filterOf({ ...window(rest.kernel, rest.stride ?? 1, rest.padding ?? 0), groups, dilation });
  const { padding, stride } = size;
  const kernel = spanOf(size);
  const out = [
    Math.floor((map[0] + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1,
    Math.floor((map[1] + padding.left + padding.right - kernel[1]) / stride[1]) + 1,
  ] as const;
  const [inputs, outputs] = channels;
  const builder = new Builder(batch, inputs * 1000 + outputs);
  const input = builder.map("input", map, inputs, !isFirst);
  if (isFirst) builder.node("images", { kind: "load_images", inputs: {}, outputs: { output: input } });
  const identity = (value: number): number => value;
  const dims = [...size.kernel, inputs / (groups ?? 1), outputs];
  const weight = builder.add({ kind: "parameter", name: "weight", dims }, identity);
  const bias = builder.add({ kind: "parameter", name: "bias", dims: [outputs] }, identity);
  const output = builder.map("output", out, outputs);
  const withoutBias = builder.map("output without bias", out, outputs);
  const outputGradient = builder.map("output gradient", out, outputs, true);
  const weightGradient = builder.add({ kind: "gradient", name: "weight gradient", parameter: weight });
  const biasGradient = builder.add({ kind: "gradient", name: "bias gradient", parameter: bias });
  builder.node("conv", { kind: "conv2d", ...size, inputs: { input, weight, bias }, outputs: { output } });
  builder.node("conv without bias", {
    kind: "conv2d",
    ...size,
    inputs: { input, weight, bias: null },
    outputs: { output: withoutBias },
  });
  builder.node("to weight", {
    kind: "conv2d_weight_gradient",
    ...size,
    inputs: { input, outputGradient },
    outputs: { weightGradient },
  });
  builder.node("to bias", { kind: "bias_gradient", inputs: { outputGradient }, outputs: { biasGradient } });
  const compared = [output, withoutBias, weightGradient, biasGradient];
  if (isFirst) {
    const images = Uint8Array.from(draw(inputs, 1, batch * map[0] * map[1] * inputs), (bits) => bits >>> 24);
    const pixelValues = new Float32Array(symmetric(inputs, 2, inputs * 256));
    return { graph: builder.graph, batch, values: builder.values, outputs: compared, images, pixelValues };
  }
  const inputGradient = builder.map("input gradient", map, inputs);
  const earlier = builder.map("earlier gradient", map, inputs, true);
  const sum = builder.map("input gradient added", map, inputs);
  const toInput = { kind: "conv2d_input_gradient", ...size } as const;
  builder.node("to input", {
    ...toInput,
    inputs: { outputGradient, weight, accumulate: null },
    outputs: { inputGradient },
  });
  const hasTaps = size.stride.every((step, axis) => step <= kernel[axis]! || map[axis]! > 1 || padding.top === 0);
  if (hasTaps)
    builder.node("added to input", {
      ...toInput,
      inputs: { outputGradient, weight, accumulate: earlier },
      outputs: { inputGradient: sum },
    });
  const gradients = hasTaps ? [inputGradient, sum] : [inputGradient];
  return { graph: builder.graph, batch, values: builder.values, outputs: [...compared, ...gradients] };
}

/** Products in the longest of the sums that make an output and a gradient. */
function termsOf({ map, channels, batch, kernel }: Convolution): number {
  const taps = typeof kernel === "number" ? kernel ** 2 : kernel[0] * kernel[1];
  return Math.max(taps * Math.max(...channels), batch * map[0] * map[1]);
}

function isWinograd({ kernels }: KernelOutcome, tensor: string): boolean {
  const pass = /^(weight|input) gradient/.exec(tensor)?.[1] ?? "convolve";
  const passes = {
    weight: /^weight_gradient_winograd/,
    input: /^input_gradient_winograd|^convolve_winograd(_f3|_library)?$/,
  };
  const pattern = pass === "convolve" ? /^convolve_winograd/ : passes[pass as keyof typeof passes];
  return tensor !== "bias gradient" && kernels.some((kernel) => pattern.test(kernel));
}

function pointwiseGraph(
  map: readonly [number, number],
  channels: number,
  batch: number,
  pointwise: Pointwise,
  isTraining: boolean,
  { hasScale = true, isFrozen = false } = {},
): Operation {
  const builder = new Builder(batch, channels);
  const input = builder.map("input", map, channels, true);
  const residual = pointwise.add ? builder.map("residual", map, channels, true) : null;
  const output = builder.map("output", map, channels);
  const vector = (kind: "parameter" | "statistic", name: string, centre: number): TensorId =>
    builder.add({ kind, name, dims: [channels] }, (value) => centre + value / 2);
  const hasNorm = pointwise.norm !== null;
  const scale = hasNorm && hasScale ? vector("parameter", "scale", 1) : null;
  const norm = hasNorm && { scale, shift: vector("parameter", "shift", 0) };
  const running = hasNorm
    ? { mean: vector("statistic", "running mean", 0), variance: vector("statistic", "running variance", 1) }
    : null;
  if (!isTraining) {
    const operands = norm && running ? { ...norm, ...running } : null;
    builder.node("pointwise", {
      kind: "pointwise_inference",
      ...pointwise,
      inputs: { input, residual, operands },
      outputs: { output },
    });
    return { graph: builder.graph, batch, values: builder.values, outputs: [output] };
  }
  const statistic = (name: string): TensorId => builder.add({ kind: "channels", name, channels });
  const saved = hasNorm
    ? {
        mean: statistic("mean"),
        reciprocalDeviation: statistic("reciprocal deviation"),
        factor: statistic("factor"),
        term: statistic("term"),
      }
    : null;
  const operands = norm && saved ? { ...norm, ...saved } : null;
  builder.node("pointwise", {
    kind: "pointwise",
    ...pointwise,
    inputs: { input, residual, operands: norm || null, running },
    outputs: { output, saved, running },
  });
  const outputGradient = builder.map("output gradient", map, channels, true);
  const inputGradient = builder.map("input gradient", map, channels);
  const residualGradient = pointwise.add ? builder.map("residual gradient", map, channels) : null;
  const gradient = (name: string, parameter: TensorId): TensorId => builder.add({ kind: "gradient", name, parameter });
  const scaleGradient = operands && scale !== null && !isFrozen ? gradient("scale gradient", scale) : null;
  const shiftGradient = operands && !isFrozen ? gradient("shift gradient", operands.shift) : null;
  builder.node("pointwise gradient", {
    kind: "pointwise_gradient",
    ...pointwise,
    inputs: {
      outputGradient,
      input: hasNorm || pointwise.inner ? input : null,
      output: pointwise.outerRelu ? output : null,
      operands,
    },
    outputs: { scaleGradient, shiftGradient, inputGradient, residualGradient },
  });
  const outputs = [
    output,
    inputGradient,
    residualGradient,
    scaleGradient,
    shiftGradient,
    running?.mean,
    running?.variance,
  ];
  const compared = outputs.filter((id): id is TensorId => id !== null && id !== undefined);
  return { graph: builder.graph, batch, values: builder.values, outputs: compared };
}

function poolGraph(
  kind: "max_pool" | "average_pool",
  map: readonly [number, number],
  channels: number,
  batch: number,
  size: Window,
): Operation {
  const { kernel, stride, padding } = size;
  const out = [
    Math.floor((map[0] + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1,
    Math.floor((map[1] + padding.left + padding.right - kernel[1]) / stride[1]) + 1,
  ] as const;
  const builder = new Builder(batch, channels);
  const input = builder.map("input", map, channels, true);
  const output = builder.map("output", out, channels);
  const outputGradient = builder.map("output gradient", out, channels, true);
  const inputGradient = builder.map("input gradient", map, channels);
  builder.node("pool", { kind, ...size, inputs: { input }, outputs: { output } });
  const gradient = { ...size, outputs: { inputGradient } };
  if (kind === "max_pool") {
    builder.node("gradient", { kind: "max_pool_gradient", ...gradient, inputs: { input, output, outputGradient } });
  } else builder.node("gradient", { kind: "average_pool_gradient", ...gradient, inputs: { outputGradient } });
  return { graph: builder.graph, batch, values: builder.values, outputs: [output, inputGradient] };
}

function subsampleGraph(
  map: readonly [number, number],
  [channels, outChannels]: readonly [number, number],
  batch: number,
  stride: readonly [number, number],
): Operation {
  const out = [Math.ceil(map[0] / stride[0]), Math.ceil(map[1] / stride[1])] as const;
  const builder = new Builder(batch, channels);
  const input = builder.map("input", map, channels, true);
  const output = builder.map("output", out, outChannels);
  const outputGradient = builder.map("output gradient", out, outChannels, true);
  const inputGradient = builder.map("input gradient", map, channels);
  builder.node("subsample", { kind: "subsample", stride, inputs: { input }, outputs: { output } });
  builder.node("gradient", {
    kind: "subsample_gradient",
    stride,
    inputs: { outputGradient },
    outputs: { inputGradient },
  });
  return { graph: builder.graph, batch, values: builder.values, outputs: [output, inputGradient] };
}

function channelNormGraph(groups: number | null): OperationOf {
  return (map, channels, batch) => {
    const builder = new Builder(batch, channels);
    const parameter = (name: string, centre: number): TensorId =>
      builder.add({ kind: "parameter", name, dims: [channels] }, (value) => Math.fround(centre + value / 2));
    const [scale, shift] = [parameter("scale", 1), parameter("shift", 0)];
    const [input, outputGradient] = ["input", "output gradient"].map((name) =>
      builder.map(name, map, channels, true),
    ) as [TensorId, TensorId];
    const [output, inputGradient] = ["output", "input gradient"].map((name) => builder.map(name, map, channels)) as [
      TensorId,
      TensorId,
    ];
    const [scaleGradient, shiftGradient] = [scale, shift].map((id) =>
      builder.add({ kind: "gradient", name: `gradient of ${id}`, parameter: id }),
    ) as [TensorId, TensorId];
    const settings = { groups, eps: 1e-3 };
    builder.node("norm", { kind: "channel_norm", ...settings, inputs: { input, scale, shift }, outputs: { output } });
    builder.node("gradient", {
      kind: "channel_norm_gradient",
      ...settings,
      inputs: { input, outputGradient, scale },
      outputs: { inputGradient, scaleGradient, shiftGradient },
    });
    const outputs = [output, inputGradient, scaleGradient, shiftGradient];
    return { graph: builder.graph, batch, values: builder.values, outputs };
  };
}

function learnedScaleGraph(per: "channel" | "tensor"): OperationOf {
  return (map, channels, batch) => {
    const builder = new Builder(batch, channels);
    const dims = [per === "channel" ? channels : 1];
    const weight = builder.add({ kind: "parameter", name: "weight", dims }, (value) => value);
    const input = builder.map("input", map, channels, true);
    const outputGradient = builder.map("output gradient", map, channels, true);
    const output = builder.map("output", map, channels);
    const inputGradient = builder.map("input gradient", map, channels);
    const weightGradient = builder.add({ kind: "gradient", name: "weight gradient", parameter: weight });
    builder.node("scale", { kind: "learned_scale", inputs: { input, weight }, outputs: { output } });
    builder.node("gradient", {
      kind: "learned_scale_gradient",
      inputs: { input, weight, outputGradient },
      outputs: { inputGradient, weightGradient },
    });
    const outputs = [output, inputGradient, weightGradient];
    return { graph: builder.graph, batch, values: builder.values, outputs };
  };
}

function dropGraph(perImage: boolean, rate: number): OperationOf {
  return (map, channels, batch) => {
    const builder = new Builder(batch, channels);
    const input = builder.map("input", map, channels, true);
    const output = builder.map("output", map, channels);
    builder.node("drop", { kind: "drop", rate, perImage, node: 77, inputs: { input }, outputs: { output } });
    return { graph: builder.graph, batch, values: builder.values, outputs: [output] };
  };
}

/** What is concatenated, products of that, slices of it with their gradient, shuffles. */
function channelGraph(map: readonly [number, number], counts: readonly number[], batch: number): Operation {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const concatenation = new Builder(batch, total);
  const inputs = counts.map((count, at) => concatenation.map(`input ${at}`, map, count, true));
  const output = concatenation.map("concatenated", map, total);
  concatenation.node("concatenate", { kind: "concatenate", inputs: { inputs }, outputs: { output } });
  const product = concatenation.map("product", map, total);
  const other = concatenation.map("other", map, total, true);
  concatenation.node("multiply", {
    kind: "multiply",
    inputs: { left: output, right: other },
    outputs: { output: product },
  });
  let from = 0;
  const slices = counts.flatMap((count, at) => {
    const [slice, gradient] = [`slice ${at}`, `gradient ${at}`].map((name, wide) =>
      concatenation.map(name, map, wide ? total : count),
    ) as [TensorId, TensorId];
    concatenation.node("slice", { kind: "slice", from, inputs: { input: other }, outputs: { output: slice } });
    const ends = { inputs: { outputGradient: slice }, outputs: { inputGradient: gradient } };
    concatenation.node("slice gradient", { kind: "slice_gradient", from, ...ends });
    from += count;
    return [slice, gradient];
  });
  const groupCounts = Array.from({ length: total }, (_, at) => at + 1).filter((groups) => total % groups === 0);
  const shuffles = groupCounts.map((groups) => {
    const shuffled = concatenation.map(`in ${groups} groups`, map, total);
    concatenation.node("shuffle", { kind: "shuffle", groups, inputs: { input: other }, outputs: { output: shuffled } });
    return shuffled;
  });
  const { graph, values } = concatenation;
  return { graph, batch, values, outputs: [output, product, ...slices, ...shuffles] };
}

/** Sigmoid of a vector, a map times it, and the gradients of both. */
function gateGraph(map: readonly [number, number], channels: number, batch: number): Operation {
  const builder = new Builder(batch, channels);
  const shape: Shape = { kind: "vector", channels };
  const vector = (name: string, spread?: number): TensorId =>
    builder.add({ kind: "activation", name, shape }, spread === undefined ? undefined : (value) => value * spread);
  const input = builder.map("input", map, channels, true);
  const before = vector("before", 6);
  const gate = vector("gate");
  const output = builder.map("output", map, channels);
  const outputGradient = builder.map("output gradient", map, channels, true);
  const inputGradient = builder.map("input gradient", map, channels);
  const [gateGradient, beforeGradient] = [vector("gate gradient"), vector("before gradient")];
  const sigmoid = { norm: null, inner: { kind: "sigmoid" }, add: false, outerRelu: false } as const;
  builder.node("gate", {
    kind: "pointwise",
    ...sigmoid,
    inputs: { input: before, residual: null, operands: null, running: null },
    outputs: { output: gate, saved: null, running: null },
  });
  builder.node("gated", { kind: "gate", inputs: { input, gate }, outputs: { output } });
  const inputs = { input, gate, outputGradient };
  builder.node("gradient", { kind: "gate_gradient", inputs, outputs: { inputGradient, gateGradient } });
  builder.node("gate gradient", {
    kind: "pointwise_gradient",
    ...sigmoid,
    inputs: { outputGradient: gateGradient, input: before, output: null, operands: null },
    outputs: { inputGradient: beforeGradient, residualGradient: null, scaleGradient: null, shiftGradient: null },
  });
  const outputs = [gate, output, inputGradient, gateGradient, beforeGradient];
  return { graph: builder.graph, batch, values: builder.values, outputs };
}

function lossGraph(
  batch: number,
  classes: number,
  labelSmoothing: number,
  spread: number,
  mixedLabels = false,
): Operation {
  const builder = new Builder(batch, classes);
  const shape: Shape = { kind: "vector", channels: classes };
  const logits = builder.add({ kind: "activation", name: "logits", shape }, (value) => value * spread);
  const logitsGradient = builder.add({ kind: "activation", name: "logits gradient", shape });
  builder.node("loss", {
    kind: "softmax_cross_entropy",
    labelSmoothing,
    mixedLabels,
    inputs: { logits },
    outputs: { logitsGradient },
  });
  const labels = Int32Array.from(draw(classes, 3, batch), (bits) => bits % classes);
  const operation = { graph: builder.graph, batch, values: builder.values, labels, outputs: [logitsGradient] };
  if (!mixedLabels) return operation;
  const shares = Float32Array.from(symmetric(classes, 4, batch), (value, at) => (at === 0 ? 1 : 0.75 + value / 4));
  const others = Int32Array.from(draw(classes, 5, batch), (bits) => bits % classes); // some equal to the label
  return { ...operation, mixed: { labels: others, shares } };
}

function window(
  kernel: number | readonly [number, number],
  stride: number | readonly [number, number] = 1,
  padding: number | readonly [number, number, number, number] = 0,
): Window {
  const pair = (size: number | readonly [number, number]) =>
    typeof size === "number" ? ([size, size] as const) : size;
  const [top, bottom, left, right] = typeof padding === "number" ? [padding, padding, padding, padding] : padding;
  const sides: Padding = { top, bottom, left, right };
  return { kernel: pair(kernel), stride: pair(stride), padding: sides };
}

function titleOf(size: Convolution): string {
  const { map, channels, batch, kernel, stride = 1, padding = 0, isFirst = false, groups, dilation } = size;
  const text = (value: number | readonly number[]): string =>
    typeof value === "number" ? `${value}` : value.join(" ");
  const what = `${batch} ${isFirst ? "images" : "maps"} ${map.join("×")} of ${channels.join(" to ")} channels`;
  const filter = (groups ? ` in ${groups} groups` : "") + (dilation ? `, dilation ${text(dilation)}` : "");
  return `${what}${filter}, kernel ${text(kernel)}, stride ${text(stride)}, padding ${text(padding)}`;
}

function pointwiseTitle({ norm, inner, add, outerRelu }: Pointwise): string {
  const parts = [norm && `norm (epsilon ${norm.eps})`, inner?.kind, add && "addition", outerRelu && "relu"];
  return parts.filter(Boolean).join(", ") || "nothing";
}
