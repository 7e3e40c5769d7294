// The foot of a terminal while a run goes on: the curves so far, and a bar with where the run is, how fast, how much memory
// it holds and how long it will still take.
import { createLogUpdate } from "log-update";
import { evaluationsFrom } from "../../compiler/training/plan.js";
import type { TrainPlan } from "../../compiler/program.js";
import type { EvaluationEvent, StepEvent, TrainingEvent } from "../../runtime/training/training-events.js";
import { chartLines } from "../screen/charts.js";
import { formatBytes, formatDuration } from "../screen/terminal.js";
import { usesColor } from "../screen/options.js";

/** Share of the newest step in the mean that the remaining time is reckoned by. */
const NEWEST = 0.05;
const BAR_INTERVAL = 200; // milliseconds
const CHART_INTERVAL = 2000; // milliseconds: the curves of a long run are many points
const BAR_WIDTH = 24;
/** A terminal with fewer lines shows no curves: they would leave too little of what scrolls by above. */
const LINES_FOR_CHARTS = 24;

export class LiveBar {
  private readonly screen = createLogUpdate(process.stderr, { showCursor: true });
  private readonly steps: StepEvent[] = [];
  private readonly evaluations: EvaluationEvent[] = [];
  private charts: string[] = [];
  private isShown = false;
  private drawnAt = 0;
  private chartedAt = 0;
  private step = 0;
  private text = "";
  private secondsPerStep: number | undefined;
  private secondsPerEvaluation = 0;
  private evaluationBegan = 0;

  constructor(private readonly plan: TrainPlan) {
    // Whatever ends the process, the terminal gets its last lines back
    process.once("exit", () => this.close());
  }

  /** `past`: what the log of a resumed run holds. */
  begin(step: number, past: readonly TrainingEvent[] = []): void {
    for (const event of past) this.remember(event);
    this.step = step;
    this.isShown = true;
    this.draw();
  }

  showStep(event: StepEvent): void {
    this.remember(event);
    const seconds = event.stepMilliseconds / 1000;
    this.secondsPerStep =
      this.secondsPerStep === undefined ? seconds : this.secondsPerStep * (1 - NEWEST) + seconds * NEWEST;
    this.step = event.step;
    this.text = [
      `epoch ${event.epoch}`,
      `loss ${event.loss.toFixed(3)}`,
      `${(event.images / this.secondsPerStep).toFixed(0)} images/s`,
      formatBytes(process.memoryUsage.rss()),
      this.remaining(event.step),
    ].join(", ");
    this.drawInTurn();
  }

  showEvaluation(done: number, total: number): void {
    if (done === 1) this.evaluationBegan = performance.now();
    if (done === total) this.secondsPerEvaluation = (performance.now() - this.evaluationBegan) / 1000;
    const epoch = this.steps.length > 0 ? `epoch ${this.steps.at(-1)!.epoch}, ` : "";
    this.text = `${epoch}evaluating: ${Math.round((done / total) * 100)}%`;
    this.drawInTurn();
  }

  evaluated(event: EvaluationEvent): void {
    this.remember(event);
    this.chartedAt = 0;
  }

  /** Clears the foot, lets `write` print whole lines, and draws it again. */
  around(write: () => void): void {
    if (this.isShown) this.screen.clear();
    write();
    if (this.isShown) this.draw();
  }

  close(): void {
    if (this.isShown) this.screen.clear();
    this.isShown = false;
  }

  private remember(event: TrainingEvent): void {
    if (event.event === "step") this.steps.push(event);
    if (event.event === "evaluation") this.evaluations.push(event);
  }

  private drawInTurn(): void {
    if (this.isShown && performance.now() - this.drawnAt >= BAR_INTERVAL) this.draw();
  }

  private draw(): void {
    const now = performance.now();
    const { columns = 80, rows = 24 } = process.stderr;
    if (rows < LINES_FOR_CHARTS) this.charts = [];
    else if (now - this.chartedAt >= CHART_INTERVAL) {
      const { steps, evaluations } = this;
      const { stepsPerEpoch } = this.plan;
      const width = Math.min(columns - 1, 120);
      this.charts = chartLines({ steps, evaluations, stepsPerEpoch }, { width, colors: usesColor(process.stderr) });
      this.chartedAt = now;
    }
    this.drawnAt = now;
    const gap = this.charts.length > 0 ? [""] : [];
    this.screen([...gap, ...this.charts, ...gap, this.bar().slice(0, columns - 1)].join("\n"));
  }

  private bar(): string {
    const done = Math.round(Math.min(1, this.step / this.plan.steps) * BAR_WIDTH);
    return `${"█".repeat(done)}${"░".repeat(BAR_WIDTH - done)} ${this.text}`;
  }

  private remaining(step: number): string {
    const evaluations = evaluationsFrom(this.plan, step);
    const seconds = (this.plan.steps - step) * this.secondsPerStep! + evaluations * this.secondsPerEvaluation;
    return `${formatDuration(seconds)} left`;
  }
}
