// A run → `model.onnx`: 8-bit images [n, height, width, channels] in, logits [n, classes] out, for any n.
import type { ExportedFiles, ExportSource } from "../source.js";
import { encodeOnnx } from "./encode-onnx.js";
import type { OnnxOptions } from "./onnx-graph.js";
import { onnxGraph } from "./onnx-graph.js";

export async function onnxModel(
  { program, classes, trained }: ExportSource,
  options: OnnxOptions,
): Promise<ExportedFiles> {
  const { data, model, name } = program.config;
  const { height, width, channels } = model.input;
  const bytes = await encodeOnnx(onnxGraph(program, trained!.state, options), {
    name,
    input: [height, width, channels],
    classes: model.classifier.classes,
    metadata: {
      // What has to happen before: an image of another size is no input
      resize: JSON.stringify(data.resize),
      normalize: JSON.stringify(data.normalize),
      classes: JSON.stringify(classes),
    },
  });
  return new Map([["model.onnx", [bytes]]]);
}
