// The normal distribution in float64, which JavaScript lacks: for GELU in the reference.

/** Φ(x): the share of the normal distribution below x. */
export function normalShare(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const tail = z < 3 ? (1 - errorFunction(z)) / 2 : complement(z) / 2;
  return x < 0 ? tail : 1 - tail;
}

/** φ(x) */
export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** By its power series (DLMF 7.6.2), whose terms are all positive. */
function errorFunction(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * Math.exp(-x * x)) / Math.sqrt(Math.PI)) * sum;
}

/** erfc by its continued fraction (DLMF 7.9.3); x ≥ 3 */
function complement(x: number): number {
  let fraction = 0;
  for (let n = 100; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
