import { describe, expect, it } from "vitest";
import type { GroupConfig, LearningRateConfig } from "../../../src/compiler/config.js";
import { changesSince, describeChange } from "../../../src/runtime/run/changes-since.js";
import { plainGroup } from "../../support/plain-group.js";
import type { TinyParts } from "../../support/tiny-config.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { programOf } from "../../support/tiny-run.js";

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

  describe("rates to come", () => {
    const falling = (...milestones: number[]) => ({
      multi_step: { rate: 0.1, factor: 0.1, milestones, milestone_steps: null, warmup_epochs: 0, warmup_steps: null },
    });
    const constant = { constant: { rate: 0.1, warmup_epochs: 0, warmup_steps: null } };
    const group = (more: Partial<GroupConfig> = {}): GroupConfig => ({ ...plainGroup, roles: ["bias"], ...more });
    const grouped = (more: Partial<GroupConfig>, epochs = 3): TinyParts => ({
      train: { learning_rate: constant, groups: [group(more)], epochs },
    });

    it("may change together with the number of epochs", () => {
      const before = { train: { learning_rate: constant } };
      const after = (milestone: number) => ({ train: { epochs: 6, learning_rate: falling(milestone) } });
      expect(altered(before, after(4))).toEqual([]);
      expect(altered(before, after(1))).toEqual(["train.learning_rate.constant", "train.learning_rate.multi_step"]);
    });

    it("are compared with what the old schedule gives in a run as long as the new one, too", () => {
      const linear = (end: number, warmup_epochs: number, warmup_steps: number | null): TinyParts => ({
        train: { learning_rate: { linear: { rate: 0.1, end, warmup_epochs, warmup_steps } } },
      });
      const longer = (parts: TinyParts): TinyParts => ({ train: { ...parts.train, epochs: 6 } });
      expect(altered(linear(0, 1, null), longer(linear(0, 0, 4)), 8)).toEqual([]); // four steps are an epoch
      expect(altered(linear(0, 1, null), longer(linear(0.01, 1, null)), 8)).toEqual(["train.learning_rate.linear.end"]);
    });

    it("may change in a group, at any length", () => {
      for (const epochs of [3, 6]) {
        expect(
          altered(grouped({ learning_rate: falling(2) }), grouped({ learning_rate: falling(2.5) }, epochs), 8),
        ).toEqual([]);
        expect(
          altered(grouped({ learning_rate: falling(2) }), grouped({ learning_rate: falling(2.5) }, epochs), 9),
        ).toEqual(["train.groups.0.learning_rate.multi_step.milestones.0"]);
      }
    });

    it("of a group may become its own where they were the training's, and that is said", () => {
      const after = grouped({ learning_rate: falling(1.25) });
      expect(altered(grouped({}), after)).toEqual([]);
      expect(between(grouped({}), after).effects).toEqual([
        "the rate of train.groups.0 at step 6 is 0.01 instead of 0.1",
      ]);
      expect(altered(grouped({}), after, 6)).toEqual(["train.groups.0.learning_rate"]);
    });

    it("are those of steps done too where a group's factor changes, and its other keys are of the past", () => {
      expect(altered(grouped({}), grouped({ rate_factor: 2 }))).toEqual(["train.groups.0.rate_factor"]);
      expect(altered(grouped({}), grouped({ rate_factor: 2 }), 0)).toEqual([]);
      expect(altered(grouped({}), grouped({ weight_decay: 0.1, epochs: 2 }))).toEqual([
        "train.groups.0.weight_decay",
        "train.groups.0.epochs",
      ]);
    });
  });

  it("says how more epochs move the end and the rates to come", () => {
    expect(between({}, { train: { epochs: 6 } }).effects).toEqual([
      "the run now ends after 6 epochs (24 steps) instead of 3",
      expect.stringMatching(/^the learning rate of step 6 is \S+ instead of \S+; the 5 steps already done/),
    ]);
  });
});
