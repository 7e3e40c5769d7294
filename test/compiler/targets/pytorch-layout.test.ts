// Weights in PyTorch's layouts are those that PyTorch's own convolution and linear layers take.
import { expect, it } from "vitest";
import { compileConfig } from "../../../src/compiler/compile.js";
import { parametersOf } from "../../../src/compiler/network/parameters.js";
import { toPytorch } from "../../../src/compiler/targets/pytorch-layout.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { tinyConfig } from "../../support/tiny-config.js";

const { value: program } = compileConfig(
  tinyConfig({ model: { pooling: { average: { kernel: 2, stride: 2, padding: 0 } } } }),
);
const { graph, config } = program!;
const state = initialize(graph, config);
const tensors = toPytorch(graph, state);

it("turns filters to [out, in, height, width]", () => {
  const [height, width, inputs, outputs] = [3, 3, 3, 4];
  const { shape, data } = tensors.get("stem.conv.weight")!;
  expect(shape).toEqual([outputs, inputs, height, width]);
  const own = state.get("stem.conv.weight")!.data; // [height, width, in, out]
  const at = (o: number, i: number, y: number, x: number) => data[((o * inputs + i) * height + y) * width + x];
  expect(at(3, 1, 2, 0)).toBe(own[((2 * width + 0) * inputs + 1) * outputs + 3]);
  expect(at(0, 2, 1, 1)).toBe(own[((1 * width + 1) * inputs + 2) * outputs + 0]);
});

it("turns linear layers to [out, in], their inputs channel by channel", () => {
  const [pixels, channels, classes] = [4, 6, 4];
  const { shape, data } = tensors.get("classifier.weight")!;
  expect(shape).toEqual([classes, channels * pixels]);
  const own = state.get("classifier.weight")!.data; // [pixels × channels, classes]
  for (const [c, k, p] of [
    [0, 5, 3],
    [3, 0, 1],
    [2, 4, 2],
  ] as const) {
    expect(data[c * channels * pixels + k * pixels + p]).toBe(own[(p * channels + k) * classes + c]);
  }
});

it("keeps the rest as it is, every parameter and statistic and nothing else", () => {
  const names = parametersOf(graph).map(({ name }) => name);
  expect([...tensors.keys()].filter((name) => !name.includes("running_"))).toEqual(names);
  expect(tensors.get("stem.norm.weight")).toEqual(state.get("stem.norm.weight"));
});
