import { describe, expect, it } from "vitest";
import type { Batch, EvaluationResult } from "../../../src/runtime/engines/engine.js";
import { crossEntropy, evaluate } from "../../../src/runtime/training/evaluator.js";
import { FakeSession } from "../../support/fake-session.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { loaderOf, programOf } from "../../support/tiny-run.js";

const program = programOf(); // ten test images in batches of 4, 4 and 2

/** Logits are the sums of an image's left and right halves' first channel: mirroring swaps them. */
class HalvesSession extends FakeSession {
  readonly counts: number[] = [];

  override async evaluate({ images, count, labels }: Batch): Promise<EvaluationResult> {
    this.counts.push(count);
    const logits = new Float32Array(count * 4);
    for (let image = 0; image < count; image++) {
      for (let pixel = 0; pixel < 64; pixel++) {
        const half = pixel % 8 < 4 ? 0 : 1;
        logits[image * 4 + half]! += images[(image * 64 + pixel) * 3]! / 1000;
      }
    }
    return { ...crossEntropy(logits, labels, count), logits };
  }
}

describe("evaluate", () => {
  it("weights each batch by its images", async () => {
    const session = new FakeSession(program);
    session.evaluate = async ({ count }) => ({
      loss: count,
      correct: count - 1,
      logits: new Float32Array(),
    });
    const result = await evaluate(program, session, loaderOf(program));
    expect(result).toEqual({ loss: (4 * 4 + 4 * 4 + 2 * 2) / 10, accuracy: 0.7, images: 10 });
  });

  it("averages the logits of each image and its mirror image when flip is set", async () => {
    const evaluation = { every_epochs: 1, every_steps: null, batch_size: 4, flip: true, translate: 0 };
    const flipping = programOf(tinyConfig({ train: { evaluation } }));
    const session = new HalvesSession(flipping);
    const result = await evaluate(flipping, session, loaderOf(flipping));
    expect(session.counts).toEqual([4, 4, 4, 4, 2, 2]);
    // Both halves now have the same logit, so classes 0 and 1 share what two empty classes leave
    const loader = loaderOf(flipping);
    let expected = 0;
    for (let batch = 0; batch < loader.testBatches; batch++) {
      const { images, labels, count } = loader.test(batch);
      for (let image = 0; image < count; image++) {
        let sum = 0;
        for (let pixel = 0; pixel < 64; pixel++) sum += images[(image * 64 + pixel) * 3]! / 1000;
        const logits = Float32Array.of(sum / 2, sum / 2, 0, 0);
        expected += crossEntropy(logits, labels.subarray(image, image + 1), 1).loss;
      }
    }
    expect(result!.loss).toBeCloseTo(expected / 10, 5); // float32 sums of 64 values
  });

  it("weighs the image itself by a half, and each of two moved ones by a quarter, mirrored or not", async () => {
    const evaluation = { every_epochs: 1, every_steps: null, batch_size: 4, flip: true, translate: 1 };
    const translating = programOf(tinyConfig({ train: { evaluation } }));
    const seen: number[] = [];
    const session = new FakeSession(translating);
    // Logits tell the calls of one batch apart; the label is 0 wherever class 0 has the largest sum
    session.evaluate = async ({ images, count }) => {
      seen.push(images[0]!);
      const logits = new Float32Array(count * 4);
      for (let image = 0; image < count; image++)
        logits[image * 4] = [1, 10, 100, 1000, 10000, 100000][(seen.length - 1) % 6]!;
      return { loss: 0, correct: 0, logits };
    };
    const loader = loaderOf(translating);
    const result = await evaluate(translating, session, loader);
    expect(seen).toHaveLength(18);
    const logit = (1 + 10) / 4 + (100 + 1000 + 10000 + 100000) / 8;
    let [loss, images] = [0, 0];
    for (let batch = 0; batch < loader.testBatches; batch++) {
      const { labels, count } = loader.test(batch);
      const logits = Float32Array.from({ length: count * 4 }, (_, at) => (at % 4 === 0 ? logit : 0));
      loss += crossEntropy(logits, labels, count).loss * count;
      images += count;
    }
    expect(result!.loss).toBeCloseTo(loss / images, 6);
  });

  it("stops between batches when asked to", async () => {
    const controller = new AbortController();
    const onBatch = (done: number) => done === 2 && controller.abort();
    const session = new FakeSession(program);
    const { signal } = controller;
    expect(await evaluate(program, session, loaderOf(program), { signal, onBatch })).toBeUndefined();
  });
});

describe("crossEntropy", () => {
  it("is the mean of −log softmax and counts the largest logits that are right", () => {
    const logits = Float32Array.of(0, 0, 0, 0, 100, 0, 0, 0);
    const { loss, correct } = crossEntropy(logits, Int32Array.of(2, 0), 2);
    expect(loss).toBeCloseTo(Math.log(4) / 2, 12);
    expect(correct).toBe(1);
  });

  it("does not overflow", () => {
    expect(crossEntropy(Float32Array.of(1e4, -1e4), Int32Array.of(1), 1).loss).toBe(2e4);
  });
});
