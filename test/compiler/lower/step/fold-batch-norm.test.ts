// An evaluation with its norms folded: what is left of it, and that its kernels compute what the graph before said, over
// every kernel that suits a convolution, everything that may follow one, and shapes that leave tails.
import { describe, expect, it } from "vitest";
import type { Activation } from "../../../../src/compiler/network/activations.js";
import type { ShapedGraph, Window } from "../../../../src/compiler/network/graph.js";
import { candidates } from "../../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { BY_COST } from "../../../../src/compiler/lower/kernels/kernel-provider.js";
import { taskKey } from "../../../../src/compiler/lower/convolutions/convolution-task.js";
import { differentiate } from "../../../../src/compiler/lower/step/differentiate.js";
import { foldBatchNorm } from "../../../../src/compiler/lower/step/fold-batch-norm.js";
import { fuse } from "../../../../src/compiler/lower/step/fuse.js";
import { KernelSelector } from "../../../../src/compiler/lower/convolutions/kernel-selector.js";
import { convolutionTasks } from "../../../../src/compiler/lower/convolutions/select-convolution.js";
import type {
  KernelGraph,
  Tensor,
  TensorId,
  TrainingGraph,
} from "../../../../src/compiler/lower/step/training-graph.js";
import { flatten, readsOf } from "../../../../src/compiler/lower/step/training-graph.js";
import { symmetric } from "../../../oracle/counter-random.js";
import { execute, sizeOf } from "../../../reference/interpret.js";
import { networks } from "../../../reference/networks.js";
import { runKernels, selectionOf } from "../../../reference/run-kernels.js";

describe("foldBatchNorm", () => {
  it("folds norms into the convolutions before them, which end with what follows", () => {
    expect(render(networks["a projection with a norm"]!)).toMatchInlineSnapshot(`
      "images: load_images
      stem.norm: fold into stem.conv folded weight
      stem.conv: stem.conv folded weight ∗ images, relu → stem.norm output
      block.norm1: fold into block.conv1 folded weight
      block.conv1: block.conv1 folded weight ∗ stem.norm output, relu → block.norm1 output
      block.projection.norm: fold into block.projection.conv folded weight
      block.projection.conv: block.projection.conv folded weight ∗ stem.norm output → block.projection.norm output
      block.norm2: fold into block.conv2 folded weight
      block.conv2: block.conv2 folded weight ∗ block.norm1 output + block.projection.norm output, relu → block.norm2 output
      pooling: average_pool
      classifier: conv2d
      loss: softmax_cross_entropy"
    `);
  });

  it("leaves an addition behind an activation to a node of its own", () => {
    expect(render(networks["an activation before the addition"]!)).toMatchInlineSnapshot(`
      "images: load_images
      stem.norm: fold into stem.conv folded weight
      stem.conv: stem.conv folded weight ∗ images, relu → stem.norm output
      block.norm1: fold into block.conv1 folded weight
      block.conv1: block.conv1 folded weight ∗ stem.norm output, relu → block.norm1 output
      block.norm2: fold into block.conv2 folded weight
      block.conv2: block.conv2 folded weight ∗ block.norm1 output, relu → block.conv2
      block.norm2: + stem.norm output, relu of block.conv2
      pooling: average_pool
      classifier: conv2d
      loss: softmax_cross_entropy"
    `);
  });

  it("leaves a norm that follows something else", () => {
    expect(render(networks["overlapping average pooling with padding"]!)).toMatchInlineSnapshot(`
      "images: load_images
      conv: conv2d
      pool: average_pool
      norm: norm, relu of pool
      pooling: average_pool
      classifier: conv2d
      loss: softmax_cross_entropy"
    `);
  });

  it("leaves a norm behind a convolution that something else reads too", () => {
    const graph = graphOfOne({ ...shapes[0]!, inner: null, outerRelu: true, add: true, norm: "with scale" });
    const twice = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, op: { ...node.op } })) };
    const { op } = twice.nodes[1]!;
    Object.assign(op, { inputs: { ...op.inputs, residual: readsOf(op)[0]! } });
    expect(foldBatchNorm(twice).nodes).toEqual(twice.nodes);
  });

  it.each(everyCase().map((one) => [titleOf(one), one] as const))("%s, as the graph before says", (_, one) => {
    const graph = graphOfOne(one);
    const folded = foldBatchNorm(graph);
    const output = graph.tensors.findIndex(({ name }) => name === "output");
    const values = valuesOf(graph, one.batch);
    const expected = execute(graph, { count: one.batch, values }).read(output);
    const largest = Math.max(...expected.map(Math.abs));
    const [task] = convolutionTasks(new KernelSelector(folded, selectionOf(folded, one)));
    for (const { name } of candidates(task!, BY_COST)) {
      const convolutions = { ...BY_COST, chosen: { [taskKey(task!)]: name } };
      for (const inPlace of [false, true]) {
        const outcome = runKernels({ graph: folded, batch: one.batch, values, convolutions, inPlace });
        const found = outcome.read(output);
        const distance = Math.max(...expected.map((value, at) => Math.abs(value - found[at]!)));
        // float32 sums of at most 216 products; Winograd's transforms multiply their rounding by about ten
        expect(distance / largest, name).toBeLessThan(name === "direct" ? 1e-6 : 1e-5);
        expect(outcome.strays(), name).toEqual([]);
        expect(outcome.kernels).toContain("fold_batch_norm");
      }
    }
  });
});

interface Case {
  readonly map: readonly [height: number, width: number];
  readonly channels: readonly [inputs: number, outputs: number];
  readonly batch: number;
  readonly size: Window;
  readonly bias: boolean;
  readonly inner: Activation | null;
  readonly add: boolean;
  readonly outerRelu: boolean;
  readonly norm: "with scale" | "without scale";
}

const shapes = [
  { map: [9, 7], channels: [17, 12], batch: 3, size: window(3, 1, 1), bias: true },
  { map: [9, 7], channels: [16, 8], batch: 3, size: window(3, 2, 1), bias: false },
  { map: [5, 5], channels: [24, 13], batch: 5, size: window(1, 2, 0), bias: false },
] as const;

function everyCase(): Case[] {
  const ends = [null, { kind: "relu" } as const, { kind: "gelu" } as const].flatMap((inner) =>
    [false, true].flatMap((add) => [false, true].map((outerRelu) => ({ inner, add, outerRelu }))),
  );
  return shapes.flatMap((shape) =>
    ends.map((end, index): Case => ({ ...shape, ...end, norm: index % 3 === 2 ? "without scale" : "with scale" })),
  );
}

function titleOf({ map, channels, size, norm, bias, inner, add, outerRelu }: Case): string {
  const parts = [inner?.kind, add && "addition", outerRelu && "ReLU"].filter((part) => typeof part === "string");
  const convolution = `${size.kernel.join("×")} at stride ${size.stride[0]}${bias ? " with bias" : ""}`;
  return `computes ${convolution}, a norm ${norm}${parts.map((part) => `, ${part}`).join("")} on ${map.join("×")}×${channels[0]}`;
}

function graphOfOne({ map, channels, size, bias: hasBias, norm, inner, add, outerRelu }: Case): TrainingGraph {
  const tensors: Tensor[] = [];
  const tensor = (one: Tensor): TensorId => tensors.push(one) - 1;
  const mapOf = (name: string, height: number, width: number, count: number): TensorId =>
    tensor({ kind: "activation", name, shape: { kind: "map", height, width, channels: count } });
  const [inputs, outputs] = channels;
  const along = (length: number): number =>
    Math.floor((length + 2 * size.padding.top - size.kernel[0]) / size.stride[0]) + 1;
  const out = [along(map[0]), along(map[1]), outputs] as const;
  const vector = (kind: "parameter" | "statistic", name: string): TensorId => tensor({ kind, name, dims: [outputs] });
  const input = mapOf("input", ...map, inputs);
  const weight = tensor({ kind: "parameter", name: "weight", dims: [...size.kernel, inputs, outputs] });
  const bias = hasBias ? vector("parameter", "bias") : null;
  const between = mapOf("between", ...out);
  const residual = add ? mapOf("residual", ...out) : null;
  const output = mapOf("output", ...out);
  const operands = {
    scale: norm === "with scale" ? vector("parameter", "scale") : null,
    shift: vector("parameter", "shift"),
    mean: vector("statistic", "running mean"),
    variance: vector("statistic", "running variance"),
  };
  const after = {
    norm: { eps: 1e-3, momentum: 0.1 },
    inner,
    add,
    outerRelu,
    inputs: { input: between, residual, operands },
    outputs: { output },
  };
  return {
    tensors,
    nodes: [
      { name: "conv", op: { kind: "conv2d", ...size, inputs: { input, weight, bias }, outputs: { output: between } } },
      { name: "norm", op: { kind: "pointwise_inference", ...after } },
    ],
  };
}

function valuesOf(graph: TrainingGraph, batch: number): Map<TensorId, Float64Array> {
  const given = graph.tensors.flatMap(({ name }, id) =>
    name === "between" || name === "output" ? [] : [[name, id] as const],
  );
  return new Map(
    given.map(([name, id]) => {
      const centre = name === "running variance" || name === "scale" ? 1 : 0;
      const values = symmetric(11, id, sizeOf(graph, id, batch));
      return [id, values.map((value) => Math.fround(centre + (centre === 0 ? value : value / 2)))];
    }),
  );
}

function window(kernel: number, stride: number, padding: number): Window {
  const padded = { top: padding, bottom: padding, left: padding, right: padding };
  return { kernel: [kernel, kernel], stride: [stride, stride], padding: padded };
}

/** A line a node. */
function render(graph: ShapedGraph): string {
  const updates = { groups: [], average: null, clip: null, accumulates: false };
  const folded: KernelGraph = foldBatchNorm(differentiate(fuse(graph), "evaluate", updates));
  const nameOf = (id: TensorId | null | undefined): string | false =>
    typeof id === "number" && folded.tensors[id]!.name;
  return folded.nodes
    .map(({ name, op: node }) => {
      const op = flatten(node);
      if (op.kind === "fold_batch_norm") return `${name}: fold into ${nameOf(op.foldedWeight)}`;
      if (op.kind === "conv2d_inference") {
        const end = [op.residual !== null && ` + ${nameOf(op.residual)}`, op.relu && ", relu"].filter((part) => part);
        return `${name}: ${nameOf(op.weight)} ∗ ${nameOf(op.input)}${end.join("")} → ${nameOf(op.output)}`;
      }
      if (op.kind !== "pointwise_inference") return `${name}: ${op.kind}`;
      const parts = [op.norm && "norm", op.inner?.kind, op.add && `+ ${nameOf(op.residual)}`, op.outerRelu && "relu"];
      return `${name}: ${parts.filter((part) => part).join(", ")} of ${nameOf(op.input)}`;
    })
    .join("\n");
}
