// One update of a parameter, as PyTorch's SGD, Adam and AdamW do it.
import type { Tensor } from "@tensorflow/tfjs-core";
import type { OptimizerConfig } from "../../../compiler/config.js";
import type { Parameter } from "../../../compiler/parameters.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { StepHyper } from "../../engine.js";

/** A parameter and its slots in the order of `slotNames`. */
export interface Trained {
  readonly value: Tensor;
  readonly slots: readonly Tensor[];
}

/** Returns new tensors; the old ones stay the caller's. */
export function update(
  tf: Tfjs,
  optimizer: OptimizerConfig,
  parameter: Parameter,
  trained: Trained,
  gradient: Tensor,
  hyper: StepHyper,
): Trained {
  const { mul } = tf.core;
  if ("sgd" in optimizer) {
    const decayed = withDecay(tf, gradient, trained.value, decayOf(optimizer.sgd, parameter));
    return sgd(tf, optimizer.sgd, trained, decayed, hyper);
  }
  if ("adam" in optimizer) {
    const decayed = withDecay(tf, gradient, trained.value, decayOf(optimizer.adam, parameter));
    return adam(tf, optimizer.adam, trained, decayed, hyper);
  }
  // Decoupled: the weights shrink on their own, the moments never see it (Loshchilov and Hutter 2019, algorithm 2).
  const decay = decayOf(optimizer.adamw, parameter);
  const value = decay === 0 ? trained.value : mul(trained.value, 1 - hyper.learningRate * decay);
  return adam(tf, optimizer.adamw, { ...trained, value }, gradient, hyper);
}

type Sgd = Extract<OptimizerConfig, { sgd: unknown }>["sgd"];
type Adam = Extract<OptimizerConfig, { adam: unknown }>["adam"];

function sgd(
  { core: { add, mul, sub } }: Tfjs,
  { momentum, nesterov }: Sgd,
  { value, slots: [slot] }: Trained,
  gradient: Tensor,
  { learningRate }: StepHyper,
): Trained {
  if (!slot) return { value: sub(value, mul(gradient, learningRate)), slots: [] };
  const velocity = add(mul(slot, momentum), gradient);
  const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
  return { value: sub(value, mul(direction, learningRate)), slots: [velocity] };
}

function adam(
  { core: { add, div, mul, sqrt, square, sub } }: Tfjs,
  { beta1, beta2, eps }: Adam,
  { value, slots }: Trained,
  gradient: Tensor,
  { learningRate, step }: StepHyper,
): Trained {
  const [first, second] = slots as [Tensor, Tensor];
  const firstMoment = add(mul(first, beta1), mul(gradient, 1 - beta1));
  const secondMoment = add(mul(second, beta2), mul(square(gradient), 1 - beta2));
  const firstCorrection = 1 - beta1 ** step;
  const secondCorrection = 1 - beta2 ** step;
  const divisor = add(div(sqrt(secondMoment), Math.sqrt(secondCorrection)), eps);
  const change = mul(div(firstMoment, divisor), learningRate / firstCorrection);
  return { value: sub(value, change), slots: [firstMoment, secondMoment] };
}

function withDecay({ core: { add, mul } }: Tfjs, gradient: Tensor, value: Tensor, decay: number): Tensor {
  return decay === 0 ? gradient : add(gradient, mul(value, decay));
}

function decayOf(
  options: { readonly weight_decay: number; readonly decay_norm_and_bias: boolean },
  { role }: Parameter,
): number {
  const isWeight = role === "conv_weight" || role === "linear_weight";
  return isWeight || options.decay_norm_and_bias ? options.weight_decay : 0;
}
