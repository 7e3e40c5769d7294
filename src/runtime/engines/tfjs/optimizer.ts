// One update of a parameter, by the rule of its group: as PyTorch's SGD, Adam and AdamW do it, or by Muon.
import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { GroupControl } from "../step-control.js";
import type { UpdateRule } from "../../../compiler/training/update-rule.js";
import { NEWTON_SCHULZ } from "../../../compiler/training/update-rule.js";

/** A parameter and its slots in the order of `slotNames`. */
export interface Trained {
  readonly value: Tensor;
  readonly slots: readonly Tensor[];
}

/** Returns new tensors; the old ones stay the caller's. */
export function update(tf: Tfjs, rule: UpdateRule, trained: Trained, gradient: Tensor, at: GroupControl): Trained {
  switch (rule.kind) {
    case "sgd":
      return sgd(tf, rule, ...withDecay(tf, rule, trained, gradient, at), at);
    case "adam":
      return adam(tf, rule, ...withDecay(tf, rule, trained, gradient, at), at);
    case "muon":
      return muon(tf, rule, trained, gradient, at);
  }
}

type RuleOf<K extends UpdateRule["kind"]> = Extract<UpdateRule, { kind: K }>;

/** Decoupled, the weights shrink on their own and slots never see it (Loshchilov and Hutter 2019, algorithms 1 and 2). */
function withDecay(
  { core: { add, mul } }: Tfjs,
  { weightDecay, decoupled }: RuleOf<"sgd" | "adam">,
  trained: Trained,
  gradient: Tensor,
  { rate }: GroupControl,
): [trained: Trained, gradient: Tensor] {
  if (weightDecay === 0) return [trained, gradient];
  if (decoupled) return [{ ...trained, value: mul(trained.value, 1 - rate * weightDecay) }, gradient];
  return [trained, add(gradient, mul(trained.value, weightDecay))];
}

function sgd(
  { core: { add, mul, sub } }: Tfjs,
  { momentum, nesterov }: RuleOf<"sgd">,
  { value, slots: [slot] }: Trained,
  gradient: Tensor,
  { rate }: GroupControl,
): Trained {
  if (!slot) return { value: sub(value, mul(gradient, rate)), slots: [] };
  const velocity = add(mul(slot, momentum), gradient);
  const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
  return { value: sub(value, mul(direction, rate)), slots: [velocity] };
}

function adam(
  { core: { add, div, mul, sqrt, square, sub } }: Tfjs,
  rule: RuleOf<"adam">,
  { value, slots }: Trained,
  gradient: Tensor,
  { rate, corrections: [firstCorrection, secondCorrection] }: GroupControl,
): Trained {
  const { beta1, beta2, eps } = rule;
  const [first, second] = slots as [Tensor, Tensor];
  const firstMoment = add(mul(first, beta1), mul(gradient, 1 - beta1));
  const secondMoment = add(mul(second, beta2), mul(square(gradient), 1 - beta2));
  const divisor = add(div(sqrt(secondMoment), secondCorrection), eps);
  const change = mul(div(firstMoment, divisor), rate / firstCorrection);
  return { value: sub(value, change), slots: [firstMoment, secondMoment] };
}

function muon(
  tf: Tfjs,
  { momentum, nesterov, iterations, normalizeWeights, weightDecay }: RuleOf<"muon">,
  { value, slots }: Trained,
  gradient: Tensor,
  { rate }: GroupControl,
): Trained {
  const { add, div, mul, norm, reshape, sub, transpose } = tf.core;
  const velocity = add(mul(slots[0]!, momentum), gradient);
  const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
  const outputs = value.shape.at(-1)!;
  const matrix = transpose(reshape(direction, [-1, outputs])); // [outputs, all else]
  const orthogonal = reshape(transpose(orthogonalize(tf, matrix as Tensor2D, iterations)), value.shape);
  const scaled = normalizeWeights ? mul(value, div(Math.sqrt(outputs), norm(value))) : value;
  const step = rate * Math.sqrt(Math.max(1, outputs / matrix.shape[1]!));
  return { value: sub(mul(scaled, 1 - rate * weightDecay), mul(orthogonal, step)), slots: [velocity] };
}

/** Newton-Schulz iterations on a matrix that is never taller than wide. */
function orthogonalize(tf: Tfjs, matrix: Tensor2D, iterations: number): Tensor2D {
  const { add, div, matMul, mul, norm, transpose } = tf.core;
  if (matrix.shape[0] > matrix.shape[1]) return transpose(orthogonalize(tf, transpose(matrix), iterations));
  const { a, b, c, eps } = NEWTON_SCHULZ;
  let x = div(matrix, add(norm(matrix), eps)) as Tensor2D;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const gram = matMul(x, x, false, true) as Tensor2D;
    const factor = add(mul(gram, b), mul(matMul(gram, gram), c)) as Tensor2D;
    x = add(mul(x, a), matMul(factor, x)) as Tensor2D;
  }
  return x;
}
