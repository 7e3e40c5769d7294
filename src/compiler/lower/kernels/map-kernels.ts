// The rows of the table of kernels (kernels.ts) that work on whole maps. Each comes in two forms: maps stored as float32, and maps
// stored as bfloat16, its upper half. Parameters, statistics and sums are float32 in both.
import type { Element, Operands, Sizes } from "./descriptor.js";
import { BFLOAT16, FLOAT, FLOAT32, kernel } from "./descriptor.js";

/** The inner activation, 0 for none, and its setting; whether ReLU comes last; and the channels, beyond which lanes stay zero. */
export const activated = { inner: "integer", setting: "float", outerRelu: "integer", channels: "integer" } as const;

/** Not 0 where a norm's sums were taken when its map was written: it finds them as its partial sums. */
const summed = "integer" as const;

export const mapKernels = mapKernelsOf(FLOAT32);

export type MapKernel = keyof typeof mapKernels;

/** The same under the names by which they take maps of bfloat16. */
export const bfloat16Kernels = Object.fromEntries(
  Object.entries(mapKernelsOf(BFLOAT16)).map(([name, row]) => [`${name}_bfloat16`, row]),
) as unknown as { readonly [K in MapKernel as `${K}_bfloat16`]: (typeof mapKernels)[K] };

function mapKernelsOf({ type, bytes }: Element) {
  return {
    bias_gradient: kernel({
      run: ["maps/batch-norm", `biasGradient<${type}>(call, thread, threads)`],
      operands: {
        outputGradient: "read",
        biasGradient: "write",
        pixels: "integer",
        lanes: "integer",
        partialCount: "integer",
        partials: "scratch",
      },
      moves: ({ pixels, lanes }) => ({ outputGradient: pixels * lanes * bytes }),
    }),
    /** outer(inner(norm(x)) + residual) with batch statistics. A scale that is absent is 1. */
    batch_norm: kernel({
      run: ["maps/batch-norm", `batchNorm<${type}>(call, thread, threads)`],
      operands: {
        input: "read",
        residual: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        scale: "read",
        shift: "read",
        mean: "write",
        reciprocalDeviation: "write",
        factor: "write",
        term: "write",
        runningMean: "update",
        runningVariance: "update",
        epsilon: "float",
        momentum: "float",
        ...activated,
        summed,
        partialCount: "integer",
        partials: "scratch",
      },
      // What was summed up before, and is normalised where it is read, is not looked at
      moves: ({ summed: isSummed, output, ...sizes }) => ({
        ...pointwise(bytes)(sizes),
        ...(isSummed !== 0 && output === 0 ? { input: 0 } : {}),
      }),
    }),
    /** The last part of batch_norm alone, with the factor and term that it left: the same bits once more. */
    batch_norm_again: kernel({
      run: ["maps/batch-norm", `batchNormAgain<${type}>(call)`],
      operands: {
        input: "read",
        residual: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        factor: "read",
        term: "read",
        ...activated,
      },
      moves: pointwise(bytes),
    }),
    batch_norm_gradient: kernel({
      run: ["maps/batch-norm", `batchNormGradient<${type}>(call, thread, threads)`],
      operands: {
        outputGradient: "read",
        input: "read",
        output: "read",
        pixels: "integer",
        lanes: "integer",
        scale: "read",
        mean: "read",
        reciprocalDeviation: "read",
        factor: "read",
        term: "read",
        scaleGradient: "write",
        shiftGradient: "write",
        inputGradient: "write",
        residualGradient: "write",
        ...activated,
        summed,
        partialCount: "integer",
        partials: "scratch",
        coefficients: "scratch",
      },
      moves: pointwiseGradient(bytes),
    }),
    /** batch_norm with running statistics, which stay as they are. */
    batch_norm_frozen: kernel({
      run: ["maps/frozen-norm", `frozenNorm<${type}>(call, thread, threads)`],
      operands: {
        input: "read",
        residual: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        scale: "read",
        shift: "read",
        runningMean: "read",
        runningVariance: "read",
        factor: "write",
        term: "write",
        epsilon: "float",
        ...activated,
      },
      moves: pointwise(bytes),
    }),
    batch_norm_frozen_gradient: kernel({
      run: ["maps/frozen-norm", `frozenNormGradient<${type}>(call)`],
      operands: {
        outputGradient: "read",
        input: "read",
        output: "read",
        inputGradient: "write",
        residualGradient: "write",
        pixels: "integer",
        lanes: "integer",
        factor: "read",
        term: "read",
        ...activated,
      },
      moves: pointwiseGradient(bytes),
    }),
    /** outer(inner(x) + residual) without a norm. */
    pointwise: kernel({
      run: ["maps/pointwise", `pointwise<${type}>(call)`],
      operands: {
        input: "read",
        residual: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        ...activated,
      },
      moves: pointwise(bytes),
    }),
    pointwise_gradient: kernel({
      run: ["maps/pointwise", `pointwiseGradient<${type}>(call)`],
      operands: {
        outputGradient: "read",
        input: "read",
        output: "read",
        inputGradient: "write",
        residualGradient: "write",
        pixels: "integer",
        lanes: "integer",
        ...activated,
      },
      moves: pointwiseGradient(bytes),
    }),
    multiply: kernel({
      run: ["maps/pointwise", `multiply<${type}>(call)`],
      operands: { left: "read", right: "read", output: "write", count: "integer" },
      moves: ({ count }) => ({ left: count * bytes, right: count * bytes, output: count * bytes }),
    }),
    /** input · gate, a factor a channel and image; the gate and its gradient are float32 in both forms. */
    gate: kernel({
      run: ["maps/gate", `gate<${type}>(call)`],
      operands: {
        input: "read",
        gate: "read",
        output: "write",
        images: "integer",
        pixels: "integer",
        lanes: "integer",
      },
      moves: ({ images, pixels, lanes }) => {
        const map = images * pixels * lanes * bytes;
        return { input: map, gate: images * lanes * FLOAT, output: map };
      },
    }),
    gate_gradient: kernel({
      run: ["maps/gate", `gateGradient<${type}>(call)`],
      operands: {
        input: "read",
        gate: "read",
        outputGradient: "read",
        inputGradient: "write",
        gateGradient: "write",
        images: "integer",
        pixels: "integer",
        lanes: "integer",
      },
      moves: ({ images, pixels, lanes }) => {
        const [map, gate] = [images * pixels * lanes * bytes, images * lanes * FLOAT];
        return { input: map, gate, outputGradient: map, inputGradient: map, gateGradient: gate };
      },
    }),
    /**
     * So many channels of each pixel from one map into another, from given ones on. `clears`: whether the output's other channels
     * become zero; else they stay, but for its lanes beyond the channels where these reach up to them.
     */
    copy_channels: kernel({
      run: ["maps/channels", `copyChannels<${type}>(call)`],
      operands: {
        input: "read",
        output: "update",
        pixels: "integer",
        inputLanes: "integer",
        outputLanes: "integer",
        inputFrom: "integer",
        outputFrom: "integer",
        channels: "integer",
        clears: "integer",
      },
      moves: ({ pixels, channels, outputLanes, clears }) => ({
        input: pixels * channels * bytes,
        output: pixels * (clears ? outputLanes : channels) * bytes,
      }),
    }),
    /** Channel i of group g becomes channel g of group i. */
    shuffle_channels: kernel({
      run: ["maps/channels", `shuffleChannels<${type}>(call)`],
      operands: {
        input: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        channels: "integer",
        groups: "integer",
      },
      moves: ({ pixels, lanes }) => ({ input: pixels * lanes * bytes, output: pixels * lanes * bytes }),
    }),
    /** Over the channels of each pixel: (x − mean)/deviation · scale + shift. */
    layer_norm: kernel({
      run: ["maps/channel-norm", `layerNorm<${type}>(call)`],
      operands: {
        input: "read",
        scale: "read",
        shift: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        channels: "integer",
        epsilon: "float",
      },
      moves: ({ pixels, lanes }) => ({ input: pixels * lanes * bytes, output: pixels * lanes * bytes }),
    }),
    layer_norm_gradient: kernel({
      run: ["maps/channel-norm", `layerNormGradient<${type}>(call, thread, threads)`],
      operands: {
        input: "read",
        outputGradient: "read",
        scale: "read",
        inputGradient: "write",
        scaleGradient: "write",
        shiftGradient: "write",
        pixels: "integer",
        lanes: "integer",
        channels: "integer",
        epsilon: "float",
        partialCount: "integer",
        partials: "scratch",
      },
      moves: ({ pixels, lanes }) => gradientOf(pixels * lanes * bytes),
    }),
    /** The same over each image's pixels and the channels of a group. */
    group_norm: kernel({
      run: ["maps/channel-norm", `groupNorm<${type}>(call)`],
      operands: {
        input: "read",
        scale: "read",
        shift: "read",
        output: "write",
        images: "integer",
        pixels: "integer",
        lanes: "integer",
        channels: "integer",
        groups: "integer",
        epsilon: "float",
        scratch: "scratch",
      },
      moves: ({ images, pixels, lanes }) => {
        const map = images * pixels * lanes * bytes;
        return { input: map, output: map };
      },
    }),
    group_norm_gradient: kernel({
      run: ["maps/channel-norm", `groupNormGradient<${type}>(call, thread, threads)`],
      operands: {
        input: "read",
        outputGradient: "read",
        scale: "read",
        inputGradient: "write",
        scaleGradient: "write",
        shiftGradient: "write",
        images: "integer",
        pixels: "integer",
        lanes: "integer",
        channels: "integer",
        groups: "integer",
        epsilon: "float",
        scratch: "scratch",
      },
      moves: ({ images, pixels, lanes }) => gradientOf(images * pixels * lanes * bytes),
    }),
    /** Times a weight a channel, or one for all (`isOne`). */
    learned_scale: kernel({
      run: ["maps/learned-scale", `learnedScale<${type}>(call)`],
      operands: {
        input: "read",
        weight: "read",
        output: "write",
        pixels: "integer",
        lanes: "integer",
        isOne: "integer",
      },
      moves: ({ pixels, lanes }) => ({ input: pixels * lanes * bytes, output: pixels * lanes * bytes }),
    }),
    learned_scale_gradient: kernel({
      run: ["maps/learned-scale", `learnedScaleGradient<${type}>(call, thread, threads)`],
      operands: {
        input: "read",
        weight: "read",
        outputGradient: "read",
        inputGradient: "write",
        weightGradient: "write",
        pixels: "integer",
        lanes: "integer",
        isOne: "integer",
        partialCount: "integer",
        partials: "scratch",
      },
      moves: ({ pixels, lanes }) => gradientOf(pixels * lanes * bytes),
    }),
    /** Zero where what is drawn is below the threshold, else times the factor. */
    drop_elements: kernel({
      run: ["maps/dropping", `dropElements<${type}>(call)`],
      operands: {
        input: "read",
        output: "write",
        count: "integer",
        node: "integer",
        threshold: "integer",
        factor: "float",
      },
      moves: ({ count }) => ({ input: count * bytes, output: count * bytes }),
    }),
    /** The same of whole images, of `count` elements each. */
    drop_images: kernel({
      run: ["maps/dropping", `dropImages<${type}>(call)`],
      operands: {
        input: "read",
        output: "write",
        images: "integer",
        count: "integer",
        node: "integer",
        threshold: "integer",
        factor: "float",
      },
      moves: ({ images, count }) => ({ input: images * count * bytes, output: images * count * bytes }),
    }),
    /** Every stride-th pixel's first `channels` values, zeros behind them. */
    subsample: kernel({
      run: ["convolutions/subsample", `subsample<${type}>(call)`],
      operands: subsampleOperands({ input: "read", output: "write" }),
      moves: ({ images, outHeight, outWidth, channels, outLanes }) => {
        const pixels = images * outHeight * outWidth * bytes;
        return { input: pixels * channels, output: pixels * outLanes };
      },
    }),
    subsample_gradient: kernel({
      run: ["convolutions/subsample", `subsampleGradient<${type}>(call)`],
      operands: subsampleOperands({ outputGradient: "read", inputGradient: "write" }),
      moves: ({ images, height, width, lanes, outHeight, outWidth, channels }) => {
        const outputGradient = images * outHeight * outWidth * channels * bytes;
        return { outputGradient, inputGradient: images * height * width * lanes * bytes };
      },
    }),
    max_pool: kernel({
      run: ["maps/pooling", `maxPool<${type}>(call)`],
      operands: poolOperands({ input: "read", output: "write" }),
      moves: (sizes) => pool(sizes, bytes, bytes),
    }),
    max_pool_gradient: kernel({
      run: ["maps/pooling", `maxPoolGradient<${type}>(call)`],
      operands: poolOperands({ input: "read", output: "read", outputGradient: "read", inputGradient: "write" }),
      moves: (sizes) => {
        const { input, output } = pool(sizes, bytes, bytes);
        return { input, output, outputGradient: output, inputGradient: input };
      },
    }),
    /** The average, and its gradient, is float32 in both forms. */
    average_pool: kernel({
      run: ["maps/pooling", `averagePool<${type}>(call)`],
      operands: poolOperands({ input: "read", output: "write" }),
      moves: (sizes) => pool(sizes, bytes, FLOAT),
    }),
    average_pool_gradient: kernel({
      run: ["maps/pooling", `averagePoolGradient<${type}>(call)`],
      operands: poolOperands({ outputGradient: "read", inputGradient: "write" }),
      moves: (sizes) => {
        const { input, output } = pool(sizes, bytes, FLOAT);
        return { outputGradient: output, inputGradient: input };
      },
    }),
  };
}

/** What pointwise kernels move, of maps whose elements have so many bytes. */
export function pointwise(elementBytes: number) {
  return ({ pixels, lanes }: Sizes<"pixels" | "lanes">) => {
    const map = pixels * lanes * elementBytes;
    return { input: map, residual: map, output: map };
  };
}

function pointwiseGradient(elementBytes: number) {
  return ({ pixels, lanes }: Sizes<"pixels" | "lanes">) => {
    const map = pixels * lanes * elementBytes;
    return { outputGradient: map, input: map, output: map, inputGradient: map, residualGradient: map };
  };
}

function pool(
  sizes: Sizes<"images" | "height" | "width" | "outHeight" | "outWidth" | "lanes">,
  inputBytes: number,
  outputBytes: number,
) {
  const { images, height, width, outHeight, outWidth, lanes } = sizes;
  return {
    input: height * width * images * lanes * inputBytes,
    output: outHeight * outWidth * images * lanes * outputBytes,
  };
}

function subsampleOperands<const T extends Operands>(maps: T) {
  return {
    ...maps,
    images: "integer",
    height: "integer",
    width: "integer",
    lanes: "integer",
    outHeight: "integer",
    outWidth: "integer",
    outLanes: "integer",
    channels: "integer",
    strideHeight: "integer",
    strideWidth: "integer",
  } as const;
}

function poolOperands<const T extends Operands>(maps: T) {
  return {
    ...maps,
    images: "integer",
    height: "integer",
    width: "integer",
    outHeight: "integer",
    outWidth: "integer",
    lanes: "integer",
    kernelHeight: "integer",
    kernelWidth: "integer",
    strideHeight: "integer",
    strideWidth: "integer",
    paddingTop: "integer",
    paddingLeft: "integer",
  } as const;
}

/** What the gradient of a map by its input alone and the gradient above it moves. */
function gradientOf(map: number) {
  return { input: map, outputGradient: map, inputGradient: map };
}
