// The ONNX model as a file: what it is made of, and that folding a norm changes no value. ONNX's checker and runtimes read it
// in test/exports.
import { describe, expect, it } from "vitest";
import { compileConfig } from "../../../src/compiler/compile.js";
import { toPytorch } from "../../../src/compiler/targets/pytorch-layout.js";
import { encodeOnnx } from "../../../src/runtime/export/onnx/encode-onnx.js";
import { foldedConvolution } from "../../../src/runtime/export/onnx/fold-batch-norm.js";
import { onnxGraph } from "../../../src/runtime/export/onnx/onnx-graph.js";
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

  it("is read back from its bytes", () => {
    const graph = { nodes, initializers, input, output };
    const head = { name: "tiny", input: [8, 8, 3] as const, classes: 4, metadata: { classes: "[]" } };
    const model = fieldsOf(encodeOnnx(graph, head));
    expect(model.get(1)).toEqual([8]); // ir_version
    expect(fieldsOf(bytesAt(model, 8)).get(2)).toEqual([17]); // opset_import.version
    const [key, value] = [1, 2].map((field) => textAt(fieldsOf(bytesAt(model, 14)), field));
    expect([key, value]).toEqual(["classes", "[]"]);
    const read = fieldsOf(bytesAt(model, 7));
    const shape = [2, 1, 2].reduce((message, field) => fieldsOf(bytesAt(message, field)), fieldsOf(bytesAt(read, 11)));
    const [first, ...others] = shape.get(1)!.map((extent) => fieldsOf(extent as Uint8Array));
    expect(textAt(first!, 2)).toBe("n"); // dim_param
    expect(others.map((extent) => extent.get(1))).toEqual([[8], [8], [3]]); // dim_value
    const readNodes = read.get(1)!.map((node) => fieldsOf(node as Uint8Array));
    expect(readNodes.map((node) => [textAt(node, 3), textAt(node, 4)])).toEqual(
      nodes.map(({ name, opType }) => [name, opType]),
    );
    const tensors = read.get(5)!.map((tensor) => fieldsOf(tensor as Uint8Array));
    expect(tensors.map((tensor) => [textAt(tensor, 8), tensor.has(1) ? [...bytesAt(tensor, 1)] : []])).toEqual(
      initializers.map(({ name, shape: extents }) => [name, extents]),
    );
    tensors.forEach((tensor, index) => {
      const { data } = initializers[index]!;
      expect(Buffer.from(bytesAt(tensor, 9))).toEqual(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    });
  });
});

/** Values of a protobuf message by the numbers of their fields, read without any knowledge of what was written. */
type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  const taken = (length: number): Uint8Array => bytes.subarray(at, (at += length));
  const readers: Readonly<Record<number, () => number | Uint8Array>> = {
    0: varint,
    1: () => taken(8),
    2: () => taken(varint()),
    5: () => taken(4),
  };
  while (at < bytes.length) {
    const key = varint();
    const field = key >> 3;
    fields.set(field, [...(fields.get(field) ?? []), readers[key & 7]!()]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

function bytesAt(fields: Fields, field: number): Uint8Array {
  return fields.get(field)![0] as Uint8Array;
}

function textAt(fields: Fields, field: number): string {
  return new TextDecoder().decode(bytesAt(fields, field));
}

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
