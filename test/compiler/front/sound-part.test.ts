import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";

const right = {
  data: "{ dataset: cifar10 }",
  model: "{ stem: { channels: 16 }, stages: [{ channels: 16, blocks: 1 }] }",
  train: "{ epochs: 3, batch_size: 8, learning_rate: 0.1 }",
};
const wrongShapes = "{ stem: { channels: 16 }, stages: [{ channels: 32, blocks: 1 }] }";
const wrongTraining = "{ epochs: 3, batch_size: 60000, learning_rate: { multi_step: { rate: 1, milestones: [4] } } }";

describe("a file with a slip in one section", () => {
  it("is told about the shapes too when the slip is in train", () => {
    expect(codes({ model: wrongShapes, train: right.train.replace("epochs: 3", "epochs: three") })).toEqual([
      "shape/residual-mismatch",
      "schema/wrong-type",
    ]);
  });

  it("is told about the training too when the slip is in model", () => {
    expect(codes({ model: right.model.replace("16", "x"), train: wrongTraining })).toEqual([
      "schema/wrong-type",
      "data/batch-larger-than-data",
      "train/milestone-past-end",
    ]);
  });

  it("hears nothing of what depends on the slip", () => {
    expect(codes({ data: "{ dataset: cifar10, resize: big }", model: wrongShapes })).toEqual(["schema/wrong-type"]);
    expect(codes({ train: `${wrongTraining.slice(0, -1)}, epoch: 1 }` })).toEqual(["schema/unknown-key"]);
    expect(codes({ model: right.model.replace("16 }", "16 }, classes: 10") })).toEqual(["schema/misplaced-key"]);
  });

  it("is told only of the slips when there are several", () => {
    expect(codes({ model: wrongShapes.replace("blocks: 1", "blocks: 0"), train: "{}" })).toEqual([
      "schema/out-of-range",
      "schema/missing-key",
    ]);
  });
});

function codes(changed: Partial<typeof right>): string[] {
  const { data, model, train } = { ...right, ...changed };
  const { diagnostics } = compileText(`name: a\ndata: ${data}\nmodel: ${model}\ntrain: ${train}\n`, "a.yaml");
  return diagnostics.map(({ code }) => code);
}
