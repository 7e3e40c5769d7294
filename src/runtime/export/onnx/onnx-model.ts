// A run → `model.onnx`: 8-bit images [n, height, width, channels] in, logits [n, classes] out, for any n.
import type { ExportedFiles, ExportSource } from "../source.js";
import { preprocessingOf } from "../preprocessing.js";
import { encodeOnnx } from "./encode-onnx.js";
import type { OnnxOptions } from "./onnx-graph.js";
import { onnxGraph } from "./onnx-graph.js";

export async function onnxModel(
  { program, classes, trained }: ExportSource,
  options: OnnxOptions,
): Promise<ExportedFiles> {
  const { model, name } = program.config;
  const { height, width, channels } = model.input;
  const bytes = encodeOnnx(onnxGraph(program, trained!.state, options), {
    name,
    input: [height, width, channels],
    classes: model.classifier.classes,
    metadata: {
      preprocessing: JSON.stringify(preprocessingOf(program.config, { layout: "NHWC", type: "uint8" })),
      classes: JSON.stringify(classes),
    },
  });
  return new Map([["model.onnx", [bytes]]]);
}
