// The step as a graph of TensorFlow operations: what it consists of, and its bytes. That TensorFlow computes the right numbers
// from it is held in test/engines/optional.
import { describe, expect, it } from "vitest";
import { emitTensorflow, emitTensorflowInference } from "../../../../src/compiler/lower/tensorflow/emit-tensorflow.js";
import { Message } from "../../../../src/compiler/targets/protobuf.js";
import type { TensorflowGraph } from "../../../../src/compiler/lower/tensorflow/tensorflow-graph.js";
import { graphDef } from "../../../../src/compiler/lower/tensorflow/tensorflow-graph.js";
import { initialize } from "../../../../src/runtime/training/initialize.js";
import { oracleCases, probeCases } from "../../../oracle/networks.js";
import { tinyConfig } from "../../../support/tiny-config.js";
import { programOf } from "../../../support/tiny-run.js";

describe("emitTensorflow", () => {
  it.each([...oracleCases(), ...probeCases()].map(({ name, program }) => [name, program] as const))(
    "names every node of %s once, in TensorFlow's letters, after all that it reads",
    (_, program) => {
      for (const mode of ["train", "evaluate"] as const) {
        const { graph } = emitTensorflow(program, mode, 3, "arguments");
        expect(faultsOf(graph)).toEqual([]);
      }
    },
  );

  it("counts the operations of a training step", () => {
    const { graph } = emitTensorflow(programOf(), "train", 4, "arguments");
    expect(countOps(graph)).toMatchInlineSnapshot(`
      {
        "AddN": 1,
        "AddV2": 11,
        "AssignVariableOp": 10,
        "AvgPool": 1,
        "BiasAdd": 2,
        "BiasAddGrad": 2,
        "BroadcastTo": 1,
        "Cast": 1,
        "Const": 121,
        "Conv2D": 6,
        "Conv2DBackpropFilter": 6,
        "Conv2DBackpropInput": 5,
        "FusedBatchNormGradV3": 5,
        "FusedBatchNormV3": 5,
        "IsFinite": 2,
        "L2Loss": 19,
        "LogicalAnd": 1,
        "MatMul": 3,
        "Mean": 1,
        "Mul": 10,
        "OneHot": 1,
        "PadV2": 1,
        "Placeholder": 51,
        "ReadVariableOp": 29,
        "RealDiv": 2,
        "Relu": 5,
        "ReluGrad": 5,
        "Reshape": 11,
        "ResourceApplyMomentum": 19,
        "SelectV2": 67,
        "Slice": 1,
        "SoftmaxCrossEntropyWithLogits": 1,
        "Sqrt": 1,
        "Sub": 1,
        "Sum": 1,
      }
    `);
  });

  it("gives the evaluation the variables of training by the same names", () => {
    const program = programOf();
    const names = (mode: "train" | "evaluate"): string[] =>
      emitTensorflow(program, mode, 4, "arguments").variables.map(({ name }) => name);
    const trained = new Set(names("train"));
    expect(names("evaluate").filter((name) => !trained.has(name))).toEqual([]);
    expect(names("evaluate")).toContain("stem.norm.running_mean");
  });

  it("evaluates with the averages where the file asks for them", () => {
    const program = programOf(tinyConfig({ train: { weight_average: { ema: { decay: 0.9 } } } }));
    const { variables } = emitTensorflow(program, "evaluate", 4, "arguments");
    expect(variables.every(({ name }) => name.endsWith(".average"))).toBe(true);
    const trained = emitTensorflow(program, "train", 4, "arguments");
    expect(trained.hypers.has("average_share")).toBe(true);
  });

  it("asks for both labels and their shares only where images are mixed", () => {
    const inputs = (program: ReturnType<typeof programOf>): string[] => [
      ...emitTensorflow(program, "train", 4, "arguments").inputs.keys(),
    ];
    expect(inputs(programOf())).toEqual(["images", "labels"]);
    const mixing = programOf(tinyConfig({ data: { augment: [{ mixup: { alpha: 0.2, probability: 1 } }] } }));
    expect(inputs(mixing).sort()).toEqual(["images", "label_shares", "labels", "other_labels"]);
  });

  it("says padding in TensorFlow's words where it has them, and side by side where not", () => {
    const paddings = (name: string): string[] => {
      const { program } = probeCases().find((probe) => probe.name.startsWith(name))!;
      const { nodes } = emitTensorflow(program, "evaluate", 1, "arguments").graph;
      return nodes.filter(({ op }) => op === "Conv2D").map(({ attributes }) => (attributes["padding"] as Text).text);
    };
    type Text = { text: string };
    expect(paddings("conv2d of 8x8x4 to 8, kernel 3x3")).toEqual(["VALID", "SAME"]); // the probe's own is 1×1
    expect(paddings("conv2d of 8x8x16 to 32, kernel 3x3, stride 2x2")).toEqual(["VALID", "EXPLICIT"]);
  });

  it("writes the weights into a graph for inference, for batches of any size", () => {
    const program = programOf();
    const state = initialize(program.graph, program.config);
    const { graph, images, logits } = emitTensorflowInference(program, state);
    expect(faultsOf(graph)).toEqual([]);
    expect(images.shape).toEqual([-1, 8, 8, 3]);
    expect(logits.shape).toEqual([-1, 4]);
    expect(Object.keys(countOps(graph)).filter((op) => /Variable|VarHandle/.test(op))).toEqual([]);
  });
});

describe("Message", () => {
  // From protobuf.dev/programming-guides/encoding
  it("writes 150 in field 1 as 08 96 01", () => {
    expect(hex(new Message().int(1, 150))).toBe("08 96 01");
  });

  it('writes "testing" in field 2 as the guide shows', () => {
    expect(hex(new Message().text(2, "testing"))).toBe("12 07 74 65 73 74 69 6e 67");
  });

  it("writes a message in field 3 with its length", () => {
    expect(hex(new Message().message(3, new Message().int(1, 150)))).toBe("1a 03 08 96 01");
  });

  it("writes −2 as ten bytes, and a float in little-endian order", () => {
    expect(hex(new Message().int(1, -2))).toBe("08 fe ff ff ff ff ff ff ff ff 01");
    expect(hex(new Message().float(4, 1))).toBe("25 00 00 80 3f");
    expect(hex(new Message().double(2, 1))).toBe("11 00 00 00 00 00 00 f0 3f");
    expect(hex(new Message().ints(4, [3, 270, 86942]).ints(5, []))).toBe("22 06 03 8e 02 9e a7 05");
  });
});

function faultsOf(graph: TensorflowGraph): string[] {
  const known = new Set<unknown>();
  const names = new Set<string>();
  const faults: string[] = [];
  for (const node of graph.nodes) {
    if (!/^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/.test(node.name)) faults.push(`${node.name} is no legal name`);
    if (names.has(node.name)) faults.push(`${node.name} is there twice`);
    for (const source of [...node.inputs.map((input) => input.node), ...node.after]) {
      if (!known.has(source)) faults.push(`${node.name} reads ${source.name} too early`);
    }
    known.add(node);
    names.add(node.name);
  }
  expect(graphDef(graph).finish().length).toBeGreaterThan(0);
  return faults;
}

function countOps({ nodes }: TensorflowGraph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function hex(message: Message): string {
  return [...message.finish()].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
