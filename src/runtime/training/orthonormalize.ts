// Vectors → the orthonormal ones that the QR decomposition with a positive diagonal has: Gram and Schmidt's process, modified,
// and done again where a vector lost most of itself (Giraud, Langou, Rozloznik 2005: twice is enough).

/** In place, in order; the vectors are linearly independent and none is longer than it has dimensions. */
export function orthonormalize(vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, index) => {
    for (let before = Infinity, after = lengthOf(vector); after < before / 2;) {
      before = after;
      for (let earlier = 0; earlier < index; earlier++) removePart(vector, vectors[earlier]!);
      after = lengthOf(vector);
    }
    const scale = 1 / lengthOf(vector);
    for (let at = 0; at < vector.length; at++) vector[at]! *= scale;
  });
}

/** Takes the part along `unit` out of the vector. */
function removePart(vector: Float64Array, unit: Float64Array): void {
  let part = 0;
  for (let at = 0; at < vector.length; at++) part += vector[at]! * unit[at]!;
  for (let at = 0; at < vector.length; at++) vector[at]! -= part * unit[at]!;
}

function lengthOf(vector: Float64Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}
