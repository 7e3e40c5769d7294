// Series of points → a line chart as SVG, to be read on a screen, on paper and by a screen reader. Colours are the page's.
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { escaped, round } from "../../compiler/targets/picture/svg-text.js";

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** Number of its colour in the page's palette, `--series-1` and on. */
  readonly color: number;
  readonly isDashed?: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
}

const WIDTH = 560;
const HEIGHT = 300;
const MARGIN = { top: 12, right: 16, bottom: 40, left: 60 };

/** Points that are no numbers are left out. An empty chart says so. */
export function lineChart({ title, xLabel, series, format }: LineChart): string {
  const drawn = series.map((one) => ({ ...one, points: one.points.filter((point) => point.every(Number.isFinite)) }));
  const points = drawn.flatMap((one) => one.points);
  const open =
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(describe(title, drawn, format))}">` +
    `<title>${escaped(title)}</title>`;
  if (points.length === 0) {
    return `${open}<text class="axis" x="${WIDTH / 2}" y="${HEIGHT / 2}" text-anchor="middle">nothing yet</text></svg>`;
  }
  const x = scaleLinear(extent(points.map(([x]) => x)), [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear(extent(points.map(([, y]) => y)), [HEIGHT - MARGIN.bottom, MARGIN.top]).nice();
  const path = line<Point>(
    ([px]) => round(x(px)),
    ([, py]) => round(y(py)),
  );
  const rows = y.ticks(5).map((tick) => {
    const at = round(y(tick));
    return (
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/>` +
      `<text class="axis" x="${MARGIN.left - 8}" y="${at}" text-anchor="end" dominant-baseline="central">${escaped(format(tick))}</text>`
    );
  });
  const columns = x.ticks(8).map((tick) => {
    return `<text class="axis" x="${round(x(tick))}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${x.tickFormat(8)(tick)}</text>`;
  });
  const lines = drawn.map(({ points: own, color, isDashed }) => {
    const style = `style="stroke: var(--series-${color})"`;
    const dashes = isDashed ? ' stroke-dasharray="6 4"' : "";
    // A line of one point would not be seen
    const dots =
      own.length < 40
        ? own.map(
            ([px, py]) =>
              `<circle cx="${round(x(px))}" cy="${round(y(py))}" r="2.5" style="fill: var(--series-${color})"/>`,
          )
        : [];
    return `<path class="series" ${style}${dashes} d="${path([...own]) ?? ""}"/>${dots.join("")}`;
  });
  return [
    open,
    ...rows,
    ...columns,
    `<text class="axis" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escaped(xLabel)}</text>`,
    ...lines,
    "</svg>",
  ].join("");
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
