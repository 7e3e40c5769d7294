import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { printConfig } from "../../../src/compiler/front/yaml/print-config.js";
import { parametersOf } from "../../../src/compiler/network/parameters.js";
import type { Program } from "../../../src/compiler/program.js";
import { rateIndexOf } from "../../../src/compiler/training/parameter-groups.js";
import { groupRates } from "../../../src/compiler/training/training-phases.js";

function programOf(train: string): Program {
  const text = `
name: demo
data: { dataset: { synthetic: { train_images: 80, test_images: 8 } } }
model:
  stem: { channels: 8 }
  stages:
    - { channels: 8, blocks: 2 }
    - { channels: 16, blocks: 1, block: depthwise_separable, before: [norm, { conv: { channels: 16, kernel: 1 } }] }
train: { epochs: 4, batch_size: 8, learning_rate: 0.8, ${train} }
`;
  const { value, diagnostics } = compileText(text, "file.yaml");
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return value;
}

/** The rate of the first step by layer, a line each, from the stem up. */
function ratesOf({ config, graph, plan }: Program): string[] {
  const rates = groupRates(plan, { learningRate: 0.8, step: 1 });
  return parametersOf(graph).map((parameter) => `${parameter.name} ${rates[rateIndexOf(config, parameter)]}`);
}

const weights = (rates: readonly string[]) => rates.filter((line) => /(conv\d?|classifier)\.weight /.test(line));

describe("layer_decay", () => {
  it("lowers the rate by its factor from each layer to the one below, the head at the full rate", () => {
    const rates = ratesOf(programOf("layer_decay: 0.5"));
    expect(weights(rates)).toEqual([
      "stem.conv.weight 0.05",
      "stages.0.blocks.0.conv1.weight 0.1",
      "stages.0.blocks.0.conv2.weight 0.1",
      "stages.0.blocks.1.conv1.weight 0.2",
      "stages.0.blocks.1.conv2.weight 0.2",
      "stages.1.before.conv.weight 0.4",
      "stages.1.blocks.0.conv1.weight 0.4",
      "stages.1.blocks.0.conv2.weight 0.4",
      "classifier.weight 0.8",
    ]);
  });

  it("splits the file's groups by depth too, within their layers, and leaves those that are frozen for good", () => {
    const groups = "[{ roles: [norm_scale, norm_shift], epochs: 0 }, { layers: [stages.0], rate_factor: 0.1 }]";
    const program = programOf(`layer_decay: 0.5, groups: ${groups}`);
    expect(program.config.train.groups.map(({ layers, rate_factor: factor }) => [layers, factor])).toEqual([
      [[], 1],
      [["stages.0.blocks.1"], 0.025],
      [["stages.0.blocks.0"], 0.0125],
      [["classifier"], 1],
      [["stages.1.before", "stages.1.blocks.0"], 0.5],
      [["stem"], 0.0625],
    ]);
  });

  it("is a configuration of groups alone afterwards, which compiles to the same rates", () => {
    const program = programOf("layer_decay: 0.7");
    const again = compileText(printConfig(program.config), "config.yaml").value!;
    expect(again.config).toEqual(program.config);
    expect(ratesOf(again)).toEqual(ratesOf(program));
  });

  it("changes no rate at 1", () => {
    expect(new Set(ratesOf(programOf("layer_decay: 1")).map((line) => line.split(" ")[1]))).toEqual(new Set(["0.8"]));
  });
});
