import { describe, expect, it } from "vitest";
import { wilsonInterval } from "../../../src/runtime/metrics/wilson.js";

describe("Wilson's interval", () => {
  // scipy.stats.binomtest(right, of).proportion_ci(method="wilson")
  it.each([
    [8, 10, 0.490162471536642, 0.943317848545625],
    [0, 10, 0, 0.277532799862889],
    [10, 10, 0.722467200137111, 1],
  ])("of %i in %i is that of scipy", (right, of, least, most) => {
    const [found, foundMost] = wilsonInterval(right / of, of);
    expect(found).toBeCloseTo(least, 9);
    expect(foundMost).toBeCloseTo(most, 9);
  });

  it("of nothing says nothing", () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
  });
});
