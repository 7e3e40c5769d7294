// An ONNX graph as plain data → the bytes of a model file, by protobufjs.
import { netcVersion } from "../../process/version.js";
import type { Attribute, Initializer, OnnxGraph, OnnxNode } from "./onnx-graph.js";
import { attributeTypes, dataTypes, onnxSchema } from "./schema.js";

/** Old enough for any runtime since 2022; all that is used here is in it. */
const OPSET = 17;
const IR_VERSION = 8;

export interface OnnxHead {
  readonly name: string;
  /** [height, width, channels]; the number of images is left open. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  /** Kept in the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

export async function encodeOnnx(graph: OnnxGraph, head: OnnxHead): Promise<Uint8Array> {
  const { default: protobuf } = await import("protobufjs/light.js");
  const model = protobuf.Root.fromJSON(onnxSchema).lookupType("ModelProto");
  const message = {
    irVersion: IR_VERSION,
    opsetImport: [{ domain: "", version: OPSET }],
    producerName: "netc",
    producerVersion: netcVersion(),
    graph: {
      name: head.name,
      node: graph.nodes.map(nodeOf),
      initializer: graph.initializers.map(tensorOf),
      input: [valueOf(graph.input, dataTypes.uint8, head.input)],
      output: [valueOf(graph.output, dataTypes.float, [head.classes])],
    },
    metadataProps: Object.entries(head.metadata).map(([key, value]) => ({ key, value })),
  };
  return model.encode(model.fromObject(message)).finish();
}

function nodeOf({ opType, name, inputs, output, attributes }: OnnxNode): object {
  const attribute = Object.entries(attributes).map(([key, value]) => ({ name: key, ...attributeOf(value) }));
  return { opType, name, input: [...inputs], output: [output], attribute };
}

function attributeOf(value: Attribute): object {
  if ("int" in value) return { i: value.int, type: attributeTypes.int };
  if ("float" in value) return { f: value.float, type: attributeTypes.float };
  return { ints: [...value.ints], type: attributeTypes.ints };
}

function tensorOf({ name, shape, data }: Initializer): object {
  const dataType = data instanceof Float32Array ? dataTypes.float : dataTypes.int64;
  return { name, dims: [...shape], dataType, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Its first axis is the batch, of any size. */
function valueOf(name: string, elemType: number, shape: readonly number[]): object {
  const dim = [{ dimParam: "n" }, ...shape.map((size) => ({ dimValue: size }))];
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
