import { describe, expect, it } from "vitest";
import { permutation, randomStream, RandomStream, symmetricBeta } from "../../../src/runtime/random/random-stream.js";
import type { StreamKey } from "../../../src/runtime/random/random-stream.js";

const key: StreamKey = { seed: 7, purpose: "augmentation", epoch: 3, index: 41 };

function words(streamKey: StreamKey, count = 10): number[] {
  const stream = randomStream(streamKey);
  return Array.from({ length: count }, () => stream.uint32());
}

describe("randomStream", () => {
  it("gives the same numbers for the same key", () => {
    expect(words(key)).toEqual(words({ ...key }));
  });

  it.each<Partial<StreamKey>>([
    { seed: 8 },
    { seed: 7 + 2 ** 32 },
    { purpose: "order" },
    { epoch: 4 },
    { index: 42 },
    { epoch: 41, index: 3 },
  ])("gives other numbers when %j changes", (change) => {
    expect(words({ ...key, ...change })).not.toEqual(words(key));
  });

  it("does not depend on what a stream was used for before", () => {
    const stream = new RandomStream(key.seed, key.purpose).restart(0, 0);
    stream.normal();
    stream.uint32();
    stream.restart(key.epoch, key.index);
    expect(stream.normal()).toBe(randomStream(key).normal());
  });

  it("draws uniform numbers in [0, 1) with mean 1/2 and variance 1/12", () => {
    const stream = randomStream(key);
    const draws = Array.from({ length: 100_000 }, () => stream.uniform());
    expect(draws.every((draw) => draw >= 0 && Math.fround(draw) < 1)).toBe(true);
    const { mean, variance } = moments(draws);
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(0.004); // 4 standard errors: 4 · 0.29 / √100000
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001); // 4 standard errors: 4 · 0.075 / √100000
  });

  it("draws normal numbers with mean 0, variance 1 and kurtosis 3", () => {
    const stream = randomStream(key);
    const draws = Array.from({ length: 100_000 }, () => stream.normal());
    const { mean, variance } = moments(draws);
    expect(Math.abs(mean)).toBeLessThan(0.013); // 4 / √100000
    expect(Math.abs(variance - 1)).toBeLessThan(0.018); // 4 · √2 / √100000
    const fourth = draws.reduce((sum, draw) => sum + draw ** 4, 0) / draws.length;
    expect(Math.abs(fourth - 3)).toBeLessThan(0.13); // 4 · √96 / √100000
  });

  it("draws every integer below the bound equally often", () => {
    const stream = randomStream(key);
    const counts = Array.from({ length: 9 }, () => 0);
    for (let draw = 0; draw < 90_000; draw++) counts[stream.integer(9)]!++;
    // 5 standard deviations of a binomial: 5 · √(90000 · 1/9 · 8/9)
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(475);
  });

  it("rejects words that would favour small integers", () => {
    // 3 · 2³⁰ leaves a quarter of all words to be redrawn; without that, the lowest third would come up half the time.
    const stream = randomStream(key);
    const bound = 3 * 2 ** 30;
    let low = 0;
    for (let draw = 0; draw < 30_000; draw++) if (stream.integer(bound) < bound / 3) low++;
    expect(Math.abs(low - 10_000)).toBeLessThan(410); // 5 · √(30000 · 1/3 · 2/3)
  });
});

describe("permutation", () => {
  it("holds every index once", () => {
    expect([...permutation(1, 0, 1000)].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("is the same for the same seed and epoch, and another for the next epoch", () => {
    expect(permutation(1, 5, 100)).toEqual(permutation(1, 5, 100));
    expect(permutation(1, 6, 100)).not.toEqual(permutation(1, 5, 100));
    expect(permutation(2, 5, 100)).not.toEqual(permutation(1, 5, 100));
  });

  it("puts every index at every place equally often", () => {
    const counts = Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => 0));
    for (let epoch = 0; epoch < 8_000; epoch++) {
      permutation(1, epoch, 4).forEach((index, place) => counts[place]![index]!++);
    }
    for (const count of counts.flat()) expect(Math.abs(count - 2_000)).toBeLessThan(194); // 5 · √(8000 · 1/4 · 3/4)
  });

  it("copes with no images and with one", () => {
    expect([...permutation(1, 0, 0)]).toEqual([]);
    expect([...permutation(1, 0, 1)]).toEqual([0]);
  });
});

function moments(draws: readonly number[]): { mean: number; variance: number } {
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
  return { mean, variance };
}

describe("symmetricBeta", () => {
  // Distribution functions in closed form: the arcsine law, the uniform law, and Beta(2, 2)
  const laws: readonly (readonly [alpha: number, below: (x: number) => number])[] = [
    [0.5, (x) => (2 / Math.PI) * Math.asin(Math.sqrt(x))],
    [1, (x) => x],
    [2, (x) => x * x * (3 - 2 * x)],
  ];
  it.each(laws)("follows the beta distribution of %f", (alpha, below) => {
    const stream = randomStream(key);
    const draws = Array.from({ length: 4000 }, () => symmetricBeta(stream, alpha)).sort((a, b) => a - b);
    // Kolmogorov and Smirnov's distance; above 1.63 / √n in one sample of a hundred
    const distance = Math.max(...draws.map((x, at) => Math.abs(below(x) - (at + 0.5) / draws.length)));
    expect(distance).toBeLessThan(1.63 / Math.sqrt(draws.length));
  });

  it("yields shares near 0 and 1 at a tiny alpha, never anything else than a share", () => {
    const stream = randomStream(key);
    const draws = Array.from({ length: 500 }, () => symmetricBeta(stream, 1e-3));
    expect(draws.every((x) => x >= 0 && x <= 1)).toBe(true);
    expect(draws.filter((x) => x > 0.01 && x < 0.99).length).toBeLessThan(20);
    expect(draws.filter((x) => x > 0.5).length).toBeGreaterThan(200);
  });
});
