import { describe, expect, it } from "vitest";
import { lineChart } from "../../../src/cli/report/line-chart.js";
import { renderReport } from "../../../src/cli/report/render-report.js";
import { reportView } from "../../../src/cli/report/view.js";
import { readRun } from "../../../src/runtime/run/read-run.js";
import { runFolderAt } from "../../../src/runtime/run/run-folder.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { programOf, runTiny } from "../../support/tiny-run.js";

async function tinyRun(program = programOf(), maxSteps?: number) {
  const folder = await temporaryFolder();
  await runTiny(folder, program, { maxSteps });
  return readRun(runFolderAt(folder));
}

describe("the report of a run", () => {
  it("shows its figures, a row an epoch and three charts", async () => {
    const view = reportView([await tinyRun()]);
    expect(view.figures.map(({ label }) => label)).toEqual([
      "test accuracy",
      "best test accuracy",
      "test loss",
      "steps",
      "trained for",
      "images/s",
      "parameters",
      "multiply-adds per image",
      "peak memory",
      "seed",
    ]);
    expect(view.epochs!.rows).toHaveLength(3);
    expect(view.charts.map(({ title }) => title)).toEqual(["Loss", "Accuracy", "Learning rate"]);
  });

  it("is there from the first step on, before anything was evaluated", async () => {
    const page = await renderReport(reportView([await tinyRun(programOf(), 1)]));
    expect(page).toContain("<dd>1 of 12</dd>");
  });

  it("takes every name as text and not as markup", async () => {
    const name = `<img src=x onerror="alert(1)">{{title}}`;
    const origins = [{ path: "name", value: name, origin: "<b>.yaml:1" }];
    const page = await renderReport(reportView([await tinyRun(programOf({ ...tinyConfig(), name }))], { origins }));
    expect(page).not.toContain("<img");
    expect(page).not.toContain("<b>");
    expect(page).toContain("&lt;img src&#x3D;x onerror&#x3D;&quot;alert(1)&quot;&gt;{{title}}");
  });
});

describe("a comparison of runs", () => {
  it("shows the settings in which they differ, and no others", async () => {
    const other = { ...tinyConfig(), seed: 5 };
    const view = reportView([await tinyRun(), await tinyRun(programOf(other))]);
    expect(view.settings!.rows.map((row) => row[0]!.text)).toEqual(["seed"]);
    expect(view.charts[0]!.legend).toHaveLength(2);
  });
});

describe("a line chart", () => {
  const chart = { title: "Loss", xLabel: "epochs", format: String };
  it("tells in words what it shows", () => {
    const points = [
      [0, 2],
      [1, 1],
    ] as const;
    expect(lineChart({ ...chart, series: [{ name: "test", points, color: 1 }] })).toContain(
      'aria-label="Loss: test from 2 to 1"',
    );
  });

  it("says where there is nothing to show, and leaves out what is no number", () => {
    const points = [[0, Number.NaN]] as const;
    expect(lineChart({ ...chart, series: [{ name: "test", points, color: 1 }] })).toContain("nothing yet");
  });

  const steep = (of: number): [number, number][] => Array.from({ length: 50 }, (_, at) => [at, of * 0.7 ** at]);

  it("draws orders of magnitude on a logarithmic scale, where it may", () => {
    const series = [{ name: "test", points: steep(1), color: 1 }];
    expect(lineChart({ ...chart, series, mayBeLogarithmic: true })).toContain("epochs (logarithmic)");
    expect(lineChart({ ...chart, series })).not.toContain("logarithmic");
  });

  it("is not flattened by a run that diverged, and says that its values are cut", () => {
    const diverged: [number, number][] = [
      [0, 2],
      [1, 1e17],
    ];
    const text = lineChart({
      ...chart,
      series: [
        {
          name: "good",
          points: [
            [0, 2],
            [1, 1],
          ],
          color: 1,
        },
        { name: "bad", points: diverged, color: 2 },
      ],
    });
    expect(text).toMatch(/values above 40 are drawn at the edge/);
  });

  it("draws the running mean of noise before the noise itself", () => {
    const points = Array.from({ length: 100 }, (_, at): [number, number] => [at, at % 2]);
    const text = lineChart({ ...chart, series: [{ name: "training", points, color: 1, isNoisy: true }] });
    expect(text.indexOf('class="raw series-1"')).toBeLessThan(text.indexOf('class="series series-1"'));
    expect(text).toContain('class="raw series-1"');
  });

  it("draws a value that never changed", () => {
    const points = [
      [0, 3],
      [1, 3],
    ] as const;
    expect(lineChart({ ...chart, series: [{ name: "test", points, color: 1 }] })).not.toMatch(/NaN|Infinity/);
  });
});
