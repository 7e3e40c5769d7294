// Philox4x32-10: a counter-based generator. A counter of four words and a key of two give four random words, with no
// state in between, so a draw is a pure function of what it is for.
// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011, §3.3 and table 2.

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
// Weyl increments of the key: the golden ratio and √3 − 1, times 2³².
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** Writes the four words for `counter` and `key` over `output`, which may be `counter` itself. */
export function philox4x32(counter: Uint32Array, key0: number, key1: number, output: Uint32Array): void {
  let c0 = counter[0]!;
  let c1 = counter[1]!;
  let c2 = counter[2]!;
  let c3 = counter[3]!;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  output[0] = c0;
  output[1] = c1;
  output[2] = c2;
  output[3] = c3;
}

/** Upper 32 bits of the product of two unsigned words, as a signed word, from four products of halves. */
export function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = Math.imul(aHigh, bLow);
  // Neither sum overflows 32 unsigned bits: (2¹⁶ − 1)² + 2 (2¹⁶ − 1) = 2³² − 1.
  const carry = (middle & 0xffff) + (Math.imul(aLow, bLow) >>> 16);
  const other = (Math.imul(aLow, bHigh) + carry) >>> 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0;
}
