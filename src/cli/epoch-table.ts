// The columns of the line that an epoch gets, while it runs and when a run is shown later.
import type { EpochEvent, EvaluationEvent } from "../runtime/training-events.js";
import type { Column } from "./terminal.js";
import { formatPercent, formatRate } from "./terminal.js";

export const EPOCH_COLUMNS: readonly Column[] = [
  { title: "epoch", align: "right" },
  { title: "train loss", align: "right" },
  { title: "train acc", align: "right" },
  { title: "test loss", align: "right" },
  { title: "test acc", align: "right" },
  { title: "rate", align: "right", width: 10 },
  { title: "images/s", align: "right" },
  { title: "seconds", align: "right" },
];

export function epochCells(epoch: EpochEvent, evaluation: EvaluationEvent | undefined): string[] {
  return [
    String(epoch.epoch),
    epoch.trainLoss.toFixed(4),
    formatPercent(epoch.trainAccuracy),
    evaluation ? evaluation.testLoss.toFixed(4) : "–",
    evaluation ? formatPercent(evaluation.testAccuracy) : "–",
    formatRate(epoch.learningRate),
    epoch.imagesPerSecond.toFixed(0),
    epoch.seconds.toFixed(1),
  ];
}
