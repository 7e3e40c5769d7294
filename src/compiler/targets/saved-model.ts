// Program and trained weights → saved_model.pb of TensorFlow's SavedModel: one graph from 8-bit images [n, height, width,
// channels] to logits and probabilities [n, classes] for any n, normalisation and weights inside, and no variables.
import { emitTensorflowInference } from "../lower/tensorflow/emit-tensorflow.js";
import type { Output } from "../lower/tensorflow/tensorflow-graph.js";
import { dataTypes, graphDef, shapeProto } from "../lower/tensorflow/tensorflow-graph.js";
import type { Program } from "../program.js";
import { Message } from "./protobuf.js";

/** What a protobuf message can hold: its length is a signed 32-bit number. */
export const SAVED_MODEL_LIMIT = 2 ** 31 - 1;

/** `weights`: parameters and running statistics, as evaluation uses them. Fields are those of saved_model.proto and meta_graph.proto. */
export function savedModel(
  program: Program,
  weights: ReadonlyMap<string, { readonly data: Float32Array }>,
): Uint8Array {
  const { graph, images, logits } = emitTensorflowInference(program, weights);
  graph.scope = "";
  const attributes = { T: { type: "float" } } as const;
  const named = graph.one("Identity", [logits], attributes, logits.shape, { name: "logits" });
  const probabilities = graph.one("Softmax", [logits], attributes, logits.shape, { name: "probabilities" });

  const signature = new Message();
  for (const [field, key, value] of [
    [INPUTS, "images", images],
    [OUTPUTS, "logits", named],
    [OUTPUTS, "probabilities", probabilities],
  ] as const) {
    signature.message(field, new Message().text(1, key).message(2, tensorInfo(value)));
  }
  signature.text(3, "tensorflow/serving/predict");

  const metaGraph = new Message()
    .message(1, new Message().text(4, "serve")) // tags
    .message(2, graphDef(graph))
    .message(5, new Message().text(1, "serving_default").message(2, signature));
  return new Message().int(1, SCHEMA_VERSION).message(2, metaGraph).finish();
}

const INPUTS = 1;
const OUTPUTS = 2;
/** Of saved_model.proto; the only one there is. */
const SCHEMA_VERSION = 1;

function tensorInfo({ node, index, type, shape }: Output): Message {
  return new Message().text(1, `${node.name}:${index}`).int(2, dataTypes[type]).message(3, shapeProto(shape));
}
