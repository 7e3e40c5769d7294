// The strip of rows of tiles that lies between Winograd's two one-dimensional transforms.
import { splat } from "../simd";

/** Bytes of a row of a run of tiles between its two one-dimensional transforms: 66 pixels of four channels, and 64 bytes more. */
export const STRIP_ROW: usize = 1120;

/** Zeros a column of six values that lies outside the map. */
// @ts-ignore: decorator
@inline
export function clearColumn(at: usize): void {
  const zero = splat(0);
  v128.store(at, zero); v128.store(at, zero, STRIP_ROW); v128.store(at, zero, 2 * STRIP_ROW);
  v128.store(at, zero, 3 * STRIP_ROW); v128.store(at, zero, 4 * STRIP_ROW); v128.store(at, zero, 5 * STRIP_ROW);
}
