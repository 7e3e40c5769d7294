import { describe, expect, it } from "vitest";
import { chartLines } from "../../../src/cli/screen/charts.js";
import type { EvaluationEvent, StepEvent } from "../../../src/runtime/training/training-events.js";

const steps = Array.from({ length: 40 }, (_, index): StepEvent => {
  const step = index + 1;
  const correct = Math.round(64 * (1 - 0.9 ** step));
  const times = { dataMilliseconds: 1, stepMilliseconds: 10 };
  const epoch = Math.ceil(step / 10);
  return {
    event: "step",
    step,
    epoch,
    loss: 2 * 0.93 ** step,
    gradientNorm: 1,
    correct,
    images: 64,
    learningRate: 0.1,
    ...times,
  };
});
const evaluations = [10, 20, 30, 40].map((step): EvaluationEvent => {
  const epoch = step / 10;
  const testAccuracy = 1 - 0.88 ** step;
  return {
    event: "evaluation",
    step,
    epoch,
    set: "test",
    loss: 2 * 0.95 ** step,
    accuracy: testAccuracy,
    seconds: 1,
    elapsedSeconds: 1,
  };
});
const curves = { steps, evaluations, stepsPerEpoch: 10 };

describe("curves in a terminal", () => {
  it("stand side by side where there is room", () => {
    expect("\n" + chartLines(curves, { width: 80, colors: false }).join("\n") + "\n").toMatchInlineSnapshot(`
      "
      loss of training and of evaluation       accuracy of training and of evaluation
      2.00┤                                    100%┤                   ┏━━┏━━━━━━━━━
          │━┓                                      │           ┏━━┏━━━━━━━┛
      1.50┤ ┗━┓                                    │       ━━━━━━━┛
          │   ┗━┓ ━━━━━━━┓                         │     ┏━━┛
      1.00┤     ┗━━┓     ┃                      50%┤   ┏━┛
          │        ┗━━━━┓┗━━━━━━━┓                 │ ┏━┛
      0.50┤             ┗━━━┓    ┗━━━━━━━┓         │┏┛
          │                 ┗━━━━━━━━━━━━┗━        │┛
      0.00┤                              ┗━      0%┤
      "
    `);
  });

  it("stand below each other in a narrow terminal, and never go past its edge", () => {
    const lines = chartLines(curves, { width: 40, colors: false });
    expect(lines.filter((line) => /^(loss|accuracy)/.test(line))).toHaveLength(2);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(40);
  });

  it("tell training from test by colour where there are colours", () => {
    const [title] = chartLines(curves, { width: 80, colors: true });
    expect(title).toContain("\u001b[36m━ training\u001b[0m  \u001b[33m━ test\u001b[0m");
  });

  it("draw nothing of nothing, and nothing of a loss that never moved or was no number", () => {
    expect(chartLines({ steps: [], evaluations: [], stepsPerEpoch: 10 }, { width: 80, colors: false })).toEqual([]);
    const flat = steps.map((step) => ({ ...step, loss: Number.NaN, correct: 0 }));
    const lines = chartLines({ steps: flat, evaluations: [], stepsPerEpoch: 10 }, { width: 80, colors: false });
    expect(lines).toHaveLength(1);
  });
});
