// Training curves as text: the loss and the accuracy against the epochs, of training and of evaluation, drawn with box
// characters side by side where there is room.
import type { Color, SingleLine } from "simple-ascii-chart";
import { plot } from "simple-ascii-chart";
import { grouped } from "../report/run-curves.js";
import { formatLoss } from "./terminal.js";
import type { EvaluationEvent, StepEvent } from "../../runtime/training/training-events.js";

export interface Curves {
  readonly steps: readonly StepEvent[];
  readonly evaluations: readonly EvaluationEvent[];
  readonly stepsPerEpoch: number;
}

export interface ChartOptions {
  /** Columns that there are; lines are no longer. */
  readonly width: number;
  readonly colors: boolean;
}

const HEIGHT = 9; // lines of a plot without its title
const GAP = "   ";
const LABELS = 5; // columns for "12.34" or "100%" before the axis
const SIDE_BY_SIDE = 72; // from that width on; below, a chart would be too narrow to read

/** No lines where there is nothing to draw yet. */
export function chartLines({ steps, evaluations, stepsPerEpoch }: Curves, { width, colors }: ChartOptions): string[] {
  if (steps.length < 2) return [];
  const isWide = width >= SIDE_BY_SIDE;
  const chartWidth = isWide ? Math.floor((width - GAP.length) / 2) : width;
  const epochOf = ({ step }: { readonly step: number }): number => step / stepsPerEpoch;
  const groups = grouped(steps, chartWidth - LABELS);
  const train = (value: (group: readonly StepEvent[]) => number): SingleLine =>
    groups.map((group) => [epochOf(group.at(-1)!), value(group)]);
  const test = (value: (event: EvaluationEvent) => number): SingleLine =>
    evaluations.map((event) => [epochOf(event), value(event)]);
  const [loss, accuracy] = [
    drawing(
      train(meanLoss),
      test(({ loss }) => loss),
      chartWidth,
      colors,
      (value) => formatLoss(value, 2),
    ),
    drawing(
      train(accuracyOf),
      test(({ accuracy }) => accuracy),
      chartWidth,
      colors,
      (value) => `${(value * 100).toFixed(0)}%`,
    ),
  ];
  const titled = (title: string, lines: readonly string[]): string[] => [
    pad(`${title}${legend(colors, evaluations.at(-1)?.set)}`, chartWidth),
    ...lines.map((line) => pad(line, chartWidth)),
  ];
  const [left, right] = [titled("loss", loss!), titled("accuracy", accuracy!)];
  const lines = isWide ? left.map((line, index) => line + GAP + (right[index] ?? "")) : [...left, ...right];
  return lines.map((line) => line.trimEnd());
}

const TRAIN: Color = "ansiCyan";
const TEST: Color = "ansiYellow";

function drawing(
  train: SingleLine,
  test: SingleLine,
  chartWidth: number,
  colors: boolean,
  formatter: (value: number) => string,
): string[] {
  const values = [...train, ...test].map(([, y]) => y).filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const series = [train, test]
    .map((line) => line.filter(([, y]) => Number.isFinite(y)))
    .filter((line) => line.length > 1);
  if (series.length === 0 || least === most) return [];
  const ticks = roundTicks(least, most);
  const text = plot(series, {
    width: chartWidth - LABELS - 1,
    height: HEIGHT,
    yRange: [ticks[0]!, ticks.at(-1)!],
    customYAxisTicks: ticks,
    ...(colors && { color: [TRAIN, TEST] }),
    hideXAxis: true,
    hideXAxisTicks: true,
    formatter,
  });
  // The plot comes between an empty line, the tip of its axis, and the room for the one that is hidden
  return text
    .split("\n")
    .filter((line) => /[┤│━┃┏┓┗┛]/.test(line))
    .slice(0, HEIGHT);
}

const MOST_TICKS = 5;

/** Round numbers from below the least to above the most, equally far apart. */
function roundTicks(least: number, most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most - least));
  const distances = [0.1, 0.2, 0.5, 1, 2, 5].map((factor) => factor * power);
  const count = (distance: number): number => Math.ceil(most / distance) - Math.floor(least / distance) + 1;
  const distance = distances.find((one) => count(one) <= MOST_TICKS) ?? 10 * power;
  const first = Math.floor(least / distance);
  return Array.from({ length: count(distance) }, (_, index) => (first + index) * distance);
}

function legend(colors: boolean, set: EvaluationEvent["set"] | undefined): string {
  if (!colors) return set ? " of training and of evaluation" : " of training";
  return `  \u001b[36m━ training\u001b[0m${set ? `  \u001b[33m━ ${set}\u001b[0m` : ""}`;
}

function meanLoss(group: readonly StepEvent[]): number {
  return group.reduce((sum, { loss }) => sum + loss, 0) / group.length;
}

function accuracyOf(group: readonly StepEvent[]): number {
  const [correct, images] = [
    group.reduce((sum, { correct }) => sum + correct, 0),
    group.reduce((sum, { images }) => sum + images, 0),
  ];
  return correct / images;
}

function pad(line: string, width: number): string {
  return line + " ".repeat(Math.max(0, width - visibleLength(line)));
}

function visibleLength(line: string): number {
  // oxlint-disable-next-line no-control-regex -- colour codes are what is left out
  return [...line.replaceAll(/\u001b\[\d+m/g, "")].length;
}
