// Every stride-th pixel with zeros in the further channels (He et al. 2015, §3.3, option A), and its gradient.
import type { FlatOp } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT, mapOf } from "./emission.js";
import type { Attributes, Output } from "./tensorflow-graph.js";

export function emitSubsample(emission: Emission, { input, output, stride }: FlatOp<"subsample">): void {
  const { graph } = emission;
  const shape = emission.dims(output);
  const pixels = [...shape.slice(0, 3), mapOf(emission.shape(input)).channels];
  const strided = graph.one(
    "StridedSlice",
    [emission.get(input), ...range(emission, emission.dims(input), stride)],
    rangeAttributes,
    pixels,
  );
  const sides = graph.constant(Int32Array.of(0, 0, 0, 0, 0, 0, 0, shape[3] - pixels[3]!), [4, 2]);
  const attributes = { ...FLOAT, Tpaddings: { type: "int32" } } as const;
  emission.set(output, graph.one("Pad", [strided, sides], attributes, shape));
}

export function emitSubsampleGradient(
  emission: Emission,
  { outputGradient, inputGradient, stride }: FlatOp<"subsample_gradient">,
): void {
  const { graph } = emission;
  const shape = emission.dims(inputGradient);
  const kept = [...emission.dims(outputGradient).slice(0, 3), shape[3]];
  const inputs = [emission.get(outputGradient), graph.integers([0, 0, 0, 0]), graph.integers(kept)];
  const ofKept = graph.one("Slice", inputs, { ...FLOAT, Index: { type: "int32" } }, kept);
  const whole = [graph.integers(shape), ...range(emission, shape, stride), ofKept];
  emission.set(inputGradient, graph.one("StridedSliceGrad", whole, rangeAttributes, shape));
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
