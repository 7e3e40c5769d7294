import { expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";

/** Behind a stem of ten channels and 16×16 pixels. */
function faultOf(layer: string, pooling = "global_average"): string | undefined {
  const text = `
name: demo
data: { dataset: { synthetic: { train_images: 64, height: 16, width: 16 } } }
model:
  stem: [{ conv: { kernel: 3, channels: 10 } }, ${layer}]
  stages: [{ channels: 10, blocks: 1 }]
  pooling: ${pooling}
train: { epochs: 1, batch_size: 8, learning_rate: 0.1 }
`;
  return compileText(text, "a.yaml").diagnostics.find(({ severity }) => severity === "error")?.message;
}

it.each([
  ["{ conv: { kernel: 3, channels: 12, groups: 4 } }", /cannot cut the 10 channels that come in into 4 groups/],
  ["{ conv: { kernel: 3, channels: 12, groups: 5 } }", /cannot cut the 12 channels that go out into 5 groups/],
  ["{ conv: { kernel: 3, channels: 12, group_width: 5 } }", /cannot cut 12 channels into groups of 5/],
  ["{ conv: { kernel: 3, channels: 10, groups: 2, group_width: 5 } }", /says `groups` and `group_width`/],
  ["{ group_norm: { groups: 4 } }", /cannot cut 10 channels into 4 groups/],
  ["{ shuffle: 3 }", /cannot cut 10 channels into 3 groups/],
  ["{ split: [[], [], []] }", /cannot cut 10 channels into 3 equal parts/],
  ["{ concatenate: [[], [{ max_pool: { kernel: 2 } }]] }", /joins maps of 16×16 and of 8×8/],
  ["{ multiply: [[], [{ conv: { kernel: 3, channels: 5 } }]] }", /multiplies 16×16×10 by 16×16×5/],
])("%s is refused in a sentence where it does not fit", (layer, message) => {
  expect(faultOf(layer)).toMatch(message);
});

it("a batch norm behind a global average is refused, a layer norm is not", () => {
  expect(faultOf("relu", "[global_average, norm]")).toMatch(/takes a map, but what comes in is a vector of 10/);
  expect(faultOf("relu", "[global_average, layer_norm]")).toBeUndefined();
});
