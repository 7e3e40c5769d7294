// The optimizers' rules and the averages of weights as TensorFlow operations, a parameter at a time.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { UpdateRule } from "../../training/update-rule.js";
import { NEWTON_SCHULZ, slotNames } from "../../training/update-rule.js";
import { averageName } from "../../training/weight-average.js";
import type { TensorId, FlatOp } from "../step/training-graph.js";
import type { Emission, Variable } from "./emission.js";
import { FLOAT } from "./emission.js";
import type { Output } from "./tensorflow-graph.js";

export function emitUpdate(emission: Emission, { groups, rules }: FlatOp<"update">): void {
  for (const [place, { parameters, gradients }] of groups.entries()) {
    const { rateIndex, rule } = rules[place]!;
    parameters.forEach((id, index) => {
      const parameter = variableOf(emission, id);
      const slots = slotNames(rule).map((slot) => emission.variable(`${parameter.name}.${slot}`, parameter.shape));
      const context = { emission, rateIndex, parameter, slots, current: emission.get(id) };
      const gradient = emission.get(gradients[index]!);
      if (rule.kind === "sgd") updateSgd(context, rule, gradient);
      else if (rule.kind === "adam") updateAdam(context, rule, gradient);
      else updateMuon(context, rule, gradient);
    });
  }
}

/** Every average moves towards what its tensor holds after the update, which is what it was where it is frozen. */
export function emitAverages(emission: Emission, { values, writesBack }: FlatOp<"average">): void {
  const { graph } = emission;
  const share = emission.hyper("average_share");
  for (const tensor of values.map((id) => emission.tensor(id))) {
    if (tensor.kind !== "parameter" && tensor.kind !== "statistic") continue;
    const average = emission.variable(averageName(tensor.name), tensor.dims);
    const value = emission.updated.get(tensor.name) ?? emission.read(tensor.name, tensor.dims);
    const old = emission.read(average.name, average.shape);
    const moved = emission.add(old, emission.multiply(emission.subtract(value, old), share));
    emission.assign(average, moved);
    if (!writesBack) continue;
    const isDue = graph.one("Greater", [share, graph.float(0)], FLOAT, [], { type: "bool" });
    const kept = graph.one("SelectV2", [isDue, moved, value], FLOAT, tensor.dims);
    emission.assign(emission.variable(tensor.name, tensor.dims), kept);
  }
}

type RuleOf<K extends UpdateRule["kind"]> = Extract<UpdateRule, { kind: K }>;

interface UpdateContext {
  readonly emission: Emission;
  /** Index of the group's rate. */
  readonly rateIndex: number;
  readonly parameter: Variable;
  /** In the order of `slotNames`. */
  readonly slots: readonly Variable[];
  /** What the parameter holds before. */
  readonly current: Output;
}

/** TensorFlow's own kernels, which work in place; with decoupled decay written out. */
function updateSgd(context: UpdateContext, rule: RuleOf<"sgd">, gradient: Output): void {
  const { emission, parameter, slots, rateIndex: group } = context;
  const { graph } = emission;
  const [slot] = slots;
  if (rule.decoupled && rule.weightDecay > 0) {
    const rate = emission.hyper(`learning_rate_${group}`);
    const direction = slot ? momentumOf(emission, slot, rule, gradient) : gradient;
    const change = emission.multiply(direction, rate);
    emission.assign(parameter, emission.subtract(shrunk(context, rule), change));
    return;
  }
  // In a step that is no good: m = 1·m + 0, w = w − 0·m
  const rate = emission.ifSound(emission.hyper(`learning_rate_${group}`), graph.float(0));
  const decayed = emission.ifSound(withDecay(context, rule, gradient), graph.float(0));
  const momentum = emission.ifSound(graph.float(rule.momentum), graph.float(1));
  const update = slot
    ? graph.effect("ResourceApplyMomentum", [parameter.handle, slot.handle, rate, decayed, momentum], {
        ...FLOAT,
        use_nesterov: { bool: rule.nesterov },
      })
    : graph.effect("ResourceApplyGradientDescent", [parameter.handle, rate, decayed], FLOAT);
  emission.updates.push(update);
  if (emission.train.weight_average) emission.updated.set(parameter.name, emission.readAfter(parameter, [update]));
}

/**
 * Written out, since TensorFlow's kernel takes 1 − beta in float32, 3e-5 off for 0.999, and puts eps elsewhere than PyTorch.
 * Decoupled: the weights shrink on their own, the moments never see it (Loshchilov and Hutter 2019, algorithm 2).
 */
function updateAdam(context: UpdateContext, rule: RuleOf<"adam">, gradient: Output): void {
  const { emission, parameter, slots, rateIndex: group } = context;
  const { graph } = emission;
  const direction = rule.decoupled ? gradient : withDecay(context, rule, gradient);
  const [first, second] = slots as [Variable, Variable];
  const moved = (slot: Variable, beta: number, value: Output): Output =>
    emission.add(
      emission.scaled(emission.read(slot.name, slot.shape), beta),
      emission.multiply(value, graph.float(1 - beta)),
    );
  const firstMoment = moved(first, rule.beta1, direction);
  const secondMoment = moved(second, rule.beta2, graph.one("Square", [direction], FLOAT, direction.shape));
  const root = graph.one("Sqrt", [secondMoment], FLOAT, secondMoment.shape);
  const correction = emission.hyper(`second_correction_root_${group}`);
  const deviation = emission.add(emission.divide(root, correction), graph.float(rule.eps));
  const rate = emission.hyper(`learning_rate_${group}`);
  const stride = emission.divide(rate, emission.hyper(`first_correction_${group}`));
  const change = emission.multiply(emission.divide(firstMoment, deviation), stride);
  emission.assign(first, firstMoment);
  emission.assign(second, secondMoment);
  emission.assign(parameter, emission.subtract(rule.decoupled ? shrunk(context, rule) : context.current, change));
}

/** Jordan et al. 2024; the parameter's storage is the rule's matrix transposed. */
function updateMuon(context: UpdateContext, rule: RuleOf<"muon">, gradient: Output): void {
  const { emission, parameter, slots, rateIndex: group } = context;
  const { graph } = emission;
  const direction = momentumOf(emission, slots[0]!, rule, gradient);
  const outputs = parameter.shape.at(-1)!;
  const inputs = parameter.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const matrix = emission.reshape(direction, [inputs, outputs]);
  const orthogonal = emission.reshape(orthogonalize(emission, matrix, rule.iterations), parameter.shape);
  const step = Math.sqrt(Math.max(1, outputs / inputs));
  const change = emission.multiply(emission.scaled(orthogonal, step), emission.hyper(`learning_rate_${group}`));
  const kept = shrunk(context, rule);
  const scaled = rule.normalizeWeights
    ? emission.multiply(kept, emission.divide(graph.float(Math.sqrt(outputs)), normOf(emission, context.current)))
    : kept;
  emission.assign(parameter, emission.subtract(scaled, change));
}

/** Newton-Schulz iterations, by the products of the smaller side. */
function orthogonalize(emission: Emission, matrix: Output, iterations: number): Output {
  const [rows, columns] = matrix.shape as [number, number];
  const isTall = rows >= columns;
  const side = Math.min(rows, columns);
  const { a, b, c, eps } = NEWTON_SCHULZ;
  const multiply = (left: Output, right: Output, shape: readonly number[], transposed: { a?: true; b?: true } = {}) => {
    const { a: first = false, b: second = false } = transposed;
    const attributes = { ...FLOAT, transpose_a: { bool: first }, transpose_b: { bool: second } };
    return emission.graph.one("MatMul", [left, right], attributes, shape);
  };
  let x = emission.divide(matrix, emission.add(normOf(emission, matrix), emission.graph.float(eps)));
  for (let iteration = 0; iteration < iterations; iteration++) {
    const gram = multiply(x, x, [side, side], isTall ? { a: true } : { b: true });
    const factor = emission.add(emission.scaled(gram, b), emission.scaled(multiply(gram, gram, [side, side]), c));
    const through = isTall ? multiply(x, factor, x.shape) : multiply(factor, x, x.shape);
    x = emission.add(emission.scaled(x, a), through);
  }
  return x;
}

function normOf(emission: Emission, value: Output): Output {
  const { graph } = emission;
  const squares = graph.one("Square", [value], FLOAT, value.shape);
  const axes = graph.integers(value.shape.map((_, axis) => axis));
  const attributes = { ...FLOAT, Tidx: { type: "int32" }, keep_dims: { bool: false } } as const;
  return graph.one("Sqrt", [graph.one("Sum", [squares, axes], attributes, [])], FLOAT, []);
}

/** The direction of momentum, plain or Nesterov's; the slot takes the new one. */
function momentumOf(
  emission: Emission,
  slot: Variable,
  { momentum, nesterov }: { readonly momentum: number; readonly nesterov: boolean },
  gradient: Output,
): Output {
  const velocity = emission.add(emission.scaled(emission.read(slot.name, slot.shape), momentum), gradient);
  emission.assign(slot, velocity);
  return nesterov ? emission.add(gradient, emission.scaled(velocity, momentum)) : velocity;
}

/** The weights less what decoupled decay takes off. */
function shrunk({ emission, rateIndex, current }: UpdateContext, { weightDecay }: UpdateRule): Output {
  if (weightDecay === 0) return current;
  const share = emission.scaled(emission.hyper(`learning_rate_${rateIndex}`), weightDecay);
  return emission.multiply(current, emission.subtract(emission.graph.float(1), share));
}

function withDecay({ emission, current }: UpdateContext, { weightDecay }: UpdateRule, gradient: Output): Output {
  return weightDecay === 0 ? gradient : emission.add(gradient, emission.scaled(current, weightDecay));
}

function variableOf(emission: Emission, id: TensorId): Variable {
  const tensor = emission.tensor(id);
  invariant(tensor.kind === "parameter", `${tensor.name} is a ${tensor.kind} where a parameter belongs`);
  return emission.variable(tensor.name, tensor.dims);
}
