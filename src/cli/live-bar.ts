// The bar at the bottom of a terminal while a run goes on: where it is, how fast, and how long it will still take.
import type { SingleBar } from "cli-progress";
import cliProgress from "cli-progress";
import type { TrainPlan } from "../compiler/program.js";
import type { StepEvent } from "../runtime/training-events.js";
import { formatDuration } from "./terminal.js";

/** Share of the newest step in the mean that the remaining time is reckoned by. */
const NEWEST = 0.05;

export class LiveBar {
  private readonly bar: SingleBar;
  private isShown = false;
  private value = 0;
  private total = 0;
  private text = "";
  private secondsPerStep: number | undefined;
  private secondsPerEvaluation = 0;
  private evaluationBegan = 0;
  private lastStep: StepEvent | undefined;

  constructor(private readonly plan: TrainPlan) {
    this.bar = new cliProgress.SingleBar(
      { format: "{bar} {text}", barsize: 24, clearOnComplete: true, fps: 5, stopOnComplete: false },
      cliProgress.Presets.shades_classic,
    );
    // The bar turns off line wrapping; whatever ends the process, the terminal gets it back
    process.once("exit", () => this.close());
  }

  begin(step: number): void {
    this.close();
    this.show(step, this.plan.steps, "");
  }

  showStep(event: StepEvent): void {
    const seconds = event.stepMilliseconds / 1000;
    this.secondsPerStep =
      this.secondsPerStep === undefined ? seconds : this.secondsPerStep * (1 - NEWEST) + seconds * NEWEST;
    this.lastStep = event;
    const speed = `${(event.images / this.secondsPerStep).toFixed(0)} images/s`;
    const place = `epoch ${event.epoch}`;
    this.show(
      event.step,
      this.plan.steps,
      `${place}, loss ${event.loss.toFixed(3)}, ${speed}, ${this.remaining(event.step)}`,
    );
  }

  showEvaluation(done: number, total: number): void {
    if (done === 1) this.evaluationBegan = performance.now();
    if (done === total) this.secondsPerEvaluation = (performance.now() - this.evaluationBegan) / 1000;
    const step = this.lastStep?.step ?? this.value;
    const epoch = this.lastStep ? `epoch ${this.lastStep.epoch}, ` : "";
    this.show(step, this.plan.steps, `${epoch}evaluating: ${Math.round((done / total) * 100)}%`);
  }

  /** Clears the bar, lets `write` print whole lines, and draws it again. */
  around(write: () => void): void {
    const wasShown = this.isShown;
    this.close();
    write();
    if (wasShown) this.show(this.value, this.total, this.text);
  }

  close(): void {
    if (this.isShown) this.bar.stop();
    this.isShown = false;
  }

  private show(value: number, total: number, text: string): void {
    this.value = value;
    this.total = total;
    this.text = text;
    if (this.isShown) {
      this.bar.setTotal(total);
      this.bar.update(value, { text });
    } else {
      this.bar.start(total, value, { text });
      this.isShown = true;
    }
  }

  private remaining(step: number): string {
    const { steps, stepsPerEpoch, evaluateAfter } = this.plan;
    const evaluations = evaluateAfter.filter((epoch) => epoch * stepsPerEpoch >= step).length;
    const seconds = (steps - step) * this.secondsPerStep! + evaluations * this.secondsPerEvaluation;
    return `${formatDuration(seconds)} left`;
  }
}
