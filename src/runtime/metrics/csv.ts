// TrainingEvents → `metrics.csv` (RFC 4180): a line an epoch, or an evaluation between two epochs' ends; a cell is empty
// where there is nothing to tell.
import type { EpochEvent, EvaluationEvent, TrainingEvent } from "../training/training-events.js";
import type { MetricsFormat } from "./metrics-format.js";

type Cell = number | undefined;
interface Row {
  readonly epoch?: EpochEvent;
  readonly evaluation?: EvaluationEvent;
}

const COLUMNS: Readonly<Record<string, (row: Row) => Cell>> = {
  epoch: ({ epoch, evaluation }) => (epoch ?? evaluation)?.epoch,
  step: ({ epoch, evaluation }) => (epoch ?? evaluation)?.step,
  train_loss: ({ epoch }) => epoch?.trainLoss,
  train_accuracy: ({ epoch }) => epoch?.trainAccuracy,
  test_loss: ({ evaluation }) => of("test", evaluation)?.loss,
  test_accuracy: ({ evaluation }) => of("test", evaluation)?.accuracy,
  learning_rate: ({ epoch }) => epoch?.learningRate,
  images_per_second: ({ epoch }) => epoch?.imagesPerSecond,
  train_seconds: ({ epoch }) => epoch?.seconds,
  test_seconds: ({ evaluation }) => of("test", evaluation)?.seconds,
  validation_loss: ({ evaluation }) => of("validation", evaluation)?.loss,
  validation_accuracy: ({ evaluation }) => of("validation", evaluation)?.accuracy,
  validation_seconds: ({ evaluation }) => of("validation", evaluation)?.seconds,
};

function of(set: EvaluationEvent["set"], evaluation: EvaluationEvent | undefined): EvaluationEvent | undefined {
  return evaluation?.set === set ? evaluation : undefined;
}

export class CsvMetrics implements MetricsFormat {
  /** An epoch's end whose evaluation may still follow. */
  private waiting: EpochEvent | undefined;

  begin(): Uint8Array {
    return lineOf(Object.keys(COLUMNS));
  }

  add(event: TrainingEvent): Uint8Array {
    if (event.event === "evaluation") {
      const epoch = this.waiting?.step === event.step ? this.waiting : undefined;
      const before = epoch ? [] : this.take();
      this.waiting = undefined;
      return Buffer.concat([...before, rowLine({ ...(epoch && { epoch }), evaluation: event })]);
    }
    const before = event.event === "epoch" || event.event === "step" || event.event === "end" ? this.take() : [];
    if (event.event === "epoch") this.waiting = event;
    return Buffer.concat(before);
  }

  private take(): Uint8Array[] {
    const lines = this.waiting ? [rowLine({ epoch: this.waiting })] : [];
    this.waiting = undefined;
    return lines;
  }
}

function rowLine(row: Row): Uint8Array {
  return lineOf(Object.values(COLUMNS).map((cell) => String(cell(row) ?? "")));
}

function lineOf(cells: readonly string[]): Uint8Array {
  return Buffer.from(cells.join(",") + "\r\n");
}
