// What a person sees of a run: what will be trained, a line an epoch, a live bar in a terminal, and how it ended.
// Without a terminal it is plain lines: no colour codes, no carriage returns.
import { isOfCalls } from "../../compiler/lower/kernels/kernel-provider.js";
import { isHeldOnDisk } from "../../compiler/memory/memory-limits.js";
import { providerIn } from "../../compiler/memory/provider-in.js";
import { basename, join } from "node:path";
import { printable } from "../../compiler/diagnostics/printable.js";
import { cost } from "../../compiler/network/cost.js";
import { isEvaluationDue } from "../../compiler/training/plan.js";
import type { Program, TrainPlan } from "../../compiler/program.js";
import type { BrokenCheckpoint } from "../../runtime/run/checkpoint.js";
import { asideOf } from "../../runtime/run/checkpoint.js";
import type { ChosenEngine } from "../../runtime/engines/index.js";
import type { RunFolder } from "../../runtime/run/run-folder.js";
import type { RunResult } from "../../runtime/run/run-training.js";
import { FEW_IMAGES } from "../../runtime/metrics/wilson.js";
import { shellWord } from "../../runtime/process/shell-word.js";
import { peakMemoryBytes } from "../../runtime/process/peak-memory.js";
import type { EpochEvent, EvaluationEvent, TrainingEvent } from "../../runtime/training/training-events.js";
import type { Progress } from "../../runtime/training/training-progress.js";
import type { Provenance } from "../../runtime/weights/run-start.js";
import { colorsFor } from "../screen/colors.js";
import { divergenceText } from "./divergence-text.js";
import { epochCells, epochColumns, evaluationCells } from "./epoch-table.js";
import { LiveBar } from "./live-bar.js";
import type { StopCause } from "./stop-signal.js";
import type { MemoryPrediction } from "../load/predict-memory.js";
import type { Column } from "../screen/terminal.js";
import {
  formatBytes,
  counted,
  formatCount,
  formatDuration,
  formatInterval,
  formatPercent,
  formatScaled,
  isInteractive,
  tableLines,
} from "../screen/terminal.js";

const colors = colorsFor(process.stdout);
const warningColors = colorsFor(process.stderr);

export class RunReport {
  private readonly bar: LiveBar | undefined;
  private awaitingEvaluation: EpochEvent | undefined;
  private readonly chosenBy: EvaluationEvent["set"];
  private readonly columns: readonly Column[];
  private predictedBytes: number | undefined;
  private stepMilliseconds = 0;
  private waitMilliseconds = 0;
  /** Then only warnings and the end are told. */
  private isQuiet: boolean;

  constructor(
    private readonly program: Program,
    { maxSteps = Infinity, quiet: isQuiet }: { readonly maxSteps?: number | undefined; readonly quiet: boolean },
  ) {
    const { plan, config } = program;
    const lastStep = Math.min(plan.steps, maxSteps);
    this.isQuiet = isQuiet;
    this.chosenBy = plan.validationImages > 0 ? "validation" : "test";
    this.columns = epochColumns(this.chosenBy);
    this.bar = isInteractive() && !isQuiet ? new LiveBar(plan, lastStep, config.train.early_stop !== null) : undefined;
  }

  describe({ engine, availability, reason }: ChosenEngine): void {
    const { config, graph, plan } = this.program;
    const { nodes, parameters, multiplyAdds } = cost(graph);
    const layers = nodes.filter(({ operation }) => operation === "conv2d" || operation === "linear").length;
    const { dataset } = config.data;
    const name =
      typeof dataset === "string" ? dataset : "images" in dataset ? dataset.images.folder : "generated images";
    const lines: [label: string, text: string][] = [
      [
        "network",
        `${layers} layers, ${formatCount(parameters)} parameters, ${formatScaled(multiplyAdds)} multiply-adds per image`,
      ],
      ["data", `${name}: ${imageCounts(plan)}`],
      [
        "training",
        `${counted(config.train.epochs, "epoch")} of ${counted(plan.stepsPerEpoch, "step")}, seed ${config.seed}`,
      ],
      ["engine", `${engine.name} ${availability.version} on ${availability.device}: ${reason}`],
    ];
    this.printPainted(colors.bold(printable(config.name)));
    for (const [label, text] of lines) this.print(`  ${label.padEnd(9)}${text}`);
  }

  /** While the engine opens, which may take seconds. */
  preparing(): void {
    this.bar?.prepare("preparing the engine: kernels that are not known on this machine yet are measured");
  }

  /** Once the engine is open, and with it the kernels are chosen: some need more room than others. */
  memory({ engineBytes, imageBytes, processBytes }: MemoryPrediction, isPlanned: boolean): void {
    const { data } = this.program.config;
    const onDisk = isHeldOnDisk(data) ? " read ahead from disk" : "";
    const images = `${formatBytes(imageBytes)} for images${onDisk}`;
    this.predictedBytes = isPlanned ? processBytes : undefined;
    const text = isPlanned
      ? `${formatBytes(processBytes)} predicted: ${formatBytes(engineBytes)} to train with batches of ` +
        `${this.program.config.train.batch_size}, ${images}, the rest for Node.js, threads and copies`
      : `${images}; what the engine takes is not known beforehand`;
    this.print(`  ${"memory".padEnd(9)}${text}`);
  }

  start({ weights, format, how, taken, fresh, skipped }: Provenance): void {
    this.print(`  ${"start".padEnd(9)}${weights} (${format}): ${counted(taken, "tensor")}, ${how}`);
    const unused = skipped.filter((name) => !name.endsWith("num_batches_tracked"));
    if (fresh.length > 0) this.print(`  ${"".padEnd(9)}drawn anew: ${shortList(fresh)}`);
    if (unused.length > 0) this.print(`  ${"".padEnd(9)}not used of the file: ${shortList(unused)}`);
  }

  brokenCheckpoints(broken: readonly BrokenCheckpoint[]): void {
    for (const { folder, reason } of broken) {
      this.warn(`${folder} is broken and was skipped: ${reason}; it is kept as ${basename(asideOf(folder))}`);
    }
  }

  faultsOfLog(faults: readonly string[]): void {
    for (const fault of faults) this.warn(fault);
  }

  /** A run that was to go on has no whole checkpoint: all were broken, or it was stopped before its first. */
  beginsAgain(hadCheckpoints: boolean): void {
    if (hadCheckpoints) this.warn("no intact checkpoint is left: the run starts over from its first step");
    else this.print(`  ${"resumed".padEnd(9)}before the first checkpoint: the run starts over from its first step`);
  }

  changes(changes: readonly string[], effects: readonly string[]): void {
    for (const line of [...changes, ...effects]) this.print(`  changed  ${line}`);
  }

  /** What computes the convolutions: `kernels` by what they compute, and `before` those that the run began with. */
  kernels(kernels: Readonly<Record<string, string>>, before: Readonly<Record<string, string>> = kernels): void {
    const providers = Object.values(kernels).flatMap((name) => providerIn(name) ?? []);
    const kinds = Object.keys(kernels).some(isOfCalls) ? "kernel" : "convolution";
    for (const provider of new Set(providers)) {
      const count = providers.filter((other) => other === provider).length;
      this.print(`  ${"kernels".padEnd(9)}${provider} for ${count} ${count === 1 ? "kind" : "kinds"} of ${kinds}`);
    }
    const keys = new Set([...Object.keys(kernels), ...Object.keys(before)]);
    const changed = [...keys].filter((key) => kernels[key] !== before[key]).length;
    if (changed > 0) {
      const what = `${changed} ${changed === 1 ? "kind" : "kinds"} of convolution`;
      this.print(`  changed  other kernels from here on for ${what}: the last bits differ from an uninterrupted run's`);
    }
  }

  /** `past`: the events of a resumed run. */
  begin(folder: RunFolder, progress: Progress | undefined, past: readonly TrainingEvent[]): void {
    this.print(`  ${"folder".padEnd(9)}${folder.path}`);
    if (progress) {
      this.print(
        `  ${"resumed".padEnd(9)}after step ${formatCount(progress.step)} of ${formatCount(this.program.plan.steps)}`,
      );
    }
    this.print("");
    this.print(tableLines(this.columns, [])[0]!);
    this.bar?.begin(progress?.step ?? 0, past);
  }

  event(event: TrainingEvent): void {
    if (event.event === "step") {
      this.bar?.showStep(event);
      this.stepMilliseconds += event.stepMilliseconds;
      this.waitMilliseconds += event.waitMilliseconds ?? 0;
    }
    if (event.event === "epoch") {
      if (isEvaluationDue(this.program.plan, event.step)) this.awaitingEvaluation = event;
      else this.epochLine(event, undefined);
    }
    if (event.event === "evaluation" && event.set === this.chosenBy) {
      this.bar?.evaluated(event);
      if (this.awaitingEvaluation) this.epochLine(this.awaitingEvaluation, event);
      else this.line(evaluationCells(event, this.program.plan.stepsPerEpoch));
      this.awaitingEvaluation = undefined;
    }
    if (event.event === "checkpoint_failed") {
      const what = this.program.config.train.checkpoints.on_failure === "stop" ? "stops" : "goes on";
      this.warn(`the state after step ${event.step} could not be saved, training ${what}: ${event.reason}`);
    }
    if (event.event === "step_skipped") {
      const where = event.tensor === null ? "" : `; the first tensor with NaN or infinity is ${event.tensor}`;
      this.warn(`step ${event.step} is left out, the ${ordinal(event.skipped)} of this run${where}`);
    }
    if (event.event === "log_failed") this.warn(`${event.file} cannot be written, training goes on: ${event.reason}`);
  }

  evaluationBatch(done: number, total: number): void {
    this.bar?.showEvaluation(done, total);
  }

  stopping(cause: StopCause): void {
    const again = cause === "SIGINT" || cause === "SIGTERM" ? "; a second one stops it at once" : "";
    this.warn(`${STOP_CAUSES[cause]}: stopping after the step under way${again}`);
  }

  end(result: RunResult, folder: RunFolder, resumeCommand: string, modelFault: string | undefined): void {
    const { progress, outcome } = result;
    const { steps, testImages } = this.program.plan;
    this.print("");
    this.isQuiet = false;
    if (outcome === "diverged") {
      const [what, advice] = divergenceText(result.divergence);
      for (const line of [`error: ${what}`, advice, checkpointText(result.checkpoint)]) this.warn(line);
    } else if (outcome === "finished" || outcome === "stopped_early") {
      const measured = "test" in result ? result.test : progress.lastEvaluation;
      const accuracy = measured ? `${formatPercent(measured.accuracy)} test accuracy` : "done";
      this.printPainted(
        `${colors.bold(accuracy)} after ${this.lengthOf(progress)} in ${formatDuration(progress.elapsedSeconds)}`,
      );
      if (measured) {
        const few = testImages < FEW_IMAGES ? ": few, so that the figure is rough" : "";
        const interval = formatInterval(measured.accuracy, testImages);
        this.print(`with 95% confidence ${interval}, by ${counted(testImages, "test image")}${few}`);
      }
      const { early_stop: rule } = this.program.config.train;
      if (outcome === "stopped_early" && rule) {
        const evaluations = counted(rule.patience, "evaluation");
        this.print(`stopped early: ${rule.metric} has not improved over the last ${evaluations} (train.early_stop)`);
      }
      const predicted = this.predictedBytes === undefined ? "" : `, ${formatBytes(this.predictedBytes)} predicted`;
      if (isHeldOnDisk(this.program.config.data) && this.stepMilliseconds > 0) {
        const share = formatPercent(this.waitMilliseconds / this.stepMilliseconds);
        this.print(`steps waited for images on disk for ${share} of their time`);
      }
      this.print(`peak memory ${formatBytes(peakMemoryBytes())}${predicted}`);
    } else {
      const why = WHY_STOPPED[outcome];
      this.print(`stopped after step ${formatCount(progress.step)} of ${formatCount(steps)}, ${why}`);
      if (!result.unsaved) this.print(`go on with: ${resumeCommand}`);
    }
    if (result.unsaved) this.warn(`the last state could not be saved: ${result.unsaved}`);
    if (modelFault) this.warn(`the tf.js model could not be written: ${modelFault}`);
    else if (outcome === "finished" || outcome === "stopped_early")
      this.print(`tf.js model ${join(folder.model, "model.json")}`);
    this.print(`run folder  ${folder.path}`);
    if (outcome === "finished" || outcome === "stopped_early") {
      this.print("");
      for (const line of nextLines(folder)) this.print(line);
    }
  }

  /** "3 epochs", or where an evaluation within an epoch ended the run "3 epochs and 120 steps" */
  private lengthOf({ step, epochsClosed }: Progress): string {
    const rest = step - epochsClosed * this.program.plan.stepsPerEpoch;
    const epochs = counted(epochsClosed, "epoch");
    return rest === 0 ? epochs : `${epochs} and ${counted(rest, "step")}`;
  }

  close(): void {
    this.bar?.close();
  }

  private epochLine(epoch: EpochEvent, evaluation: EvaluationEvent | undefined): void {
    this.line(epochCells(epoch, evaluation));
  }

  private line(cells: string[]): void {
    this.print(tableLines(this.columns, [cells])[1]!);
  }

  private print(line: string): void {
    this.printPainted(printable(line));
  }

  /** What of it is the user's is printable. */
  private printPainted(line: string): void {
    if (!this.isQuiet) this.above(() => process.stdout.write(line + "\n"));
  }

  private warn(line: string): void {
    this.above(() => process.stderr.write(warningColors.yellow(printable(line)) + "\n"));
  }

  /** Lines scroll by above the bar. */
  private above(write: () => void): void {
    if (this.bar) this.bar.around(write);
    else write();
  }
}

function imageCounts({ trainImages, validationImages, testImages }: TrainPlan): string {
  const [train, validation, test] = [trainImages, validationImages, testImages].map(formatCount);
  if (validationImages === 0) return `${train} training and ${test} test images`;
  return `${train} training, ${validation} validation and ${test} test images`;
}

/** What people do with a trained network. */
const NEXT = [
  ["predict RUN PICTURE", "says what is in a picture"],
  ["evaluate RUN", "shows where it is wrong, class by class"],
  ["report RUN", "writes a page with curves and figures"],
] as const;

function nextLines({ path }: RunFolder): string[] {
  const commands = NEXT.map(([command]) => `netc ${command.replace("RUN", () => shellWord(path))}`);
  const width = Math.max(...commands.map(({ length }) => length));
  return commands.map((command, index) => `${command.padEnd(width)}  ${NEXT[index]![1]}`);
}

const STOP_CAUSES: Readonly<Record<StopCause, string>> = {
  SIGINT: "Ctrl-C",
  SIGTERM: "SIGTERM",
  SIGHUP: "the terminal is closed",
  "closed output": "nobody reads the output any more",
};

const WHY_STOPPED = {
  stopped: "as --max-steps asked",
  interrupted: "as you asked",
  unsaved: "since its state could not be saved (train.checkpoints.on_failure)",
} as const;

function ordinal(count: number): string {
  const suffix = /1[123]$/.test(String(count)) ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${suffix}`;
}

function checkpointText(checkpoint: string | undefined): string {
  return checkpoint ? `the last good checkpoint is ${checkpoint}` : "no checkpoint had been saved yet";
}

const MOST_NAMES = 8;

function shortList(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return names.slice(0, MOST_NAMES).join(", ") + more;
}
