// What dropout and drop path draw by: seed, step, micro-batch, node and element. An element's word is word i mod 4 of the counter
// (i / 4, node, step, purpose and micro-batch), i being its place in the micro-batch with channels padded to a multiple of 8.
import { philox4x32 } from "./philox.js";
import { PURPOSES } from "./random-stream.js";

export interface DropDraws {
  readonly seed: number;
  readonly step: number;
  /** Its index in the step's batch. */
  readonly microBatch: number;
}

/** The counter's last two words. */
export function drawCounter({ step, microBatch }: Omit<DropDraws, "seed">): readonly [step: number, purpose: number] {
  return [step | 0, PURPOSES.dropping | (microBatch << 8)];
}

export function drawKey(seed: number): readonly [number, number] {
  return [seed | 0, Math.floor(seed / 2 ** 32) | 0];
}

/** The first `count` words of a node, as signed integers. */
export function dropWords(draws: DropDraws, node: number, count: number): Int32Array {
  const words = new Int32Array(Math.ceil(count / 4) * 4);
  const [key0, key1] = drawKey(draws.seed);
  const counter = Uint32Array.of(0, node, ...drawCounter(draws));
  const block = new Uint32Array(4);
  for (let at = 0; at < count; at += 4) {
    counter[0] = at / 4;
    philox4x32(counter, key0, key1, block);
    words.set(block, at);
  }
  return words.subarray(0, count);
}
