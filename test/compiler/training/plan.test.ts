import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LearningRateConfig } from "../../../src/compiler/config.js";
import { learningRateAt, plan } from "../../../src/compiler/training/plan.js";
import { tinyConfig } from "../../support/tiny-config.js";

// 40 images, batches of 12: four steps an epoch
const planOf = (learningRate: LearningRateConfig, epochs = 10) =>
  plan(tinyConfig({ train: { learning_rate: learningRate, epochs } }));
const ratesOf = (learningRate: LearningRateConfig, epochs = 10) => {
  const made = planOf(learningRate, epochs);
  return Array.from({ length: made.steps }, (_, step) => learningRateAt(made, step));
};

describe("plan", () => {
  it("keeps the last, smaller batch of an epoch unless drop_last is set", () => {
    expect(plan(tinyConfig())).toMatchObject({ stepsPerEpoch: 4, steps: 12, lastBatch: 4 });
    const dropping = plan(tinyConfig({ train: { drop_last: true } }));
    expect(dropping).toMatchObject({ stepsPerEpoch: 3, steps: 9, lastBatch: 12 });
  });

  it("calls a whole last batch a whole batch", () => {
    expect(plan(tinyConfig({ train: { batch_size: 10 } }))).toMatchObject({
      stepsPerEpoch: 4,
      lastBatch: 10,
    });
  });

  it("evaluates and saves every few epochs and always after the last", () => {
    const made = plan(
      tinyConfig({
        train: {
          epochs: 8,
          evaluation: { every_epochs: 3, every_steps: null, batch_size: 4, flip: false, translate: 0 },
          checkpoints: { every_epochs: 20, every_steps: null, keep: 1, keep_best: 0, on_failure: "continue" },
        },
      }),
    );
    expect(made.evaluateAfter).toEqual([3, 6, 8]);
    expect(made.checkpointAfter).toEqual([8]);
  });

  it("survives JSON", () => {
    const made = plan(tinyConfig());
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  });
});

describe("learningRateAt", () => {
  interface Oracle {
    stepsPerEpoch: number;
    epochs: number;
    cases: { learningRate: LearningRateConfig; rates: number[] }[];
  }
  const file = new URL("../../oracle/learning_rates.json", import.meta.url);
  const oracle = JSON.parse(readFileSync(file, "utf8")) as Oracle;

  it.each(oracle.cases.map((one) => [JSON.stringify(one.learningRate), one] as const))(
    "gives PyTorch's rates for %s",
    (_, one) => {
      const { learningRate, rates } = one;
      const made = plan(
        tinyConfig({
          train: { batch_size: 6, epochs: oracle.epochs, learning_rate: learningRate },
        }),
      );
      expect(made.stepsPerEpoch).toBe(oracle.stepsPerEpoch);
      expect(made.steps).toBe(rates.length);
      rates.forEach((rate, step) => {
        // PyTorch multiplies its way from step to step in float64, here each step is a closed formula
        expect(Math.abs(learningRateAt(made, step) - rate)).toBeLessThan(1e-12);
      });
    },
  );

  it("climbs linearly from 0 to the full rate during the warm-up", () => {
    const rates = ratesOf({ constant: { rate: 0.4, warmup_epochs: 1, warmup_steps: null } });
    expect(rates.slice(0, 6)).toEqual([0, 0.1, 0.2, 0.4 * 0.75, 0.4, 0.4].map((rate) => expect.closeTo(rate, 12)));
  });

  it("takes durations in steps as it does in epochs", () => {
    const off = { warmup_epochs: 0, warmup_steps: null };
    const same: [LearningRateConfig, LearningRateConfig][] = [
      [
        { constant: { rate: 1, warmup_epochs: 2, warmup_steps: null } },
        { constant: { rate: 1, warmup_epochs: 0, warmup_steps: 8 } },
      ],
      [
        { step: { rate: 1, factor: 0.5, every_epochs: 3, every_steps: null, ...off } },
        { step: { rate: 1, factor: 0.5, every_epochs: null, every_steps: 12, ...off } },
      ],
      [
        { multi_step: { rate: 1, factor: 0.5, milestones: [2, 5], milestone_steps: null, ...off } },
        { multi_step: { rate: 1, factor: 0.5, milestones: null, milestone_steps: [8, 20], ...off } },
      ],
      [
        { cosine_restarts: { rate: 1, end: 0, period_epochs: 2, period_steps: null, period_growth: 1.5, ...off } },
        { cosine_restarts: { rate: 1, end: 0, period_epochs: null, period_steps: 8, period_growth: 1.5, ...off } },
      ],
    ];
    for (const [epochs, steps] of same) expect(planOf(steps)).toEqual(planOf(epochs));
  });

  it("starts anew after each period and keeps its place in one that the run cuts short", () => {
    const settings = { rate: 1, end: 0.5, period_epochs: null, period_steps: 6, period_growth: 1 };
    const rates = ratesOf({ cosine_restarts: { ...settings, warmup_epochs: 0, warmup_steps: 2 } }, 4);
    expect(rates.slice(0, 3)).toEqual([0, 0.5, 1]);
    expect(rates[8]).toBe(1);
    expect(rates.slice(8, 14)).toEqual(rates.slice(2, 8));
    expect(rates.slice(14, 16)).toEqual(rates.slice(2, 4));
  });

  it("rounds fractional epochs to the nearest step", () => {
    const rates = ratesOf({
      multi_step: {
        rate: 1,
        factor: 0.5,
        milestones: [0.5, 1.3],
        milestone_steps: null,
        warmup_epochs: 0,
        warmup_steps: null,
      },
    });
    expect(rates.slice(0, 6)).toEqual([1, 1, 0.5, 0.5, 0.5, 0.25]);
  });

  it("takes milestones in any order and leaves out those past the end", () => {
    const rates = ratesOf(
      {
        multi_step: {
          rate: 1,
          factor: 0.5,
          milestones: [2, 1, 99],
          milestone_steps: null,
          warmup_epochs: 0,
          warmup_steps: null,
        },
      },
      3,
    );
    expect(rates).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]);
  });

  it("starts one_cycle at its peak when peak_at is 0 and ends there when it is 1", () => {
    expect(ratesOf({ one_cycle: { peak: 1, start: 0.5, end: 0, peak_at: 0, shape: "linear" } })[0]).toBe(1);
    const rising = planOf({ one_cycle: { peak: 1, start: 0.5, end: 0, peak_at: 1, shape: "linear" } });
    expect(learningRateAt(rising, rising.steps)).toBe(1);
  });

  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const rate = fc.double({ min: 1e-6, max: 10, noNaN: true });
  const warmup = fc.double({ min: 0, max: 3, noNaN: true });
  const schedules: fc.Arbitrary<{
    learningRate: LearningRateConfig;
    lowest: number;
    highest: number;
    last: number;
  }> = fc.oneof(
    fc.record({ rate, warmup }).map(({ rate, warmup }) => ({
      learningRate: { constant: { rate, warmup_epochs: warmup, warmup_steps: null } },
      lowest: 0,
      highest: rate,
      last: rate,
    })),
    fc.record({ rate, warmup, share }).map(({ rate, warmup, share }) => ({
      learningRate: { cosine: { rate, end: rate * share, warmup_epochs: warmup, warmup_steps: null } },
      lowest: 0,
      highest: rate,
      last: rate * share,
    })),
    fc.record({ rate, share, end: share, peak: share }).map(({ rate, share, end, peak }) => ({
      learningRate: {
        one_cycle: { peak: rate, start: rate * share, end: rate * end, peak_at: peak, shape: "linear" as const },
      },
      lowest: rate * Math.min(share, end),
      highest: rate,
      // a peak that rounds to the last step leaves no descent
      last: Math.round(peak * 40) === 40 ? rate : rate * end,
    })),
  );

  it("stays within its bounds and ends at its final value", () => {
    fc.assert(
      fc.property(schedules, ({ learningRate, lowest, highest, last }) => {
        const made = planOf(learningRate);
        const slack = highest * 1e-12; // float64 rounding of the interpolation
        for (let step = 0; step <= made.steps; step++) {
          const value = learningRateAt(made, step);
          expect(value).toBeGreaterThanOrEqual(lowest - slack);
          expect(value).toBeLessThanOrEqual(highest + slack);
        }
        expect(Math.abs(learningRateAt(made, made.steps) - last)).toBeLessThanOrEqual(slack);
      }),
      { seed: 1 },
    );
  });

  it("covers every step by exactly one segment", () => {
    fc.assert(
      fc.property(schedules, ({ learningRate }) => {
        const { schedule, steps } = planOf(learningRate);
        expect(schedule[0]!.from).toBe(0);
        expect(schedule.at(-1)!.to).toBe(steps);
        schedule.slice(1).forEach(({ from }, index) => expect(from).toBe(schedule[index]!.to));
      }),
      { seed: 1 },
    );
  });
});
