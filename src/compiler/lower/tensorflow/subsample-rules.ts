// Every stride-th pixel with zeros in the further channels (He et al. 2015, §3.3, option A), and its gradient.
import type { TrainingOpOf } from "../training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT, mapOf } from "./emission.js";
import type { Attributes, Output } from "./tensorflow-graph.js";

export function emitSubsample(emission: Emission, { input, output, stride }: TrainingOpOf<"subsample">): void {
  const { graph } = emission;
  const shape = emission.dims(output);
  const { channels } = mapOf(emission.shape(input));
  const strided = strides(emission, emission.get(input), stride);
  const sides = graph.constant(Int32Array.of(0, 0, 0, 0, 0, 0, 0, shape[3] - channels), [4, 2]);
  const attributes = { ...FLOAT, Tpaddings: { type: "int32" } } as const;
  emission.set(output, graph.one("Pad", [strided, sides], attributes, shape));
}

export function emitSubsampleGradient(
  emission: Emission,
  { outputGradient, inputGradient, stride }: TrainingOpOf<"subsample_gradient">,
): void {
  const { graph } = emission;
  const shape = emission.dims(inputGradient);
  const kept = [...emission.dims(outputGradient).slice(0, 3), shape[3]];
  const inputs = [emission.get(outputGradient), graph.integers([0, 0, 0, 0]), graph.integers(kept)];
  const ofKept = graph.one("Slice", inputs, { ...FLOAT, Index: { type: "int32" } }, kept);
  const whole = [graph.integers(shape), ...range(emission, shape, stride), ofKept];
  emission.set(inputGradient, graph.one("StridedSliceGrad", whole, rangeAttributes, shape));
}

/** Every stride-th pixel of a map, the first among them. */
export function strides(emission: Emission, x: Output, stride: readonly [number, number]): Output {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  const shape = [n, Math.ceil(height / stride[0]), Math.ceil(width / stride[1]), channels];
  return emission.graph.one("StridedSlice", [x, ...range(emission, x.shape, stride)], rangeAttributes, shape);
}

/** Begin, end and strides of every stride-th pixel; the end of the batch is open. */
function range(emission: Emission, shape: readonly number[], stride: readonly [number, number]): Output[] {
  const { graph } = emission;
  return [graph.integers([0, 0, 0, 0]), graph.integers(shape), graph.integers([1, ...stride, 1])];
}

const rangeAttributes: Attributes = {
  ...FLOAT,
  Index: { type: "int32" },
  begin_mask: { int: 0 },
  end_mask: { int: 0b0001 },
  ellipsis_mask: { int: 0 },
  new_axis_mask: { int: 0 },
  shrink_axis_mask: { int: 0 },
};
