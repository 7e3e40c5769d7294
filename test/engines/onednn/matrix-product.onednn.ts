// oneDNN's products of matrices in every layout, against plain loops in float64.
import { describe, expect, it } from "vitest";
import { streams, symmetric } from "../../oracle/counter-random.js";
import { oneDnn } from "./one-dnn.js";

const { abi } = oneDnn;
const [rows, columns, depth] = [37, 48, 29];
/** The result's rows lie further apart than they are long: what is between them must stay. */
const RESULT_STRIDE = columns + 16;
const BETWEEN = 7;

/** float32 sums of 29 products of numbers that bfloat16 has exactly. */
const TOLERANCE = 1e-6;

for (const type of oneDnn.bfloat16 ? (["float32", "bfloat16"] as const) : (["float32"] as const)) {
  describe(`of ${type} matrices`, () => {
    for (const [left, right, adds] of [
      ["by rows", "by rows", false],
      ["by columns", "by rows", false],
      ["by rows", "by columns", false],
      ["by columns", "by rows", true],
    ] as const) {
      it(`the left one ${left}, the right one ${right}${adds ? ", added to what is there" : ""}`, () => {
        const a = matrix(rows, depth, 1, left === "by columns");
        const b = matrix(depth, columns, 2, right === "by columns");
        const result = new Float32Array(new ArrayBuffer(rows * RESULT_STRIDE * 4)).fill(BETWEEN);
        const stored = [a, b].map(({ values }) => (type === "float32" ? values : halves(values)));
        const [from, and] = [abi.addressOf(stored[0]!), abi.addressOf(stored[1]!)];
        abi.multiply(
          { rows, columns, depth },
          [from, { stride: a.stride, transposed: left === "by columns" }],
          [and, { stride: b.stride, transposed: right === "by columns" }],
          [abi.addressOf(result), RESULT_STRIDE],
          adds,
          type,
        );

        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < RESULT_STRIDE; column++) {
            const found = result[row * RESULT_STRIDE + column]!;
            if (column >= columns) expect(found).toBe(BETWEEN);
            else expect(Math.abs(found - wanted(row, column))).toBeLessThan(TOLERANCE * BETWEEN);
          }
        }

        function wanted(row: number, column: number): number {
          let sum = adds ? BETWEEN : 0;
          for (let at = 0; at < depth; at++) sum += a.at(row, at) * b.at(at, column);
          return sum;
        }
      });
    }
  });
}

function matrix(rows: number, columns: number, stream: number, transposed: boolean) {
  const stride = (transposed ? rows : columns) + 3;
  const values = new Float32Array(new ArrayBuffer((transposed ? columns : rows) * stride * 4));
  values.set(symmetric(1, streams.operand + stream, values.length));
  new Uint32Array(values.buffer).forEach((bits, index, all) => (all[index] = bits & 0xffff0000));
  const at = (row: number, column: number) => values[transposed ? column * stride + row : row * stride + column]!;
  return { values, stride, at };
}

function halves(values: Float32Array): Uint16Array {
  const result = new Uint16Array(new ArrayBuffer(values.length * 2));
  return (result.set(Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16)), result);
}
