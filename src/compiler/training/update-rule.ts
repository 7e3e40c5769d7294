// How a group of parameters is updated from its gradients, as an engine needs to know it: one optimizer, one weight decay.
import type { OptimizerConfig } from "../config.js";

export type UpdateRule =
  /**
   * d = g + decay·w; m = momentum·m + d; w -= rate·(nesterov ? d + momentum·m : m), as in PyTorch; without momentum
   * w -= rate·d. Decoupled: d = g, and w first shrinks by rate·decay·w (Loshchilov and Hutter 2017, arXiv 1711.05101).
   */
  | {
      readonly kind: "sgd";
      readonly momentum: number;
      readonly nesterov: boolean;
      readonly weightDecay: number;
      readonly decoupled: boolean;
    }
  /** Kingma and Ba 2014 (arXiv 1412.6980), algorithm 1; decoupled as above (AdamW). */
  | {
      readonly kind: "adam";
      readonly beta1: number;
      readonly beta2: number;
      readonly eps: number;
      readonly weightDecay: number;
      readonly decoupled: boolean;
    }
  /**
   * Momentum whose direction is brought near an orthogonal matrix, a tensor at a time (Jordan et al. 2024, "Muon"): see
   * `NEWTON_SCHULZ`. A tensor is the matrix [outputs, all else]; decay is decoupled.
   */
  | {
      readonly kind: "muon";
      readonly momentum: number;
      readonly nesterov: boolean;
      readonly iterations: number;
      /** w is brought to the norm √outputs before the update. */
      readonly normalizeWeights: boolean;
      readonly weightDecay: number;
    };

/**
 * X = G / (‖G‖ + eps), then `iterations` times X = a·X + (b·XXᵀ + c·(XXᵀ)²)·X. These coefficients bring every singular value
 * near 1 in a few iterations, not to 1 exactly. w -= rate · √max(1, rows / columns) · X (Jordan et al. 2024).
 */
export const NEWTON_SCHULZ = { a: 3.4445, b: -4.775, c: 2.0315, eps: 1e-7 } as const;

export function updateRule(optimizer: OptimizerConfig, weightDecay: number): UpdateRule {
  if ("sgd" in optimizer) {
    const { momentum, nesterov, decoupled } = optimizer.sgd;
    return { kind: "sgd", momentum, nesterov, weightDecay, decoupled };
  }
  if ("muon" in optimizer) {
    const { momentum, nesterov, iterations, normalize_weights: normalizeWeights } = optimizer.muon;
    return { kind: "muon", momentum, nesterov, iterations, normalizeWeights, weightDecay };
  }
  const decoupled = "adamw" in optimizer;
  const { beta1, beta2, eps } = "adamw" in optimizer ? optimizer.adamw : optimizer.adam;
  return { kind: "adam", beta1, beta2, eps, weightDecay, decoupled };
}

/** What a rule keeps of each parameter from step to step; a slot of `p` is named `p.<slot>` in a State. */
export function slotNames(rule: UpdateRule): readonly string[] {
  if (rule.kind === "adam") return ["first_moment", "second_moment"];
  return rule.kind === "muon" || rule.momentum > 0 ? ["momentum"] : [];
}

/** Adam's divisors of its moments after so many updates: 1 − beta1ᵗ and √(1 − beta2ᵗ). Others have none. */
export function momentCorrections(rule: UpdateRule, updates: number): readonly [first: number, second: number] {
  if (rule.kind !== "adam") return [1, 1];
  return [1 - rule.beta1 ** updates, Math.sqrt(1 - rule.beta2 ** updates)];
}
