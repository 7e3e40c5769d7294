// So many right of so many → the interval in which the true share lies.

/** The bounds that hold with 95 % confidence, both from 0 to 1 (Wilson 1927, "Probable Inference", J. Am. Stat. Assoc. 22). */
export function wilsonInterval(share: number, count: number): readonly [least: number, most: number] {
  if (count === 0) return [0, 1];
  const square = QUANTILE ** 2;
  const middle = share + square / (2 * count);
  const reach = QUANTILE * Math.sqrt((share * (1 - share)) / count + square / (4 * count ** 2));
  const scale = 1 + square / count;
  return [Math.max(0, (middle - reach) / scale), Math.min(1, (middle + reach) / scale)];
}

/** Of the normal distribution: 2.5 % lie above it. */
const QUANTILE = 1.959963984540054;

/** With fewer images a figure says little, and is said to. */
export const FEW_IMAGES = 100;
