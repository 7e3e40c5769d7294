import { describe, expect, it } from "vitest";
import { buildGraph } from "../../../src/compiler/network/build-graph.js";
import type { InitializationConfig, ModelConfig } from "../../../src/compiler/config.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { orthonormalize } from "../../../src/runtime/training/orthonormalize.js";
import { symmetric } from "../../oracle/counter-random.js";
import { readFixture } from "../../oracle/fixtures.js";
import { graphOf, square } from "../../reference/build-program.js";
import { tinyConfig } from "../../support/tiny-config.js";

const BATCH = { batch: { eps: 1e-5, momentum: 0.1, scale: true } };
const WIDE: Partial<ModelConfig> = {
  stem: {
    channels: 64,
    kernel: 5,
    stride: 1,
    padding: 2,
    bias: true,
    whitening: null,
    norm: BATCH,
    activation: "relu",
    pool: null,
  },
};

function initialState(initialization: Partial<InitializationConfig>, model?: Partial<ModelConfig>, seed = 7) {
  const defaults = { weights: "kaiming_normal", bias: "zero", dirac: false, zero_last_norm: false } as const;
  const config = tinyConfig({
    seed,
    model,
    train: { initialization: { ...defaults, ...initialization } },
  });
  return initialize(buildGraph(config).value!, config);
}

function moments(data: Float32Array) {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  return {
    mean,
    variance,
    largest: data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0),
  };
}

describe("initialize", () => {
  // 5×5×3 → 64: 4,800 weights, fan in 75, fan out 1,600
  it.each([
    ["kaiming_normal", 2 / 75, Infinity],
    ["kaiming_uniform", 2 / 75, Math.sqrt(6 / 75)],
    ["xavier_normal", 2 / (75 + 1600), Infinity],
    ["xavier_uniform", 2 / (75 + 1600), Math.sqrt(6 / (75 + 1600))],
  ] as const)("draws %s weights with mean 0, the right variance and bound", (weights, variance, bound) => {
    const drawn = moments(initialState({ weights }, WIDE).get("stem.conv.weight")!.data);
    // Four standard errors of a mean and of a normal's variance over 4,800 draws
    expect(Math.abs(drawn.mean)).toBeLessThan(4 * Math.sqrt(variance / 4800));
    expect(Math.abs(drawn.variance / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / 4800));
    expect(drawn.largest).toBeLessThanOrEqual(bound);
    if (bound < Infinity) expect(drawn.largest).toBeGreaterThan(0.99 * bound);
  });

  it("starts biases at zero, or uniformly within 1/√fan_in", () => {
    expect(moments(initialState({ bias: "zero" }, WIDE).get("stem.conv.bias")!.data).largest).toBe(0);
    const { largest } = moments(initialState({ bias: "uniform_fan_in" }, WIDE).get("stem.conv.bias")!.data);
    expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(75));
    expect(largest).toBeGreaterThan(0.8 / Math.sqrt(75)); // 64 draws all below 0.8: one in 1.6 million
  });

  it("starts norms at scale 1 and shift 0, and their statistics at mean 0 and variance 1", () => {
    const state = initialState({});
    const values = ["weight", "bias", "running_mean", "running_var"].map((part) => [
      ...state.get(`stem.norm.${part}`)!.data,
    ]);
    expect(values).toEqual([
      [1, 1, 1, 1],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ]);
  });

  it("silences the last norm of each residual branch and no other when zero_last_norm is set", () => {
    const norms = { channels: 6, blocks: 2, stride: 2, norm: BATCH, activation: "relu" } as const;
    const stage = {
      ...norms,
      block: "residual",
      projection: { bias: false, norm: BATCH },
      activation_before_add: true,
      pool: null,
      before: [],
    } as const;
    const state = initialState({ dirac: false, zero_last_norm: true }, { stages: [stage] });
    const silent = [...state].filter(
      ([name, { data }]) => /norm\d?\.weight$/.test(name) && data.every((value) => value === 0),
    );
    expect(silent.map(([name]) => name)).toEqual(["stages.0.blocks.0.norm2.weight", "stages.0.blocks.1.norm2.weight"]);
  });

  it("is a function of the seed", () => {
    const weights = (seed: number) => initialState({}, WIDE, seed).get("stem.conv.weight")!.data;
    expect(weights(1)).toEqual(weights(1));
    expect(weights(1)).not.toEqual(weights(2));
  });

  it("draws each tensor on its own", () => {
    const state = initialState({}, undefined);
    const one = state.get("stages.0.blocks.0.conv2.weight")!.data;
    const other = state.get("stages.0.blocks.1.conv1.weight")!.data;
    expect(one.length).toBe(other.length);
    expect(one).not.toEqual(other);
  });
});

describe("initialize, beside PyTorch", () => {
  const oracle = readFixture<Oracle>("initializations.json", "write_initializations.py");
  /** A linear layer of that many inputs and outputs, alone behind its images. */
  const linear = (inputs: number, outputs: number, weights: InitializationConfig["weights"]): Float32Array => {
    const graph = graphOf([1, 1, inputs], [["classifier", { kind: "linear", features: outputs, bias: false }]]);
    const initialization = { weights, bias: "zero", dirac: false, zero_last_norm: false } as const;
    return initialize(graph, tinyConfig({ train: { initialization } })).get("classifier.weight")!.data;
  };

  it.each(Object.keys(oracle.deciles))("spreads %s weights as torch.nn.init does", (weights) => {
    // Fewer outputs than PyTorch's where the fan out does not matter, to be quick
    const outputs = weights.startsWith("xavier") ? oracle.fanOut : 200;
    const drawn = linear(oracle.fanIn, outputs, weights as InitializationConfig["weights"]).sort();
    const largest = Math.max(...oracle.deciles[weights]!);
    oracle.deciles[weights]!.forEach((decile, at) => {
      const found = drawn[Math.floor((drawn.length * (at + 1)) / 10)]!;
      // Five standard errors of the outermost decile of 200,000 normal draws: 5 · 1.71 / √200,000, of 1.28 deviations
      expect(Math.abs(found - decile) / largest).toBeLessThan(0.016);
    });
  });

  it("finds the orthogonal matrix that torch.nn.init.orthogonal_ finds in the same numbers", () => {
    for (const { rows, columns, values } of oracle.orthogonal) {
      const drawn = symmetric(rows, columns, rows * columns);
      const isTall = rows >= columns;
      const vectors = Array.from({ length: Math.min(rows, columns) }, (_, vector) =>
        Float64Array.from({ length: Math.max(rows, columns) }, (_value, at) =>
          isTall ? drawn[at * columns + vector]! : drawn[vector * columns + at]!,
        ),
      );
      orthonormalize(vectors);
      values.forEach((value, at) => {
        const [row, column] = [Math.floor(at / columns), at % columns];
        const found = isTall ? vectors[column]![row]! : vectors[row]![column]!;
        expect(Math.abs(found - value)).toBeLessThan(1e-9); // records have ten digits
      });
    }
  });

  it.each([
    [300, 40],
    [64, 64],
    [30, 200],
  ])("fills %i inputs × %i outputs with orthonormal vectors of normal spread", (inputs, outputs) => {
    const data = linear(inputs, outputs, "orthogonal");
    const at = (vector: number, place: number): number =>
      inputs >= outputs ? data[place * outputs + vector]! : data[vector * outputs + place]!;
    const [count, length] = [Math.min(inputs, outputs), Math.max(inputs, outputs)];
    for (let one = 0; one < count; one++) {
      for (let other = 0; other <= one; other++) {
        let product = 0;
        for (let place = 0; place < length; place++) product += at(one, place) * at(other, place);
        expect(Math.abs(product - (one === other ? 1 : 0))).toBeLessThan(1e-6); // float32 values
      }
    }
    const { mean, variance } = moments(data);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(length * data.length));
    expect(variance * length).toBeCloseTo(1, 1);
  });

  it("starts convolutions as torch.nn.init.dirac_ does, on as many outputs as there are inputs", () => {
    for (const { shape, values } of oracle.dirac) {
      const [height, width, inputs, outputs] = shape as [number, number, number, number];
      const window = { kernel: [height, width], stride: [1, 1], padding: square(1).padding } as const;
      const graph = graphOf(
        [8, 8, 3],
        [
          ["stem.conv", { kind: "conv2d", channels: inputs, bias: false, ...square(3) }],
          ["conv", { kind: "conv2d", channels: outputs, bias: false, ...window }],
          ["pointwise", { kind: "conv2d", channels: 4, bias: false, ...square(1) }],
          ["pooling", { kind: "global_average_pool" }],
          ["classifier", { kind: "linear", features: 4, bias: false }],
        ],
      );
      const started = (dirac: boolean) => {
        const initialization = { weights: "kaiming_normal", bias: "zero", dirac, zero_last_norm: false } as const;
        return initialize(graph, tinyConfig({ train: { initialization } }));
      };
      const [with_, without] = [started(true), started(false)];
      for (const name of ["stem.conv.weight", "pointwise.weight", "classifier.weight"]) {
        expect(with_.get(name)).toEqual(without.get(name));
      }
      const drawn = without.get("conv.weight")!.data;
      const expected = values.map((value, at) => (value === 7 ? drawn[at]! : value)); // 7 stands for what is left alone
      expect([...with_.get("conv.weight")!.data]).toEqual(expected);
    }
  });
});

interface Oracle {
  readonly fanIn: number;
  readonly fanOut: number;
  readonly deciles: Readonly<Record<string, readonly number[]>>;
  readonly orthogonal: readonly {
    readonly rows: number;
    readonly columns: number;
    readonly values: readonly number[];
  }[];
  readonly dirac: readonly { readonly shape: readonly number[]; readonly values: readonly number[] }[];
}
