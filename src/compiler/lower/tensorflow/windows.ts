// How a window's padding is said to TensorFlow: "SAME" or "VALID" where that is what it comes to, else side by side.
import type { Padding, Window } from "../../network/graph.js";
import type { TensorId } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { mapOf } from "./emission.js";
import type { Attribute, Attributes, Output } from "./tensorflow-graph.js";

export function isUnpadded({ top, bottom, left, right }: Padding): boolean {
  return top + bottom + left + right === 0;
}

/** Whether the window is the whole map: then a convolution is a product of matrices, and a pooling one mean. */
export function isWhole(emission: Emission, input: TensorId, { kernel, padding }: Window): boolean {
  const { height, width } = mapOf(emission.shape(input));
  return kernel[0] === height && kernel[1] === width && isUnpadded(padding);
}

/** Strides and padding of a convolution over a map of that size. */
export function convolutionAttributes(window: Window, height: number, width: number): Attributes {
  const { stride, padding } = window;
  const strides = { ints: [1, ...stride, 1] };
  const common = { T: { type: "float" }, strides } as const;
  if (isUnpadded(padding)) return { ...common, padding: { text: "VALID" } };
  if (isSame(window, height, width)) return { ...common, padding: { text: "SAME" } };
  const { top, bottom, left, right } = padding;
  const sides: Attribute = { ints: [0, 0, top, bottom, left, right, 0, 0] };
  return { ...common, padding: { text: "EXPLICIT" }, explicit_paddings: sides };
}

/**
 * What of a convolution's padding its gradients must have written out: all that is reached, where TensorFlow has no word for
 * it. Its gradients with sides of their own are not oneDNN's, and take up to fifty times as long in bfloat16.
 */
export function writtenPadding(window: Window, height: number, width: number): Padding {
  const { kernel, stride, padding } = window;
  if (isUnpadded(padding) || isSame(window, height, width)) return { top: 0, bottom: 0, left: 0, right: 0 };
  const reached = (size: number, before: number, after: number, axis: 0 | 1): number => {
    const outputs = Math.floor((size + before + after - kernel[axis]) / stride[axis]) + 1;
    return Math.max(0, (outputs - 1) * stride[axis] + kernel[axis] - size - before);
  };
  const { top, bottom, left, right } = padding;
  return { top, bottom: reached(height, top, bottom, 0), left, right: reached(width, left, right, 1) };
}

/** "SAME" puts the smaller half before: tensorflow/core/framework/kernel_shape_util.h. */
function isSame({ kernel, stride, padding }: Window, height: number, width: number): boolean {
  const halves = (size: number, axis: 0 | 1): [number, number] => {
    const outputs = Math.ceil(size / stride[axis]);
    const total = Math.max((outputs - 1) * stride[axis] + kernel[axis] - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  const expected = [...halves(height, 0), ...halves(width, 1)].join();
  return expected === [padding.top, padding.bottom, padding.left, padding.right].join();
}

export function poolAttributes({ kernel, stride }: Window): Attributes {
  return {
    T: { type: "float" },
    ksize: { ints: [1, ...kernel, 1] },
    strides: { ints: [1, ...stride, 1] },
    padding: { text: "VALID" },
  };
}

/** Poolings know no padding of this kind, so the map is padded beforehand. */
export function padded(emission: Emission, x: Output, padding: Padding, value: number): Output {
  if (isUnpadded(padding)) return x;
  const { top, bottom, left, right } = padding;
  const { graph } = emission;
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  const sides = graph.constant(Int32Array.of(0, 0, top, bottom, left, right, 0, 0), [4, 2]);
  const shape = [n, height + top + bottom, width + left + right, channels];
  const attributes = { T: { type: "float" }, Tpaddings: { type: "int32" } } as const;
  return graph.one("PadV2", [x, sides, graph.float(value)], attributes, shape);
}

/** The gradient of `padded`: what lies inside. */
export function unpadded(emission: Emission, gradient: Output, padding: Padding, shape: readonly number[]): Output {
  if (isUnpadded(padding)) return gradient;
  const { graph } = emission;
  const inputs = [gradient, graph.integers([0, padding.top, padding.left, 0]), graph.integers(shape)];
  return graph.one("Slice", inputs, { T: { type: "float" }, Index: { type: "int32" } }, shape);
}
