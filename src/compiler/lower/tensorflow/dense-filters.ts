// A filter with dilation or in groups as the dense one that it equals, with zeros in it, and the way back of its gradient: as
// TensorFlow operations. Filters are [kernel height, kernel width, inputs of a group, outputs].
import type { Filter } from "../../network/graph.js";
import { spanOf } from "../../network/graph.js";
import type { Emission } from "./emission.js";
import { FLOAT } from "./emission.js";
import type { Output } from "./tensorflow-graph.js";

/** With the zeros of its dilation. */
export function spreadFilter(emission: Emission, filter: Output, { dilation, ...op }: Filter): Output {
  if (!dilation) return filter;
  const { graph } = emission;
  const [height, width, ...channels] = filter.shape as [number, number, number, number];
  const apart = emission.reshape(filter, [height, 1, width, 1, ...channels]);
  const sides = graph.constant(Int32Array.of(0, 0, 0, dilation[0] - 1, 0, 0, 0, dilation[1] - 1, 0, 0, 0, 0), [6, 2]);
  const shape = [height, dilation[0], width, dilation[1], ...channels];
  const spread = graph.one("Pad", [apart, sides], { ...FLOAT, Tpaddings: { type: "int32" } }, shape);
  const whole = emission.reshape(spread, [height * dilation[0], width * dilation[1], ...channels]);
  return slice(emission, whole, [...spanOf({ ...op, dilation }), ...channels]);
}

/** What of a spread filter's gradient does not belong to its zeros. */
export function gatheredFilter(emission: Emission, gradient: Output, { dilation, kernel }: Filter): Output {
  if (!dilation) return gradient;
  const { graph } = emission;
  const [height, width, ...channels] = gradient.shape as [number, number, number, number];
  const whole = [kernel[0] * dilation[0], kernel[1] * dilation[1]] as const;
  const sides = graph.constant(Int32Array.of(0, whole[0] - height, 0, whole[1] - width, 0, 0, 0, 0), [4, 2]);
  const attributes = { ...FLOAT, Tpaddings: { type: "int32" } } as const;
  const padded = graph.one("Pad", [gradient, sides], attributes, [...whole, ...channels]);
  const apart = emission.reshape(padded, [kernel[0], dilation[0], kernel[1], dilation[1], ...channels]);
  return emission.reshape(slice(emission, apart, [kernel[0], 1, kernel[1], 1, ...channels]), [...kernel, ...channels]);
}

/** With zeros between inputs and outputs of different groups: [height, width, inputs of all groups, outputs]. */
export function ungroupedFilter(emission: Emission, filter: Output, { groups = 1 }: Filter): Output {
  if (groups === 1) return filter;
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const apart = emission.reshape(filter, [height * width, 1, inputs, outputs]);
  const chosen = ofOwnGroup(emission, apart, [height * width, groups, inputs, outputs]);
  return emission.reshape(chosen, [height, width, groups * inputs, outputs]);
}

/** What of such a filter's gradient does not belong to its zeros. */
export function ungroupedGradient(emission: Emission, gradient: Output, { groups = 1 }: Filter): Output {
  if (groups === 1) return gradient;
  const { graph } = emission;
  const [height, width, inputs, outputs] = gradient.shape as [number, number, number, number];
  const apart = [height * width, groups, inputs / groups, outputs];
  const chosen = ofOwnGroup(emission, emission.reshape(gradient, apart), apart);
  const attributes = { ...FLOAT, Tidx: { type: "int32" }, keep_dims: { bool: false } } as const;
  const shape = [height * width, inputs / groups, outputs];
  const sum = graph.one("Sum", [chosen, graph.integers([1])], attributes, shape);
  return emission.reshape(sum, [height, width, inputs / groups, outputs]);
}

/** `filter` as [taps, groups, inputs, outputs], zero where an output is not of the group; a choice, which no infinity passes. */
function ofOwnGroup({ graph }: Emission, filter: Output, shape: readonly number[]): Output {
  const [, groups, , outputs] = shape as [number, number, number, number];
  const own = Float32Array.from({ length: groups * outputs }, (_, at) =>
    Number(Math.floor((at % outputs) / (outputs / groups)) === Math.floor(at / outputs)),
  );
  const mask = graph.constant(own, [1, groups, 1, outputs]);
  const isOwn = graph.one("Greater", [mask, graph.float(0)], FLOAT, mask.shape, { type: "bool" });
  return graph.one("SelectV2", [isOwn, filter, graph.float(0)], FLOAT, shape);
}

function slice({ graph }: Emission, value: Output, shape: readonly number[]): Output {
  const begin = graph.integers(shape.map(() => 0));
  return graph.one("Slice", [value, begin, graph.integers(shape)], { ...FLOAT, Index: { type: "int32" } }, shape);
}
