import { describe, expect, it } from "vitest";
import { epochRows, momentText } from "../../../src/cli/run/epoch-table.js";
import type { EpochEvent, EvaluationEvent } from "../../../src/runtime/training/training-events.js";

const epoch = (number: number): EpochEvent => ({
  event: "epoch",
  step: number * 4,
  epoch: number,
  trainLoss: 1,
  trainAccuracy: 0.5,
  learningRate: 0.1,
  seconds: 2,
  imagesPerSecond: 1000,
});
const evaluation = (step: number): EvaluationEvent => ({
  event: "evaluation",
  step,
  epoch: Math.ceil(step / 4),
  set: "test",
  loss: 0.75,
  accuracy: 0.625,
  seconds: 1,
  elapsedSeconds: 9,
});

describe("epochRows", () => {
  it("puts evaluations within an epoch on lines of their own, and one at its end beside it", () => {
    expect(epochRows([epoch(1), epoch(2)], [evaluation(3), evaluation(8), evaluation(9)], 4)).toEqual([
      ["0.75", "–", "–", "0.7500", "62.50%", "–", "–", "–"],
      ["1", "1.0000", "50.00%", "–", "–", "0.1", "1000", "2.0"],
      ["2", "1.0000", "50.00%", "0.7500", "62.50%", "0.1", "1000", "2.0"],
      ["2.25", "–", "–", "0.7500", "62.50%", "–", "–", "–"],
    ]);
  });
});

describe("momentText", () => {
  it("names an epoch once it is done, and a step within one", () => {
    expect([momentText(8, 4), momentText(9, 4)]).toEqual(["epoch 2", "step 9"]);
  });
});
