// How the command line writes numbers, durations and tables: plain text, columns aligned, no line ever broken.
import { wilsonInterval } from "../../runtime/metrics/wilson.js";
import { printable } from "../../compiler/diagnostics/printable.js";

/** 1234567 → "1,234,567" */
export function formatCount(value: number): string {
  // toLocaleString loads locale data: 15 ms of the start
  return value.toFixed(0).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 epoch", "3,125 steps" */
export function counted(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}`;
}

const SCALES: readonly (readonly [scale: number, suffix: string])[] = [
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
  [1, ""],
];

/** 40813184 → "40.8 M", three figures or so. */
export function formatScaled(value: number): string {
  const [scale, suffix] = SCALES.find(([scale]) => value >= scale) ?? [1, ""];
  return `${threeFigures(value / scale)}${suffix}`;
}

const BYTE_SCALES: readonly (readonly [scale: number, suffix: string])[] = [
  [2 ** 30, " GiB"],
  [2 ** 20, " MiB"],
  [2 ** 10, " KiB"],
  [1, " B"],
];

export function formatBytes(bytes: number): string {
  const [scale, suffix] = BYTE_SCALES.find(([scale]) => bytes >= scale) ?? [1, " B"];
  return `${threeFigures(bytes / scale)}${suffix}`;
}

/** 3725 → "1 h 2 min"; 62.4 → "1 min 2 s"; 4.23 → "4.2 s" */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function formatPercent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/** 1.23456 → "1.2346"; 239324240984145920 → "2.4e+17" */
export function formatLoss(loss: number, digits = 4): string {
  return Math.abs(loss) < 1e5 || !Number.isFinite(loss) ? loss.toFixed(digits) : loss.toExponential(1);
}

/** 0.9184 of 10,000 → "91.29 to 92.36%": where the true share lies with 95 % confidence. */
export function formatInterval(share: number, count: number): string {
  const [least, most] = wilsonInterval(share, count).map((bound) => (bound * 100).toFixed(count < 1000 ? 1 : 2));
  return `${least} to ${most}%`;
}

/** 0.1 → "0.1"; 0.000244140625 → "0.0002441" */
export function formatRate(rate: number): string {
  return String(Number(rate.toPrecision(4)));
}

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Columns of a table that is printed line by line are as wide as this from the start. */
  readonly width?: number;
}

/** Lines without trailing spaces: the titles, then a line a row; every column as wide as its widest cell. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map(({ title }) => cell(title));
  const shown = rows.map((row) => row.map(cell));
  const widths = columns.map(({ width = 0 }, index) =>
    Math.max(width, ...[titles[index]!, ...shown.map((row) => row[index] ?? "")].map(textWidth)),
  );
  return [titles, ...shown].map((row) => {
    const cells = columns.map(({ align }, index) => pad(row[index] ?? "", widths[index]!, align));
    return cells.join("  ").trimEnd();
  });
}

const WIDEST_CELL = 80;

/** On one line, and the middle of what is too long left out: a path ends with what tells it from others. */
export function cell(text: string): string {
  const characters = [...printable(text)];
  if (characters.length <= WIDEST_CELL) return characters.join("");
  const half = WIDEST_CELL / 2;
  return `${characters.slice(0, half).join("")}…${characters.slice(1 - half).join("")}`;
}

function pad(text: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + space : space + text;
}

/** Code points, so that × and other single-width signs outside ASCII count once. */
function textWidth(text: string): number {
  return [...text].length;
}

function threeFigures(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** Whether a person watches: both streams lead to a terminal that understands cursor movements. */
export function isInteractive(): boolean {
  return Boolean(process.stdout.isTTY && process.stderr.isTTY && process.env["TERM"] !== "dumb");
}
