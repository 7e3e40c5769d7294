// The log of a run → its curves against the epochs, ready to be drawn. Thousands of steps become a few hundred means.
import type { RunRecord } from "../../runtime/run/read-run.js";
import type { StepEvent } from "../../runtime/training/training-events.js";
import type { Point } from "./line-chart.js";

export interface RunCurves {
  readonly trainLoss: readonly Point[];
  readonly trainAccuracy: readonly Point[];
  /** Of the evaluations during training, on whichever images. */
  readonly evaluationLoss: readonly Point[];
  readonly evaluationAccuracy: readonly Point[];
  readonly learningRate: readonly Point[];
}

const POINTS = 200; // about what a chart has pixels for

export function runCurves({ steps, evaluations, program }: RunRecord): RunCurves {
  const perEpoch = program?.plan.stepsPerEpoch ?? 1;
  const epochOf = ({ step }: { readonly step: number }): number => step / perEpoch;
  const groups = grouped(steps, POINTS);
  const curve = (value: (group: readonly StepEvent[]) => number): Point[] =>
    groups.map((group) => [epochOf(group.at(-1)!), value(group)]);
  const images = (group: readonly StepEvent[]): number => sum(group, ({ images }) => images);
  return {
    trainLoss: curve((group) => sum(group, ({ loss, images }) => loss * images) / images(group)),
    trainAccuracy: curve((group) => sum(group, ({ correct }) => correct) / images(group)),
    learningRate: curve((group) => group.at(-1)!.learningRate),
    evaluationLoss: evaluations.map((event) => [epochOf(event), event.loss]),
    evaluationAccuracy: evaluations.map((event) => [epochOf(event), event.accuracy]),
  };
}

/** At most `count` groups of consecutive steps, as equal in size as can be. */
export function grouped<T>(items: readonly T[], count: number): T[][] {
  const groups = Math.min(count, items.length);
  return Array.from({ length: groups }, (_, index) => {
    const [from, to] = [index, index + 1].map((edge) => Math.floor((edge * items.length) / groups));
    return items.slice(from, to);
  });
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
