// Session and test images → loss and accuracy, with the weights as they stand. Batches go in official order.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Program } from "../../compiler/program.js";
import type { Loader } from "../data/loader.js";
import type { TestViews } from "../data/test-views.js";
import { testViews } from "../data/test-views.js";
import type { Batch, EvaluationResult, Session } from "../engines/engine.js";

export interface Evaluation {
  /** Mean cross-entropy over the images, without label smoothing. */
  readonly loss: number;
  readonly accuracy: number;
  readonly images: number;
}

/** Which images are evaluated. */
export type EvaluatedSet = "test" | "validation";

export interface EvaluateOptions {
  /** "test" without it. */
  readonly set?: EvaluatedSet;
  readonly signal?: AbortSignal;
  readonly onBatch?: (done: number, total: number) => void;
  /** Sees the logits [count, classes] of each batch, in order; valid until it returns. */
  readonly onLogits?: (logits: Float32Array, batch: Batch) => void;
}

/** Evaluates all batches of a set; undefined where the signal stopped it before the last one. */
export async function evaluate(
  program: Program,
  session: Session,
  loader: Loader,
  { set = "test", signal, onBatch, onLogits }: EvaluateOptions = {},
): Promise<Evaluation | undefined> {
  const views = testViews(program.config);
  let lossSum = 0;
  let correct = 0;
  let images = 0;
  const batches = set === "test" ? loader.testBatches : loader.validationBatches;
  const prepare = async (index: number): Promise<Batch> => {
    const reading = loader.begin?.(set, index);
    if (reading) await reading;
    return loader[set](index);
  };
  let prepared = await prepare(0);
  for (let index = 0; index < batches; index++) {
    if (signal?.aborted) return undefined;
    const batch = prepared;
    const running = evaluateBatch(views, session, batch);
    const preparing = index + 1 < batches ? prepare(index + 1) : undefined;
    const [result, next] = await Promise.all([running, preparing]);
    if (next) prepared = next;
    lossSum += result.loss * batch.count;
    correct += result.correct;
    images += batch.count;
    onLogits?.(result.logits, batch);
    onBatch?.(index + 1, batches);
    // A session may answer without ever leaving this turn of the event loop; signals and the screen need theirs
    await nextTurn();
  }
  return { loss: lossSum / images, accuracy: correct / images, images };
}

/** As the trainer evaluates: the mean of the logits of every view of each image, where the file asks for several. */
export async function evaluateBatch(views: TestViews, session: Session, batch: Batch): Promise<EvaluationResult> {
  const straight = await session.evaluate(batch);
  if (views.others.length === 0) return straight;
  const sums = Float64Array.from(straight.logits, (logit) => logit * views.weight);
  for (const { weight, show } of views.others) {
    const { logits } = await session.evaluate({ ...batch, images: show(batch.images) });
    for (let index = 0; index < sums.length; index++) sums[index]! += logits[index]! * weight;
  }
  const logits = Float32Array.from(sums);
  return { ...crossEntropy(logits, batch.labels, batch.count), logits };
}

/** Mean cross-entropy of logits [count, classes] in float64, and how many of the largest logits are right. */
export function crossEntropy(
  logits: Float32Array,
  labels: Int32Array,
  count: number,
): { loss: number; correct: number } {
  const classes = logits.length / count;
  let lossSum = 0;
  let correct = 0;
  for (let image = 0; image < count; image++) {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    let largest = 0;
    for (let label = 1; label < classes; label++) if (row[label]! > row[largest]!) largest = label;
    let exponentials = 0;
    for (const logit of row) exponentials += Math.exp(logit - row[largest]!);
    lossSum += Math.log(exponentials) + row[largest]! - row[labels[image]!]!;
    if (largest === labels[image]) correct++;
  }
  return { loss: lossSum / count, correct };
}
