// Products of matrices as machine code, beside float64.
import { describe, expect, it } from "vitest";
import { placeInPanels } from "../../../src/compiler/code/instruction-set.js";
import { product, stridedProduct, stridedScratchBytes } from "../../../src/compiler/code/product.js";
import { noise, runCode, sets } from "../../engines/wasm/code/code-memory.js";

const SIZES = [
  [1, 8, 1],
  [3, 8, 5],
  [5, 16, 16],
  [13, 24, 17],
  [29, 40, 9],
  [31, 32, 145],
  [64, 56, 33],
  [100, 88, 300],
] as const;

describe.each(sets)("a product with %s", (set) => {
  it.each(SIZES)("of %d rows, %d columns and a depth of %d is float64's to rounding", (rows, columns, depth) => {
    const [a, b, c] = [noise(rows * depth, 1), noise(depth * columns, 2), noise(rows * columns, 3)];
    const packed = packPanels(set, b, depth, columns);
    for (const adds of [false, true]) {
      const [, , found] = runCode(product(set, { rows, columns, depth, adds }), [a, packed, c]) as [
        never,
        never,
        Float32Array,
      ];
      expect(farthest(found, expected(a, b, adds ? c : undefined, rows, columns, depth))).toBeLessThan(
        1e-6 * Math.sqrt(depth) + 1e-7,
      );
    }
  });

  it("reads a transposed factor, and rows where the other is no panels", () => {
    const [rows, columns, depth] = [24, 40, 70];
    const [a, b] = [noise(rows * depth, 4), noise(depth * columns, 5)];
    const turned = Float32Array.from(a, (_, i) => a[(i % rows) * depth + Math.floor(i / rows)]!);
    const sizes = { rows, columns, depth, aRow: 4, aDepth: rows * 4, bRow: columns * 4 };
    const [, , found] = runCode(product(set, sizes), [turned, b, new Float32Array(rows * columns)]) as [
      never,
      never,
      Float32Array,
    ];
    expect(farthest(found, expected(a, b, undefined, rows, columns, depth))).toBeLessThan(1e-6 * Math.sqrt(depth));
  });
});

describe.each(sets)("a product of matrices as they lie with %s", (set) => {
  it.each([
    [false, false, 13, 24, 40],
    [true, false, 64, 56, 150],
    [false, true, 30, 40, 33],
    [true, true, 7, 88, 9],
  ])(
    "left transposed: %s, right: %s, %d rows, %d columns, depth %d",
    (leftTransposed, rightTransposed, rows, columns, depth) => {
      const [a, b, c] = [noise(rows * depth, 8), noise(depth * columns, 9), noise(rows * (columns + 3), 10)];
      // Rows lie farther apart than they are long
      const laid = (
        values: Float32Array,
        height: number,
        width: number,
        transposed: boolean,
      ): [Float32Array, number] => {
        const [outer, inner] = transposed ? [width, height] : [height, width];
        const row = inner + 5;
        const all = new Float32Array(outer * row).fill(NaN);
        values.forEach((value, i) => {
          const [y, x] = [Math.floor(i / width), i % width];
          all[transposed ? x * row + y : y * row + x] = value;
        });
        return [all, row];
      };
      const [left, leftRow] = laid(a, rows, depth, leftTransposed);
      const [right, rightRow] = laid(b, depth, columns, rightTransposed);
      for (const adds of [false, true]) {
        const sizes = {
          rows,
          columns,
          depth,
          adds,
          leftTransposed,
          rightTransposed,
          leftRow,
          rightRow,
          resultRow: columns + 3,
        };
        const scratch = new Float32Array(stridedScratchBytes(set, sizes) / 4).fill(NaN);
        const found = runCode(stridedProduct(set, sizes), [left, right, c, scratch])[2]!;
        const inRows = (values: Float32Array) =>
          Float32Array.from(
            { length: rows * columns },
            (_, i) => values[Math.floor(i / columns) * (columns + 3) + (i % columns)]!,
          );
        const wanted = expected(a, b, adds ? inRows(c) : undefined, rows, columns, depth);
        expect(farthest(inRows(found), wanted)).toBeLessThan(1e-6 * Math.sqrt(depth) + 1e-7);
      }
    },
  );
});

it.runIf(sets.length === 2)("has the same bits with AVX2 and AVX-512", () => {
  const [rows, columns, depth] = [37, 56, 301];
  const [a, b] = [noise(rows * depth, 6), noise(depth * columns, 7)];
  const [one, other] = sets.map((set) =>
    runCode(product(set, { rows, columns, depth }), [
      a,
      packPanels(set, b, depth, columns),
      new Float32Array(rows * columns),
    ]),
  );
  expect(one![2]).toEqual(other![2]);
});

function packPanels(set: (typeof sets)[number], b: Float32Array, depth: number, columns: number): Float32Array {
  const packed = new Float32Array(b.length);
  b.forEach((value, i) => (packed[placeInPanels(set, depth, columns, Math.floor(i / columns), i % columns)] = value));
  return packed;
}

function expected(
  a: Float32Array,
  b: Float32Array,
  c: Float32Array | undefined,
  rows: number,
  columns: number,
  depth: number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = c?.[i * columns + j] ?? 0;
      for (let k = 0; k < depth; k++) sum += a[i * depth + k]! * b[k * columns + j]!;
      result[i * columns + j] = sum;
    }
  }
  return result;
}

function farthest(found: Float32Array, wanted: Float64Array): number {
  return found.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - wanted[i]!) || (Number.isNaN(value) ? Infinity : 0)),
    0,
  );
}
