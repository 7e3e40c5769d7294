// The module that every thread instantiates over the shared heap: runs a whole step, kernel call by kernel call.
import { averagePool, averagePoolGradient, maxPool, maxPoolGradient } from "./maps/pooling";
import { batchNorm, batchNormAgain, batchNormGradient, batchNormInference, biasGradient } from "./maps/batch-norm";
import { convolveDirect, packWeights } from "./convolutions/convolve-direct";
import { foldBatchNorm } from "./maps/fold-batch-norm";
import { ABANDONED, STEP } from "./generated/constants";
import * as operands from "./generated/operands";
import { accumulateGradients, clipGradients, gradientNorm } from "./updates/gradients";
import { loadImages } from "./maps/images";
import { softmaxCrossEntropy } from "./maps/loss";
import { subsample, subsampleGradient } from "./convolutions/subsample";
import { updateMuon } from "./updates/muon";
import { multiply, multiplyGradient, sigmoid, sigmoidGradient } from "./maps/gate";
import { pointwise, pointwiseGradient, scale } from "./maps/pointwise";
import { barrier, takeUnit } from "./threads";
import { updateAdam, updateAverage, updateSgd } from "./updates/update";
import { weightGradientByChannel, weightGradientByImage } from "./convolutions/weight-gradient";
import {
  convolveWinogradStrided, inputGradientWinogradStrided, transformWeightsStrided, weightGradientWinogradStrided,
} from "./convolutions/winograd-strided";
import { convolveWinogradLibrary, transformWeightsByRows, weightGradientWinogradLibrary } from "./convolutions/winograd-library";
import { convolveWinogradThrees, transformWeightsThrees, weightGradientWinogradThrees } from "./convolutions/winograd-threes";
import { convolveWinograd, transformWeights, weightGradientWinograd, weightGradientWinogradByFrequency } from "./convolutions/winograd";

export { peakCopy, peakMultiplyAdd } from "./peak";

/** Milliseconds on the host's clock, for profiles. */
// @ts-ignore: decorator
@external("env", "now")
declare function now(): f64;

/** Runs unit `unit` of phase `phase` of the call of `kernel` whose operands lie at `call`. */
// @ts-ignore: decorator
@external("env", "provide")
declare function provide(provider: i32, kernel: i32, call: usize, phase: i32, unit: i32): void;

/** Runs the step at `step` with all threads; called by thread 0. With `times` it notes the time before the first call and after each there. */
export function run(step: usize, threads: i32, times: usize): void {
  atomic.store<i32>(STEP, <i32>step);
  store<i32>(ABANDONED, 0);
  barrier(threads);
  if (times) { store<f64>(times, now()); times += 8; }
  runCalls(step, 0, threads, times);
}

/** Lets the other threads end. */
export function stop(threads: i32): void {
  atomic.store<i32>(STEP, 0);
  barrier(threads);
}

/** What the other threads do: wait for a step, help with it, until there is none. */
export function help(thread: i32, threads: i32): void {
  while (true) {
    barrier(threads);
    const step = <usize><u32>atomic.load<i32>(STEP);
    if (step == 0) return;
    runCalls(step, thread, threads, 0);
  }
}

/**
 * A step is a list of calls: kernel, bytes to the next call, operands; a negative kernel ends it. What follows a call is
 * read before the barrier: behind the last one the step's place may be written over.
 */
function runCalls(step: usize, thread: i32, threads: i32, times: usize): void {
  let call = step, kernel = load<i32>(call);
  while (kernel >= 0) {
    const next = call + <usize>load<i32>(call, 4), following = load<i32>(next);
    runKernel(kernel, call + 8, thread, threads);
    barrier(threads);
    if (times) { store<f64>(times, now()); times += 8; }
    if (load<i32>(ABANDONED)) {
      barrier(threads); // until all have seen it, since the next step takes the mark away
      return;
    }
    call = next;
    kernel = following;
  }
}

/** A call that is not WebAssembly's: provider, kernel, how many phases, the units of each, and then the kernel's operands. */
function runProvided(call: usize, threads: i32): void {
  const provider = load<i32>(call), kernel = load<i32>(call, 4), phases = load<i32>(call, 8), counts = call + 12;
  for (let phase = 0; phase < phases; phase++) {
    if (phase > 0) barrier(threads);
    const units = load<i32>(counts + (phase << 2));
    for (let unit = takeUnit(); unit < units; unit = takeUnit()) provide(provider, kernel, counts + (phases << 2), phase, unit);
  }
}

function runKernel(kernel: i32, call: usize, thread: i32, threads: i32): void {
  switch (kernel) {
    case operands.PROVIDED: runProvided(call, threads); break;
    case operands.LoadImages.ID: loadImages(call); break;
    case operands.FoldBatchNorm.ID: foldBatchNorm(call); break;
    case operands.PackWeights.ID: packWeights(call); break;
    case operands.ConvolveDirect.ID: convolveDirect(call); break;
    case operands.TransformWeights.ID: transformWeights(call, thread); break;
    case operands.ConvolveWinograd.ID: convolveWinograd(call, thread); break;
    case operands.WeightGradientWinograd.ID: weightGradientWinograd(call, thread, threads); break;
    case operands.WeightGradientWinogradByFrequency.ID: weightGradientWinogradByFrequency(call, thread, threads); break;
    case operands.TransformWeightsStrided.ID: transformWeightsStrided(call, thread); break;
    case operands.ConvolveWinogradStrided.ID: convolveWinogradStrided(call, thread); break;
    case operands.InputGradientWinogradStrided.ID: inputGradientWinogradStrided(call, thread); break;
    case operands.WeightGradientWinogradStrided.ID: weightGradientWinogradStrided(call, thread, threads); break;
    case operands.TransformWeightsThrees.ID: transformWeightsThrees(call, thread); break;
    case operands.ConvolveWinogradThrees.ID: convolveWinogradThrees(call, thread); break;
    case operands.WeightGradientWinogradThrees.ID: weightGradientWinogradThrees(call, thread, threads); break;
    case operands.WeightGradientByImage.ID: weightGradientByImage(call, thread, threads); break;
    case operands.WeightGradientByChannel.ID: weightGradientByChannel(call, thread, threads); break;
    case operands.TransformWeightsByRows.ID: transformWeightsByRows(call, thread); break;
    case operands.ConvolveWinogradLibrary.ID: convolveWinogradLibrary(call, thread, threads); break;
    case operands.WeightGradientWinogradLibrary.ID: weightGradientWinogradLibrary<f32>(call, thread, threads); break;
    case operands.WeightGradientWinogradLibraryBfloat16.ID: weightGradientWinogradLibrary<u16>(call, thread, threads); break;
    case operands.BiasGradient.ID: biasGradient<f32>(call, thread, threads); break;
    case operands.BiasGradientBfloat16.ID: biasGradient<u16>(call, thread, threads); break;
    case operands.BatchNorm.ID: batchNorm<f32>(call, thread, threads); break;
    case operands.BatchNormBfloat16.ID: batchNorm<u16>(call, thread, threads); break;
    case operands.BatchNormAgain.ID: batchNormAgain<f32>(call); break;
    case operands.BatchNormAgainBfloat16.ID: batchNormAgain<u16>(call); break;
    case operands.BatchNormGradient.ID: batchNormGradient<f32>(call, thread, threads); break;
    case operands.BatchNormGradientBfloat16.ID: batchNormGradient<u16>(call, thread, threads); break;
    case operands.BatchNormInference.ID: batchNormInference(call, thread, threads); break;
    case operands.Pointwise.ID: pointwise<f32>(call); break;
    case operands.PointwiseBfloat16.ID: pointwise<u16>(call); break;
    case operands.PointwiseGradient.ID: pointwiseGradient<f32>(call); break;
    case operands.PointwiseGradientBfloat16.ID: pointwiseGradient<u16>(call); break;
    case operands.Subsample.ID: subsample<f32>(call); break;
    case operands.SubsampleBfloat16.ID: subsample<u16>(call); break;
    case operands.SubsampleGradient.ID: subsampleGradient<f32>(call); break;
    case operands.SubsampleGradientBfloat16.ID: subsampleGradient<u16>(call); break;
    case operands.MaxPool.ID: maxPool<f32>(call); break;
    case operands.MaxPoolBfloat16.ID: maxPool<u16>(call); break;
    case operands.MaxPoolGradient.ID: maxPoolGradient<f32>(call); break;
    case operands.MaxPoolGradientBfloat16.ID: maxPoolGradient<u16>(call); break;
    case operands.AveragePool.ID: averagePool<f32>(call); break;
    case operands.AveragePoolBfloat16.ID: averagePool<u16>(call); break;
    case operands.AveragePoolGradient.ID: averagePoolGradient<f32>(call); break;
    case operands.AveragePoolGradientBfloat16.ID: averagePoolGradient<u16>(call); break;
    case operands.Scale.ID: scale(call); break;
    case operands.Sigmoid.ID: sigmoid(call); break;
    case operands.SigmoidGradient.ID: sigmoidGradient(call); break;
    case operands.Multiply.ID: multiply<f32>(call); break;
    case operands.MultiplyBfloat16.ID: multiply<u16>(call); break;
    case operands.MultiplyGradient.ID: multiplyGradient<f32>(call); break;
    case operands.MultiplyGradientBfloat16.ID: multiplyGradient<u16>(call); break;
    case operands.SoftmaxCrossEntropy.ID: softmaxCrossEntropy(call, thread, threads); break;
    case operands.AccumulateGradients.ID: accumulateGradients(call); break;
    case operands.GradientNorm.ID: gradientNorm(call, thread, threads); break;
    case operands.ClipGradients.ID: clipGradients(call); break;
    case operands.UpdateSgd.ID: updateSgd(call); break;
    case operands.UpdateAdam.ID: updateAdam(call); break;
    case operands.UpdateMuon.ID: updateMuon(call, thread, threads); break;
    case operands.UpdateAverage.ID: updateAverage(call); break;
    default: unreachable();
  }
}
