// Convolutions in groups and with dilation by what tfjs-core can differentiate: such a filter becomes the dense one that it
// equals, with zeros in it; a filter for each channel alone has an operation of its own.
import type { Tensor4D, Tensor5D } from "@tensorflow/tfjs-core";
import type { Filter } from "../../../compiler/network/graph.js";
import { spanOf } from "../../../compiler/network/graph.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { ConvolutionWindow } from "./kernels.js";

/** Whether each channel has filters of its own, in a window that tfjs's depthwise convolutions take. */
export function isDepthwise({ groups, stride }: Filter, channels: number): boolean {
  return groups === channels && stride[0] === stride[1];
}

/** x: [n, h, w, channels]; weight: [kh, kw, 1, outputs], those of each channel beside each other. */
export function depthwise({ core }: Tfjs, x: Tensor4D, weight: Tensor4D, window: ConvolutionWindow): Tensor4D {
  const [height, width, , outputs] = weight.shape;
  const channels = x.shape[3];
  const filter = core.reshape(weight, [height, width, channels, outputs / channels]) as Tensor4D;
  const { top, bottom, left, right } = window.padding;
  const sides: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return core.depthwiseConv2d(core.pad(x, sides), filter, [...window.stride], "valid");
}

/** [kh, kw, in, out] with the zeros of the dilation between its elements. */
export function spreadFilter({ core }: Tfjs, weight: Tensor4D, filter: Filter): Tensor4D {
  const { dilation } = filter;
  if (!dilation) return weight;
  const [height, width, inputs, outputs] = weight.shape;
  const joined = core.reshape(weight, [height, 1, width, 1, inputs * outputs]) as Tensor5D;
  const sides: [number, number][] = [
    [0, 0],
    [0, dilation[0] - 1],
    [0, 0],
    [0, dilation[1] - 1],
    [0, 0],
  ];
  const whole = core.reshape(core.pad(joined, sides), [height * dilation[0], width * dilation[1], inputs, outputs]);
  return core.slice(whole as Tensor4D, [0, 0, 0, 0], [...spanOf(filter), inputs, outputs]);
}

/** [kh, kw, inputs of a group, out] with zeros between the groups: [kh, kw, in, out]. */
export function ungroupedFilter({ core }: Tfjs, weight: Tensor4D, { groups = 1 }: Filter): Tensor4D {
  if (groups === 1) return weight;
  const [height, width, inputs, outputs] = weight.shape;
  const apart = core.reshape(weight, [height * width, 1, inputs, outputs]) as Tensor4D;
  const own = Float32Array.from({ length: groups * outputs }, (_, at) =>
    Number(Math.floor((at % outputs) / (outputs / groups)) === Math.floor(at / outputs)),
  );
  const dense = core.mul(apart, core.tensor4d(own, [1, groups, 1, outputs]));
  return core.reshape(dense, [height, width, groups * inputs, outputs]) as Tensor4D;
}
