import { readFileSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";

const text = `name: a
data: { dataset: { synthetic: { height: 12, width: 12 } } }
model: { stem: { channels: 4 }, stages: [{ channels: 4, blocks: 1 }] }
train: { epochs: 3, batch_size: 32, learning_rate: 0.1 }
`;

function codesOf(...overrides: string[]): string[] {
  return compileText(text, "a.yaml", { overrides }).diagnostics.map(({ code }) => code);
}

it("has nothing to say of the networks that come with netc", () => {
  const folder = new URL("../../../configs/", import.meta.url);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
    expect(compileText(readFileSync(new URL(name, folder), "utf8"), name).diagnostics, name).toEqual([]);
  }
});

it.each<[string, number, boolean]>([
  ["sgd", 1e-6, true],
  ["sgd", 9e-7, false],
  ["sgd", 3.2, true],
  ["sgd", 3.3, false],
  ["adam", 1e-5, true],
  ["adam", 9e-6, false],
  ["adamw", 0.1, true],
  ["adamw", 0.11, false],
])("takes for %s a rate of %d as usual: %s", (optimizer, rate, isUsual) => {
  const found = codesOf(`train.optimizer=${optimizer}`, `train.learning_rate=${rate}`);
  expect(found).toEqual(isUsual ? [] : ["train/unusual-learning-rate"]);
});

it.each([
  "step: {rate: 9, every_epochs: 1}",
  "multi_step: {rate: 9, milestones: [1]}",
  "cosine: {rate: 9}",
  "one_cycle: {peak: 9}",
])("finds the highest rate of {%s}", (schedule) => {
  expect(codesOf(`train.learning_rate={${schedule}}`)).toEqual(["train/unusual-learning-rate"]);
});

it("takes padding up to half of a pool's window", () => {
  const pool = (kernel: number, padding: number) =>
    codesOf(`model.stem.pool={max: {kernel: ${kernel}, stride: 2, padding: ${padding}}}`);
  expect(pool(2, 1)).toEqual([]);
  expect(pool(3, 1)).toEqual([]);
  expect(pool(3, 2)).toEqual(["shape/pooling-padding"]);
  expect(pool(4, 2)).toEqual([]);
});

it("finds weights that no position of the kernel brings onto the map, strides and padding counted", () => {
  const stem = (kernel: number, stride: number, padding: number) =>
    codesOf(`model.stem={channels: 4, kernel: ${kernel}, stride: ${stride}, padding: ${padding}}`).filter(
      (code) => code === "shape/idle-weights",
    );
  expect(stem(12, 1, 0)).toHaveLength(1); // its own output is 1×1, so the blocks' kernels are too large
  expect(stem(7, 1, 3)).toEqual([]);
  expect(stem(3, 2, 1)).toEqual([]);
  expect(stem(9, 9, 4)).toEqual([]); // windows at -4 and 5 cover all nine between them
});

it("takes a single value a channel for a fault only where a norm sees it", () => {
  const tiny = ["model.stages[0].pool={max: {kernel: 12}}", "train.batch_size=1"];
  const errors = (...overrides: string[]) =>
    codesOf(...tiny, ...overrides).filter((code) => code === "train/single-value-norm");
  expect(errors()).toHaveLength(1);
  expect(errors("model.stages[0].norm=none")).toEqual([]);
  expect(errors("train.batch_size=2")).toEqual([]);
  const odd = ["train.batch_size=32", "data.dataset.synthetic.train_images=65"];
  expect(errors(...odd)).toHaveLength(1);
  expect(errors(...odd, "train.drop_last=true")).toEqual([]);
});

it("lets branches start at zero where a gradient still reaches them", () => {
  const zero = "train.initialization.zero_last_norm=true";
  expect(codesOf(zero)).toEqual([]);
  const before = (...overrides: string[]) => codesOf(zero, "model.stages[0].activation_before_add=true", ...overrides);
  expect(before()).toEqual(["train/branch-never-learns"]);
  expect(before("model.stages[0].activation=gelu")).toEqual([]); // its slope at 0 is a half
  expect(before("model.stages[0].activation=none")).toEqual(["setting/without-effect"]);
  // Without a scale the norm does not start at 0, and a group of convolutions has its activation behind the addition
  expect(before("model.stages[0].norm={batch: {scale: false}}")).toEqual(["setting/without-effect"]);
  const group = "model.stages[0].block={group: {convolutions: 2, shortcut: true}}";
  expect(before(group)).toEqual(["setting/without-effect"]);
  expect(codesOf(zero, group)).toEqual([]);
  expect(codesOf(zero, group.replace("true", "false"))).toEqual(["setting/without-effect"]);
});

it.each([
  ["learning_rate: {multi_step: {rate: 0.1, milestones: [2, 1]}}", "train/milestone-order"],
  ["learning_rate: {multi_step: {rate: 0.1, milestones: [1], milestone_steps: [40]}}", "train/two-durations"],
  ["learning_rate: {cosine_restarts: {rate: 0.1}}", "train/missing-duration"],
  ["learning_rate: {cosine_restarts: {rate: 0.1, period_epochs: 3}}", "train/milestone-past-end"],
  ["learning_rate: {linear: {rate: 0.1, end: 0.2}}", "train/rate-order"],
  ["learning_rate: {constant: {rate: 0.1, warmup_steps: 31}}, epochs: 1", "train/warmup-past-end"],
  ["optimizer: {adam: {}}", "train/unusual-learning-rate", "optimizer"],
])("holds a group with {%s} to the rules of the training's own", (group, code, key = "learning_rate") => {
  const found = compileText(text, "a.yaml", {
    overrides: [
      "train.learning_rate=0.2",
      `train.groups=[{roles: [bias], rate_factor: 2}, {layers: [stem], ${group}}]`,
    ],
  }).diagnostics;
  expect(found.map((diagnostic) => diagnostic.code)).toEqual([code]);
  expect(found[0]!.path!.slice(0, 4)).toEqual(["train", "groups", 1, key]);
});

it("takes rates of SGD for biases and norms as they are, and those that only a factor sets apart", () => {
  const groups = (...list: string[]) => codesOf(`train.groups=[${list.join(", ")}]`);
  expect(groups("{roles: [norm_shift], learning_rate: 50}")).toEqual([]);
  expect(groups("{roles: [norm_shift], optimizer: adam, learning_rate: 50}")).toEqual(["train/unusual-learning-rate"]);
  expect(groups("{layers: [stem], rate_factor: 64}")).toEqual([]);
  expect(groups("{layers: [stem], learning_rate: 0.1, rate_factor: 64}")).toEqual(["train/unusual-learning-rate"]);
});

it("says of a group's settings that it is trained by none of them where it is frozen from the start", () => {
  const idle = "{layers: [stem], epochs: 0, learning_rate: {step: {rate: 900}}, optimizer: adam}";
  expect(codesOf(`train.groups=[${idle}]`)).toEqual(["setting/without-effect", "setting/without-effect"]);
});

// 16 steps an epoch, 48 in all
it.each([
  ["lookahead: {every_steps: 16}", []],
  ["lookahead: {every_steps: 17}", ["train/late-average"]],
  ["lookahead: {every_steps: 48}", ["train/late-average"]],
  ["lookahead: {every_steps: 49}", ["train/average-past-end"]],
  ["stochastic: {from_epoch: 2.9}", []],
  ["stochastic: {from_epoch: 3}", ["setting/without-effect"]],
  ["stochastic: {from_epoch: 0, every_steps: 47}", []],
  ["stochastic: {from_epoch: 0, every_steps: 48}", ["train/late-average"]],
])("finds an average that comes to be too late or never: {%s}", (average, codes) => {
  const images = "data.dataset={synthetic: {height: 12, width: 12, train_images: 512}}";
  expect(codesOf(images, `train.weight_average={${average}}`)).toEqual(codes);
});

it("finds an average that first moves after an evaluation within an epoch", () => {
  const average = "train.weight_average={lookahead: {every_steps: 5}}";
  expect(codesOf(average, "train.evaluation={every_steps: 4}")).toEqual(["train/late-average"]);
  expect(codesOf(average, "train.evaluation={every_steps: 5}")).toEqual([]);
});
