// The ONNX model as a file: what it is made of, and that folding a norm changes no value. ONNX's checker and runtimes read it
// in test/exports.
import protobuf from "protobufjs/light.js";
import { describe, expect, it } from "vitest";
import { compileConfig } from "../../../src/compiler/compile.js";
import { toPytorch } from "../../../src/compiler/targets/pytorch-layout.js";
import { encodeOnnx } from "../../../src/runtime/export/onnx/encode-onnx.js";
import { foldedConvolution } from "../../../src/runtime/export/onnx/fold-batch-norm.js";
import { onnxGraph } from "../../../src/runtime/export/onnx/onnx-graph.js";
import { onnxSchema } from "../../../src/runtime/export/onnx/schema.js";
import { initialize } from "../../../src/runtime/training/initialize.js";
import { tinyConfig } from "../../support/tiny-config.js";

const program = compileConfig(tinyConfig()).value!;
const state = new Map(initialize(program.graph, program.config));
for (const [index, name] of ["running_mean", "running_var", "weight", "bias"].entries()) {
  const data = Float32Array.from({ length: 4 }, (_, channel) => 0.5 + ((index * 3 + channel * 5) % 7) / 4);
  state.set(`stem.norm.${name}`, { shape: [4], data });
}

describe.each([false, true])("the graph, norms folded: %s", (foldBatchNorm) => {
  const { nodes, initializers, input, output } = onnxGraph(program, state, { foldBatchNorm });

  it("takes only what is there before", () => {
    const known = new Set([input, ...initializers.map(({ name }) => name)]);
    for (const node of nodes) {
      expect(
        node.inputs.filter((name) => !known.has(name)),
        node.name,
      ).toEqual([]);
      expect(known.has(node.output), node.output).toBe(false);
      known.add(node.output);
    }
    expect(nodes.at(-1)!.output).toBe(output);
    expect(new Set(initializers.map(({ name }) => name)).size).toBe(initializers.length);
  });

  it("has a norm for each of the network's, or none", () => {
    const count = nodes.filter(({ opType }) => opType === "BatchNormalization").length;
    expect(count).toBe(foldBatchNorm ? 0 : program.graph.nodes.filter(({ op }) => op.kind === "batch_norm").length);
  });

  it("is read back from its bytes", async () => {
    const graph = { nodes, initializers, input, output };
    const head = { name: "tiny", input: [8, 8, 3] as const, classes: 4, metadata: { classes: "[]" } };
    const type = protobuf.Root.fromJSON(onnxSchema).lookupType("ModelProto");
    const model = type.toObject(type.decode(await encodeOnnx(graph, head)), { longs: Number, bytes: Array });
    expect(model["opsetImport"]).toEqual([{ version: 17 }]);
    const dims = model["graph"].input[0].type.tensorType.shape.dim;
    expect(dims).toEqual([{ dimParam: "n" }, { dimValue: 8 }, { dimValue: 8 }, { dimValue: 3 }]);
    expect(model["graph"].node.map(({ name }: { name: string }) => name)).toEqual(nodes.map(({ name }) => name));
    const weight = initializers.find(({ name }) => name === "classifier.weight")!;
    const read = model["graph"].initializer.find(({ name }: { name: string }) => name === weight.name);
    expect(read.dims).toEqual(weight.shape);
    expect(new Float32Array(Uint8Array.from(read.rawData as number[]).buffer)).toEqual(weight.data);
  });
});

it("folds a norm into the convolution before it", () => {
  const weights = toPytorch(program.graph, state);
  const place = (name: string): number => program.graph.nodes.findIndex((node) => node.name === name);
  const { weight, bias } = foldedConvolution(program.graph, weights, place("stem.conv"), place("stem.norm"));
  const value = (name: string, index: number): number => weights.get(name)!.data[index]!;
  const image = Float64Array.from({ length: 27 }, (_, index) => Math.sin(index));
  for (let channel = 0; channel < 4; channel++) {
    const sum = (filters: Float32Array): number =>
      image.reduce((total, x, index) => total + x * filters[channel * 27 + index]!, 0);
    const deviation = Math.sqrt(value("stem.norm.running_var", channel) + 1e-5);
    const centred = sum(weights.get("stem.conv.weight")!.data) - value("stem.norm.running_mean", channel);
    const expected = (centred / deviation) * value("stem.norm.weight", channel) + value("stem.norm.bias", channel);
    expect(sum(weight.data) + bias.data[channel]!).toBeCloseTo(expected, 5); // weights are rounded to float32
  }
});
