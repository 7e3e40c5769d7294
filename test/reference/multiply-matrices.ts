// What the kernels ask of a native library: a product of matrices in the heap, here by plain loops.
import type { ProductOperands } from "../../src/compiler/lower/kernels/kernel-provider.js";

export function multiplyIn(memory: WebAssembly.Memory) {
  return (
    ...[transposed, rows, columns, depth, left, leftRow, right, rightRow, adds, result, resultRow]: ProductOperands
  ): void => {
    const heap = new Float32Array(memory.buffer);
    const at = (address: number, row: number, column: number, stride: number, isTransposed: boolean): number =>
      (address >>> 2) + (isTransposed ? column * stride + row : row * stride + column);
    const [leftTransposed, rightTransposed] = [(transposed & 1) !== 0, (transposed & 2) !== 0];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const to = at(result, row, column, resultRow, false);
        let sum = adds ? heap[to]! : 0;
        for (let k = 0; k < depth; k++) {
          const from = heap[at(left, row, k, leftRow, leftTransposed)]!;
          sum += from * heap[at(right, k, column, rightRow, rightTransposed)]!;
        }
        heap[to] = sum;
      }
    }
  };
}
