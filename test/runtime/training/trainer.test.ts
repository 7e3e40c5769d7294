import { describe, expect, it, vi } from "vitest";
import { learningRateAt } from "../../../src/compiler/training/plan.js";
import type { Batch, StepHyper } from "../../../src/runtime/engines/engine.js";
import { train } from "../../../src/runtime/training/trainer.js";
import type { TrainingEvent } from "../../../src/runtime/training/training-events.js";
import { FakeSession } from "../../support/fake-session.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { loaderOf, programOf } from "../../support/tiny-run.js";

const program = programOf(); // three epochs of four steps: batches of 12, 12, 12 and 4 images

/** Notes what it is given, and answers with a loss and a count that a test can foresee. */
class NotingSession extends FakeSession {
  readonly hypers: StepHyper[] = [];
  readonly counts: number[] = [];

  override async step({ count }: Batch, hyper: StepHyper) {
    this.hypers.push(hyper);
    this.counts.push(count);
    return { loss: hyper.step, correct: 2, gradientNorm: 1 };
  }
}

async function trained() {
  const session = new NotingSession(program);
  const events: TrainingEvent[] = [];
  const result = await train(program, session, loaderOf(program), { emit: (event) => events.push(event) });
  return { session, events, result };
}

describe("train", () => {
  it("gives each step the plan's rate and counts steps from 1", async () => {
    const { session } = await trained();
    const expected = Array.from({ length: 12 }, (_, index) => ({
      step: index + 1,
      learningRate: learningRateAt(program.plan, index),
      skipped: 0,
    }));
    expect(session.hypers).toEqual(expected);
  });

  it("says in each step how many before it were left out, in a resumed run too", async () => {
    const skipping = programOf(tinyConfig({ train: { non_finite: { skip: { limit: 2 } } } }));
    const session = new NotingSession(skipping);
    const { step: good } = session;
    session.step = async (batch, hyper) => {
      const result = await good.call(session, batch, hyper);
      return [2, 5].includes(hyper.step) ? { ...result, loss: Number.NaN } : result;
    };
    const { progress } = await train(skipping, session, loaderOf(skipping), { maxSteps: 4 });
    await train(skipping, session, loaderOf(skipping), { progress, maxSteps: 7 });
    expect(session.hypers.map(({ step, skipped }) => [step, skipped])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 1],
      [5, 1],
      [6, 2],
      [7, 2],
    ]);
  });

  it("weights loss and accuracy of an epoch by images, so a smaller last batch counts less", async () => {
    const { events } = await trained();
    const [first, second] = events.filter((event) => event.event === "epoch");
    expect(first).toMatchObject({
      epoch: 1,
      step: 4,
      trainLoss: (12 * (1 + 2 + 3) + 4 * 4) / 40,
      trainAccuracy: 8 / 40,
    });
    expect(second).toMatchObject({ epoch: 2, step: 8, trainLoss: (12 * (5 + 6 + 7) + 4 * 8) / 40 });
  });

  it("prepares the next batch after a step has begun and before it has ended", async () => {
    const order: string[] = [];
    const session = new NotingSession(program);
    session.step = async ({ count }, { step }) => {
      order.push(`step ${step} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`step ${step} ends`);
      return { loss: 1, correct: count, gradientNorm: 1 };
    };
    const loader = loaderOf(program);
    const noting = {
      ...loader,
      train: (epoch: number, index: number) => {
        order.push(`batch ${epoch}.${index}`);
        return loader.train(epoch, index);
      },
    };
    await train(program, session, noting, { maxSteps: 2 });
    expect(order).toEqual(["batch 0.0", "step 1 begins", "batch 0.1", "step 1 ends", "step 2 begins", "step 2 ends"]);
  });

  it("gives the event loop a turn after every step, so that signals and the screen get theirs", async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const result = await train(program, new FakeSession(program), loaderOf(program), { signal: controller.signal });
    expect(result).toMatchObject({ outcome: "interrupted", progress: { step: 1 } });
  });

  it("waits for the state that is being kept, whatever ends the run", async () => {
    let kept = 0;
    const session = new FakeSession(program);
    session.before = (call) => {
      if (call === "step" && session.steps.length === 5) throw new Error("the engine broke");
    };
    const save = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      kept++;
      return true;
    };
    await expect(train(program, session, loaderOf(program), { save })).rejects.toThrow("the engine broke");
    expect(kept).toBe(1);
  });

  it("goes on training while a state is kept, and keeps one at a time", async () => {
    let [keeping, most, kept] = [0, 0, 0];
    const session = new FakeSession(program);
    const save = async () => {
      most = Math.max(most, ++keeping);
      const before = session.steps.length;
      // The first is kept for as long as no further step is taken: this test would not end
      if (kept === 0) await vi.waitUntil(() => session.steps.length > before, { interval: 1, timeout: 50_000 });
      kept++;
      keeping--;
      return true;
    };
    await train(program, session, loaderOf(program), { save });
    expect(most).toBe(1);
    expect(kept).toBeGreaterThan(1);
  });
});
