import { describe, expect, it } from "vitest";
import { graphOf, square } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";
import type { ShapedGraph } from "../../../../src/compiler/network/graph.js";
import { fuse } from "../../../../src/compiler/lower/step/fuse.js";

describe("fuse", () => {
  it("takes norm and activation together, and turns the head into a pooling and a convolution", () => {
    expect(render(networks["overlapping average pooling with padding"]!)).toMatchInlineSnapshot(`
      "input: input ()
      conv: conv2d 3×3 (input)
      pool: average_pool 3×3 (conv)
      norm: norm, relu (pool)
      pooling: average_pool 2×2 (norm)
      classifier: conv2d 2×2 (pooling)"
    `);
  });

  it("takes the end of a residual block together: norm, addition, activation", () => {
    expect(render(networks["an identity shortcut"]!)).toMatchInlineSnapshot(`
      "input: input ()
      stem.conv: conv2d 3×3 (input)
      stem.norm: norm, relu (stem.conv)
      block.conv1: conv2d 3×3 (stem.norm)
      block.norm1: norm, relu (block.conv1)
      block.conv2: conv2d 3×3 (block.norm1)
      block.norm2: norm, add, relu (block.conv2, stem.norm)
      pooling: average_pool 6×6 (block.norm2)
      classifier: conv2d 1×1 (pooling)"
    `);
  });

  it("keeps the activation before the addition inside the same node", () => {
    expect(render(networks["an activation before the addition"]!)).toMatchInlineSnapshot(`
      "input: input ()
      stem.conv: conv2d 3×3 (input)
      stem.norm: norm, relu (stem.conv)
      block.conv1: conv2d 3×3 (stem.norm)
      block.norm1: norm, relu (block.conv1)
      block.conv2: conv2d 3×3 (block.norm1)
      block.norm2: norm, relu, add, relu (block.conv2, stem.norm)
      pooling: average_pool 6×6 (block.norm2)
      classifier: conv2d 1×1 (pooling)"
    `);
  });

  it("leaves a projection's norm to itself, since the addition is not its own", () => {
    expect(render(networks["a projection with a norm"]!)).toMatchInlineSnapshot(`
      "input: input ()
      stem.conv: conv2d 3×3 (input)
      stem.norm: norm, relu (stem.conv)
      block.conv1: conv2d 3×3 (stem.norm)
      block.norm1: norm, relu (block.conv1)
      block.conv2: conv2d 3×3 (block.norm1)
      block.projection.conv: conv2d 1×1 (stem.norm)
      block.projection.norm: norm (block.projection.conv)
      block.norm2: norm, add, relu (block.conv2, block.projection.norm)
      pooling: average_pool 4×4 (block.norm2)
      classifier: conv2d 1×1 (pooling)"
    `);
  });

  it("adds without a norm", () => {
    expect(render(networks["a block without norms and activations"]!)).toMatchInlineSnapshot(`
      "input: input ()
      stem.conv: conv2d 3×3 (input)
      block.conv1: conv2d 3×3 (stem.conv)
      block.conv2: conv2d 3×3 (block.conv1)
      block.add: add (block.conv2, stem.conv)
      pooling: average_pool 5×5 (block.add)
      classifier: conv2d 1×1 (pooling)"
    `);
  });

  it("ends a node where its value has a second reader", () => {
    const graph = graphOf(
      [4, 4, 2],
      [
        ["conv", { kind: "conv2d", channels: 2, bias: false, ...square(1) }],
        ["norm", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }],
        ["relu", { kind: "relu" }, ["norm"]],
        ["add", { kind: "add" }, ["relu", "norm"]],
        ["classifier", { kind: "linear", features: 2, bias: true }],
      ],
    );
    expect(render(graph)).toMatchInlineSnapshot(`
      "input: input ()
      conv: conv2d 1×1 (input)
      norm: norm (conv)
      relu: relu, add (norm, norm)
      classifier: conv2d 4×4 (relu)"
    `);
  });

  it("keeps every shape and every parameter's name", () => {
    for (const graph of Object.values(networks)) {
      const fused = fuse(graph);
      const shapes = new Map(graph.nodes.map(({ name, shape }) => [name, shape]));
      for (const { name, op, shape } of fused.nodes) {
        if (op.kind !== "pointwise") expect([name, shape]).toEqual([name, shapes.get(name)]);
      }
      const norms = graph.nodes.flatMap(({ name, op }) => (op.kind === "batch_norm" ? [name] : []));
      const kept = fused.nodes.flatMap(({ op }) => (op.kind === "pointwise" && op.normName ? [op.normName] : []));
      expect(kept.sort()).toEqual(norms.sort());
      expect(fused.nodes.at(-1)!.shape).toEqual(graph.nodes.at(-1)!.shape);
    }
  });
});

/** One line a node: what it does and what it reads. */
function render(graph: ShapedGraph): string {
  const { nodes } = fuse(graph);
  const lines = nodes.map(({ name, op, inputs }) => {
    const from = inputs.map((input) => nodes[input]!.name).join(", ");
    if (op.kind !== "pointwise")
      return `${name}: ${op.kind}${"kernel" in op ? ` ${op.kernel.join("×")}` : ""} (${from})`;
    const parts = [op.norm && "norm", op.inner?.kind, op.add && "add", op.outerRelu && "relu"].filter(Boolean);
    return `${name}: ${parts.join(", ")} (${from})`;
  });
  return lines.join("\n");
}
