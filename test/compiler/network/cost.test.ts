import { describe, expect, it } from "vitest";
import { buildGraph } from "../../../src/compiler/network/build-graph.js";
import type { ResolvedConfig } from "../../../src/compiler/config.js";
import { cost } from "../../../src/compiler/network/cost.js";
import { tinyConfig } from "../../support/tiny-config.js";

const costOf = (config: ResolvedConfig) => cost(buildGraph(config).value!);
const costOfNode = (config: ResolvedConfig, name: string) => costOf(config).nodes.find((node) => node.name === name)!;

describe("cost", () => {
  it("counts the weights, multiply-adds and output bytes of a convolution", () => {
    // 3×3×3 → 4 on an 8×8 map
    expect(costOfNode(tinyConfig(), "stem.conv")).toEqual({
      name: "stem.conv",
      operation: "conv2d",
      shape: { kind: "map", height: 8, width: 8, channels: 4 },
      parameters: 3 * 3 * 3 * 4,
      multiplyAdds: 8 * 8 * 4 * 3 * 3 * 3,
      activationBytes: 8 * 8 * 4 * 4,
    });
  });

  it("counts the biases of projection and classifier and none of their additions", () => {
    const projection = costOfNode(tinyConfig(), "stages.0.blocks.0.projection.conv");
    expect(projection).toMatchObject({ parameters: 4 * 6 + 6, multiplyAdds: 4 * 4 * 6 * 4 });
    expect(costOfNode(tinyConfig(), "classifier")).toMatchObject({
      parameters: 6 * 4 + 4,
      multiplyAdds: 6 * 4,
    });
  });

  it("gives ResNet-20 the 0.27 M parameters of He et al. 2015, table 6, and its 40.6 M multiply-adds", () => {
    const norm = { batch: { eps: 1e-5, momentum: 0.1, scale: true } };
    const stage = {
      blocks: 3,
      norm,
      activation: "relu",
      activation_before_add: false,
      block: "residual",
      pool: null,
      before: [],
    } as const;
    const config = tinyConfig({
      model: {
        input: { height: 32, width: 32, channels: 3 },
        stem: {
          channels: 16,
          kernel: 3,
          stride: 1,
          padding: 1,
          bias: false,
          whitening: null,
          norm,
          activation: "relu",
          pool: null,
        },
        stages: [
          { ...stage, channels: 16, stride: 1, projection: false },
          { ...stage, channels: 32, stride: 2, projection: { bias: false, norm } },
          { ...stage, channels: 64, stride: 2, projection: { bias: false, norm } },
        ],
        classifier: { classes: 10, bias: true, scale: 1, layers: [] },
      },
    });
    const total = costOf(config);
    // 269,722 with parameter-free shortcuts, and 2,752 for the two 1×1 projections with their norms
    expect(total.parameters).toBe(272_474);
    // 40.55 M with parameter-free shortcuts, and 0.26 M for the projections
    expect(total.multiplyAdds).toBe(40_551_040 + 262_144);
  });

  it("sums its nodes", () => {
    const { nodes, ...total } = costOf(tinyConfig());
    for (const key of ["parameters", "multiplyAdds", "activationBytes"] as const) {
      expect(total[key]).toBe(nodes.reduce((sum, node) => sum + node[key], 0));
    }
  });
});
