// A run's phases: parameters that are frozen until or after some epochs make the steps before and behind differ, since what is no
// longer trained needs no gradient either. Most runs have one phase.
import { learningRateAt } from "./plan.js";
import type { PlannedGroup, TrainPlan } from "../program.js";

/** The step, counted from 0, that each phase begins with, in order; the first is 0. */
export function phaseStarts({ groups, steps }: Pick<TrainPlan, "groups" | "steps">): number[] {
  const changes = groups.flatMap(({ frozenSteps, trainedUntil }) =>
    [frozenSteps, trainedUntil ?? steps].filter((step) => step < steps),
  );
  return [...new Set([0, ...changes])].sort((one, other) => one - other);
}

/** Index of the phase that a step, counted from 0, is in. */
export function phaseAt(plan: Pick<TrainPlan, "groups" | "steps">, step: number): number {
  return phaseStarts(plan).filter((start) => start <= step).length - 1;
}

/** Whether the parameters with that index of a rate are left as they are in the phase. */
export function isFrozenIn(plan: Pick<TrainPlan, "groups" | "steps">, rateIndex: number, phase: number): boolean {
  return isFrozenAt(plan.groups[rateIndex]!, phaseStarts(plan)[phase]!);
}

/** Whether a group's parameters stay as they are in the step that follows so many. */
function isFrozenAt({ frozenSteps, trainedUntil }: PlannedGroup, stepsDone: number): boolean {
  return stepsDone < frozenSteps || (trainedUntil !== null && stepsDone >= trainedUntil);
}

/** Learning rate of every group in a step, counted from 1, whose common rate is given. A frozen group's is 0. */
export function groupRates(
  plan: Pick<TrainPlan, "groups">,
  { learningRate, step }: { readonly learningRate: number; readonly step: number },
): number[] {
  return plan.groups.map((group) => {
    const { factor, schedule, frozenSteps } = group;
    if (isFrozenAt(group, step - 1)) return 0;
    return factor * (schedule ? learningRateAt({ schedule }, step - 1 - frozenSteps) : learningRate);
  });
}
