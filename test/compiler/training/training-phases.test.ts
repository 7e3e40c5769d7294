import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import type { Program } from "../../../src/compiler/program.js";
import { parameterGroups } from "../../../src/compiler/training/parameter-groups.js";
import { groupRates, isFrozenIn, phaseAt, phaseStarts } from "../../../src/compiler/training/training-phases.js";
import { averageShare } from "../../../src/compiler/training/weight-average.js";

/** 10 steps an epoch, 4 epochs. */
function programOf(train: string): Program {
  const text = `
name: demo
data: { dataset: { synthetic: { train_images: 80, test_images: 8 } } }
model: { stem: { channels: 8, bias: true }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 4, batch_size: 8, learning_rate: 0.1, ${train} }
`;
  return compileText(text, "file.yaml").value!;
}

describe("groups of parameters", () => {
  const program = programOf(`
    optimizer: { sgd: { momentum: 0.9, weight_decay: 0.01, decay_norm_and_bias: false } },
    groups: [
      { layers: [stem], roles: [bias], epochs: 1, learning_rate: { linear: { rate: 1 } } },
      { roles: [norm_shift], rate_factor: 64, weight_decay: 0.001 },
      { layers: [classifier], epochs: 2.5 },
      { layers: [stages], roles: [conv_weight], epochs: 0 },
    ]`);

  it("holds each parameter once, in the first that it fits, apart where weight decay differs", () => {
    const groups = parameterGroups(program.config, program.graph).trained.map(({ rateIndex, rule, parameters }) => {
      return `${rateIndex}, decay ${rule.weightDecay}: ${parameters.map(({ name }) => name).join(" ")}`;
    });
    expect(groups).toEqual([
      "0, decay 0.01: stem.conv.weight",
      "0, decay 0: stem.norm.weight stages.0.blocks.0.norm1.weight stages.0.blocks.0.norm2.weight",
      "1, decay 0: stem.conv.bias",
      "2, decay 0.001: stem.norm.bias stages.0.blocks.0.norm1.bias stages.0.blocks.0.norm2.bias",
      "3, decay 0.01: classifier.weight",
      "3, decay 0: classifier.bias",
      "4, decay 0.01: stages.0.blocks.0.conv1.weight stages.0.blocks.0.conv2.weight",
    ]);
  });

  it("has rates by factor or by a schedule over the group's own epochs, and 0 once it is frozen", () => {
    const ratesAt = (step: number) => groupRates(program.plan, { learningRate: 0.1, step });
    expect(ratesAt(1)).toEqual([0.1, 1, 6.4, 0.1, 0]);
    expect(ratesAt(6)[1]).toBe(0.5);
    expect(ratesAt(11)).toEqual([0.1, 0, 6.4, 0.1, 0]);
    expect(ratesAt(26)).toEqual([0.1, 0, 6.4, 0, 0]);
  });

  it("parts the run in phases where a group freezes", () => {
    const { plan } = program;
    expect(phaseStarts(plan)).toEqual([0, 10, 25]);
    expect([0, 9, 10, 24, 25, 39].map((step) => phaseAt(plan, step))).toEqual([0, 0, 1, 1, 2, 2]);
    const frozen = [0, 1, 2].map((phase) => [0, 1, 2, 3, 4].filter((rateIndex) => isFrozenIn(plan, rateIndex, phase)));
    expect(frozen).toEqual([[4], [1, 4], [1, 3, 4]]);
  });

  it("is one of all parameters, in one phase, where a file asks for none", () => {
    const { plan } = programOf("optimizer: sgd");
    expect(phaseStarts(plan)).toEqual([0]);
    expect(groupRates(plan, { learningRate: 0.3, step: 7 })).toEqual([0.3]);
  });
});

describe("averageShare", () => {
  const sharesOf = (average: string, steps: readonly number[]) => {
    const { config, plan } = programOf(`weight_average: ${average}`);
    return steps.map((step) => averageShare(config.train, plan, step));
  };

  it("moves Lookahead's average at every so many steps, less far towards the end", () => {
    const decays = sharesOf("{ lookahead: { every_steps: 5, decay: 0.8, power: 1 } }", [1, 4, 5, 20, 40]);
    expect(decays).toEqual([0, 0, 1 - 0.8 / 8, 1 - 0.8 / 2, 1 - 0.8]);
  });

  it("counts every value of a stochastic average alike, from its first on", () => {
    const shares = sharesOf("{ stochastic: { from_epoch: 1, every_steps: 10 } }", [1, 9, 10, 11, 20, 30, 40]);
    expect(shares).toEqual([1, 1, 1, 0, 1 / 2, 1 / 3, 1 / 4]);
  });
});
