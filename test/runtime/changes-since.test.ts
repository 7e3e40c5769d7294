import { describe, expect, it } from "vitest";
import type { LearningRateConfig } from "../../src/compiler/config.js";
import { changesSince, describeChange } from "../../src/runtime/changes-since.js";
import type { TinyParts } from "../support/tiny-config.js";
import { tinyConfig } from "../support/tiny-config.js";
import { programOf } from "../support/tiny-run.js";

const between = (before: TinyParts, after: TinyParts, step = 5) =>
  changesSince(programOf(tinyConfig(before)), programOf(tinyConfig(after)), step);
const altered = (before: TinyParts, after: TinyParts, step?: number) =>
  between(before, after, step)
    .changes.filter(({ altersThePast }) => altersThePast)
    .map(({ path }) => path);

describe("changesSince", () => {
  it("finds nothing between equal programs", () => {
    expect(between({}, {})).toEqual({ changes: [], effects: [] });
  });

  it.each([
    ["the seed", { seed: 8 }, "seed"],
    ["the batch size", { train: { batch_size: 10 } }, "train.batch_size"],
    ["the data's augmentation", { data: { augment: [{ cutout: { size: 2 } }] } }, "data.augment"],
    ["the network", { model: { pooling: { average: { kernel: 4, stride: 4, padding: 0 } } } }, "model.pooling"],
    [
      "the initialisation",
      {
        train: { initialization: { weights: "xavier_normal", bias: "zero", dirac: false, zero_last_norm: true } },
      },
      "train.initialization.weights",
    ],
  ] as const)("refuses another value of %s", (_, after, path) => {
    expect(altered({}, after)).toEqual([path]);
  });

  it.each([
    ["the name", { name: "other" }, ["name"]],
    ["the number of epochs", { train: { epochs: 9 } }, ["train.epochs"]],
    [
      "evaluation",
      { train: { evaluation: { every_epochs: null, every_steps: 3, batch_size: 5, flip: true, translate: 0 } } },
      ["every_epochs", "every_steps", "batch_size", "flip"].map((key) => `train.evaluation.${key}`),
    ],
    [
      "checkpoints",
      { train: { checkpoints: { every_epochs: 2, every_steps: 50, keep: 9, keep_best: 1, on_failure: "stop" } } },
      ["every_epochs", "every_steps", "keep", "keep_best", "on_failure"].map((key) => `train.checkpoints.${key}`),
    ],
    ["early stop", { train: { early_stop: { metric: "test_loss", patience: 2, min_delta: 0 } } }, ["train.early_stop"]],
    [
      "what becomes of steps that are not finite",
      { train: { non_finite: { skip: { limit: 3 } } } },
      ["train.non_finite"],
    ],
  ] as const)("allows another value of %s", (_, after, paths) => {
    expect(altered({}, after)).toEqual([]);
    expect(between({}, after).changes.map(({ path }) => path)).toEqual(paths);
  });

  it("shows both values", () => {
    const [change] = between({}, { train: { batch_size: 10 } }).changes;
    expect(describeChange(change!)).toBe("train.batch_size: 12 in the run, 10 in the file");
  });

  it("refuses to end before the steps that are done, and says where that would be", () => {
    const [change] = between({}, { train: { epochs: 1 } }).changes;
    expect(change!.altersThePast).toBe(true);
    expect(describeChange(change!)).toBe(
      "train.epochs: 3 in the run, 1 in the file; that ends after step 4, and 5 are done",
    );
    expect(altered({}, { train: { epochs: 1 } }, 4)).toEqual([]);
  });

  it("allows another schedule where the rates of all steps done are the same", () => {
    const milestones = (...at: number[]): LearningRateConfig => ({
      multi_step: {
        rate: 0.1,
        factor: 0.1,
        milestones: at,
        milestone_steps: null,
        warmup_epochs: 0,
        warmup_steps: null,
      },
    });
    const [before, after] = [milestones(2), milestones(1.75)].map((rate) => ({
      train: { learning_rate: rate },
    }));
    expect(altered(before!, after!, 7)).toEqual([]);
    expect(between(before!, after!, 7).effects).toEqual([
      "the learning rate of step 8 is 0.01 instead of 0.1; the 7 steps already done keep the rates they had",
    ]);
    expect(altered(before!, after!, 8)).toEqual(["train.learning_rate.multi_step.milestones.0"]);
  });

  it("says how more epochs move the end and the rates to come", () => {
    expect(between({}, { train: { epochs: 6 } }).effects).toEqual([
      "the run now ends after 6 epochs (24 steps) instead of 3",
      expect.stringMatching(/^the learning rate of step 6 is \S+ instead of \S+; the 5 steps already done/),
    ]);
  });
});
