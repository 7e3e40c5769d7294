// Convolution with a filter gradient of its own: the one that the `cpu` backend brings takes a hundred times as long as the
// convolution itself, while the gradient is a convolution too.
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Padding } from "../../../compiler/network/graph.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";

type Pair = readonly [height: number, width: number];
type Sides = [[number, number], [number, number], [number, number], [number, number]];

/** x: [n, h, w, in]; weight: [kh, kw, in, out]; returns [n, oh, ow, out]. */
export function convolution(tf: Tfjs, x: Tensor4D, weight: Tensor4D, stride: Pair, padding: Padding): Tensor4D {
  const { core } = tf;
  const sides: Sides = [
    [0, 0],
    [padding.top, padding.bottom],
    [padding.left, padding.right],
    [0, 0],
  ];
  const operation = core.customGrad((...operands) => {
    const [input, filter, save] = operands as unknown as Operands;
    save([input, filter]);
    return { value: core.conv2d(input, filter, [...stride], sides), gradFunc };
  });

  function gradFunc(gradient: Tensor, saved: Tensor[]): Tensor[] {
    const [input, filter] = saved as [Tensor4D, Tensor4D];
    const above = gradient as Tensor4D;
    const inputGradient = core.conv2dTranspose(above, filter, input.shape, [...stride], sides);
    const [height, width] = filter.shape;
    return [inputGradient, filterGradient(tf, input, above, stride, sides, [height, width])];
  }

  return operation(x, weight) as Tensor4D;
}

type Operands = [input: Tensor4D, filter: Tensor4D, save: (tensors: Tensor[]) => void];

/**
 * dW[i, j] is the sum over images and places of x at place · stride + (i, j) times dy at the place: a convolution in which
 * images are the channels, input channels are the images, and dy is the filter, spread by the stride.
 */
function filterGradient(
  { core }: Tfjs,
  input: Tensor4D,
  gradient: Tensor4D,
  stride: Pair,
  sides: Sides,
  [height, width]: Pair,
): Tensor4D {
  const images = core.transpose(input, [3, 1, 2, 0]); // [in, h, w, n]
  const filter = core.transpose(gradient, [1, 2, 0, 3]); // [oh, ow, n, out]
  const sums = core.conv2d(images, filter, 1, sides, "NHWC", [...stride]); // [in, ≥ kh, ≥ kw, out]
  const [channels, , , outputs] = sums.shape;
  // What lies beyond the kernel comes from rows and columns that the stride never reached.
  const inside = core.slice(sums, [0, 0, 0, 0], [channels, height, width, outputs]);
  return core.transpose(inside, [1, 2, 0, 3]);
}
