import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatScaled,
  tableLines,
} from "../../../src/cli/screen/terminal.js";

describe("formatting", () => {
  it("groups counts by thousands", () => {
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
  });

  it("scales large numbers to about three figures", () => {
    expect([0, 950, 40_813_184, 1.2e9].map(formatScaled)).toEqual(["0", "950", "40.8 M", "1.20 G"]);
  });

  it("gives bytes in binary units", () => {
    expect([0, 512, 1536, 247 * 2 ** 20].map(formatBytes)).toEqual(["0 B", "512 B", "1.50 KiB", "247 MiB"]);
  });

  it("gives durations in the units a person would", () => {
    expect([4.23, 62.4, 3725].map(formatDuration)).toEqual(["4.2 s", "1 min 2 s", "1 h 2 min"]);
  });

  it("never carries a rounded second into the wrong unit", () => {
    expect([9.97, 59.7, 119.6, 3599.8].map(formatDuration)).toEqual(["10 s", "1 min 0 s", "2 min 0 s", "1 h 0 min"]);
  });

  it("gives shares and rates as they are read", () => {
    expect(formatPercent(0.91234)).toBe("91.23%");
    expect([0.1, 0.000244140625, 0].map(formatRate)).toEqual(["0.1", "0.0002441", "0"]);
  });
});

describe("tableLines", () => {
  const columns = [
    { title: "layer", align: "left" },
    { title: "output", align: "left" },
    { title: "parameters", align: "right" },
  ] as const;

  it("aligns columns by characters, not bytes, and leaves no space at the end of a line", () => {
    const rows = [
      ["stem.conv", "32×32×16", "432"],
      ["pooling", "16", ""],
    ];
    expect(tableLines(columns, rows)).toEqual([
      "layer      output    parameters",
      "stem.conv  32×32×16         432",
      "pooling    16",
    ]);
  });

  it("breaks no line, and leaves the middle of a long cell out", () => {
    const path = `photos/${"x".repeat(300)}/cat.png`;
    const [titles, row] = tableLines(columns, [[path, "two\nlines", "1"]]);
    expect(row).toMatch(/^photos\/x{33}…x{31}\/cat\.png {2}two\\nlines {11}1$/);
    expect(titles).toHaveLength(row!.length);
  });
});
