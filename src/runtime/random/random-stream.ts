// Every random draw of a run: a stream of numbers that is a pure function of the seed, what the numbers are for, the
// epoch and an index. Resuming needs no replay, and no draw depends on what was drawn before it.
import { invariant } from "../../compiler/diagnostic.js";
import { multiplyHigh, philox4x32 } from "./philox.js";

/** What numbers are drawn for. Values are part of what a seed means: append, never renumber. */
const PURPOSES = { order: 0, augmentation: 1, initialization: 2, synthetic: 3 } as const;
export type Purpose = keyof typeof PURPOSES;

export interface StreamKey {
  /** An integer from 0 to 2⁵³ − 1. */
  readonly seed: number;
  readonly purpose: Purpose;
  /** Both integers from 0 to 2³² − 1. */
  readonly epoch: number;
  readonly index: number;
}

/** The stream for `key`, at its beginning. */
export function randomStream({ seed, purpose, epoch, index }: StreamKey): RandomStream {
  return new RandomStream(seed, purpose).restart(epoch, index);
}

/** The order in which the images of an epoch are seen: Fisher and Yates' shuffle of 0 … count − 1. */
export function permutation(seed: number, epoch: number, count: number): Uint32Array {
  const stream = randomStream({ seed, purpose: "order", epoch, index: 0 });
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = stream.integer(last + 1);
    const moved = order[last]!;
    order[last] = order[other]!;
    order[other] = moved;
  }
  return order;
}

export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;
  /** Block of the stream, index, epoch, purpose. */
  readonly #counter = new Uint32Array(4);
  readonly #block = new Uint32Array(4);
  #used = 4;
  #spareNormal = Number.NaN;

  constructor(seed: number, purpose: Purpose) {
    invariant(Number.isSafeInteger(seed) && seed >= 0, `seed ${seed} is not an integer from 0 to 2^53 - 1`);
    this.#key0 = seed | 0;
    this.#key1 = Math.floor(seed / 2 ** 32) | 0;
    this.#counter[3] = PURPOSES[purpose];
  }

  /** Moves to the beginning of another stream of the same seed and purpose; allocates nothing. */
  restart(epoch: number, index: number): this {
    this.#counter[0] = 0;
    this.#counter[1] = index;
    this.#counter[2] = epoch;
    this.#used = 4;
    this.#spareNormal = Number.NaN;
    return this;
  }

  /** An integer from 0 to 2³² − 1. */
  uint32(): number {
    if (this.#used === 4) {
      philox4x32(this.#counter, this.#key0, this.#key1, this.#block);
      this.#counter[0]!++;
      this.#used = 0;
    }
    return this.#block[this.#used++]!;
  }

  /** In [0, 1), a multiple of 2⁻²⁴: it stays below 1 as a float32. */
  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24;
  }

  /**
   * From 0 to bound − 1, each equally likely; bound is from 1 to 2³² − 1.
   * Lemire: "Fast random integer generation in an interval", ACM TOMACS 29 (2019), algorithm 5.
   */
  integer(bound: number): number {
    invariant(bound >= 1 && bound < 2 ** 32, `bound ${bound} of a random integer is outside 1 … 2^32 - 1`);
    const threshold = (2 ** 32 - bound) % bound;
    for (;;) {
      const word = this.uint32();
      if (Math.imul(word, bound) >>> 0 >= threshold) return multiplyHigh(word, bound) >>> 0;
    }
  }

  /** From the normal distribution with mean 0 and variance 1 (Box and Muller 1958); two draws give two numbers. */
  normal(): number {
    const spare = this.#spareNormal;
    if (!Number.isNaN(spare)) {
      this.#spareNormal = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform())); // 1 − u is never 0
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}
