// Convolutions and their gradients as TensorFlow operations. Its Conv2D knows groups in one direction only, and its gradients no
// dilation: such a filter becomes the dense one that it equals, but a depthwise one has operations of its own.
import type { Filter, Window } from "../../network/graph.js";
import { spanOf } from "../../network/graph.js";
import type { FlatOp, TensorId } from "../step/training-graph.js";
import type { Emission } from "./emission.js";
import { FLOAT } from "./emission.js";
import { gatheredFilter, spreadFilter, ungroupedFilter, ungroupedGradient } from "./dense-filters.js";
import type { Attributes, Output } from "./tensorflow-graph.js";
import {
  convolutionAttributes,
  isUnpadded,
  isWhole,
  padded,
  poolAttributes,
  unpadded,
  writtenPadding,
} from "./windows.js";

export const convolutionRules = {
  conv2d(emission: Emission, op: FlatOp<"conv2d">): void {
    const { graph } = emission;
    const [x, weight, shape] = [emission.get(op.input), emission.get(op.weight), emission.dims(op.output)];
    const product = convolved(emission, op, x, spreadFilter(emission, weight, op), shape);
    const biased = op.bias === null ? product : graph.one("BiasAdd", [product, emission.get(op.bias)], FLOAT, shape);
    emission.set(op.output, biased);
  },

  conv2d_input_gradient(emission: Emission, op: FlatOp<"conv2d_input_gradient">): void {
    const above = emission.get(op.outputGradient);
    const shape = emission.dims(op.inputGradient);
    const gradient = toInput(emission, op, above, spreadFilter(emission, emission.get(op.weight), op), shape);
    emission.set(
      op.inputGradient,
      op.accumulate === null ? gradient : emission.add(emission.get(op.accumulate), gradient),
    );
  },

  conv2d_weight_gradient(emission: Emission, op: FlatOp<"conv2d_weight_gradient">): void {
    const above = emission.get(op.outputGradient);
    const [, , inputs, outputs] = weightShape(emission, op.weightGradient) as readonly [number, number, number, number];
    const gradient = toFilter(emission, op, emission.get(op.input), above, [...spanOf(op), inputs, outputs]);
    emission.set(op.weightGradient, gatheredFilter(emission, gradient, op));
  },
};

type Shape4D = readonly [n: number, height: number, width: number, channels: number];

/** The filter's dilation is zeros in it by now, in all that follows. */
function windowOf(filter: Filter): Window {
  return { kernel: spanOf(filter), stride: filter.stride, padding: filter.padding };
}

/** A filter for each channel alone, in a window that TensorFlow's operations for these take. */
function isDepthwise({ groups, stride }: Filter, channels: number): boolean {
  return groups === channels && stride[0] === stride[1];
}

function convolved(
  emission: Emission,
  op: FlatOp<"conv2d">,
  x: Output,
  weight: Output,
  shape: readonly number[],
): Output {
  const { graph } = emission;
  const [, height, width, channels] = x.shape as unknown as Shape4D;
  const window = windowOf(op);
  if (isDepthwise(op, channels)) {
    const whole = padded(emission, x, writtenPadding(window, height, width), 0);
    const inputs = [whole, emission.reshape(weight, byChannel(weight.shape, channels))];
    return graph.one("DepthwiseConv2dNative", inputs, gradientAttributes(window, height, width), shape);
  }
  const dense = ungroupedFilter(emission, weight, op);
  if (!isWhole(emission, op.input, window)) {
    return graph.one("Conv2D", [x, dense], convolutionAttributes(window, height, width), shape);
  }
  return emission.reshape(multiplyMatrices(emission, flat(emission, x), flatWeight(emission, dense)), shape);
}

function toInput(
  emission: Emission,
  op: FlatOp<"conv2d_input_gradient">,
  above: Output,
  weight: Output,
  shape: Shape4D,
): Output {
  const { graph } = emission;
  const [n, height, width, channels] = shape;
  const window = windowOf(op);
  const padding = writtenPadding(window, height, width);
  const { top, bottom, left, right } = padding;
  const whole: readonly number[] = [n, height + top + bottom, width + left + right, channels];
  const attributes = gradientAttributes(window, height, width);
  if (isDepthwise(op, channels)) {
    const inputs = [graph.integers(whole), emission.reshape(weight, byChannel(weight.shape, channels)), above];
    const gradient = graph.one("DepthwiseConv2dNativeBackpropInput", inputs, attributes, whole);
    return unpadded(emission, gradient, padding, shape);
  }
  const dense = ungroupedFilter(emission, weight, op);
  const gradient = isWhole(emission, op.inputGradient, window)
    ? multiplyMatrices(emission, flat(emission, above), flatWeight(emission, dense), { b: true })
    : graph.one("Conv2DBackpropInput", [graph.integers(whole), dense, above], attributes, whole);
  return emission.reshape(unpadded(emission, gradient, padding, shape), shape);
}

/** `shape` is that of the filter once it is spread by its dilation. */
function toFilter(
  emission: Emission,
  op: FlatOp<"conv2d_weight_gradient">,
  input: Output,
  above: Output,
  shape: readonly number[],
): Output {
  const { graph } = emission;
  const [, height, width, channels] = input.shape as unknown as Shape4D;
  const window = windowOf(op);
  if (isDepthwise(op, channels)) {
    const filter = byChannel(shape, channels);
    const whole = padded(emission, input, writtenPadding(window, height, width), 0);
    const attributes = gradientAttributes(window, height, width);
    const inputs = [whole, graph.integers(filter), above];
    return emission.reshape(graph.one("DepthwiseConv2dNativeBackpropFilter", inputs, attributes, filter), shape);
  }
  const dense = [...shape.slice(0, 2), channels, shape[3]!];
  const gradient = isWhole(emission, op.input, window)
    ? multiplyMatrices(emission, flat(emission, input), flat(emission, above), { a: true })
    : filterGradient(emission, input, window, above, dense);
  return ungroupedGradient(emission, emission.reshape(gradient, dense), op);
}

/** [height, width, 1, outputs] as TensorFlow's depthwise filters are: [height, width, channels, outputs of a channel]. */
function byChannel(shape: readonly number[], channels: number): number[] {
  return [shape[0]!, shape[1]!, channels, shape[3]! / channels];
}

/** Attributes of a convolution's gradients, once the padding is written out where it has to be. */
function gradientAttributes(window: Window, height: number, width: number): Attributes {
  const isWritten = !isUnpadded(writtenPadding(window, height, width));
  return convolutionAttributes(isWritten ? { ...window, padding: NONE } : window, height, width);
}

const NONE = { top: 0, bottom: 0, left: 0, right: 0 };

function filterGradient(
  emission: Emission,
  input: Output,
  window: Window,
  above: Output,
  shape: readonly number[],
): Output {
  const { graph } = emission;
  const { kernel, stride, padding } = window;
  const [height, width] = [input.shape[1]!, input.shape[2]!];
  // A 1×1 convolution with a stride is one without over every stride-th pixel. TensorFlow's oneDNN writes past its memory in
  // the former's gradient where threads do not divide the batch (AVX-512, TensorFlow 2.21, found in its Python too). Pooling
  // by 1×1 takes a third of the time that a strided slice takes.
  if (kernel[0] * kernel[1] === 1 && stride[0] * stride[1] > 1 && isUnpadded(padding)) {
    const [n, outHeight, outWidth] = above.shape as [number, number, number];
    const pixels = graph.one("AvgPool", [input], poolAttributes(window), [n, outHeight, outWidth, input.shape[3]!]);
    const attributes = convolutionAttributes({ ...window, stride: [1, 1] }, outHeight, outWidth);
    return graph.one("Conv2DBackpropFilter", [pixels, graph.integers(shape), above], attributes, shape);
  }
  const whole = padded(emission, input, writtenPadding(window, height, width), 0);
  const inputs = [whole, graph.integers(shape), above];
  return graph.one("Conv2DBackpropFilter", inputs, gradientAttributes(window, height, width), shape);
}

function weightShape(emission: Emission, gradient: TensorId): readonly number[] {
  const tensor = emission.tensor(gradient);
  const parameter = emission.tensor(tensor.kind === "gradient" ? tensor.parameter : gradient);
  return parameter.kind === "parameter" ? parameter.dims : [];
}

function flat(emission: Emission, x: Output): Output {
  const [n, ...rest] = x.shape;
  return emission.reshape(x, [n!, rest.reduce((product, size) => product * size, 1)]);
}

function flatWeight(emission: Emission, weight: Output): Output {
  const outputs = weight.shape.at(-1)!;
  const inputs = weight.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return emission.reshape(weight, [inputs, outputs]);
}

function multiplyMatrices(emission: Emission, a: Output, b: Output, transpose: { a?: true; b?: true } = {}): Output {
  const shape = [a.shape[transpose.a ? 1 : 0]!, b.shape[transpose.b ? 0 : 1]!];
  const attributes: Attributes = {
    ...FLOAT,
    transpose_a: { bool: transpose.a ?? false },
    transpose_b: { bool: transpose.b ?? false },
  };
  return emission.graph.one("MatMul", [a, b], attributes, shape);
}
