// Gradients against central finite differences of the loss, in float64 on the reference interpreter: the two sides share
// only the forward pass, which test/reference/interpret.test.ts holds to PyTorch.
import { describe, expect, it } from "vitest";
import type { Shape, ShapedGraph } from "../../../../src/compiler/network/graph.js";
import type { StepMode } from "../../../../src/compiler/lower/step/differentiate.js";
import { differentiate } from "../../../../src/compiler/lower/step/differentiate.js";
import type { FusedGraph, FusedNode, FusedOp } from "../../../../src/compiler/lower/step/fuse.js";
import { fuse } from "../../../../src/compiler/lower/step/fuse.js";
import { fuseAdditions } from "../../../../src/compiler/lower/step/fuse-additions.js";
import type { TrainingGraph } from "../../../../src/compiler/lower/step/training-graph.js";
import { symmetric } from "../../../oracle/counter-random.js";
import { square, updateAll, everyActivation } from "../../../reference/build-program.js";
import type { ReferenceBatch, ReferenceState } from "../../../reference/interpret.js";
import { interpret, mapOf } from "../../../reference/interpret.js";
import { networks } from "../../../reference/networks.js";

const STEP = 1e-6;
/** Of the largest gradient: the difference of two losses near 1 is 1e-16 off, so over 2e-6 it is 1e-10 off. */
const TOLERANCE = 1e-8;
const BATCH = 3;
/** Numbers of a tensor that are moved; spread over taps and channels. */
const PER_TENSOR = 11;

describe("differentiate", () => {
  it.each(Object.keys(networks))("yields the slope of the loss by every parameter of a network with %s", (name) => {
    const graph = fuse(networks[name]!);
    expect(worstSlope(differentiate(graph, "train", updateAll(graph)))).toBeLessThan(TOLERANCE);
  });

  it("yields the slope of a smoothed loss", () => {
    const graph = fuse(networks["a projection with a bias"]!);
    expect(worstSlope(differentiate(graph, "train", updateAll(graph), { labelSmoothing: 0.3 }))).toBeLessThan(
      TOLERANCE,
    );
  });

  it("yields the slope of the loss of images with two labels", () => {
    const graph = fuse(networks["a projection with a bias"]!);
    const mixed = { labels: [1, 1, 0], shares: [0.7, 1, 0.5] };
    const loss = { labelSmoothing: 0.1, mixedLabels: true };
    const training = differentiate(graph, "train", updateAll(graph), loss);
    expect(worstSlope(training, mixed)).toBeLessThan(TOLERANCE);
  });

  const flags = (["none", "shift only", "scale and shift"] as const).flatMap((norm) =>
    [null, ...everyActivation].flatMap((inner) =>
      [false, true].flatMap((add) => [false, true].map((outerRelu) => ({ norm, inner, add, outerRelu }))),
    ),
  );
  it.each(flags)(
    "differentiates a pointwise node: norm $norm, activation $inner.kind, add $add, relu $outerRelu",
    ({ norm: kind, ...rest }) => {
      const norm = kind === "none" ? null : { eps: 1e-3, momentum: 0.1 };
      const scale = kind === "scale and shift";
      const graph = aroundPointwise({ kind: "pointwise", normName: norm && "norm", scale, norm, ...rest });
      expect(worstSlope(differentiate(graph, "train", updateAll(graph)))).toBeLessThan(TOLERANCE);
    },
  );

  it("asks no gradient of the images", () => {
    const { nodes } = trainAll(networks["no norm"]!);
    const names = nodes.map(({ name }) => name);
    expect(names).not.toContain("conv1 input gradient");
    expect(names).toContain("conv2 input gradient");
  });

  it("adds the gradients that meet at a block's input in place, in the convolution that comes second", () => {
    const { nodes, tensors } = trainAll(networks["an identity shortcut"]!);
    const adding = nodes.flatMap(({ name, op }) =>
      op.kind === "conv2d_input_gradient" && op.inputs.accumulate !== null
        ? [[name, tensors[op.inputs.accumulate]!.name, tensors[op.outputs.inputGradient]!.name]]
        : [],
    );
    expect(adding).toEqual([
      ["block.conv1 input gradient", "block.norm2 residual gradient", "block.conv1 input gradient"],
    ]);
  });

  it("gives every parameter one gradient, and updates all of them last", () => {
    for (const network of Object.values(networks)) {
      const { nodes, tensors } = trainAll(network);
      const parameters = tensors.flatMap(({ kind }, id) => (kind === "parameter" ? [id] : []));
      const { op } = nodes.at(-1)!;
      expect(op).toMatchObject({ kind: "update", inputs: { groups: [{ parameters }] } });
      const updated = op.kind === "update" ? op.inputs.groups[0]!.gradients : [];
      expect(updated.map((id) => tensors[id])).toMatchObject(
        parameters.map((parameter) => ({ kind: "gradient", parameter })),
      );
    }
  });

  it("gives what is frozen no gradient, nor what lies before it, and keeps it out of the update", () => {
    const graph = fuse(networks["a projection with a bias"]!);
    const { groups, ...updates } = updateAll(graph);
    const parameters = groups[0]!.parameters.filter((name) => !/^stem|conv1|norm1/.test(name));
    const { nodes, tensors } = differentiate(graph, "train", {
      ...updates,
      groups: [{ ...groups[0]!, parameters }],
    });
    const gradients = tensors.flatMap((tensor) => (tensor.kind === "gradient" ? tensors[tensor.parameter]!.name : []));
    expect(gradients.toSorted()).toEqual(parameters.toSorted());
    const names = nodes.map(({ name }) => name);
    expect(names).toContain("block.conv2 weight gradient");
    expect(names).not.toContain("block.conv2 input gradient"); // behind it all is frozen
    expect(names).not.toContain("block.projection.conv input gradient");
  });

  it("evaluates with the running statistics alone: no gradient, no update, no batch statistics", () => {
    const { nodes, tensors } = trainAll(networks["stages with pools and several blocks"]!, "evaluate");
    expect(new Set(nodes.map(({ op }) => op.kind))).toEqual(
      new Set(["load_images", "conv2d", "pointwise_inference", "max_pool", "average_pool", "softmax_cross_entropy"]),
    );
    expect(tensors.filter(({ kind }) => kind === "gradient" || kind === "channels")).toEqual([]);
  });
});

function trainAll(network: ShapedGraph, mode: StepMode = "train"): TrainingGraph {
  const graph = fuse(network);
  return fuseAdditions(differentiate(graph, mode, updateAll(graph)));
}

/** Largest distance between gradient and finite difference over numbers of every parameter, of the largest gradient. */
function worstSlope(graph: TrainingGraph, mixed?: ReferenceBatch["mixed"]): number {
  const state = randomState(graph);
  const images = mapOf(graph, 0);
  const classes = mapOf(
    graph,
    graph.tensors.findIndex(({ name }) => name === "logits gradient"),
  ).channels;
  const batch = {
    count: BATCH,
    images: symmetric(1, 0, BATCH * images.height * images.width * images.channels),
    labels: Array.from({ length: BATCH }, (_, image) => image % classes),
    mixed,
  };
  const { gradients } = interpret(graph, batch, state);
  const end = graph.nodes.findIndex(({ op }) => op.kind === "softmax_cross_entropy") + 1;
  const forward = { ...graph, nodes: graph.nodes.slice(0, end) };
  const lossAt = (name: string, at: number, offset: number): number => {
    const moved = state.get(name)!.slice();
    moved[at]! += offset;
    return interpret(forward, batch, new Map([...state, [name, moved]])).loss;
  };
  let [largest, worst] = [0, 0];
  for (const [name, gradient] of gradients) {
    const stride = Math.ceil(gradient.length / PER_TENSOR);
    for (let at = gradient.length % stride; at < gradient.length; at += stride) {
      const slope = gradient[at]!;
      const difference = (lossAt(name, at, STEP) - lossAt(name, at, -STEP)) / (2 * STEP);
      largest = Math.max(largest, Math.abs(slope));
      worst = Math.max(worst, Math.abs(slope - difference));
    }
  }
  return worst / largest;
}

/** Scales and variances around 1, the rest around 0. */
function randomState(graph: TrainingGraph): ReferenceState {
  const state = new Map<string, Float64Array>();
  graph.tensors.forEach((tensor, id) => {
    if (tensor.kind !== "parameter" && tensor.kind !== "statistic") return;
    const values = symmetric(
      2,
      id,
      tensor.dims.reduce((product, size) => product * size, 1),
    );
    const isScale = tensor.dims.length === 1 && /norm\d?\.(weight|running_var)$/.test(tensor.name);
    state.set(
      tensor.name,
      values.map((value) => (isScale ? 1 + value / 2 : value / 2)),
    );
  });
  return state;
}

/** images → conv a → conv b → the node (+ a) → classifier: something before and behind it in either direction. */
function aroundPointwise(op: Extract<FusedOp, { kind: "pointwise" }>): FusedGraph {
  const shape: Shape = { kind: "map", height: 4, width: 5, channels: 3 };
  const conv: FusedOp = { kind: "conv2d", channels: 3, bias: true, ...square(3, 1, 1) };
  const whole = { kernel: [4, 5], stride: [1, 1], padding: square(1).padding } as const;
  const classifier: FusedOp = { kind: "conv2d", channels: 4, bias: true, ...whole };
  const nodes: FusedNode[] = [
    { name: "input", op: { kind: "input", height: 4, width: 5, channels: 3 }, inputs: [], shape },
    { name: "a", op: conv, inputs: [0], shape },
    { name: "b", op: conv, inputs: [1], shape },
    { name: "pointwise", op, inputs: op.add ? [2, 1] : [2], shape },
    { name: "classifier", op: classifier, inputs: [3], shape: { kind: "vector", channels: 4 } },
  ];
  return { nodes };
}
