// The update of all parameters as kernel calls: elementwise rules sweep over a group's stretch of the heap in one call,
// Muon takes tensor by tensor, since it looks at each as a matrix.
import { invariant } from "../../diagnostics/diagnostic.js";
import { slotNames } from "../../training/update-rule.js";
import type { UpdateRule } from "../../training/update-rule.js";
import { MUON_NORM_PARTIALS } from "./kernel-constants.js";
import type { KernelSelector } from "../convolutions/kernel-selector.js";
import type { StoredTensor } from "../placement/layout.js";
import { storedBytes } from "../placement/layout.js";
import type { FlatOp, GroupRule } from "../step/training-graph.js";

export function callUpdates(selector: KernelSelector, { groups, rules }: FlatOp<"update">): void {
  for (const [index, { parameters }] of groups.entries()) {
    const group = rules[index]!;
    const stored = parameters.map((id) => selector.storedAs(id));
    if (stored.length === 0) continue;
    if (group.rule.kind === "muon") {
      for (const tensor of stored) callMuon(selector, group, group.rule, tensor);
    } else {
      callElementwise(selector, group, group.rule, stored);
    }
  }
}

function callElementwise(
  selector: KernelSelector,
  group: GroupRule,
  rule: Exclude<UpdateRule, { kind: "muon" }>,
  stored: readonly StoredTensor[],
): void {
  const start = stored[0]!.offset;
  const bytes = stored.reduce((sum, tensor) => {
    invariant(tensor.offset === start + sum, `${tensor.name} lies apart from the other parameters of its group`);
    return sum + storedBytes(tensor);
  }, 0);
  const common = {
    parameters: selector.persistent("parameters", start),
    gradients: selector.persistent("gradients", start),
    count: bytes / 4,
    group: group.rateIndex,
    decay: rule.weightDecay,
    decoupled: Number(rule.decoupled),
  };
  if (rule.kind === "sgd") {
    const { momentum, nesterov } = rule;
    const momenta = slotNames(rule).length > 0 ? selector.persistent("first slots", start) : null;
    selector.call("update_sgd", { ...common, momenta, momentum, nesterov: Number(nesterov) });
    return;
  }
  const { beta1, beta2, eps } = rule;
  selector.call("update_adam", {
    ...common,
    firstMoments: selector.persistent("first slots", start),
    secondMoments: selector.persistent("second slots", start),
    beta1,
    rest1: 1 - beta1,
    beta2,
    rest2: 1 - beta2,
    epsilon: eps,
  });
}

function callMuon(
  selector: KernelSelector,
  group: GroupRule,
  rule: Extract<UpdateRule, { kind: "muon" }>,
  tensor: StoredTensor,
): void {
  const [rows, columns] = [tensor.blocks * tensor.storedRows, tensor.storedColumns];
  const outputs = tensor.shape.at(-1)!;
  const inputs = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const whole = Math.ceil(rows / 4) * 4; // the kernel's tiles are 4×4
  const side = Math.min(whole, columns);
  selector.call("update_muon", {
    parameters: selector.persistent("parameters", tensor.offset),
    gradients: selector.persistent("gradients", tensor.offset),
    momenta: selector.persistent("first slots", tensor.offset),
    rows,
    columns,
    group: group.rateIndex,
    decay: rule.weightDecay,
    momentum: rule.momentum,
    nesterov: Number(rule.nesterov),
    iterations: rule.iterations,
    weightNorm: rule.normalizeWeights ? Math.sqrt(outputs) : 0,
    // The matrix of the rule has a row an output
    step: Math.sqrt(Math.max(1, outputs / inputs)),
    matrices: selector.scratch("matrices", 2 * whole * columns * 4),
    products: selector.scratch("products", 3 * side * side * 4),
    partials: selector.scratch("partial sums", 2 * MUON_NORM_PARTIALS * 8),
  });
}
