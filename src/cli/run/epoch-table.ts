// The columns of the line that an epoch or an evaluation within one gets, while it runs and when a run is shown later.
import type { EpochEvent, EvaluationEvent } from "../../runtime/training/training-events.js";
import type { Column } from "../screen/terminal.js";
import { formatLoss, formatPercent, formatRate } from "../screen/terminal.js";

/** `set`: the images that evaluations during training go by. */
export function epochColumns(set: EvaluationEvent["set"]): readonly Column[] {
  const short = set === "test" ? "test" : "val";
  return [
    { title: "epoch", align: "right" },
    { title: "train loss", align: "right" },
    { title: "train acc", align: "right" },
    { title: `${short} loss`, align: "right" },
    { title: `${short} acc`, align: "right" },
    { title: "rate", align: "right", width: 10 },
    { title: "images/s", align: "right" },
    { title: "seconds", align: "right" },
  ];
}

/** A line an epoch, and one for each evaluation within an epoch, in their order. */
export function epochRows(
  epochs: readonly EpochEvent[],
  evaluations: readonly EvaluationEvent[],
  stepsPerEpoch: number,
): string[][] {
  const ends = new Set(epochs.map(({ step }) => step));
  const atStep = new Map(evaluations.map((evaluation) => [evaluation.step, evaluation]));
  const rows = [
    ...epochs.map((epoch) => ({ step: epoch.step, cells: epochCells(epoch, atStep.get(epoch.step)) })),
    ...evaluations
      .filter(({ step }) => !ends.has(step))
      .map((evaluation) => ({ step: evaluation.step, cells: evaluationCells(evaluation, stepsPerEpoch) })),
  ];
  return rows.toSorted((one, other) => one.step - other.step).map(({ cells }) => cells);
}

export function epochCells(epoch: EpochEvent, evaluation: EvaluationEvent | undefined): string[] {
  return [
    String(epoch.epoch),
    formatLoss(epoch.trainLoss),
    formatPercent(epoch.trainAccuracy),
    evaluation ? formatLoss(evaluation.loss) : "–",
    evaluation ? formatPercent(evaluation.accuracy) : "–",
    formatRate(epoch.learningRate),
    epoch.imagesPerSecond.toFixed(0),
    epoch.seconds.toFixed(1),
  ];
}

/** "epoch 3" once it is done, "step 120" within one. */
export function momentText(step: number, stepsPerEpoch: number): string {
  return step % stepsPerEpoch === 0 ? `epoch ${step / stepsPerEpoch}` : `step ${step}`;
}

/** The line of an evaluation within an epoch: how many epochs are done is then no whole number. */
export function evaluationCells({ step, loss, accuracy }: EvaluationEvent, stepsPerEpoch: number): string[] {
  const epochs = (step / stepsPerEpoch).toFixed(2);
  return [epochs, "–", "–", formatLoss(loss), formatPercent(accuracy), "–", "–", "–"];
}
