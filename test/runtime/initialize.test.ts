import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/compiler/build-graph.js";
import type { InitializationConfig, ModelConfig } from "../../src/compiler/config.js";
import { inferShapes } from "../../src/compiler/infer-shapes.js";
import { initialize } from "../../src/runtime/initialize.js";
import { tinyConfig } from "../support/tiny-config.js";

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
  const defaults = { weights: "kaiming_normal", bias: "zero", zero_last_norm: false } as const;
  const config = tinyConfig({
    seed,
    model,
    train: { initialization: { ...defaults, ...initialization } },
  });
  return initialize(inferShapes(buildGraph(config)).value!, config);
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
    } as const;
    const state = initialState({ zero_last_norm: true }, { stages: [stage] });
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
