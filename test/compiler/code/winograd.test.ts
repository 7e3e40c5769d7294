// Winograd's algorithm as machine code, filters' transforms and all, beside a direct convolution in float64.
import { describe, expect, it } from "vitest";
import type { InstructionSet } from "../../../src/compiler/code/instruction-set.js";
import { panelsOf } from "../../../src/compiler/code/instruction-set.js";
import {
  FILTER_SCRATCH_BYTES,
  filterToPanel,
  flippedPanel,
  sumsToFilter,
} from "../../../src/compiler/code/winograd-filters.js";
import { winogradGradient } from "../../../src/compiler/code/winograd-gradient.js";
import type { WinogradSizes } from "../../../src/compiler/code/winograd-tiles.js";
import { FREQUENCIES, geometryOf } from "../../../src/compiler/code/winograd-tiles.js";
import { winograd } from "../../../src/compiler/code/winograd.js";
import { noise, runCode, sets } from "../../engines/wasm/code/code-memory.js";
import { convolve, farthest, filterGradient, inputGradient } from "./reference.js";

const MAPS = [
  { images: 2, height: 8, width: 8, depth: 16, columns: 16 },
  { images: 1, height: 32, width: 20, depth: 8, columns: 24 },
  { images: 3, height: 6, width: 6, depth: 32, columns: 64 },
  { images: 4, height: 3, width: 3, depth: 40, columns: 48 },
  { images: 1, height: 23, width: 9, depth: 16, columns: 8 },
  { images: 2, height: 1, width: 1, depth: 24, columns: 56 },
];
const named = MAPS.map(
  (map) => [`${map.images}×${map.height}×${map.width}, ${map.depth} → ${map.columns} channels`, map] as const,
);
const window = { size: 3, stride: 1, padding: 1 };
/** Of sums of so many products: float32's rounding, and what the transforms make of it. */
const tolerance = (count: number): number => 3e-6 * Math.sqrt(count);

describe.each(sets)("Winograd's algorithm with %s", (set) => {
  it.each(named)("convolves %s", (_, map) => {
    const { images, height, width, depth, columns } = map;
    const pixels = images * height * width;
    const [input, filter] = [noise(pixels * depth, 1), noise(9 * depth * columns, 2)];
    const [bias, residual] = [noise(columns, 3), noise(pixels * columns, 4)];
    const plain = convolve({ ...map, ...window }, input, filter);
    for (const options of [{}, { bias: true }, { bias: true, residual: true, relu: true }, { residual: true }]) {
      const wanted = plain.map((value, i) => {
        const sum = value + ("bias" in options ? bias[i % columns]! : 0) + ("residual" in options ? residual[i]! : 0);
        return "relu" in options ? Math.max(0, sum) : sum;
      });
      const found = convolved(set, { ...map, ...options }, input, transformed(set, map, filter), bias, residual);
      expect(farthest(found, wanted)).toBeLessThan(tolerance(9 * depth));
    }
  });

  it.each(named)("gives the input's gradient by a flipped filter, of %s", (_, map) => {
    const { images, height, width, depth, columns } = map;
    const [gradient, filter] = [noise(images * height * width * columns, 5), noise(9 * depth * columns, 6)];
    const back = { ...map, depth: columns, columns: depth };
    const found = convolved(
      set,
      back,
      gradient,
      transformed(set, back, filter, true),
      new Float32Array(8),
      new Float32Array(8),
    );
    expect(farthest(found, inputGradient({ ...map, ...window }, gradient, filter))).toBeLessThan(
      tolerance(9 * columns),
    );
  });

  it.each(named)("gives the filter's gradient of %s, in two slots", (_, map) => {
    const { images, height, width, depth, columns } = map;
    const pixels = images * height * width;
    const [input, gradient] = [noise(2 * pixels * depth, 7), noise(2 * pixels * columns, 8)];
    const geometry = geometryOf(set, map);
    const slotFloats = (FREQUENCIES * geometry.filterFrequency) / 4;
    const slots = new Float32Array(2 * slotFloats);
    for (let slot = 0; slot < 2; slot++) {
      const part = <T extends Float32Array>(all: T, channels: number) =>
        all.slice(slot * pixels * channels, (slot + 1) * pixels * channels);
      // Added once to nothing, and once to what is there already: twice in all
      let sums: Float32Array = new Float32Array(slotFloats).fill(NaN);
      for (const clears of [true, false]) {
        [, sums] = runCode(winogradGradient(set, map, clears), [
          part(input, depth),
          sums,
          part(gradient, columns),
          scratch(geometry.scratchBytes),
        ]) as [never, Float32Array];
      }
      slots.set(sums, slot * slotFloats);
    }
    const code = sumsToFilter(set, map, { slots: 2, values: depth * columns });
    const [, found] = runCode(code, [slots, new Float32Array(9 * depth * columns), scratch(FILTER_SCRATCH_BYTES)]) as [
      never,
      Float32Array,
    ];
    const wanted = filterGradient({ ...map, images: 2 * images, ...window }, input, gradient).map((value) => 2 * value);
    expect(farthest(found, wanted)).toBeLessThan(2 * tolerance(2 * pixels));
  });
});

it.runIf(sets.length === 2)("has the same bits with AVX2 and AVX-512", () => {
  const map = { images: 2, height: 9, width: 13, depth: 24, columns: 40 };
  const [input, filter] = [noise(2 * 9 * 13 * 24, 9), noise(9 * 24 * 40, 10)];
  const [one, other] = sets.map((set) =>
    convolved(set, map, input, transformed(set, map, filter), new Float32Array(8), new Float32Array(8)),
  );
  expect(one).toEqual(other);
});

function convolved(
  set: InstructionSet,
  sizes: WinogradSizes,
  input: Float32Array,
  filter: Float32Array,
  bias: Float32Array,
  residual: Float32Array,
): Float32Array {
  const { images, height, width, columns } = sizes;
  const output = new Float32Array(images * height * width * columns).fill(NaN);
  return runCode(winograd(set, sizes), [
    input,
    filter,
    output,
    scratch(geometryOf(set, sizes).scratchBytes),
    bias,
    residual,
  ])[2]!;
}

/** A filter [tap][depth][columns] as the products read it; with `flips`, [tap][columns][depth] on the way back. */
function transformed(set: InstructionSet, sizes: WinogradSizes, filter: Float32Array, flips = false): Float32Array {
  const { depth, columns } = sizes;
  const { filterFrequency } = geometryOf(set, sizes);
  const result = new Float32Array((FREQUENCIES * filterFrequency) / 4).fill(NaN);
  for (const { count, ...panel } of panelsOf(set, columns)) {
    for (let n = 0; n < count; n++) {
      const column = panel.column + n * panel.columns;
      const [from, strides] = flips
        ? [
            flipped(filter, column, { inLanes: columns, outLanes: depth, columns: panel.columns }),
            { row: panel.columns * 4, tap: depth * panel.columns * 4 },
          ]
        : [filter.slice(column), { row: columns * 4, tap: depth * columns * 4 }];
      const padded = Float32Array.from({ length: from.length + 32 }, (_, i) => from[i] ?? 0);
      const part = result.slice(column * depth);
      result.set(
        runCode(filterToPanel(set, sizes, panel, strides), [padded, part, scratch(FILTER_SCRATCH_BYTES)])[1]!,
        column * depth,
      );
    }
  }
  return result;
}

function flipped(
  filter: Float32Array,
  channel: number,
  sizes: { inLanes: number; outLanes: number; columns: number },
): Float32Array {
  const panel = new Float32Array(9 * sizes.outLanes * sizes.columns).fill(NaN);
  return runCode(flippedPanel({ taps: 9, ...sizes }), [filter.slice(channel * sizes.outLanes), panel])[1]!;
}

function scratch(bytes: number): Float32Array {
  return new Float32Array(bytes / 4).fill(NaN);
}
