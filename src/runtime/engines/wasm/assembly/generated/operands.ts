// Generated from src/compiler/lower/kernels/kernels.ts by scripts/generate-kernel-operands.mjs.

export const PROVIDED: i32 = 69;

export namespace LoadImages {
  export const ID: i32 = 0;
  // @ts-ignore: decorator
  @inline export function images(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function values(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function channels(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
}

export namespace FoldBatchNorm {
  export const ID: i32 = 1;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function scale(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function shift(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function runningMean(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function runningVariance(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function epsilon(call: usize): f32 { return load<f32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function foldedWeights(call: usize): usize { return load<usize>(call, 28); }
  // @ts-ignore: decorator
  @inline export function foldedBias(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function rows(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 40); }
}

export namespace PackWeights {
  export const ID: i32 = 2;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function packed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function tapOffsets(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function taps(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function depthStride(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function columnStride(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace ConvolveDirect {
  export const ID: i32 = 3;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function packed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function relu(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function offsets(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function tiles(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function taps(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function columnTiles(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function inputGroupBytes(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function outputGroupBytes(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function groupsAtOnce(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 60); }
}

export namespace TransformWeights {
  export const ID: i32 = 4;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function transposed(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 24); }
}

export namespace ConvolveWinograd {
  export const ID: i32 = 5;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function relu(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 56); }
}

export namespace WeightGradientWinograd {
  export const ID: i32 = 6;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 48); }
}

export namespace WeightGradientWinogradByFrequency {
  export const ID: i32 = 7;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function inputTiles(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function gradientTiles(call: usize): usize { return load<usize>(call, 36); }
  // @ts-ignore: decorator
  @inline export function sums(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 44); }
}

export namespace TransformWeightsF3 {
  export const ID: i32 = 8;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function transposed(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 24); }
}

export namespace ConvolveWinogradF3 {
  export const ID: i32 = 9;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function relu(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 56); }
}

export namespace WeightGradientWinogradF3 {
  export const ID: i32 = 10;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function inputTiles(call: usize): usize { return load<usize>(call, 36); }
  // @ts-ignore: decorator
  @inline export function gradientTiles(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function sums(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 48); }
}

export namespace TransformWeightsStrided {
  export const ID: i32 = 11;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function transposed(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 24); }
}

export namespace ConvolveWinogradStrided {
  export const ID: i32 = 12;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function relu(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 56); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 60); }
}

export namespace InputGradientWinogradStrided {
  export const ID: i32 = 13;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace WeightGradientWinogradStrided {
  export const ID: i32 = 14;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function inputTiles(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function gradientTiles(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function sums(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 56); }
}

export namespace WeightGradientByImage {
  export const ID: i32 = 15;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function imagesAtOnce(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 68); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 72); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 76); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 80); }
}

export namespace WeightGradientByChannel {
  export const ID: i32 = 16;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function packedGradient(call: usize): usize { return load<usize>(call, 64); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 68); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 72); }
}

export namespace ConvolveGroups {
  export const ID: i32 = 17;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function relu(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function transposed(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 68); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 72); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 76); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 80); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 84); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 88); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 92); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 96); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 100); }
  // @ts-ignore: decorator
  @inline export function lanesAtOnce(call: usize): i32 { return load<i32>(call, 104); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 108); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 112); }
}

export namespace TransposeGroups {
  export const ID: i32 = 18;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transposed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function taps(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function inputs(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outputs(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace WeightGradientGroups {
  export const ID: i32 = 19;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 68); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 72); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 76); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 80); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 84); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 88); }
  // @ts-ignore: decorator
  @inline export function lanesAtOnce(call: usize): i32 { return load<i32>(call, 92); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 96); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 100); }
}

export namespace SpreadFilter {
  export const ID: i32 = 20;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function dense(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function inputs(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outputs(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 40); }
}

export namespace GatherFilter {
  export const ID: i32 = 21;
  // @ts-ignore: decorator
  @inline export function dense(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function inputs(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outputs(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 40); }
}

export namespace LibraryConvolution {
  export const ID: i32 = 22;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function method(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function imagesAtOnce(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 68); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 72); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 76); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 80); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 84); }
  // @ts-ignore: decorator
  @inline export function groupInputs(call: usize): i32 { return load<i32>(call, 88); }
  // @ts-ignore: decorator
  @inline export function groupOutputs(call: usize): i32 { return load<i32>(call, 92); }
  // @ts-ignore: decorator
  @inline export function inputElementBytes(call: usize): i32 { return load<i32>(call, 96); }
  // @ts-ignore: decorator
  @inline export function outputElementBytes(call: usize): i32 { return load<i32>(call, 100); }
  // @ts-ignore: decorator
  @inline export function packed(call: usize): usize { return load<usize>(call, 104); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 108); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 112); }
}

export namespace LibraryInputGradient {
  export const ID: i32 = 23;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function method(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function imagesAtOnce(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 68); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 72); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 76); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 80); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 84); }
  // @ts-ignore: decorator
  @inline export function groupInputs(call: usize): i32 { return load<i32>(call, 88); }
  // @ts-ignore: decorator
  @inline export function groupOutputs(call: usize): i32 { return load<i32>(call, 92); }
  // @ts-ignore: decorator
  @inline export function inputElementBytes(call: usize): i32 { return load<i32>(call, 96); }
  // @ts-ignore: decorator
  @inline export function outputElementBytes(call: usize): i32 { return load<i32>(call, 100); }
  // @ts-ignore: decorator
  @inline export function packed(call: usize): usize { return load<usize>(call, 104); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 108); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 112); }
}

export namespace LibraryWeightGradient {
  export const ID: i32 = 24;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function method(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function imagesAtOnce(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 68); }
  // @ts-ignore: decorator
  @inline export function dilationHeight(call: usize): i32 { return load<i32>(call, 72); }
  // @ts-ignore: decorator
  @inline export function dilationWidth(call: usize): i32 { return load<i32>(call, 76); }
  // @ts-ignore: decorator
  @inline export function groups(call: usize): i32 { return load<i32>(call, 80); }
  // @ts-ignore: decorator
  @inline export function groupInputs(call: usize): i32 { return load<i32>(call, 84); }
  // @ts-ignore: decorator
  @inline export function groupOutputs(call: usize): i32 { return load<i32>(call, 88); }
  // @ts-ignore: decorator
  @inline export function inputElementBytes(call: usize): i32 { return load<i32>(call, 92); }
  // @ts-ignore: decorator
  @inline export function outputElementBytes(call: usize): i32 { return load<i32>(call, 96); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 100); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 104); }
  // @ts-ignore: decorator
  @inline export function scratchStride(call: usize): i32 { return load<i32>(call, 108); }
}

export namespace TransformWeightsByRows {
  export const ID: i32 = 25;
  // @ts-ignore: decorator
  @inline export function weights(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function flipped(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function points(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 24); }
}

export namespace ConvolveWinogradLibrary {
  export const ID: i32 = 26;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function transformed(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function bias(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function relu(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function depth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function transposed(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function provider(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function points(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function accumulate(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function inputTiles(call: usize): usize { return load<usize>(call, 64); }
  // @ts-ignore: decorator
  @inline export function outputTiles(call: usize): usize { return load<usize>(call, 68); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 72); }
}

export namespace WeightGradientWinogradLibrary {
  export const ID: i32 = 27;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function provider(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function points(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function inputTiles(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function gradientTiles(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function sums(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 56); }
}

export namespace WeightGradientWinogradLibraryBfloat16 {
  export const ID: i32 = 28;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function weightGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function inLanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function provider(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function points(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function tilesAtOnce(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function inputTiles(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function gradientTiles(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function sums(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function scratch(call: usize): usize { return load<usize>(call, 56); }
}

export namespace BiasGradient {
  export const ID: i32 = 29;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function biasGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 20); }
}

export namespace BatchNorm {
  export const ID: i32 = 30;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scale(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function shift(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function mean(call: usize): usize { return load<usize>(call, 28); }
  // @ts-ignore: decorator
  @inline export function reciprocalDeviation(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): usize { return load<usize>(call, 36); }
  // @ts-ignore: decorator
  @inline export function term(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function runningMean(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function runningVariance(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function epsilon(call: usize): f32 { return load<f32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function momentum(call: usize): f32 { return load<f32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 68); }
}

export namespace BatchNormAgain {
  export const ID: i32 = 31;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function term(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace BatchNormGradient {
  export const ID: i32 = 32;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scale(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function mean(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function reciprocalDeviation(call: usize): usize { return load<usize>(call, 28); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function term(call: usize): usize { return load<usize>(call, 36); }
  // @ts-ignore: decorator
  @inline export function scaleGradient(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function shiftGradient(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function residualGradient(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 64); }
  // @ts-ignore: decorator
  @inline export function coefficients(call: usize): usize { return load<usize>(call, 68); }
}

export namespace Pointwise {
  export const ID: i32 = 33;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 20); }
}

export namespace PointwiseGradient {
  export const ID: i32 = 34;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function residualGradient(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace Multiply {
  export const ID: i32 = 35;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gate(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
}

export namespace MultiplyGradient {
  export const ID: i32 = 36;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gate(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function gateGradient(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace Subsample {
  export const ID: i32 = 37;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function channels(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
}

export namespace SubsampleGradient {
  export const ID: i32 = 38;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function channels(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
}

export namespace MaxPool {
  export const ID: i32 = 39;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace MaxPoolGradient {
  export const ID: i32 = 40;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 60); }
}

export namespace AveragePool {
  export const ID: i32 = 41;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace AveragePoolGradient {
  export const ID: i32 = 42;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace BiasGradientBfloat16 {
  export const ID: i32 = 43;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function biasGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 20); }
}

export namespace BatchNormBfloat16 {
  export const ID: i32 = 44;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scale(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function shift(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function mean(call: usize): usize { return load<usize>(call, 28); }
  // @ts-ignore: decorator
  @inline export function reciprocalDeviation(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): usize { return load<usize>(call, 36); }
  // @ts-ignore: decorator
  @inline export function term(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function runningMean(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function runningVariance(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function epsilon(call: usize): f32 { return load<f32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function momentum(call: usize): f32 { return load<f32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 64); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 68); }
}

export namespace BatchNormAgainBfloat16 {
  export const ID: i32 = 45;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function term(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace BatchNormGradientBfloat16 {
  export const ID: i32 = 46;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scale(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function mean(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function reciprocalDeviation(call: usize): usize { return load<usize>(call, 28); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function term(call: usize): usize { return load<usize>(call, 36); }
  // @ts-ignore: decorator
  @inline export function scaleGradient(call: usize): usize { return load<usize>(call, 40); }
  // @ts-ignore: decorator
  @inline export function shiftGradient(call: usize): usize { return load<usize>(call, 44); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function residualGradient(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function partialCount(call: usize): i32 { return load<i32>(call, 60); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 64); }
  // @ts-ignore: decorator
  @inline export function coefficients(call: usize): usize { return load<usize>(call, 68); }
}

export namespace PointwiseBfloat16 {
  export const ID: i32 = 47;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 20); }
}

export namespace PointwiseGradientBfloat16 {
  export const ID: i32 = 48;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function residualGradient(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace MultiplyBfloat16 {
  export const ID: i32 = 49;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gate(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
}

export namespace MultiplyGradientBfloat16 {
  export const ID: i32 = 50;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gate(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function gateGradient(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
}

export namespace SubsampleBfloat16 {
  export const ID: i32 = 51;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function channels(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
}

export namespace SubsampleGradientBfloat16 {
  export const ID: i32 = 52;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outLanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function channels(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
}

export namespace MaxPoolBfloat16 {
  export const ID: i32 = 53;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace MaxPoolGradientBfloat16 {
  export const ID: i32 = 54;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 52); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 56); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 60); }
}

export namespace AveragePoolBfloat16 {
  export const ID: i32 = 55;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace AveragePoolGradientBfloat16 {
  export const ID: i32 = 56;
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function height(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function width(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function outHeight(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function outWidth(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function kernelHeight(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function kernelWidth(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function strideHeight(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function strideWidth(call: usize): i32 { return load<i32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function paddingTop(call: usize): i32 { return load<i32>(call, 48); }
  // @ts-ignore: decorator
  @inline export function paddingLeft(call: usize): i32 { return load<i32>(call, 52); }
}

export namespace BatchNormInference {
  export const ID: i32 = 57;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function residual(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function scale(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function shift(call: usize): usize { return load<usize>(call, 24); }
  // @ts-ignore: decorator
  @inline export function runningMean(call: usize): usize { return load<usize>(call, 28); }
  // @ts-ignore: decorator
  @inline export function runningVariance(call: usize): usize { return load<usize>(call, 32); }
  // @ts-ignore: decorator
  @inline export function epsilon(call: usize): f32 { return load<f32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function flags(call: usize): i32 { return load<i32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function coefficients(call: usize): usize { return load<usize>(call, 44); }
}

export namespace Scale {
  export const ID: i32 = 58;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function factor(call: usize): f32 { return load<f32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 12); }
}

export namespace Sigmoid {
  export const ID: i32 = 59;
  // @ts-ignore: decorator
  @inline export function input(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function pixels(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function channels(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 16); }
}

export namespace SigmoidGradient {
  export const ID: i32 = 60;
  // @ts-ignore: decorator
  @inline export function output(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function outputGradient(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function inputGradient(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 12); }
}

export namespace SoftmaxCrossEntropy {
  export const ID: i32 = 61;
  // @ts-ignore: decorator
  @inline export function logits(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function labels(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function otherLabels(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function labelShares(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function logitsGradient(call: usize): usize { return load<usize>(call, 16); }
  // @ts-ignore: decorator
  @inline export function losses(call: usize): usize { return load<usize>(call, 20); }
  // @ts-ignore: decorator
  @inline export function images(call: usize): i32 { return load<i32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function classes(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function lanes(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function labelSmoothing(call: usize): f32 { return load<f32>(call, 36); }
}

export namespace AccumulateGradients {
  export const ID: i32 = 62;
  // @ts-ignore: decorator
  @inline export function gradients(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function sums(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 8); }
}

export namespace GradientNorm {
  export const ID: i32 = 63;
  // @ts-ignore: decorator
  @inline export function gradients(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 4); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 8); }
}

export namespace ClipGradients {
  export const ID: i32 = 64;
  // @ts-ignore: decorator
  @inline export function gradients(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 4); }
  // @ts-ignore: decorator
  @inline export function limit(call: usize): f32 { return load<f32>(call, 8); }
}

export namespace UpdateSgd {
  export const ID: i32 = 65;
  // @ts-ignore: decorator
  @inline export function parameters(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gradients(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function momenta(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function group(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function decay(call: usize): f32 { return load<f32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function momentum(call: usize): f32 { return load<f32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function nesterov(call: usize): i32 { return load<i32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function decoupled(call: usize): i32 { return load<i32>(call, 32); }
}

export namespace UpdateAdam {
  export const ID: i32 = 66;
  // @ts-ignore: decorator
  @inline export function parameters(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gradients(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function firstMoments(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function secondMoments(call: usize): usize { return load<usize>(call, 12); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function group(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function decay(call: usize): f32 { return load<f32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function beta1(call: usize): f32 { return load<f32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function rest1(call: usize): f32 { return load<f32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function beta2(call: usize): f32 { return load<f32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function rest2(call: usize): f32 { return load<f32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function epsilon(call: usize): f32 { return load<f32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function decoupled(call: usize): i32 { return load<i32>(call, 48); }
}

export namespace UpdateMuon {
  export const ID: i32 = 67;
  // @ts-ignore: decorator
  @inline export function parameters(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function gradients(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function momenta(call: usize): usize { return load<usize>(call, 8); }
  // @ts-ignore: decorator
  @inline export function rows(call: usize): i32 { return load<i32>(call, 12); }
  // @ts-ignore: decorator
  @inline export function columns(call: usize): i32 { return load<i32>(call, 16); }
  // @ts-ignore: decorator
  @inline export function group(call: usize): i32 { return load<i32>(call, 20); }
  // @ts-ignore: decorator
  @inline export function decay(call: usize): f32 { return load<f32>(call, 24); }
  // @ts-ignore: decorator
  @inline export function momentum(call: usize): f32 { return load<f32>(call, 28); }
  // @ts-ignore: decorator
  @inline export function nesterov(call: usize): i32 { return load<i32>(call, 32); }
  // @ts-ignore: decorator
  @inline export function iterations(call: usize): i32 { return load<i32>(call, 36); }
  // @ts-ignore: decorator
  @inline export function weightNorm(call: usize): f32 { return load<f32>(call, 40); }
  // @ts-ignore: decorator
  @inline export function step(call: usize): f32 { return load<f32>(call, 44); }
  // @ts-ignore: decorator
  @inline export function matrices(call: usize): usize { return load<usize>(call, 48); }
  // @ts-ignore: decorator
  @inline export function products(call: usize): usize { return load<usize>(call, 52); }
  // @ts-ignore: decorator
  @inline export function partials(call: usize): usize { return load<usize>(call, 56); }
}

export namespace UpdateAverage {
  export const ID: i32 = 68;
  // @ts-ignore: decorator
  @inline export function values(call: usize): usize { return load<usize>(call, 0); }
  // @ts-ignore: decorator
  @inline export function averages(call: usize): usize { return load<usize>(call, 4); }
  // @ts-ignore: decorator
  @inline export function count(call: usize): i32 { return load<i32>(call, 8); }
  // @ts-ignore: decorator
  @inline export function writesBack(call: usize): i32 { return load<i32>(call, 12); }
}
