// Where the trainer gets its images from. A batch is a function of its place alone (seed, epoch, index), never of what
// was asked for before it, so a resumed run asks for the next one and replays nothing.
import type { Batch } from "./engine.js";

export interface BatchSource {
  readonly testBatches: number;
  /** Augmented images of one step; epoch and index count from 0. Must not overwrite the two batches given before. */
  trainBatch(epoch: number, index: number): Promise<Batch>;
  /** Test images in official order. */
  testBatch(index: number): Promise<Batch>;
}
