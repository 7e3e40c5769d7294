// A run's phases: parameters that are frozen after some epochs make the steps before and behind differ, since what is no
// longer trained needs no gradient either. Most runs have one phase.
import { learningRateAt } from "./plan.js";
import type { TrainPlan } from "../program.js";

/** The step, counted from 0, that each phase begins with, in order; the first is 0. */
export function phaseStarts({ groups, steps }: Pick<TrainPlan, "groups" | "steps">): number[] {
  const ends = groups.flatMap(({ trainedSteps }) =>
    trainedSteps === null || trainedSteps >= steps ? [] : trainedSteps,
  );
  return [...new Set([0, ...ends])].sort((one, other) => one - other);
}

/** Index of the phase that a step, counted from 0, is in. */
export function phaseAt(plan: Pick<TrainPlan, "groups" | "steps">, step: number): number {
  return phaseStarts(plan).filter((start) => start <= step).length - 1;
}

/** Whether the parameters with that index of a rate are left as they are in the phase. */
export function isFrozenIn(plan: Pick<TrainPlan, "groups" | "steps">, rateIndex: number, phase: number): boolean {
  const { trainedSteps } = plan.groups[rateIndex]!;
  return trainedSteps !== null && trainedSteps <= phaseStarts(plan)[phase]!;
}

/** Learning rate of every group in a step, counted from 1, whose common rate is given. A frozen group's is 0. */
export function groupRates(
  plan: Pick<TrainPlan, "groups">,
  { learningRate, step }: { readonly learningRate: number; readonly step: number },
): number[] {
  return plan.groups.map(({ factor, schedule, trainedSteps }) => {
    if (trainedSteps !== null && step > trainedSteps) return 0;
    return factor * (schedule ? learningRateAt({ schedule }, step - 1) : learningRate);
  });
}
