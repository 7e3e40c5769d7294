// What changes from step to step, as every engine's updates need it: rates and corrections of each group of parameters, and
// how far averages move.
import type { Program } from "../../compiler/program.js";
import type { ParameterGroup } from "../../compiler/training/parameter-groups.js";
import { groupRates, phaseAt } from "../../compiler/training/training-phases.js";
import { momentCorrections } from "../../compiler/training/update-rule.js";
import { averageShare } from "../../compiler/training/weight-average.js";
import type { StepHyper } from "./engine.js";
import { updatesOf } from "./engine.js";

export interface StepControl {
  /** Of training: what is frozen in it is not computed (see training-phases.ts). */
  readonly phase: number;
  /** Counted from 1; what dropout draws by. */
  readonly step: number;
  /** In the order of `plan.groups`: the rate, and Adam's divisors of its moments. */
  readonly groups: readonly GroupControl[];
  /** 0 where the step moves no average. */
  readonly averageShare: number;
}

export interface GroupControl {
  readonly rate: number;
  readonly corrections: readonly [first: number, second: number];
}

export function stepControl(
  { config, plan }: Pick<Program, "config" | "plan">,
  trained: readonly ParameterGroup[],
  hyper: StepHyper,
): StepControl {
  const groups = groupRates(plan, hyper).map((rate, index): GroupControl => {
    const rule = trained.find(({ rateIndex }) => rateIndex === index)?.rule; // none where a group has no parameter
    // Of a group that was frozen at first, only its own updates count
    const updates = Math.max(1, updatesOf(hyper) - plan.groups[index]!.frozenSteps);
    return { rate, corrections: rule ? momentCorrections(rule, updates) : [1, 1] };
  });
  const { step } = hyper;
  return { phase: phaseAt(plan, step - 1), step, groups, averageShare: averageShare(config.train, plan, step) };
}
