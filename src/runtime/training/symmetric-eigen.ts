// Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations (Golub and Van Loan, section 8.5).

export interface Eigen {
  /** The largest first. */
  readonly values: Float64Array;
  /** Row by row, in the order of the values, of length 1; of each, the component of largest magnitude is positive. */
  readonly vectors: Float64Array;
}

/** Sweeps double the digits that are right; from any start few are needed. */
const MOST_SWEEPS = 60;

/** `matrix` is [size, size]. */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  const scale = Math.max(...a.map(Math.abs));
  for (let sweep = 0; sweep < MOST_SWEEPS && offDiagonal(a, size) > scale * 1e-15; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) rotate(a, v, size, p, q);
    }
  }
  const order = Array.from({ length: size }, (_, index) => index).sort(
    (one, other) => a[other * size + other]! - a[one * size + one]!,
  );
  const vectors = new Float64Array(size * size);
  order.forEach((column, rank) => {
    const vector = Float64Array.from({ length: size }, (_, row) => v[row * size + column]!);
    const largest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    vectors.set(
      vector.map((value) => (largest < 0 ? -value : value)),
      rank * size,
    );
  });
  return { values: Float64Array.from(order, (column) => a[column * size + column]!), vectors };
}

/** Turns rows and columns p and q so that the element between them vanishes. */
function rotate(a: Float64Array, v: Float64Array, size: number, p: number, q: number): void {
  const between = a[p * size + q]!;
  if (between === 0) return;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * between);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let k = 0; k < size; k++) turn(a, k * size + p, k * size + q, cosine, sine);
  for (let k = 0; k < size; k++) turn(a, p * size + k, q * size + k, cosine, sine);
  for (let k = 0; k < size; k++) turn(v, k * size + p, k * size + q, cosine, sine);
}

function turn(values: Float64Array, one: number, other: number, cosine: number, sine: number): void {
  const [first, second] = [values[one]!, values[other]!];
  values[one] = cosine * first - sine * second;
  values[other] = sine * first + cosine * second;
}

function offDiagonal(a: Float64Array, size: number): number {
  let largest = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) largest = Math.max(largest, Math.abs(a[i * size + j]!));
  }
  return largest;
}
