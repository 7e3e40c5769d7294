// How often dropout and drop path drop → what is drawn against: a 32-bit word of Philox (runtime/random/philox.ts), taken as a signed
// integer, keeps its element where it is no less.

/** What words are held against, the same on every engine. */
export function keptFrom(rate: number): number {
  return Math.min(Math.round(rate * 2 ** 32) - 2 ** 31, 2 ** 31 - 1);
}

/** What is kept is multiplied by it, so that the mean stays. */
export function keptFactor(rate: number): number {
  return Math.fround(1 / (1 - rate));
}
