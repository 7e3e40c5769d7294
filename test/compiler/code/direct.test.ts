// Direct convolutions and their gradients as machine code, beside float64: windows, strides and paddings of every kind.
import { describe, expect, it } from "vitest";
import { filterGradient } from "../../../src/compiler/code/direct-gradient.js";
import type { DirectSizes } from "../../../src/compiler/code/direct.js";
import { convolution, inputGradient } from "../../../src/compiler/code/direct.js";
import type { InstructionSet } from "../../../src/compiler/code/instruction-set.js";
import { placeInPanels } from "../../../src/compiler/code/instruction-set.js";
import { noise, runCode, sets } from "../../engines/wasm/code/code-memory.js";
import type { Convolution } from "./reference.js";
import {
  convolve,
  farthest,
  filterGradient as expectedFilterGradient,
  inputGradient as expectedInputGradient,
  outputSides,
} from "./reference.js";

const CONVOLUTIONS: readonly Convolution[] = [
  { images: 2, height: 8, width: 8, depth: 16, columns: 32, size: 3, stride: 2, padding: 1 },
  { images: 1, height: 9, width: 7, depth: 8, columns: 24, size: 3, stride: 1, padding: 1 },
  { images: 2, height: 8, width: 6, depth: 16, columns: 40, size: 1, stride: 2, padding: 0 },
  { images: 1, height: 10, width: 33, depth: 4, columns: 16, size: 3, stride: 1, padding: 1 },
  { images: 1, height: 23, width: 18, depth: 4, columns: 64, size: 7, stride: 2, padding: 3 },
  { images: 3, height: 5, width: 5, depth: 48, columns: 8, size: 5, stride: 1, padding: 2 },
  { images: 2, height: 6, width: 7, depth: 24, columns: 16, size: 2, stride: 1, padding: 0 },
  { images: 1, height: 11, width: 8, depth: 8, columns: 56, size: 3, stride: 3, padding: 0 },
  { images: 2, height: 3, width: 3, depth: 32, columns: 16, size: 3, stride: 2, padding: 1 },
  { images: 1, height: 1, width: 1, depth: 40, columns: 24, size: 3, stride: 1, padding: 1 },
];
const named = CONVOLUTIONS.map((one) => {
  const { images, height, width, depth, columns, size, stride, padding } = one;
  return [
    `${size}×${size}/${stride} pad ${padding}, ${depth} → ${columns} at ${images}×${height}×${width}`,
    one,
  ] as const;
});
/** Float32's rounding over sums of so many products. */
const tolerance = (count: number): number => 1e-6 * Math.sqrt(count) + 1e-7;

describe.each(sets)("direct convolutions with %s", (set) => {
  it.each(named)("convolve: %s", (_, one) => {
    const sizes = sizesOf(one);
    const { images, depth, columns, size } = one;
    const pixels = images * sizes.outHeight * sizes.outWidth;
    const [input, filter, bias, residual] = [
      noise(images * one.height * one.width * depth, 1),
      noise(size ** 2 * depth * columns, 2),
      noise(columns, 3),
      noise(pixels * columns, 4),
    ];
    const plain = convolve(one, input, filter);
    const packed = inPanels(set, filter, columns);
    for (const options of [{}, { bias: true }, { bias: true, residual: true, relu: true }, { residual: true }]) {
      const wanted = plain.map((value, i) => {
        const sum = value + ("bias" in options ? bias[i % columns]! : 0) + ("residual" in options ? residual[i]! : 0);
        return "relu" in options ? Math.max(0, sum) : sum;
      });
      const output = new Float32Array(pixels * columns).fill(NaN);
      const found = runCode(convolution(set, { ...sizes, ...options }), [input, packed, output, bias, residual])[2]!;
      expect(farthest(found, wanted)).toBeLessThan(tolerance(size ** 2 * depth));
    }
  });

  it.each(named.filter(([, { depth }]) => depth % 8 === 0))("give the input's gradient: %s", (_, one) => {
    const sizes = sizesOf(one);
    const { images, height, width, depth, columns, size } = one;
    const [gradient, filter] = [
      noise(images * sizes.outHeight * sizes.outWidth * columns, 5),
      noise(size ** 2 * depth * columns, 6),
    ];
    const before = noise(images * height * width * depth, 7);
    const packed = inPanels(set, flipped(filter, one), depth);
    const wanted = expectedInputGradient(one, gradient, filter);
    const empty = new Float32Array(before.length).fill(NaN);
    const found = runCode(inputGradient(set, sizes), [gradient, packed, empty])[2]!;
    expect(farthest(found, wanted)).toBeLessThan(tolerance(size ** 2 * columns));
    const added = runCode(inputGradient(set, { ...sizes, residual: true }), [gradient, packed, empty, 0, before])[2]!;
    expect(
      farthest(
        added,
        wanted.map((value, i) => value + before[i]!),
      ),
    ).toBeLessThan(tolerance(size ** 2 * columns));
  });

  it.each(named)("give the filter's gradient: %s", (_, one) => {
    const sizes = sizesOf(one);
    const { images, height, width, depth, columns, size } = one;
    const pixels = images * sizes.outHeight * sizes.outWidth;
    const [input, gradient] = [noise(images * height * width * depth, 8), noise(pixels * columns, 9)];
    const before = noise(size ** 2 * depth * columns, 10);
    const found = runCode(filterGradient(set, sizes), [input, gradient, before])[2]!;
    const wanted = expectedFilterGradient(one, input, gradient).map((value, i) => value + before[i]!);
    expect(farthest(found, wanted)).toBeLessThan(tolerance(pixels));
  });

  it("leave out a lane that is no channel", () => {
    const one = CONVOLUTIONS[3]!;
    const sizes = { ...sizesOf(one), channels: 3 };
    const input = noise(one.height * one.width * 4, 11).map((value, i) => (i % 4 === 3 ? 0 : value));
    const filter = noise(9 * 4 * one.columns, 12);
    const output = new Float32Array(one.height * one.width * one.columns);
    const found = runCode(convolution(set, sizes), [input, inPanels(set, filter, one.columns), output])[2]!;
    expect(farthest(found, convolve(one, input, filter))).toBeLessThan(tolerance(27));
  });
});

it.runIf(sets.length === 2)("has the same bits with AVX2 and AVX-512", () => {
  const one = CONVOLUTIONS[0]!;
  const sizes = sizesOf(one);
  const [input, filter, gradient] = [noise(2 * 64 * 16, 13), noise(9 * 16 * 32, 14), noise(2 * 16 * 32, 15)];
  const [some, others] = sets.map((set) => [
    runCode(convolution(set, sizes), [input, inPanels(set, filter, 32), new Float32Array(2 * 16 * 32)])[2],
    runCode(inputGradient(set, sizes), [
      gradient,
      inPanels(set, flipped(filter, one), 16),
      new Float32Array(2 * 64 * 16),
    ])[2],
    runCode(filterGradient(set, sizes), [input, gradient, new Float32Array(9 * 16 * 32)])[2],
  ]);
  expect(some).toEqual(others);
});

function sizesOf(one: Convolution): DirectSizes {
  const { images, height, width, depth, columns, size, stride, padding } = one;
  const [outHeight, outWidth] = outputSides(one);
  return {
    images,
    height,
    width,
    depth,
    columns,
    outHeight,
    outWidth,
    window: [size, size],
    stride: [stride, stride],
    padding: { top: padding, left: padding },
  };
}

/** [row][columns] → panels. */
function inPanels(set: InstructionSet, filter: Float32Array, columns: number): Float32Array {
  const packed = new Float32Array(filter.length);
  const rows = filter.length / columns;
  filter.forEach(
    (value, i) => (packed[placeInPanels(set, rows, columns, Math.floor(i / columns), i % columns)] = value),
  );
  return packed;
}

/** [tap][depth][columns] → [flipped tap][columns][depth]. */
function flipped(filter: Float32Array, { depth, columns, size }: Convolution): Float32Array {
  return Float32Array.from(filter, (_, i) => {
    const [k, n, tap] = [i % depth, Math.floor(i / depth) % columns, Math.floor(i / (depth * columns))];
    return filter[((size ** 2 - 1 - tap) * depth + k) * columns + n]!;
  });
}
