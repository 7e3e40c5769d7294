// Runs → what a report shows of them. Every decision is made here; the template loops and prints.
import { basename } from "node:path";
import { printable } from "../../compiler/diagnostics/printable.js";
import { cost } from "../../compiler/network/cost.js";
import { drawPicture } from "../../compiler/targets/picture/picture.js";
import { svgText } from "../../compiler/targets/picture/svg.js";
import { FEW_IMAGES } from "../../runtime/metrics/wilson.js";
import type { RunRecord } from "../../runtime/run/read-run.js";
import type { Provenance } from "../../runtime/weights/run-start.js";
import type { Origin } from "../../runtime/run/run-origins.js";
import { divergenceText } from "../run/divergence-text.js";
import { epochRows, momentText } from "../run/epoch-table.js";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatInterval,
  formatLoss,
  formatPercent,
  formatRate,
  formatScaled,
} from "../screen/terminal.js";
import type { LineChart, Series } from "./line-chart.js";
import { lineChart } from "./line-chart.js";
import type { RunCurves } from "./run-curves.js";
import { runCurves } from "./run-curves.js";

/** Ready text and SVG only: `svg` is markup, everything else is escaped by the template. */
export interface ReportView {
  readonly title: string;
  readonly subtitle: string;
  readonly isLive: boolean;
  /** What went wrong, where something did. */
  readonly trouble: readonly string[];
  /** What counts, shown large. */
  readonly results: readonly Figure[];
  readonly figures: readonly Figure[];
  readonly comparison: Table | null;
  readonly charts: readonly Chart[];
  readonly epochs: Table | null;
  readonly sections: readonly Section[];
  readonly network: string | null;
  readonly settings: Table | null;
  readonly environment: Table | null;
  /** The runs that are watched, where there is more than this one. */
  readonly runs: readonly RunLink[];
  readonly writtenAt: string;
}

export interface RunLink {
  readonly name: string;
  readonly address: string;
  readonly state: string;
  readonly accuracy: string;
  readonly isShown: boolean;
}

export interface Figure {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

export interface Chart {
  readonly title: string;
  readonly svg: string;
  readonly legend: readonly { readonly name: string; readonly color: number }[];
}

export interface Table {
  readonly caption: string;
  readonly columns: readonly { readonly title: string; readonly isNumber: boolean }[];
  readonly rows: readonly (readonly { readonly text: string; readonly isNumber: boolean }[])[];
}

/** A part that is there only where its data is: the confusion matrix, the time by kernel, samples. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  readonly html: string;
  /** Shown when it is asked for. */
  readonly isFolded?: boolean;
}

export interface ReportOptions {
  readonly isLive?: boolean;
  readonly origins?: readonly Origin[];
  readonly sections?: readonly Section[];
  readonly runs?: readonly RunLink[];
  readonly now?: Date;
}

export function reportView(runs: readonly RunRecord[], options: ReportOptions = {}): ReportView {
  const { isLive = false, runs: links = [], now = new Date() } = options;
  const writtenAt = now.toISOString().replace(/\.\d+Z$/, "Z");
  return runs.length === 1
    ? { ...singleRun(runs[0]!, options), isLive, runs: links, writtenAt }
    : { ...comparedRuns(runs), isLive, runs: links, writtenAt };
}

type Content = Omit<ReportView, "isLive" | "runs" | "writtenAt">;

/** A network is evaluated class by class where nothing trains beside it. */
const WHEN_TO_EVALUATE: Section = {
  id: "confusion",
  title: "Confusion matrix",
  note:
    "It is part of the report: `netc report RUN` writes one for the newest checkpoint, at any time, with the most wrong images. " +
    "This page does not slow down the training that it shows.",
  html: "",
};

function singleRun(run: RunRecord, { origins = [], sections = [], isLive = false }: ReportOptions): Content {
  const { program, start, provenance } = run;
  const curves = runCurves(run);
  const set = run.lastEvaluation?.set ?? "test";
  return {
    title: printable(run.name),
    subtitle: `${run.folder.path}, ${run.state}`,
    trouble: run.end?.divergence ? divergenceText(run.end.divergence) : [],
    results: [...(run.state === "running" ? progressOf(run) : []), ...resultsOf(run)],
    figures: figuresOf(run),
    comparison: null,
    charts: [
      chartOf("Loss", LOSS, [
        { name: "training", points: curves.trainLoss, color: 1, isNoisy: true },
        { name: set, points: curves.evaluationLoss, color: 2 },
      ]),
      chartOf("Accuracy", ACCURACY, [
        { name: "training", points: curves.trainAccuracy, color: 1, isNoisy: true },
        { name: set, points: curves.evaluationAccuracy, color: 2 },
      ]),
      chartOf("Learning rate", RATE, [{ name: "learning rate", points: curves.learningRate, color: 1 }]),
    ],
    epochs: epochTable(run),
    sections: isLive ? [...sections, WHEN_TO_EVALUATE] : sections,
    network: program ? svgText(drawPicture(program.config.name, program.graph)) : null,
    settings:
      origins.length > 0
        ? table(
            "Every setting and where it comes from",
            ["setting", "value", "set by"],
            origins.map(({ path, value, origin }) => [path, value, origin]),
          )
        : null,
    environment: start
      ? table(
          "Where it ran",
          ["", ""],
          [
            ["started", start.time],
            ["engine", `${start.engine} ${start.versions.engine}`],
            ["netc", start.versions.netc],
            ["Node", start.versions.node],
            ["processor", `${start.machine.processor}, ${start.machine.cores} cores`],
            ["memory", formatBytes(start.machine.memoryBytes)],
            ["platform", start.machine.platform],
            ...(provenance ? provenanceRows(provenance) : []),
          ],
        )
      : null,
  };
}

function provenanceRows({ weights, sha256, format, how, taken, fresh }: Provenance): string[][] {
  return [
    ["began with", `${weights} (${format}): ${taken} tensors, ${how}`],
    ["its SHA-256", sha256],
    ...(fresh.length > 0 ? [["drawn anew", fresh.join(", ")]] : []),
  ];
}

function comparedRuns(runs: readonly RunRecord[]): Content {
  const curves = runs.map(runCurves);
  const names = runNames(runs);
  const seriesOf = (of: (curves: RunCurves) => Series["points"], isNoisy = false): Series[] =>
    curves.map((one, index) => ({ name: names[index]!, points: of(one), color: (index % PALETTE) + 1, isNoisy }));
  return {
    title: `${runs.length} runs compared`,
    subtitle: names.join(", "),
    trouble: runs.flatMap(({ end }, index) =>
      end?.divergence ? [`${names[index]!}: ${divergenceText(end.divergence).join("; ")}`] : [],
    ),
    results: [],
    figures: [],
    comparison: figuresTable(runs, names),
    charts: [
      chartOf(
        "Accuracy of evaluations",
        ACCURACY,
        seriesOf(({ evaluationAccuracy }) => evaluationAccuracy),
      ),
      chartOf(
        "Loss of evaluations",
        LOSS,
        seriesOf(({ evaluationLoss }) => evaluationLoss),
      ),
      chartOf(
        "Training loss",
        LOSS,
        seriesOf(({ trainLoss }) => trainLoss, true),
      ),
      chartOf(
        "Learning rate",
        RATE,
        seriesOf(({ learningRate }) => learningRate),
      ),
    ],
    epochs: null,
    sections: [],
    network: null,
    settings: differences(runs, names),
    environment: null,
  };
}

const PALETTE = 6; // colours that the page has

// ---------------------------------------------------------------- figures

/** Of a run that is going on: when it will be done, and how fast it goes. Evaluations count with the steps they follow. */
function progressOf({ program, steps, step, elapsedSeconds }: RunRecord): Figure[] {
  const recent = steps.slice(-RECENT_STEPS);
  if (!program || recent.length === 0) return [];
  const { plan } = program;
  const seconds = recent.reduce((sum, { stepMilliseconds }) => sum + stepMilliseconds / 1000, 0);
  const images = recent.reduce((sum, one) => sum + one.images, 0);
  const left = ((plan.steps - step) * elapsedSeconds) / step;
  return [
    {
      label: "time left",
      value: `${program.config.train.early_stop ? "at most " : ""}${formatDuration(left)}`,
      note: `epoch ${formatCount(steps.at(-1)!.epoch)} of ${formatCount(program.config.train.epochs)}, ${formatCount(Math.round(images / seconds))} images/s`,
    },
  ];
}

const RECENT_STEPS = 50;

/** Accuracy with its interval, time and size. */
function resultsOf({
  program,
  lastEvaluation,
  bestEvaluation,
  testEvaluation,
  elapsedSeconds,
  step,
}: RunRecord): Figure[] {
  const total = program && cost(program.graph);
  const measured = testEvaluation ?? lastEvaluation;
  const images = program && (measured?.set === "validation" ? program.plan.validationImages : program.plan.testImages);
  const results: (Figure | undefined)[] = [
    measured && {
      label: `${measured.set} accuracy`,
      value: formatPercent(measured.accuracy),
      note: [
        ...(images
          ? [
              `${formatInterval(measured.accuracy, images)} with 95% confidence, ` +
                `${formatCount(images)} images${images < FEW_IMAGES ? ": few" : ""}`,
            ]
          : []),
        ...(bestEvaluation?.set === measured.set && bestEvaluation.accuracy > measured.accuracy
          ? [`best ${formatPercent(bestEvaluation.accuracy)}`]
          : []),
      ].join("; "),
    },
    {
      label: "trained for",
      value: formatDuration(elapsedSeconds),
      note: program ? `step ${formatCount(step)} of ${formatCount(program.plan.steps)}` : `${formatCount(step)} steps`,
    },
    total && {
      label: "size",
      value: `${formatScaled(total.parameters)} parameters`,
      note: `${formatScaled(total.multiplyAdds)} multiply-adds an image`,
    },
  ];
  return results.filter((one) => one !== undefined);
}

function figuresOf(run: RunRecord): Figure[] {
  const { program, lastEvaluation, bestEvaluation, testEvaluation, elapsedSeconds, end, epochs } = run;
  const { set = "test" } = lastEvaluation ?? {};
  const total = program && cost(program.graph);
  const found: readonly (readonly [label: string, value: string | undefined])[] = [
    ["test accuracy", testEvaluation && formatPercent(testEvaluation.accuracy)],
    ["validation accuracy", set === "validation" ? formatPercent(lastEvaluation!.accuracy) : undefined],
    [
      `best ${set} accuracy`,
      bestEvaluation &&
        `${formatPercent(bestEvaluation.accuracy)}, ${momentText(bestEvaluation.step, program?.plan.stepsPerEpoch ?? Infinity)}`,
    ],
    ["test loss", testEvaluation && loss(testEvaluation.loss)],
    ["steps", program ? `${formatCount(run.step)} of ${formatCount(program.plan.steps)}` : formatCount(run.step)],
    ["trained for", formatDuration(elapsedSeconds)],
    ["images/s", epochs.length > 0 ? epochs.at(-1)!.imagesPerSecond.toFixed(0) : undefined],
    ["parameters", total && formatCount(total.parameters)],
    ["multiply-adds per image", total && formatScaled(total.multiplyAdds)],
    ["peak memory", end && formatBytes(end.peakMemoryBytes)],
    ["seed", program && String(program.config.seed)],
  ];
  return found.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }]));
}

function figuresTable(runs: readonly RunRecord[], names: readonly string[]): Table {
  const figures = runs.map((run) => new Map(figuresOf(run).map(({ label, value }) => [label, value])));
  const labels = [...new Set(figures.flatMap((one) => [...one.keys()]))];
  const rows = labels.map((label) => [label, ...figures.map((one) => one.get(label) ?? "–")]);
  return table("Figures", ["", ...names], [["state", ...runs.map(({ state }) => state)], ...rows]);
}

function epochTable({ epochs, evaluations, program }: RunRecord): Table | null {
  const rows = epochRows(epochs, evaluations, program?.plan.stepsPerEpoch ?? 1);
  if (rows.length === 0) return null;
  const set = evaluations.at(-1)?.set ?? "test";
  const columns = [
    "epoch",
    "train loss",
    "train accuracy",
    `${set} loss`,
    `${set} accuracy`,
    "rate",
    "images/s",
    "seconds",
  ];
  const isWithin = evaluations.some(({ step }) => epochs.every((epoch) => epoch.step !== step));
  return table(isWithin ? "Every epoch, and evaluations within" : "Every epoch", columns, rows);
}

/** Settings in which the runs are not alike. */
function differences(runs: readonly RunRecord[], names: readonly string[]): Table {
  const settings = runs.map(({ program }) => new Map(program ? leaves(program.config) : []));
  const paths = [...new Set(settings.flatMap((one) => [...one.keys()]))];
  const unlike = paths.filter((path) => new Set(settings.map((one) => one.get(path))).size > 1);
  const rows = unlike.map((path) => [path, ...settings.map((one) => one.get(path) ?? "–")]);
  return table(unlike.length > 0 ? "Settings that differ" : "All settings are equal", ["setting", ...names], rows);
}

function leaves(value: unknown, path = ""): [path: string, text: string][] {
  if (value === null || typeof value !== "object") return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key));
}

/** The folders' names; the whole paths where two are alike. */
function runNames(runs: readonly RunRecord[]): string[] {
  const short = runs.map(({ folder }) => basename(folder.path));
  return new Set(short).size === short.length ? short : runs.map(({ folder }) => folder.path);
}

// ---------------------------------------------------------------- forms

type Values = Pick<LineChart, "format" | "formatTick" | "mayBeLogarithmic">;

const loss = (value: number): string => formatLoss(value);
const LOSS: Values = {
  format: loss,
  formatTick: (tick) => (tick < 1e5 ? formatRate(tick) : formatLoss(tick)),
  mayBeLogarithmic: true,
};
const ACCURACY: Values = { format: formatPercent, formatTick: (tick) => `${formatRate(tick * 100)}%` };
const RATE: Values = { format: formatRate };

function chartOf(title: string, values: Values, series: readonly Series[]): Chart {
  return {
    title,
    svg: lineChart({ title, xLabel: "epochs", series, ...values }),
    legend: series.length > 1 ? series.map(({ name, color }) => ({ name, color })) : [],
  };
}

const NUMBER = /^[–\d][\d,.]*( ?[%kMG]i?B?)?( [a-z]+)?$/;

export function table(caption: string, columns: readonly string[], rows: readonly (readonly string[])[]): Table {
  const isNumber = columns.map((_, index) => rows.length > 0 && rows.every((row) => NUMBER.test(row[index] ?? "")));
  return {
    caption,
    columns: columns.map((title, index) => ({ title, isNumber: isNumber[index]! })),
    rows: rows.map((row) => row.map((text, index) => ({ text, isNumber: isNumber[index]! }))),
  };
}
