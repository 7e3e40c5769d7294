// Kernel call → the bytes that it must move: the extent of each large operand, once for each way that it goes. What an
// algorithm reads a second time, its scratch memory and per-channel vectors do not count, so that the figure is of the
// operation and not of its implementation, as multiply-adds are.
import type { StepCall } from "../placement/emit-step.js";
import type { KernelName } from "./kernels.js";
import type { Access } from "./access.js";
import { kernels } from "./kernels.js";
import type { MapKernel } from "./map-kernels.js";
import { mapExtentRules, pointwiseExtents } from "./map-bytes.js";

type Operands<K extends KernelName> = Readonly<Record<keyof (typeof kernels)[K], number>>;
type Extents<K extends KernelName> = { readonly [P in keyof (typeof kernels)[K]]?: number };
type ExtentRules = { readonly [K in KernelName]: (operands: Operands<K>) => Extents<K> };

/** `readers` are the calls of one operation that read the same input. */
export function bytesOf({ kernel, operands }: StepCall, readers = 1): number {
  const rule = extentRules[kernel] as (operands: Readonly<Record<string, number>>) => object;
  const accesses: Readonly<Record<string, Access>> = kernels[kernel];
  const values = Object.fromEntries(Object.keys(accesses).map((name, index) => [name, operands[index]!]));
  let bytes = 0;
  for (const [name, extent] of Object.entries(rule(values))) {
    if (values[name] === 0) continue; // an absent operand
    const goesBothWays = accesses[name] === "update" && values["accumulate"] !== 0;
    bytes += ((extent as number) * (goesBothWays ? 2 : 1)) / (name === "input" ? readers : 1);
  }
  return bytes;
}

/**
 * How many calls read a call's input for the same operation: a direct kernel computes a strided convolution's input gradient
 * class by class of its pixels, each from all of the output's gradient.
 */
export function readersOfInput(calls: readonly StepCall[]): number[] {
  const operand = ({ kernel, operands }: StepCall, name: keyof (typeof kernels)["convolve_direct"]): number =>
    operands[Object.keys(kernels[kernel]).indexOf(name)]!;
  const reads = (call: StepCall): boolean =>
    call.kernel === "convolve_direct" && call.node.endsWith(" input gradient") && operand(call, "taps") > 0;
  const keyOf = (call: StepCall): string => `${call.node} ${operand(call, "input")}`;
  // Each class has a table of offsets of its own; the parts of a batch come by the same calls again
  const classes = new Map<string, Set<number>>();
  for (const call of calls.filter(reads)) {
    const known = classes.get(keyOf(call)) ?? new Set();
    classes.set(keyOf(call), known.add(operand(call, "offsets")));
  }
  return calls.map((call) => (reads(call) ? classes.get(keyOf(call))!.size : 1));
}

const FLOAT = 4;
const BFLOAT16 = 2;

const mapExtents = mapExtentRules(FLOAT);
const inBfloat16 = Object.fromEntries(
  Object.entries(mapExtentRules(BFLOAT16)).map(([kernel, rule]) => [`${kernel}_bfloat16`, rule]),
) as Pick<ExtentRules, `${MapKernel}_bfloat16`>;

const extentRules: ExtentRules = {
  load_images: ({ pixels, channels, lanes }) => ({ images: pixels * channels, output: pixels * lanes * FLOAT }),
  fold_batch_norm: ({ rows, lanes }) => ({ weights: rows * lanes * FLOAT, foldedWeights: rows * lanes * FLOAT }),
  pack_weights: ({ taps, depth, columns }) => {
    const bytes = taps * depth * columns * FLOAT;
    return { weights: bytes, packed: bytes };
  },
  convolve_direct: ({ groups, inputGroupBytes, tiles, taps, depth, columnTiles }) => {
    const pixels = groups * tiles * 4;
    // A strided window of one pixel passes over most of its input
    const input = Math.min(groups * inputGroupBytes, pixels * taps * depth * FLOAT);
    const columns = columnTiles * 8;
    const output = pixels * columns * FLOAT;
    return { input, packed: taps * depth * columns * FLOAT, residual: output, output };
  },
  transform_weights: ({ inLanes, outLanes }) => {
    const pairs = inLanes * outLanes * FLOAT;
    return { weights: 9 * pairs, transformed: 36 * pairs };
  },
  convolve_winograd: ({ images, height, width, depth, columns }) => {
    const pixels = images * height * width * FLOAT;
    const output = pixels * columns;
    return { input: pixels * depth, transformed: 36 * depth * columns * FLOAT, residual: output, output };
  },
  transform_weights_threes: ({ inLanes, outLanes }) => {
    const pairs = inLanes * outLanes * FLOAT;
    return { weights: 9 * pairs, transformed: 25 * pairs };
  },
  convolve_winograd_threes: ({ images, height, width, depth, columns }) => {
    const pixels = images * height * width * FLOAT;
    const output = pixels * columns;
    return { input: pixels * depth, transformed: 25 * depth * columns * FLOAT, residual: output, output };
  },
  weight_gradient_winograd_threes: winogradGradientExtents,
  transform_weights_strided: ({ inLanes, outLanes }) => {
    const pairs = inLanes * outLanes * FLOAT;
    return { weights: 9 * pairs, transformed: 81 * pairs };
  },
  convolve_winograd_strided: ({ images, height, width, inLanes, outHeight, outWidth, outLanes }) => {
    const transformed = 81 * inLanes * outLanes * FLOAT;
    const output = images * outHeight * outWidth * outLanes * FLOAT;
    return { input: images * height * width * inLanes * FLOAT, transformed, residual: output, output };
  },
  input_gradient_winograd_strided: ({ images, height, width, inLanes, outHeight, outWidth, outLanes }) => {
    const transformed = 81 * inLanes * outLanes * FLOAT;
    const outputGradient = images * outHeight * outWidth * outLanes * FLOAT;
    return { outputGradient, transformed, inputGradient: images * height * width * inLanes * FLOAT };
  },
  weight_gradient_winograd_strided: ({ images, height, width, inLanes, outHeight, outWidth, outLanes }) => {
    const outputGradient = images * outHeight * outWidth * outLanes * FLOAT;
    const weightGradient = 9 * inLanes * outLanes * FLOAT;
    return { input: images * height * width * inLanes * FLOAT, outputGradient, weightGradient };
  },
  weight_gradient_winograd: winogradGradientExtents,
  weight_gradient_winograd_by_frequency: winogradGradientExtents,
  weight_gradient_by_image: weightGradientExtents,
  weight_gradient_by_channel: weightGradientExtents,
  transform_weights_by_rows: ({ inLanes, outLanes, points }) => {
    const pairs = inLanes * outLanes * FLOAT;
    return { weights: 9 * pairs, transformed: points ** 2 * pairs };
  },
  convolve_winograd_library: ({ images, height, width, depth, columns, points }) => {
    const pixels = images * height * width * FLOAT;
    const output = pixels * columns;
    return { input: pixels * depth, transformed: points ** 2 * depth * columns * FLOAT, residual: output, output };
  },
  weight_gradient_winograd_library: winogradGradientExtents,
  weight_gradient_winograd_library_bfloat16: (operands) => {
    const { input, outputGradient, weightGradient } = winogradGradientExtents(operands);
    return { input: input / 2, outputGradient: outputGradient / 2, weightGradient };
  },
  library_convolution: (operands) => {
    const { input, outputGradient: output, weightGradient: weights } = libraryExtents(operands);
    return { input, weights, output };
  },
  library_input_gradient: (operands) => {
    const { input: inputGradient, outputGradient, weightGradient: weights } = libraryExtents(operands);
    return { outputGradient, weights, inputGradient };
  },
  library_weight_gradient: libraryExtents,
  ...mapExtents,
  ...inBfloat16,
  batch_norm_inference: pointwiseExtents(FLOAT),
  softmax_cross_entropy: ({ images, lanes }) => {
    const bytes = images * lanes * FLOAT;
    return { logits: bytes, logitsGradient: bytes };
  },
  accumulate_gradients: ({ count }) => ({ gradients: count * FLOAT, sums: count * FLOAT }),
  gradient_norm: ({ count }) => ({ gradients: count * FLOAT }),
  clip_gradients: ({ count }) => ({ gradients: count * FLOAT }),
  sigmoid: ({ pixels, lanes }) => ({ input: pixels * lanes * FLOAT, output: pixels * lanes * FLOAT }),
  sigmoid_gradient: ({ count }) => ({
    output: count * FLOAT,
    outputGradient: count * FLOAT,
    inputGradient: count * FLOAT,
  }),
  scale: ({ count }) => ({ input: count * FLOAT, output: count * FLOAT }),
  update_sgd: ({ count }) => {
    const bytes = count * FLOAT;
    return { parameters: bytes, gradients: bytes, momenta: bytes };
  },
  update_adam: ({ count }) => {
    const bytes = count * FLOAT;
    return { parameters: bytes, gradients: bytes, firstMoments: bytes, secondMoments: bytes };
  },
  update_muon: ({ rows, columns }) => {
    const bytes = rows * columns * FLOAT;
    return { parameters: bytes, gradients: bytes, momenta: bytes };
  },
  update_average: ({ count }) => ({ values: count * FLOAT, averages: count * FLOAT }),
};

function winogradGradientExtents(
  operands: Readonly<Record<"images" | "height" | "width" | "inLanes" | "outLanes", number>>,
) {
  const { images, height, width, inLanes, outLanes } = operands;
  const pixels = images * height * width * FLOAT;
  return { input: pixels * inLanes, outputGradient: pixels * outLanes, weightGradient: 9 * inLanes * outLanes * FLOAT };
}

function libraryExtents({
  inputElementBytes,
  outputElementBytes,
  ...operands
}: Pick<
  Operands<"library_weight_gradient">,
  keyof Parameters<typeof weightGradientExtents>[0] | "inputElementBytes" | "outputElementBytes"
>) {
  const { input, outputGradient, weightGradient } = weightGradientExtents(operands);
  return {
    input: (input * inputElementBytes) / FLOAT,
    outputGradient: (outputGradient * outputElementBytes) / FLOAT,
    weightGradient,
  };
}

function weightGradientExtents(
  operands: Pick<
    Operands<"weight_gradient_by_channel">,
    "images" | "height" | "width" | "inLanes" | "outHeight" | "outWidth" | "outLanes" | "kernelHeight" | "kernelWidth"
  >,
) {
  const { images, height, width, inLanes, outHeight, outWidth, outLanes, kernelHeight, kernelWidth } = operands;
  return {
    input: images * height * width * inLanes * FLOAT,
    outputGradient: images * outHeight * outWidth * outLanes * FLOAT,
    weightGradient: kernelHeight * kernelWidth * inLanes * outLanes * FLOAT,
  };
}
