// The bytes that the kernels over whole maps must move (see kernel-bytes.ts), by the bytes of a map's element.
import type { MapKernel, mapKernels } from "./map-kernels.js";

const FLOAT = 4;

type Sizes<Names extends string> = Readonly<Record<Names, number>>;
type MapExtentRules = {
  readonly [K in MapKernel]: (operands: Readonly<Record<keyof (typeof mapKernels)[K], number>>) => {
    readonly [P in keyof (typeof mapKernels)[K]]?: number;
  };
};

export function mapExtentRules(elementBytes: number): MapExtentRules {
  return {
    bias_gradient: ({ pixels, lanes }) => ({ outputGradient: pixels * lanes * elementBytes }),
    batch_norm: pointwiseExtents(elementBytes),
    batch_norm_again: pointwiseExtents(elementBytes),
    batch_norm_gradient: pointwiseGradientExtents(elementBytes),
    pointwise: pointwiseExtents(elementBytes),
    pointwise_gradient: pointwiseGradientExtents(elementBytes),
    multiply: ({ images, pixels, lanes }) => {
      const bytes = images * pixels * lanes * elementBytes;
      return { input: bytes, gate: images * lanes * FLOAT, output: bytes };
    },
    multiply_gradient: ({ images, pixels, lanes }) => {
      const [bytes, gate] = [images * pixels * lanes * elementBytes, images * lanes * FLOAT];
      return { input: bytes, gate, outputGradient: bytes, inputGradient: bytes, gateGradient: gate };
    },
    subsample: ({ images, outHeight, outWidth, channels, outLanes }) => {
      const pixels = images * outHeight * outWidth * elementBytes;
      return { input: pixels * channels, output: pixels * outLanes };
    },
    subsample_gradient: ({ images, height, width, lanes, outHeight, outWidth, channels }) => {
      const outputGradient = images * outHeight * outWidth * channels * elementBytes;
      return { outputGradient, inputGradient: images * height * width * lanes * elementBytes };
    },
    max_pool: (operands) => poolExtents(operands, elementBytes, elementBytes),
    max_pool_gradient: (operands) => {
      const { input, output } = poolExtents(operands, elementBytes, elementBytes);
      return { input, output, outputGradient: output, inputGradient: input };
    },
    average_pool: (operands) => poolExtents(operands, elementBytes, FLOAT),
    average_pool_gradient: (operands) => {
      const { input, output } = poolExtents(operands, elementBytes, FLOAT);
      return { outputGradient: output, inputGradient: input };
    },
  };
}

export function pointwiseExtents(elementBytes: number) {
  return ({ pixels, lanes }: Sizes<"pixels" | "lanes">) => {
    const bytes = pixels * lanes * elementBytes;
    return { input: bytes, residual: bytes, output: bytes };
  };
}

function pointwiseGradientExtents(elementBytes: number) {
  return ({ pixels, lanes }: Sizes<"pixels" | "lanes">) => {
    const bytes = pixels * lanes * elementBytes;
    return { outputGradient: bytes, input: bytes, output: bytes, inputGradient: bytes, residualGradient: bytes };
  };
}

function poolExtents(
  operands: Sizes<"images" | "height" | "width" | "outHeight" | "outWidth" | "lanes">,
  inputBytes: number,
  outputBytes: number,
) {
  const { images, height, width, outHeight, outWidth, lanes } = operands;
  return {
    input: height * width * images * lanes * inputBytes,
    output: outHeight * outWidth * images * lanes * outputBytes,
  };
}
