// What an optimizer keeps of each parameter from step to step, by the names that a State uses for it.
import type { OptimizerConfig } from "../config.js";

/** "momentum" or "first_moment" and "second_moment"; none for plain SGD. A slot of `p` is named `p.<slot>`. */
export function slotNames(optimizer: OptimizerConfig): readonly string[] {
  if ("sgd" in optimizer) return optimizer.sgd.momentum > 0 ? ["momentum"] : [];
  return ["first_moment", "second_moment"];
}
