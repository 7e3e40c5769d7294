// An ONNX graph as plain data → the bytes of a model file: numbers of fields and of types are those of onnx.proto3 (IR version
// 8, github.com/onnx/onnx).
import { Message } from "../../../compiler/targets/protobuf.js";
import { netcVersion } from "../../process/version.js";
import type { Attribute, Initializer, OnnxGraph, OnnxNode } from "./onnx-graph.js";

/** Old enough for any runtime since 2022; all that is used here is in it. */
const OPSET = 17;
const IR_VERSION = 8;

/** TensorProto.DataType and AttributeProto.AttributeType. */
const dataTypes = { float: 1, uint8: 2, int64: 7 } as const;
const attributeTypes = { float: 1, int: 2, ints: 7 } as const;

export interface OnnxHead {
  readonly name: string;
  /** [height, width, channels]; the number of images is left open. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  /** Kept in the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** ModelProto */
export function encodeOnnx(graph: OnnxGraph, head: OnnxHead): Uint8Array {
  return new Message()
    .int(1, IR_VERSION)
    .text(2, "netc")
    .text(3, netcVersion())
    .message(7, graphProto(graph, head))
    .message(8, new Message().int(2, OPSET)) // of the default domain, which has no name
    .each(Object.entries(head.metadata), (model, [key, value]) =>
      model.message(14, new Message().text(1, key).text(2, value)),
    )
    .finish();
}

function graphProto({ nodes, initializers, input, output }: OnnxGraph, head: OnnxHead): Message {
  return new Message()
    .each(nodes, (graph, node) => graph.message(1, nodeProto(node)))
    .text(2, head.name)
    .each(initializers, (graph, initializer) => graph.message(5, tensorProto(initializer)))
    .message(11, valueInfoProto(input, dataTypes.uint8, head.input))
    .message(12, valueInfoProto(output, dataTypes.float, [head.classes]));
}

function nodeProto({ opType, name, inputs, output, attributes }: OnnxNode): Message {
  return new Message()
    .each(inputs, (node, input) => node.text(1, input))
    .text(2, output)
    .text(3, name)
    .text(4, opType)
    .each(Object.entries(attributes), (node, [key, value]) => node.message(5, attributeProto(key, value)));
}

function attributeProto(name: string, value: Attribute): Message {
  const attribute = new Message().text(1, name);
  if ("float" in value) return attribute.float(2, value.float).int(20, attributeTypes.float);
  if ("int" in value) return attribute.int(3, value.int).int(20, attributeTypes.int);
  return attribute.ints(8, value.ints).int(20, attributeTypes.ints);
}

function tensorProto({ name, shape, data }: Initializer): Message {
  return new Message()
    .ints(1, shape)
    .int(2, data instanceof Float32Array ? dataTypes.float : dataTypes.int64)
    .text(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** Its first axis is the batch, of any size. */
function valueInfoProto(name: string, elementType: number, shape: readonly number[]): Message {
  const extents = new Message()
    .message(1, new Message().text(2, "n"))
    .each(shape, (message, extent) => message.message(1, new Message().int(1, extent)));
  const tensorType = new Message().int(1, elementType).message(2, extents);
  return new Message().text(1, name).message(2, new Message().message(1, tensorType));
}
