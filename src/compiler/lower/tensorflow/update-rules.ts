// The optimizers' rules and the running averages as TensorFlow operations, a parameter at a time.
import type { AdamConfig, OptimizerConfig } from "../../config.js";
import { invariant } from "../../diagnostic.js";
import { averageName } from "../../weight-average.js";
import { slotNames } from "../optimizer-slots.js";
import type { TensorId, TrainingOpOf } from "../training-graph.js";
import type { Emission, Variable } from "./emission.js";
import { FLOAT } from "./emission.js";
import type { Output } from "./tensorflow-graph.js";

export function emitUpdate(emission: Emission, { parameters, gradients }: TrainingOpOf<"update">): void {
  const { optimizer } = emission.train;
  parameters.forEach((id, index) => {
    const gradient = emission.get(gradients[index]!);
    if ("sgd" in optimizer) updateSgd(emission, optimizer.sgd, id, gradient);
    else if ("adam" in optimizer) updateAdam(emission, optimizer.adam, id, gradient, false);
    else updateAdam(emission, optimizer.adamw, id, gradient, true);
  });
}

/** Every average moves towards what its tensor holds after the update. */
export function emitAverages(emission: Emission): void {
  const share = emission.hyper("average_share");
  for (const tensor of emission.source.tensors) {
    if (tensor.kind !== "parameter" && tensor.kind !== "statistic") continue;
    const average = emission.variable(averageName(tensor.name), tensor.dims);
    const value = emission.updated.get(tensor.name);
    invariant(value, `${tensor.name} was updated`);
    const old = emission.read(average.name, average.shape);
    emission.assign(average, emission.add(old, emission.multiply(emission.subtract(value, old), share)));
  }
}

type Sgd = Extract<OptimizerConfig, { sgd: unknown }>["sgd"];

/** TensorFlow's own kernels, which work in place. */
function updateSgd(emission: Emission, sgd: Sgd, id: TensorId, gradient: Output): void {
  const { graph } = emission;
  const parameter = variableOf(emission, id);
  const rate = emission.hyper("learning_rate");
  const decayed = withDecay(emission, gradient, id, decayOf(emission, id, sgd));
  const [slot] = slotsOf(emission, parameter);
  const update = slot
    ? graph.effect("ResourceApplyMomentum", [parameter.handle, slot.handle, rate, decayed, graph.float(sgd.momentum)], {
        ...FLOAT,
        use_nesterov: { bool: sgd.nesterov },
      })
    : graph.effect("ResourceApplyGradientDescent", [parameter.handle, rate, decayed], FLOAT);
  emission.updates.push(update);
  if (emission.train.weight_average) emission.updated.set(parameter.name, emission.readAfter(parameter, [update]));
}

/**
 * Written out, since TensorFlow's kernel takes 1 − beta in float32, 3e-5 off for 0.999, and puts eps elsewhere than PyTorch.
 * Decoupled: the weights shrink on their own, the moments never see it (Loshchilov and Hutter 2019, algorithm 2).
 */
function updateAdam(emission: Emission, adam: AdamConfig, id: TensorId, gradient: Output, isDecoupled: boolean): void {
  const { graph } = emission;
  const parameter = variableOf(emission, id);
  const rate = emission.hyper("learning_rate");
  const decay = decayOf(emission, id, adam);
  const current = emission.get(id);
  const shrunk =
    isDecoupled && decay !== 0
      ? emission.multiply(current, emission.subtract(graph.float(1), emission.scaled(rate, decay)))
      : current;
  const direction = isDecoupled ? gradient : withDecay(emission, gradient, id, decay);
  const [first, second] = slotsOf(emission, parameter) as [Variable, Variable];
  const moved = (slot: Variable, beta: number, value: Output): Output =>
    emission.add(
      emission.scaled(emission.read(slot.name, slot.shape), beta),
      emission.multiply(value, graph.float(1 - beta)),
    );
  const firstMoment = moved(first, adam.beta1, direction);
  const secondMoment = moved(second, adam.beta2, graph.one("Square", [direction], FLOAT, direction.shape));
  const root = graph.one("Sqrt", [secondMoment], FLOAT, secondMoment.shape);
  const deviation = emission.add(
    emission.divide(root, emission.hyper("second_correction_root")),
    graph.float(adam.eps),
  );
  const stride = emission.divide(rate, emission.hyper("first_correction"));
  const change = emission.multiply(emission.divide(firstMoment, deviation), stride);
  emission.assign(first, firstMoment);
  emission.assign(second, secondMoment);
  emission.assign(parameter, emission.subtract(shrunk, change));
}

function variableOf(emission: Emission, id: TensorId): Variable {
  const tensor = emission.tensor(id);
  invariant(tensor.kind === "parameter", `${tensor.name} is a parameter`);
  return emission.variable(tensor.name, tensor.dims);
}

function slotsOf(emission: Emission, { name, shape }: Variable): Variable[] {
  return slotNames(emission.train.optimizer).map((slot) => emission.variable(`${name}.${slot}`, shape));
}

function withDecay(emission: Emission, gradient: Output, id: TensorId, decay: number): Output {
  return decay === 0 ? gradient : emission.add(gradient, emission.scaled(emission.get(id), decay));
}

function decayOf(
  emission: Emission,
  id: TensorId,
  options: { readonly weight_decay: number; readonly decay_norm_and_bias: boolean },
): number {
  const tensor = emission.tensor(id);
  invariant(tensor.kind === "parameter", `${tensor.name} is a parameter`);
  return tensor.decay || options.decay_norm_and_bias ? options.weight_decay : 0;
}
