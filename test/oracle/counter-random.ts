// Counter-based random numbers, the same in TypeScript and in counter_random.py: a draw is a pure function of (seed, stream, index).

/** Streams: what a draw is for. */
export const streams = {
  parameter: 0x1000, // + index of the parameter
  noise: 0x10000, // + step
  labels: 0x20000, // + step
  pattern: 0x30000, // + label
  projection: 0x40000, // + index of the projection
  operand: 0x50000, // + index of the operand
} as const;

/** A bijection of 32-bit integers that scatters its bits (lowbias32, nullprogram.com/blog/2018/07/31). */
function mix(value: number): number {
  let x = value >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** `count` 32-bit draws. */
export function draw(seed: number, stream: number, count: number): Uint32Array {
  const key = mix(mix(seed) + stream);
  const draws = new Uint32Array(count);
  for (let index = 0; index < count; index++) draws[index] = mix(index + key);
  return draws;
}

/** float64 in [0, 1), multiples of 2^-24, so exact in float32 too. */
export function uniform(seed: number, stream: number, count: number): Float64Array {
  const values = new Float64Array(draw(seed, stream, count));
  for (let index = 0; index < count; index++) values[index] = (values[index]! >>> 8) / 2 ** 24;
  return values;
}

/** float64 in [-1, 1). */
export function symmetric(seed: number, stream: number, count: number): Float64Array {
  const values = uniform(seed, stream, count);
  for (let index = 0; index < count; index++) values[index] = values[index]! * 2 - 1;
  return values;
}
