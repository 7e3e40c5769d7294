import { describe, expect, it } from "vitest";
import { lines } from "../../../src/cli/data/data-progress.js";

describe("progress in plain lines", () => {
  it("says every fifth once, and waiting without a share", () => {
    const written: string[] = [];
    const { onProgress } = lines((line) => void written.push(line));
    onProgress({ doing: "waiting for process 7", done: 0, total: 0, unit: "parts" });
    for (let done = 0; done <= 1000; done += 10) onProgress({ doing: "fetching", done, total: 1000, unit: "bytes" });
    for (let done = 0; done <= 2; done++) onProgress({ doing: "checking", done, total: 2, unit: "parts" });
    expect(written).toEqual([
      "waiting for process 7",
      "fetching: 0% (0 B of 1000 B)",
      "fetching: 20% (200 B of 1000 B)",
      "fetching: 40% (400 B of 1000 B)",
      "fetching: 60% (600 B of 1000 B)",
      "fetching: 80% (800 B of 1000 B)",
      "fetching: 100% (1000 B of 1000 B)",
      "checking: 0% (0 of 2 files)",
      "checking: 50% (1 of 2 files)",
      "checking: 100% (2 of 2 files)",
    ]);
  });
});
