// The foot of a terminal while a run goes on: the curves so far, and a bar with where the run is, how fast, how much memory
// it holds and how long it will still take.
import { createLogUpdate } from "log-update";
import { evaluationsFrom } from "../../compiler/training/plan.js";
import type { TrainPlan } from "../../compiler/program.js";
import type { EvaluationEvent, StepEvent, TrainingEvent } from "../../runtime/training/training-events.js";
import { chartLines } from "../screen/charts.js";
import { formatBytes, formatCount, formatDuration, formatLoss } from "../screen/terminal.js";
import { usesColor } from "../screen/options.js";

/** Share of the newest step in the mean that the remaining time is reckoned by. */
const NEWEST = 0.05;
const BAR_INTERVAL = 200; // milliseconds
const CHART_INTERVAL = 2000; // milliseconds: the curves of a long run are many points
const BAR_WIDTH = 24;
/** A terminal with fewer columns has the words alone. */
const NARROW = 72;
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
  private parts: readonly string[] = [];
  private secondsPerStep: number | undefined;
  private secondsPerEvaluation = 0;
  private evaluationBegan = 0;

  /** `lastStep`: where the run ends, be it by `--max-steps`; `mayEndEarlier`: by `train.early_stop`. */
  constructor(
    private readonly plan: TrainPlan,
    private readonly lastStep: number,
    private readonly mayEndEarlier: boolean,
  ) {
    // Whatever ends the process, the terminal gets its last lines back
    process.once("exit", () => this.close());
  }

  /** `past`: what the log of a resumed run holds. */
  begin(step: number, past: readonly TrainingEvent[] = []): void {
    for (const event of past) this.remember(event);
    this.step = step;
    this.parts = [this.stepsDone()];
    this.isShown = true;
    this.draw();
  }

  /** What is done before the first step, until `begin`. */
  prepare(text: string): void {
    this.parts = [text];
    this.isShown = true;
    this.draw();
  }

  showStep(event: StepEvent): void {
    this.remember(event);
    const seconds = event.stepMilliseconds / 1000;
    this.secondsPerStep =
      this.secondsPerStep === undefined ? seconds : this.secondsPerStep * (1 - NEWEST) + seconds * NEWEST;
    this.step = event.step;
    this.parts = [
      this.stepsDone(),
      this.remaining(event.step),
      `epoch ${event.epoch}`,
      `loss ${formatLoss(event.loss)}`,
      `${(event.images / this.secondsPerStep).toFixed(0)} images/s`,
      formatBytes(process.memoryUsage.rss()),
    ];
    this.drawInTurn();
  }

  showEvaluation(done: number, total: number): void {
    if (done === 1) this.evaluationBegan = performance.now();
    if (done === total) this.secondsPerEvaluation = (performance.now() - this.evaluationBegan) / 1000;
    this.parts = [this.stepsDone(), `evaluating: ${Math.round((done / total) * 100)}%`];
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
    this.screen([...gap, ...this.charts, ...gap, this.bar(columns - 1)].join("\n"));
  }

  /** As many of the parts as have room, the first one cut where there is none for it. */
  private bar(width: number): string {
    const barWidth = width >= NARROW ? BAR_WIDTH : 0;
    const done = Math.round(Math.min(1, this.step / this.lastStep) * barWidth);
    const bar = barWidth > 0 ? `${"█".repeat(done)}${"░".repeat(barWidth - done)} ` : "";
    let text = this.parts[0] ?? "";
    for (const part of this.parts.slice(1)) {
      if (bar.length + text.length + part.length + 2 > width) break;
      text += `, ${part}`;
    }
    return `${bar}${text}`.slice(0, width);
  }

  private stepsDone(): string {
    return `step ${formatCount(this.step)} of ${formatCount(this.lastStep)}`;
  }

  private remaining(step: number): string {
    const evaluations = evaluationsFrom(this.plan, step) - evaluationsFrom(this.plan, this.lastStep + 1);
    const seconds = (this.lastStep - step) * this.secondsPerStep! + evaluations * this.secondsPerEvaluation;
    return `${this.mayEndEarlier ? "at most " : ""}${formatDuration(seconds)} left`;
  }
}
