// Series of points → a line chart as SVG, to be read on a screen, on paper and by a screen reader. Colours are the page's.
import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import { escaped, round } from "../../compiler/targets/picture/svg-text.js";

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** Number of its colour in the page's palette, `--series-1` and on; the page hides `.series-N` where that is switched off. */
  readonly color: number;
  /** Values jump about: their running mean is drawn, with the values themselves pale behind it. */
  readonly isNoisy?: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** Of the ticks, which are round; as `format` without it. */
  readonly formatTick?: (value: number) => string;
  /** Where the values span orders of magnitude, equal factors are drawn equally far apart. */
  readonly mayBeLogarithmic?: boolean;
}

const WIDTH = 560;
const HEIGHT = 300;
const MARGIN = { top: 12, right: 16, bottom: 40, left: 60 };
/** From this factor between the greatest and the least value on, a scale is logarithmic. */
const WIDE_SPAN = 20;

/** Points that are no numbers are left out. An empty chart says so. */
export function lineChart(chart: LineChart): string {
  const { title, xLabel, format, formatTick = format } = chart;
  const series = chart.series.map((one) => ({
    ...one,
    points: one.points.filter((point) => point.every(Number.isFinite)),
  }));
  const points = series.flatMap((one) => one.points);
  const open =
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(describe(title, series, format))}">` +
    `<title>${escaped(title)}</title>`;
  if (points.length === 0) {
    return `${open}<text class="axis" x="${WIDTH / 2}" y="${HEIGHT / 2}" text-anchor="middle">nothing yet</text></svg>`;
  }
  const [least, greatest] = extent(points.map(([, y]) => y));
  const usual = topOf(series);
  const isCut = usual < Math.max(...points.map(([, y]) => y));
  const top = isCut ? usual : greatest;
  const isLogarithmic = chart.mayBeLogarithmic === true && least > 0 && top > least * WIDE_SPAN;
  const x = scaleLinear(extent(points.map(([x]) => x)), [MARGIN.left, WIDTH - MARGIN.right]);
  const y = (isLogarithmic ? scaleLog() : scaleLinear())
    .domain([least, top])
    .range([HEIGHT - MARGIN.bottom, MARGIN.top])
    .nice();
  const heightOf = (value: number): number => Math.max(MARGIN.top, y(value));
  const path = line<Point>(
    ([px]) => round(x(px)),
    ([, py]) => round(heightOf(py)),
  );
  const ticks = isLogarithmic ? fewest(y.ticks(5)) : y.ticks(5);
  const rows = ticks.map((tick) => {
    const at = round(y(tick));
    return (
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/>` +
      `<text class="axis" x="${MARGIN.left - 8}" y="${at}" text-anchor="end" dominant-baseline="central">${escaped(formatTick(tick))}</text>`
    );
  });
  const columns = x.ticks(8).map((tick) => {
    return `<text class="axis" x="${round(x(tick))}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${x.tickFormat(8)(tick)}</text>`;
  });
  const draw = (own: readonly Point[], color: number, name: string): string =>
    `<path class="${name} series-${color}" style="stroke: var(--series-${color})" d="${path([...own]) ?? ""}"/>`;
  const raw = series.filter(isSmoothed).map(({ points: own, color }) => draw(own, color, "raw"));
  const lines = series.map((one) => {
    const { points: own, color } = one;
    // A line of one point would not be seen
    const dots =
      own.length < 40
        ? own.map(
            ([px, py]) =>
              `<circle class="series-${color}" cx="${round(x(px))}" cy="${round(heightOf(py))}" r="2.5" style="fill: var(--series-${color})"/>`,
          )
        : [];
    return draw(isSmoothed(one) ? smoothed(own) : own, color, "series") + dots.join("");
  });
  const notes = [
    isLogarithmic ? "logarithmic" : "",
    isCut ? `values above ${formatTick(y.domain()[1]!)} are drawn at the edge` : "",
  ].filter(Boolean);
  const label = notes.length > 0 ? `${xLabel} (${notes.join("; ")})` : xLabel;
  return [
    open,
    ...rows,
    ...columns,
    `<text class="axis" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escaped(label)}</text>`,
    ...raw,
    ...lines,
    "</svg>",
  ].join("");
}

/** Shorter lines are drawn as they are. */
const LEAST_TO_SMOOTH = 40;
/** The share of a line that a running mean goes over. */
const WINDOW = 0.06;

function isSmoothed({ isNoisy = false, points }: Series): boolean {
  return isNoisy && points.length >= LEAST_TO_SMOOTH;
}

/** Means over the points around each. */
function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.ceil((points.length * WINDOW) / 2);
  return points.map(([x], at) => {
    const near = points.slice(Math.max(0, at - reach), at + reach + 1);
    return [x, near.reduce((sum, [, y]) => sum + y, 0) / near.length];
  });
}

/** A series of which this many times the others' greatest value stands out is cut there, or it would flatten them. */
const OUTLIER = 20;

/**
 * The greatest value that is drawn: of the series that stays lowest, `OUTLIER` times its greatest where others go beyond; and
 * within a series as many times what nine tenths of its values stay below.
 */
function topOf(series: readonly Series[]): number {
  const tops = series.flatMap(({ points }) => {
    if (points.length === 0) return [];
    const values = points.map(([, y]) => y).toSorted((one, other) => one - other);
    const usual = values[Math.floor((values.length - 1) * 0.9)]!;
    return [usual > 0 ? Math.min(values.at(-1)!, usual * OUTLIER) : values.at(-1)!];
  });
  const lowest = Math.min(...tops);
  return lowest > 0 ? Math.max(...tops.filter((top) => top <= lowest * OUTLIER)) : Infinity;
}

const MOST_TICKS = 6;

/** Of a logarithmic scale's ticks, which are many: the powers of ten, or every nth. */
function fewest(ticks: readonly number[]): number[] {
  const powers = ticks.filter((tick) => Number.isInteger(Math.round(Math.log10(tick) * 1e9) / 1e9));
  if (powers.length >= 2) return powers;
  const nth = Math.ceil(ticks.length / MOST_TICKS);
  return ticks.filter((_, index) => index % nth === 0);
}

/** What the chart tells, for those who do not see it. */
function describe(title: string, series: readonly Series[], format: (value: number) => string): string {
  const parts = series.flatMap(({ name, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    return first && last ? [`${name} from ${format(first[1])} to ${format(last[1])}`] : [];
  });
  return `${title}: ${parts.join("; ") || "nothing yet"}`;
}

/** Least and greatest, apart even where they are one. */
function extent(values: readonly number[]): [number, number] {
  const [least, greatest] = values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  ) as [number, number];
  return least === greatest
    ? [least - Math.abs(least || 1) / 2, greatest + Math.abs(greatest || 1) / 2]
    : [least, greatest];
}
