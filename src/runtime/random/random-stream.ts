// Every random draw of a run: a stream of numbers that is a pure function of the seed, what the numbers are for, the
// epoch and an index. Resuming needs no replay, and no draw depends on what was drawn before it.
import { invariant } from "../../compiler/diagnostics/diagnostic.js";
import { multiplyHigh, philox4x32 } from "./philox.js";

/** What numbers are drawn for. Values are part of what a seed means: append, never renumber. */
export const PURPOSES = {
  order: 0,
  augmentation: 1,
  initialization: 2,
  synthetic: 3,
  mixing: 4,
  alternation: 5,
  cropping: 6,
  split: 7,
  dropping: 8,
  validation: 10,
} as const;
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

/** From the beta distribution with both parameters `alpha`, in [0, 1]: the share of one of two gamma variables in their sum. */
export function symmetricBeta(stream: RandomStream, alpha: number): number {
  const [one, other] = [logGamma(stream, alpha), logGamma(stream, alpha)];
  // e^one / (e^one + e^other), where either may be below the smallest double: at a small alpha most shares are near 0 or 1
  return 1 / (1 + Math.exp(other - one));
}

/**
 * The logarithm of a variable from the gamma distribution of shape `alpha` and scale 1.
 * Marsaglia and Tsang: "A simple method for generating gamma variables", ACM TOMS 26 (2000), §6 for shapes below 1.
 */
function logGamma(stream: RandomStream, alpha: number): number {
  const boost = alpha < 1 ? Math.log(1 - stream.uniform()) / alpha : 0;
  const d = (alpha < 1 ? alpha + 1 : alpha) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = stream.normal();
    const v = (1 + c * x) ** 3;
    const u = 1 - stream.uniform(); // never 0
    if (v > 0 && Math.log(u) < (x * x) / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v) + boost;
  }
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
